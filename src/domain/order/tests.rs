use super::*;

fn item(quantity: &str, price: &str, currency: &str) -> OrderedItem {
    let of = |text: &str| text.parse().unwrap();
    OrderedItem {
        sku: "sku".to_owned(),
        catalogue: None,
        kept: None,
        quantity: of(quantity),
        price: Some(of(price)),
        currency: Some(currency.to_owned()),
    }
}

fn total(items: &[OrderedItem]) -> Result<String, Uncounted> {
    OrderTotal::of(items).map(|total| format!("{} {}", total.sum, total.currency))
}

#[test]
fn a_total_is_exact_to_the_last_digit() {
    assert_eq!(total(&[item("2", "19.99", "MYR"), item("1", "0.02", "myr")]).unwrap(), "40.00 MYR");
    assert_eq!(total(&[item("3", "0.3333333333", "KWD")]).unwrap(), "0.9999999999 KWD");
    assert_eq!(total(&[item("0.125", "8.008", "MYR")]).unwrap(), "1.001 MYR");
    assert_eq!(total(&[item("1", "0.0000", "MYR"), item("1", "248.10", "MYR")]).unwrap(), "248.10 MYR");
    let third = item("0.1234567890123456789", "0.1234567890123456789", "MYR");
    assert_eq!(total(&[third]), Err(Uncounted::TooLarge), "rather than rounded");
}

#[test]
fn what_is_not_one_amount_is_not_added_up() {
    assert_eq!(total(&[]), Err(Uncounted::Empty));
    assert_eq!(
        total(&[item("1", "1", "MYR"), item("1", "1", "USD")]),
        Err(Uncounted::MixedCurrencies("MYR".to_owned(), "USD".to_owned()))
    );
    assert!(matches!(total(&[item("-1", "1", "MYR")]), Err(Uncounted::Impossible(_))));
    assert!(matches!(total(&[item("0", "1", "MYR")]), Err(Uncounted::Impossible(_))));
    assert!(matches!(total(&[item("1", "-1", "MYR")]), Err(Uncounted::Impossible(_))));
    assert!(matches!(total(&[OrderedItem { price: None, ..item("1", "1", "MYR") }]), Err(Uncounted::Unpriced(_))));
    assert!(matches!(total(&[item("1", "1", " ")]), Err(Uncounted::WithoutCurrency(_))));
    let most = "79228162514264337593543950335";
    assert_eq!(total(&[item("2", most, "MYR")]), Err(Uncounted::TooLarge));
}

#[test]
fn revenue_is_rounded_once_and_only_in_its_own_currency() {
    let of = |items: &[OrderedItem]| OrderTotal::of(items).unwrap().revenue("MYR");
    assert_eq!(of(&[item("3", "0.375", "MYR")]).unwrap().to_string(), "1.13");
    assert_eq!(of(&[item("1", "12.5", "myr")]).unwrap().to_string(), "12.5");
    assert!(matches!(of(&[item("1", "1", "USD")]), Err(Uncounted::ForeignCurrency(..))));
    assert_eq!(of(&[item("1", "9999999999.995", "MYR")]), Err(Uncounted::TooLarge));
}

#[test]
fn an_order_goes_forward_and_a_cancelled_one_nowhere() {
    assert!(OrderState::New.may_become(OrderState::Paid));
    assert!(OrderState::Fulfilled.may_become(OrderState::Cancelled));
    assert!(!OrderState::Paid.may_become(OrderState::Confirmed));
    assert!(!OrderState::Cancelled.may_become(OrderState::New));
    for state in OrderState::ALL {
        assert!(!state.may_become(state) && OrderState::from_word(state.word()) == Some(state));
    }
}
