use std::collections::HashSet;

use super::*;

fn post_log() -> PostLog {
    PostLog::new(Population { seed: 7, speed: 1.0 }, 99)
}

fn arrival(phone: &str) -> IncomingSend<'_> {
    IncomingSend {
        kind: SendKind::Gateway,
        phone,
        device: "5850",
        content_type: "application/json",
        token: TokenCheck::Right,
        body: "{}",
    }
}

fn take(post_log: &mut PostLog, at: SimTime, phone: u64) -> Accepted {
    let decision = Decision { answered: Answered::Ok, acceptance: SimAcceptance::Generated };
    post_log
        .record(Circumstances { now: at, rates: &FaultRates::default() }, arrival(&phone.to_string()), decision)
        .unwrap()
}

#[test]
fn ids_are_22_capitals_and_digits_start_with_3eb0_are_never_hex_and_never_repeat() {
    let mut post_log = post_log();

    let ids: HashSet<_> =
        (0..20_000).map(|n| take(&mut post_log, SimTime::ZERO, 60_100_000_000 + n % 5_000).id).collect();

    assert_eq!(ids.len(), 20_000);
    for id in ids {
        assert!(id.len() == 22 && id.starts_with("3EB0"), "{id}");
        assert!(id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()), "{id}");
        assert!(!id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }
}

#[test]
fn another_run_gives_other_ids_to_the_same_people() {
    let message = NthMessage { phone: 60_100_000_000, nth: 1, channel: Channel::Gateway };

    assert_ne!(message_id(1, message), message_id(2, message));
}

#[test]
fn a_message_is_found_by_its_device_and_id_only() {
    let mut post_log = post_log();
    let id = take(&mut post_log, SimTime::ZERO, 60_100_000_001).id;

    assert!(post_log.find("5850", &id).is_some());
    assert!(post_log.find("5851", &id).is_none());
    assert!(post_log.find("5850", &id.to_lowercase()).is_none());
}

#[test]
fn what_is_not_taken_is_written_down_and_changes_no_fate() {
    let mut post_log = post_log();
    let refused = Decision { answered: Answered::Error, acceptance: SimAcceptance::Not };

    assert_eq!(
        post_log.record(
            Circumstances { now: SimTime::ZERO, rates: &FaultRates::default() },
            arrival("60100000001"),
            refused
        ),
        None
    );
    let accepted = take(&mut post_log, SimTime::ZERO, 60_100_000_001);

    assert_eq!((post_log.len(), post_log.accepted()), (2, 1));
    assert_eq!(accepted.message.nth, 1);
}

#[test]
fn it_is_settled_exactly_when_the_last_event_is_past() {
    let mut post_log = post_log();
    let at = SimTime::from_secs(100);
    let accepted: Vec<_> = (0..50).map(|n| take(&mut post_log, at, 60_100_000_000 + n)).collect();
    let last = accepted.iter().filter_map(|accepted| post_log.population.fate(accepted.message).last_event()).max();

    let end = at + last.unwrap();

    assert!(!post_log.settled(end.saturating_sub(Duration::from_nanos(1))));
    assert!(post_log.settled(end));
}

#[test]
fn replies_come_in_the_order_of_their_times_and_keep_their_numbers() {
    let mut post_log = post_log();
    for n in 0..2_000 {
        take(&mut post_log, SimTime::from_millis(n), 60_100_000_000 + n);
    }
    let reply_time = |post: &LoggedPost| {
        let accepted = post.accepted.as_ref().unwrap();
        accepted.at + Population { seed: 7, speed: 1.0 }.fate(accepted.message).reply().unwrap().after
    };

    let half = SimTime::from_secs(600);
    let early: Vec<_> = post_log.replies(half, 0).map(|(seq, post)| (seq, reply_time(post))).collect();
    let all: Vec<_> =
        post_log.replies(SimTime::from_secs(9_000), 0).map(|(seq, post)| (seq, reply_time(post))).collect();
    let rest: Vec<_> = post_log.replies(SimTime::from_secs(9_000), early.len()).map(|(seq, _)| seq).collect();

    assert!(early.len() > 10 && early.iter().all(|(_, at)| *at <= half));
    assert_eq!(early, all[..early.len()]);
    assert!(all.is_sorted_by_key(|(_, at)| *at));
    assert!(all.iter().map(|(seq, _)| *seq).eq(1..=all.len()));
    assert_eq!(rest.first(), Some(&(early.len() + 1)));
}
