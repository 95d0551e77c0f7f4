//! What holds of any evidence in any order.

use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::Index;

use super::{accepted, after, after_all, person, rejected, reported, stamped};
use crate::domain::recipient::{Evidence, Mark, ProviderStage, Quoted, Resolution, StampedEvidence};
use crate::domain::retry::ErrorClass;
use crate::domain::status::Status;

fn any_provider_evidence() -> impl Strategy<Value = StampedEvidence> {
    let evidence = prop_oneof![
        Just(accepted("A")),
        Just(reported(ProviderStage::Failed)),
        Just(reported(ProviderStage::Sent)),
        Just(reported(ProviderStage::Delivered)),
        Just(reported(ProviderStage::Read)),
        Just(Evidence::Reply { quoted: Quoted::Yes }),
    ];
    (0..100_i64, evidence).prop_map(|(second, evidence)| stamped(1, second, evidence))
}

fn any_evidence() -> impl Strategy<Value = StampedEvidence> {
    let class = prop_oneof![
        Just(ErrorClass::Retry),
        Just(ErrorClass::SlowSender),
        Just(ErrorClass::StopSender),
        Just(ErrorClass::FailRecipient),
        Just(ErrorClass::OptOut),
        Just(ErrorClass::NotNow)
    ];
    let other = prop_oneof![
        class.prop_map(rejected),
        Just(Evidence::Unknown { why: "?".into() }),
        Just(Evidence::Released { not_before: None }),
        Just(Evidence::OptOut),
        Just(Evidence::Reply { quoted: Quoted::No }),
        Just(Evidence::Manual(Mark::Replied)),
        Just(Evidence::Manual(Mark::Closed(None))),
        Just(Evidence::Manual(Mark::Resolve(Resolution::Drop))),
    ];
    prop_oneof![any_provider_evidence(), (0..3_i32, 0..100_i64, other).prop_map(|(a, s, e)| stamped(a, s, e))]
}

fn any_standing() -> impl Strategy<Value = Status> {
    any::<Index>().prop_map(|index| *index.get(&[Status::Sending, Status::Uncertain, Status::Sent]))
}

/// How far along somebody is, where going back would be a lie.
fn height(status: Status) -> u8 {
    match status {
        Status::Sent | Status::Failed => 1,
        Status::Delivered => 2,
        Status::Read => 3,
        Status::Replied => 4,
        Status::Closed => 5,
        _ => 0,
    }
}

proptest! {
    #[test]
    fn the_final_stage_does_not_depend_on_the_order_of_provider_news(
        start in any_standing(),
        (news, shuffled) in proptest::collection::vec(any_provider_evidence(), 0..8)
            .prop_flat_map(|news| (Just(news.clone()), Just(news).prop_shuffle())),
    ) {
        let (one, other) = (after_all(&person(start), &news), after_all(&person(start), &shuffled));
        prop_assert_eq!(one.status(), other.status());
        prop_assert_eq!(one.message_id, other.message_id);
        prop_assert_eq!(one.failed_attempt, other.failed_attempt);
    }

    #[test]
    fn the_same_news_twice_is_the_same_as_once(
        start in any_standing(), news in proptest::collection::vec(any_evidence(), 0..8), last in any_evidence(),
    ) {
        let once = after(&after_all(&person(start), &news), &last);
        prop_assert_eq!(&after(&once, &last), &once);
    }

    #[test]
    fn nothing_but_an_undo_lowers_a_stage(
        start in any_standing(), news in proptest::collection::vec(any_evidence(), 0..12),
    ) {
        let mut person = person(start);
        for news in &news {
            let next = after(&person, news);
            prop_assert!(height(next.status()) >= height(person.status()), "{:?}", news);
            person = next;
        }
    }
}
