use std::collections::HashSet;

use super::*;

fn ledger() -> Ledger {
    Ledger::new(Population { seed: 7, speed: 1.0 }, 99)
}

fn arrival(phone: &str) -> Arrival<'_> {
    Arrival { phone, device: "5850", content_type: "application/json", token: Token::Right, body: "{}" }
}

fn take(ledger: &mut Ledger, at: Moment, phone: u64) -> Accepted {
    let decision = Decision { answered: Answered::Ok, taking: Taking::Fresh };
    ledger.record(at, arrival(&phone.to_string()), decision).unwrap()
}

#[test]
fn ids_are_22_capitals_and_digits_start_with_3eb0_are_never_hex_and_never_repeat() {
    let mut ledger = ledger();

    let ids: HashSet<_> = (0..20_000).map(|n| take(&mut ledger, Moment::ZERO, 60_100_000_000 + n % 5_000).id).collect();

    assert_eq!(ids.len(), 20_000);
    for id in ids {
        assert!(id.len() == 22 && id.starts_with("3EB0"), "{id}");
        assert!(id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()), "{id}");
        assert!(!id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }
}

#[test]
fn another_run_gives_other_ids_to_the_same_people() {
    let parcel = Parcel { phone: 60_100_000_000, nth: 1 };

    assert_ne!(message_id(1, parcel), message_id(2, parcel));
}

#[test]
fn a_message_is_found_by_its_device_and_id_only() {
    let mut ledger = ledger();
    let id = take(&mut ledger, Moment::ZERO, 60_100_000_001).id;

    assert!(ledger.find("5850", &id).is_some());
    assert!(ledger.find("5851", &id).is_none());
    assert!(ledger.find("5850", &id.to_lowercase()).is_none());
}

#[test]
fn what_is_not_taken_is_written_down_and_changes_no_fate() {
    let mut ledger = ledger();
    let refused = Decision { answered: Answered::Error, taking: Taking::Not };

    assert_eq!(ledger.record(Moment::ZERO, arrival("60100000001"), refused), None);
    let accepted = take(&mut ledger, Moment::ZERO, 60_100_000_001);

    assert_eq!((ledger.len(), ledger.accepted()), (2, 1));
    assert_eq!(accepted.parcel.nth, 1);
}

#[test]
fn it_is_settled_exactly_when_the_last_event_is_past() {
    let mut ledger = ledger();
    let at = Moment::from_secs(100);
    let accepted: Vec<_> = (0..50).map(|n| take(&mut ledger, at, 60_100_000_000 + n)).collect();
    let last = accepted.iter().filter_map(|accepted| ledger.population.fate(accepted.parcel).last_event()).max();

    let end = at + last.unwrap();

    assert!(!ledger.settled(end.saturating_sub(Duration::from_nanos(1))));
    assert!(ledger.settled(end));
}

#[test]
fn replies_come_in_the_order_of_their_times_and_keep_their_numbers() {
    let mut ledger = ledger();
    for n in 0..2_000 {
        take(&mut ledger, Moment::from_millis(n), 60_100_000_000 + n);
    }
    let reply_time = |post: &Post| {
        let accepted = post.accepted.as_ref().unwrap();
        accepted.at + Population { seed: 7, speed: 1.0 }.fate(accepted.parcel).reply().unwrap().after
    };

    let half = Moment::from_secs(600);
    let early: Vec<_> = ledger.replies(half, 0).map(|(seq, post)| (seq, reply_time(post))).collect();
    let all: Vec<_> = ledger.replies(Moment::from_secs(9_000), 0).map(|(seq, post)| (seq, reply_time(post))).collect();
    let rest: Vec<_> = ledger.replies(Moment::from_secs(9_000), early.len()).map(|(seq, _)| seq).collect();

    assert!(early.len() > 10 && early.iter().all(|(_, at)| *at <= half));
    assert_eq!(early, all[..early.len()]);
    assert!(all.is_sorted_by_key(|(_, at)| *at));
    assert!(all.iter().map(|(seq, _)| *seq).eq(1..=all.len()));
    assert_eq!(rest.first(), Some(&(early.len() + 1)));
}
