use super::{
    TWO_PLACES, as_kept, as_text, check_places, in_currency, is_currency, parse, parse_with_currency, places,
    text_as_kept, text_as_text,
};

#[test]
fn an_amount_is_read_as_people_write_it() {
    for (text, amount) in [
        ("50", "50"),
        ("120.50", "120.50"),
        ("1,200.50", "1200.50"),
        ("1,234,567", "1234567"),
        ("1200.5", "1200.5"),
        ("49,90", "49.90"),
        ("1200,50", "1200.50"),
        ("120.", "120"),
        (".50", "0.50"),
        ("0", "0"),
        (" 7 ", "7"),
    ] {
        assert_eq!(parse(text, "MYR").unwrap().to_string(), amount, "{text}");
    }
}

#[test]
fn what_could_mean_two_amounts_or_none_is_refused() {
    let wrong = [
        "",
        ".",
        ",",
        "12,5",
        ",50",
        "1,200,50",
        "1.200,50",
        "1,2000",
        "1,,200",
        ",200",
        "1.234",
        "1.2.3",
        "-1",
        "1e5",
        "12a",
        "10000000000",
        "۵",
    ];
    for text in wrong.into_iter().chain(["9".repeat(300).as_str()]) {
        assert!(parse(text, "MYR").is_err(), "{text}");
    }
}

#[test]
fn an_amount_may_stand_beside_its_own_currency_and_beside_no_other() {
    for (text, currency, amount) in [
        ("RM 120", "MYR", "120"),
        ("rm120", "MYR", "120"),
        ("120 RM", "MYR", "120"),
        ("MYR 1,200.50", "MYR", "1200.50"),
        ("120myr", "MYR", "120"),
        ("S$ 5", "SGD", "5"),
        ("300 JPY", "JPY", "300"),
        ("120", "", "120"),
    ] {
        assert_eq!(parse_with_currency(text, currency).unwrap().to_string(), amount, "{text}");
    }
    let said = |text: &str| parse_with_currency(text, "MYR").unwrap_err().to_string();
    for text in ["SGD 120", "120 usd", "$120", "120€", "US$ 5", "RM 120 SGD"] {
        assert_eq!(said(text), format!("`{text}`: amounts are in RM: write the number alone"));
    }
    for text in ["35k", "twelve", "RM", "120 ringgit", "RM 12,5"] {
        assert!(said(text).contains(" is not an amount: write it as 120, 120.50 or 1,200.50"), "{}", said(text));
    }
}

#[test]
fn an_amount_that_is_written_in_another_way_is_refused_with_the_way_it_is_written_here() {
    let said = |text: &str| parse(text, "MYR").unwrap_err().hint();
    for (text, mended) in [
        ("1.200,50", "1,200.50"),
        ("1.234.567,00", "1,234,567.00"),
        ("1 200", "1,200"),
        ("1 200.50", "1,200.50"),
        ("1'200", "1,200"),
    ] {
        assert_eq!(said(text), format!("write it as {mended}"), "{text}");
    }
    for text in ["1 20", "1.20,5", "1.2.3", "12,5", "1.20,50"] {
        assert_eq!(said(text), "write it as 120, 120.50 or 1,200.50", "{text}");
    }
    assert_eq!([said("-50"), said("\u{2212}50")], ["an amount is 0 or more"; 2]);
    assert_eq!(said("99999999999"), "too large: write an amount below 10,000,000,000");
    assert_eq!(said("1.200"), "write it with at most 2 decimal places");
    assert_eq!(parse("1.200,50", "JPY").unwrap_err().hint(), "write it as 120 or 1,200");
}

#[test]
fn an_amount_has_the_places_of_its_currency() {
    let said = |text: &str, currency: &str| parse(text, currency).unwrap_err().to_string();
    assert_eq!(said("100.50", "JPY"), "`100.50`: JPY has no decimal places: write it as 100 or 101");
    assert_eq!(said("x", "JPY"), "`x` is not an amount: write it as 120 or 1,200");
    assert_eq!(said("12,50", "JPY"), "`12,50` is not an amount: write it as 120 or 1,200");
    assert_eq!(said("1.999", "MYR"), "`1.999`: MYR has 2 decimal places: write it as 1.99 or 2.00");
    assert_eq!(said("1.999", "KWD"), "`1.999`: write it with at most 2 decimal places");
    assert_eq!(
        said("99999999999999999", "MYR"),
        "`99999999999999999` is too large: write an amount below 10,000,000,000"
    );
    assert_eq!(parse("100.00", "jpy").unwrap().to_string(), "100.00");
    for (amount, currency, fits) in
        [("1.255", "KWD", true), ("1.2555", "KWD", false), ("1.50", "MYR", true), ("1.505", "myr", false)]
    {
        assert_eq!(check_places(amount.parse().unwrap(), currency).is_ok(), fits, "{amount} {currency}");
    }
    let hint = |amount: &str, currency| check_places(amount.parse().unwrap(), currency).unwrap_err().to_string();
    assert_eq!(hint("2.505", "MYR"), "MYR has 2 decimal places: write it as 2.50 or 2.51");
    assert_eq!(hint("2.5012", "MYR"), "MYR has 2 decimal places: write it as 2.50 or 2.51");
    assert_eq!(hint("0.30009", "kwd"), "KWD has 3 decimal places: write it as 0.300 or 0.301");
}

#[test]
fn an_amount_is_shown_with_its_currency_and_the_places_of_that() {
    for (amount, currency, shown) in [
        ("5", "MYR", "RM 5.00"),
        ("19.9", "MYR", "RM 19.90"),
        ("1240.5000", "MYR", "RM 1,240.50"),
        ("0.125", "MYR", "RM 0.125"),
        ("300.00", "JPY", "JPY 300"),
        ("1.25", "KWD", "KWD 1.250"),
        ("-2.5", "USD", "$ -2.50"),
        ("7", "", "7.00"),
    ] {
        assert_eq!(in_currency(amount.parse().unwrap(), currency), shown, "{amount} {currency}");
    }
}

#[test]
fn every_known_currency_is_listed_once() {
    assert!(TWO_PLACES.iter().all(|code| places(code) == 2 && is_currency(code)));
    assert!(is_currency("kwd") && is_currency("JPY") && !is_currency("XXY") && !is_currency(""));
    assert!(TWO_PLACES.windows(2).all(|pair| pair[0] < pair[1]));
}

#[test]
fn a_program_reads_an_amount_with_the_places_of_its_currency_at_least() {
    for (amount, currency, text) in [
        ("0", Some("MYR"), "0.00"),
        ("12.5", Some("myr"), "12.50"),
        ("1.250", Some("MYR"), "1.250"),
        ("0", Some("KWD"), "0.000"),
        ("0", Some("JPY"), "0"),
        ("1500", Some("JPY"), "1500"),
        ("12.5", None, "12.5"),
        ("0.124999999999999999999", Some("MYR"), "0.124999999999999999999"),
    ] {
        assert_eq!(as_text(amount.parse().unwrap(), currency), text, "{amount} {currency:?}");
        assert_eq!(text_as_text(amount.to_owned(), currency), text, "{amount} {currency:?}");
    }
    for (amount, text) in [("0", "0.00"), ("99.9", "99.90"), ("1240.00", "1240.00")] {
        assert_eq!(as_kept(amount.parse().unwrap()), text);
        assert_eq!(text_as_kept(amount.to_owned()), text);
    }
    assert_eq!(text_as_text("two".to_owned(), Some("MYR")), "two");
}
