//! What is tried again, by itself and by an operator, once a code says that the message did not arrive.

use chrono::TimeDelta;
use proptest::prelude::{Just, Strategy, prop_assert_eq, proptest};

use super::{accepted, after, at, person, policy, rejected, reported, stamped};
use crate::domain::blast::BlastState;
use crate::domain::recipient::{
    Applied, ApplyContext, Evidence, Mark, ProviderError, ProviderStage, Quoted, Recipient, StampedEvidence, Undone,
    apply,
};
use crate::domain::retry::{AutomaticRetry, ErrorClass};
use crate::domain::status::Status;

#[test]
fn not_now_fails_and_an_operator_may_try_again_a_day_later() {
    let refused = after(&person(Status::Sending), &stamped(1, 5, rejected(ErrorClass::NotNow)));
    assert_eq!(refused.status(), Status::Failed, "not by itself");

    let error =
        Some(ProviderError { code: "131049".into(), message: "healthy ecosystem".into(), class: ErrorClass::NotNow });
    let failed = Evidence::Provider { stage: ProviderStage::Failed, word: "failed".into(), c2s_at: None, error };
    let failed = after(&person(Status::Sent), &stamped(1, 5, failed));
    let retry = stamped(1, 9, Evidence::Manual(Mark::Retry));

    assert!(matches!(apply(&failed, &retry, &policy()), Applied::Refused(_)), "sooner than a day");
    let next_day = ApplyContext { now: at(5) + TimeDelta::hours(24), ..policy() };
    let Applied::Changed(queued) = apply(&failed, &retry, &next_day) else { panic!("not queued") };
    assert_eq!(queued.status(), Status::Queued);
    let late = after(&queued, &stamped(1, 20, reported(ProviderStage::Delivered)));
    assert_eq!(late.status(), Status::Delivered, "it arrived after all: they are not sent to again");
}

/// A policy under which a failure with such a code is tried again after four hours, three times in all.
fn hours_apart() -> ApplyContext {
    ApplyContext { automatic: Some(AutomaticRetry { tries: 3, after: TimeDelta::hours(4) }), ..policy() }
}

fn undeliverable() -> Evidence {
    let error = ProviderError { code: "131026".into(), message: "gone".into(), class: ErrorClass::FailRecipient };
    Evidence::Provider { stage: ProviderStage::Failed, word: "failed".into(), c2s_at: None, error: Some(error) }
}

fn changed(before: &Recipient, news: &StampedEvidence, policy: &ApplyContext) -> Recipient {
    match apply(before, news, policy) {
        Applied::Changed(after) => *after,
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_fails_late_and_is_kept_from_another_try_stays_failed_with_the_reason() {
    let kept = ApplyContext { no_retry: Some("not now"), ..hours_apart() };
    let failure = stamped(1, 5, undeliverable());

    let failed = changed(&person(Status::Sent), &failure, &kept);
    let last = changed(&Recipient { tries: 2, ..person(Status::Sent) }, &failure, &kept);

    assert_eq!((failed.status(), failed.reason.as_deref()), (Status::Failed, Some("not now")));
    assert_eq!((last.status(), last.reason), (Status::Failed, None), "they would not have been tried again");
    assert_eq!(changed(&person(Status::Sent), &failure, &hours_apart()).status(), Status::Queued);
}

#[test]
fn who_is_tried_again_by_themselves_is_queued_hours_later_and_fails_at_the_third_time() {
    let refused = stamped(1, 5, rejected(ErrorClass::FailRecipient));

    let once = changed(&person(Status::Sending), &refused, &hours_apart());
    let last = changed(&Recipient { tries: 2, ..person(Status::Sending) }, &refused, &hours_apart());

    assert_eq!((once.status(), once.tries), (Status::Queued, 1));
    assert_eq!(once.next_attempt_at, at(1_000) + TimeDelta::hours(4));
    assert_eq!(last.status(), Status::Failed);
    let cancelled = ApplyContext { blast: BlastState::Cancelled, ..hours_apart() };
    assert_eq!(changed(&person(Status::Sending), &refused, &cancelled).status(), Status::Failed);
}

/// Limits, steps and replies go by when somebody was sent to.
#[test]
fn whoever_a_message_reached_after_all_was_sent_to_when_it_was_claimed() {
    let sent = after(&person(Status::Sending), &stamped(1, 5, accepted("A")));
    let again = changed(&sent, &stamped(1, 9, undeliverable()), &hours_apart());
    assert_eq!((again.status(), again.sent_at), (Status::Queued, None));

    for stage in [ProviderStage::Delivered, ProviderStage::Read] {
        let reached = changed(&again, &stamped(1, 12, reported(stage)), &hours_apart());
        assert_eq!(reached.sent_at, Some(at(0)), "{stage:?}");
        // The acceptance that was not read yet says it better.
        let early = after(&person(Status::Sending), &stamped(1, 12, reported(stage)));
        assert_eq!(early.sent_at, Some(at(0)));
        assert_eq!(after(&early, &stamped(1, 5, accepted("A"))).sent_at, Some(at(5)));
    }
    let quoted = stamped(1, 12, Evidence::Reply { quoted: Quoted::Yes });
    let answered = changed(&again, &quoted, &hours_apart());
    assert_eq!((answered.status(), answered.sent_at), (Status::Replied, Some(at(0))));
    assert_eq!(after(&answered, &quoted), answered);
}

#[test]
fn a_failure_after_the_acceptance_is_tried_again_and_late_news_of_that_message_lifts_nobody() {
    let sent = after(&person(Status::Sending), &stamped(1, 5, accepted("A")));

    let queued = changed(&sent, &stamped(1, 9, undeliverable()), &hours_apart());

    assert_eq!((queued.status(), queued.sent_at, queued.failed_attempt), (Status::Queued, None, Some(1)));
    assert_eq!(apply(&queued, &stamped(1, 10, reported(ProviderStage::Sent)), &policy()), Applied::Nothing);
    let again = Recipient { attempt: 2, delivery_status: Status::Uncertain, ..queued.clone() };
    assert_eq!(apply(&again, &stamped(1, 10, reported(ProviderStage::Sent)), &policy()), Applied::Nothing);
    assert_eq!(apply(&again, &stamped(1, 10, undeliverable()), &hours_apart()), Applied::Nothing, "once");
    let arrived = after(&queued, &stamped(1, 11, reported(ProviderStage::Delivered)));
    assert_eq!(arrived.status(), Status::Delivered, "it arrived after all: they are not sent to again");
    let second = after(&again, &stamped(2, 20, accepted("B")));
    assert_eq!((second.status(), second.sent_at), (Status::Sent, Some(at(20))));
}

#[test]
fn whoever_wrote_back_or_opted_out_is_not_tried_again() {
    for before in [
        Recipient { replied_marked_at: Some(at(6)), ..person(Status::Sent) },
        Recipient { opted_out_at: Some(at(6)), ..person(Status::Sent) },
    ] {
        let failed = changed(&before, &stamped(1, 9, undeliverable()), &hours_apart());
        assert_eq!(failed.delivery_status, Status::Failed);
    }
}

#[test]
fn a_template_that_was_paused_after_the_acceptance_is_retried_by_an_operator_at_once_and_a_wrong_one_never() {
    let failed = |code: &str| {
        let error = ProviderError { code: code.into(), message: "paused".into(), class: ErrorClass::PauseBlast };
        let evidence = Evidence::Provider {
            stage: ProviderStage::Failed,
            word: "failed".into(),
            c2s_at: None,
            error: Some(error),
        };
        after(&person(Status::Sent), &stamped(1, 5, evidence))
    };
    let retry = stamped(1, 9, Evidence::Manual(Mark::Retry));

    let queued = after(&failed("132015"), &retry);

    assert_eq!((queued.status(), queued.provider_status.as_deref()), (Status::Queued, None));
    assert!(matches!(apply(&failed("132016"), &retry, &policy()), Applied::Refused(_)));
    let wrong = Recipient { error_code: Some("100".into()), ..person(Status::Failed) };
    assert!(matches!(apply(&wrong, &retry, &policy()), Applied::Refused(why) if why.contains("new blast")));
}

proptest! {
    #[test]
    fn whether_somebody_is_tried_again_does_not_depend_on_the_order_of_news_of_the_first_message(
        news in Just(vec![
            stamped(1, 3, reported(ProviderStage::Sent)),
            stamped(1, 4, undeliverable()),
            stamped(1, 4, undeliverable()),
            stamped(1, 3, reported(ProviderStage::Sent)),
        ]).prop_shuffle(),
    ) {
        let after = |person: Recipient, news: &StampedEvidence| match apply(&person, news, &hours_apart()) {
            Applied::Changed(after) => *after,
            _ => person,
        };
        let end = news.iter().fold(person(Status::Sent), after);
        prop_assert_eq!((end.status(), end.tries, end.sent_at), (Status::Queued, 1, None));
    }
}

#[test]
fn whoever_had_opted_out_and_was_posted_to_before_a_restore_is_uncertain_once_that_is_lifted() {
    let out = Recipient {
        opted_out_at: Some(at(3)),
        failed_attempt: Some(1),
        delivery_status: Status::OptedOut,
        ..person(Status::OptedOut)
    };
    let lifted = stamped(1, 9, Evidence::Undo(Undone::OptOut));

    let unknown = after(&out, &lifted);
    let failed = after(&Recipient { failed_at: Some(at(4)), error_code: Some("131026".into()), ..out }, &lifted);

    assert_eq!((unknown.status(), unknown.failed_attempt), (Status::Uncertain, None));
    assert_eq!(failed.status(), Status::Failed);
}
