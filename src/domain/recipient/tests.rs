use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::{
    Applied, ApplyContext, Evidence, Mark, ProviderError, ProviderStage, Quoted, Recipient, Resolution,
    StampedEvidence, Undone, apply,
};
use crate::domain::blast::BlastState;
use crate::domain::ids::{MessageId, RecipientId};
use crate::domain::retry::ErrorClass;
use crate::domain::status::Status;

mod properties;
mod retries;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
}

fn person(delivery_status: Status) -> Recipient {
    Recipient { delivery_status, ..Recipient::first_claimed(RecipientId(1), at(0), at(0)) }
}

fn policy() -> ApplyContext {
    ApplyContext {
        blast: BlastState::Sending,
        max_tries: 3,
        retry_after: TimeDelta::seconds(30),
        automatic: None,
        no_retry: None,
        not_now_after: TimeDelta::hours(24),
        resend_after: TimeDelta::minutes(5),
        now: at(1_000),
    }
}

fn stamped(attempt: i32, second: i64, evidence: Evidence) -> StampedEvidence {
    StampedEvidence { attempt, at: at(second), evidence }
}

fn accepted(id: &str) -> Evidence {
    Evidence::Accepted {
        message_id: MessageId::new(id),
        provider_status: Some("PENDING".into()),
        message_timestamp: None,
    }
}

fn reported(stage: ProviderStage) -> Evidence {
    let error = (stage == ProviderStage::Failed).then(|| ProviderError {
        code: "463".into(),
        message: "restricted".into(),
        class: ErrorClass::StopSender,
    });
    Evidence::Provider { stage, word: format!("{stage:?}"), c2s_at: None, error }
}

fn rejected(class: ErrorClass) -> Evidence {
    Evidence::Rejected { class, code: "x".into(), message: "refused".into() }
}

fn after(before: &Recipient, news: &StampedEvidence) -> Recipient {
    match apply(before, news, &policy()) {
        Applied::Changed(after) => *after,
        _ => before.clone(),
    }
}

fn after_all<'a>(before: &Recipient, news: impl IntoIterator<Item = &'a StampedEvidence>) -> Recipient {
    news.into_iter().fold(before.clone(), |person, news| after(&person, news))
}

#[test]
fn evidence_of_an_attempt_that_the_row_has_forgotten_keeps_its_number_from_being_used_again() {
    let forgotten = Recipient { attempt: 0, claimed_at: None, ..person(Status::Queued) };
    let unknown = || Evidence::Unknown { why: "cut off".into() };

    for (evidence, status) in [(accepted("A"), Status::Sent), (unknown(), Status::Uncertain)] {
        let now = after(&forgotten, &stamped(1, 5, evidence));
        assert_eq!((now.attempt, now.delivery_status), (1, status));
    }
    let later = Recipient { attempt: 2, ..person(Status::Queued) };
    assert_eq!(
        after(&later, &stamped(1, 5, unknown())).delivery_status,
        Status::Queued,
        "an older one says nothing of it"
    );
}

#[test]
fn whoever_is_uncertain_has_no_error_of_an_attempt_before() {
    let refused = Recipient {
        error_code: Some("connect".to_owned()),
        error_message: Some("no connection".to_owned()),
        ..person(Status::Sending)
    };

    let doubted = after(&refused, &stamped(1, 5, Evidence::Unknown { why: "no answer".into() }));

    assert_eq!((doubted.status(), doubted.error_code, doubted.error_message), (Status::Uncertain, None, None));
}

#[test]
fn an_accepted_message_is_sent() {
    let sent = after(&person(Status::Sending), &stamped(1, 5, accepted("A")));

    assert_eq!(sent.status(), Status::Sent);
    assert_eq!(sent.sent_at, Some(at(5)));
    assert_eq!(sent.message_id.unwrap().as_str(), "A");
}

#[test]
fn a_late_delivery_does_not_lower_a_read() {
    let read = after(&person(Status::Sent), &stamped(1, 9, reported(ProviderStage::Read)));

    let later = after(&read, &stamped(1, 10, reported(ProviderStage::Delivered)));

    assert_eq!(later.status(), Status::Read);
    assert_eq!(later.delivered_at, Some(at(10)));
    assert_eq!(later.provider_status, read.provider_status);
}

#[test]
fn a_failure_after_a_delivery_erases_nothing_and_a_delivery_after_a_failure_wins() {
    let delivered = after(&person(Status::Sent), &stamped(1, 9, reported(ProviderStage::Delivered)));
    let failed = after(&person(Status::Sent), &stamped(1, 9, reported(ProviderStage::Failed)));

    assert_eq!(after(&delivered, &stamped(1, 10, reported(ProviderStage::Failed))).status(), Status::Delivered);
    let revived = after(&failed, &stamped(1, 10, reported(ProviderStage::Delivered)));
    assert_eq!((revived.status(), revived.error_code), (Status::Delivered, None));
}

#[test]
fn a_stale_rejection_moves_nobody() {
    let second_attempt = Recipient { attempt: 2, ..person(Status::Sending) };

    let news = stamped(1, 9, rejected(ErrorClass::FailRecipient));

    assert_eq!(apply(&second_attempt, &news, &policy()), Applied::Nothing);
}

#[test]
fn a_late_acceptance_lifts_whoever_was_given_up() {
    for delivery_status in [Status::Queued, Status::Uncertain, Status::Skipped, Status::OptedOut] {
        let lifted = after(&person(delivery_status), &stamped(1, 9, accepted("A")));
        assert_eq!(lifted.status(), Status::Sent, "from {delivery_status}");
    }
    let refused_later = Recipient { attempt: 2, ..person(Status::Failed) };
    assert_eq!(after(&refused_later, &stamped(1, 9, accepted("A"))).status(), Status::Sent);
}

#[test]
fn an_unknown_outcome_is_uncertain_and_never_queued() {
    let doubted = after(&person(Status::Sending), &stamped(1, 9, Evidence::Unknown { why: "no answer".into() }));

    assert_eq!(doubted.status(), Status::Uncertain);
    assert_eq!(doubted.reason.as_deref(), Some("no answer"));
}

#[test]
fn a_refusal_is_tried_again_a_few_times_and_then_fails() {
    let mut victim = person(Status::Sending);
    for tries in 1..=3 {
        victim = after(&victim, &stamped(1, 9, rejected(ErrorClass::Retry)));
        assert_eq!((victim.delivery_status, victim.tries), (Status::Queued, tries));
        assert_eq!(victim.next_attempt_at, at(1_030));
        victim.delivery_status = Status::Sending;
    }

    let given_up = after(&victim, &stamped(1, 9, rejected(ErrorClass::Retry)));

    assert_eq!(given_up.status(), Status::Failed);
}

#[test]
fn a_requeue_in_a_cancelled_blast_is_a_skip() {
    let cancelled = ApplyContext { blast: BlastState::Cancelled, ..policy() };

    for evidence in
        [Evidence::Released { not_before: None }, rejected(ErrorClass::Retry), rejected(ErrorClass::StopSender)]
    {
        let Applied::Changed(left_out) = apply(&person(Status::Sending), &stamped(1, 9, evidence), &cancelled) else {
            panic!("nothing changed");
        };
        assert_eq!(left_out.status(), Status::Skipped);
    }
}

#[test]
fn whoever_is_put_off_is_queued_for_later_with_the_reason_until_the_next_attempt() {
    for why in [super::TOO_RECENTLY, super::OUT_OF_HOURS] {
        let not_before = Some(super::NotBefore { at: at(600), why });

        let held = after(&person(Status::Sending), &stamped(1, 9, Evidence::Released { not_before }));

        assert_eq!((held.status(), held.next_attempt_at, held.tries), (Status::Queued, at(600), 0));
        assert_eq!(held.reason.as_deref(), Some(why));
    }
    let given_back = after(&person(Status::Sending), &stamped(1, 9, Evidence::Released { not_before: None }));
    assert_eq!((given_back.next_attempt_at, given_back.reason), (person(Status::Sending).next_attempt_at, None));
}

#[test]
fn a_reply_without_a_quote_never_settles_an_uncertain_person() {
    let news = stamped(1, 9, Evidence::Reply { quoted: Quoted::No });

    assert_eq!(apply(&person(Status::Uncertain), &news, &policy()), Applied::Nothing);
    assert_eq!(after(&person(Status::Sent), &news).status(), Status::Replied);
    let quoting = stamped(1, 9, Evidence::Reply { quoted: Quoted::Yes });
    assert_eq!(after(&person(Status::Uncertain), &quoting).status(), Status::Replied);
}

#[test]
fn an_opt_out_after_acceptance_leaves_the_stage() {
    let read = after(&person(Status::Read), &stamped(1, 9, Evidence::OptOut));

    assert_eq!((read.status(), read.opted_out_at), (Status::Read, Some(at(9))));
    assert_eq!(after(&person(Status::Queued), &stamped(0, 9, Evidence::OptOut)).status(), Status::OptedOut);
}

#[test]
fn a_person_who_opts_out_in_flight_is_not_queued_again() {
    let opted = after(&person(Status::Sending), &stamped(1, 8, Evidence::OptOut));

    assert_eq!(after(&opted, &stamped(1, 9, Evidence::Released { not_before: None })).status(), Status::OptedOut);
}

#[test]
fn undoing_a_close_returns_to_the_reply_and_undoing_that_to_what_the_provider_said() {
    let read = person(Status::Read);
    let replied = after(&read, &stamped(1, 9, Evidence::Manual(Mark::Replied)));
    let closed = after(&replied, &stamped(1, 10, Evidence::Manual(Mark::Closed(Some(Decimal::from(120))))));
    assert_eq!((closed.status(), closed.amount), (Status::Closed, Some(Decimal::from(120))));

    let reopened = after(&closed, &stamped(1, 11, Evidence::Undo(Undone::Closed(None))));
    assert_eq!((reopened.status(), reopened.amount), (Status::Replied, None));

    assert_eq!(after(&reopened, &stamped(1, 12, Evidence::Undo(Undone::Replied))), read);
}

#[test]
fn evidence_that_came_while_marked_shows_after_the_undo() {
    let closed = after(&person(Status::Sent), &stamped(1, 9, Evidence::Manual(Mark::Closed(None))));
    let read = after(&closed, &stamped(1, 10, reported(ProviderStage::Read)));
    assert_eq!(read.status(), Status::Closed);

    assert_eq!(after(&read, &stamped(1, 11, Evidence::Undo(Undone::Closed(None)))).status(), Status::Read);
}

#[test]
fn a_mark_on_somebody_unreached_is_refused_with_the_reason() {
    for delivery_status in [Status::Queued, Status::Sending, Status::Uncertain, Status::Skipped, Status::OptedOut] {
        for mark in [Mark::Replied, Mark::Closed(None)] {
            let verdict = apply(&person(delivery_status), &stamped(1, 9, Evidence::Manual(mark)), &policy());
            assert!(matches!(verdict, Applied::Refused(_)), "{delivery_status}");
        }
    }
}

#[test]
fn sending_again_is_refused_while_an_answer_may_still_come() {
    let uncertain = person(Status::Uncertain);
    let resend = stamped(1, 9, Evidence::Manual(Mark::Resolve(Resolution::Resend)));
    let early = ApplyContext { now: at(299), ..policy() };

    assert!(matches!(apply(&uncertain, &resend, &early), Applied::Refused(_)));
    assert_eq!(after(&uncertain, &resend).status(), Status::Queued);
    let unmade = StampedEvidence { attempt: 2, ..resend.clone() };
    let none = apply(&uncertain, &unmade, &policy());
    assert!(matches!(none, Applied::Refused(why) if why == "no attempt 2 was made: their newest one is 1"));
    let stale = StampedEvidence { attempt: 0, ..resend };
    assert!(matches!(apply(&uncertain, &stale, &policy()), Applied::Refused(_)));
}

#[test]
fn how_long_sending_again_has_to_wait_is_said_in_seconds_below_a_minute() {
    let uncertain = person(Status::Uncertain);
    let resend = stamped(1, 9, Evidence::Manual(Mark::Resolve(Resolution::Resend)));
    let rehearsal = ApplyContext { resend_after: TimeDelta::seconds(15), ..policy() };
    let said = |policy: ApplyContext| match apply(&uncertain, &resend, &policy) {
        Applied::Refused(why) => why.rsplit(" in ").next().unwrap_or_default().to_owned(),
        _ => String::new(),
    };

    assert_eq!(said(ApplyContext { now: at(3), ..rehearsal }), "12 seconds");
    assert_eq!(said(ApplyContext { now: at(14), ..rehearsal }), "1 second");
    assert_eq!(said(ApplyContext { now: at(0), ..policy() }), "5 minutes");
    assert_eq!(said(ApplyContext { now: at(239), ..policy() }), "2 minutes");
    assert_eq!(said(ApplyContext { now: at(240), ..policy() }), "1 minute");
    assert_eq!(said(ApplyContext { now: at(241), ..policy() }), "59 seconds");
}

#[test]
fn each_answer_about_an_uncertain_person_can_be_taken_back() {
    for resolution in [Resolution::Sent, Resolution::Resend, Resolution::Drop] {
        let answered = after(&person(Status::Uncertain), &stamped(1, 9, Evidence::Manual(Mark::Resolve(resolution))));
        let back = after(&answered, &stamped(1, 10, Evidence::Undo(Undone::Resolve(resolution))));
        assert_eq!((back.status(), back.sent_at), (Status::Uncertain, None), "{resolution:?}");
    }
}

#[test]
fn only_who_never_had_it_is_tried_again() {
    let retry = stamped(1, 9, Evidence::Manual(Mark::Retry));
    let refused = after(&person(Status::Sending), &stamped(1, 5, rejected(ErrorClass::FailRecipient)));
    let taken_then_failed = after(&person(Status::Sent), &stamped(1, 5, reported(ProviderStage::Failed)));

    assert_eq!(after(&refused, &retry).status(), Status::Queued);
    assert!(matches!(apply(&taken_then_failed, &retry, &policy()), Applied::Refused(_)));
    assert!(matches!(apply(&person(Status::Read), &retry, &policy()), Applied::Refused(_)));
}

#[test]
fn an_opt_out_that_is_reported_after_the_acceptance_ends_outside_of_sent() {
    let error = ProviderError { code: "131050".into(), message: "stopped".into(), class: ErrorClass::OptOut };
    let refused =
        Evidence::Provider { stage: ProviderStage::Failed, word: "failed".into(), c2s_at: None, error: Some(error) };

    let opted = after(&person(Status::Sent), &stamped(1, 9, refused.clone()));

    assert_eq!((opted.status(), opted.opted_out_at, opted.failed_at), (Status::OptedOut, Some(at(9)), None));
    assert_eq!(opted.error_code.as_deref(), Some("131050"));
    let delivered = after(&opted, &stamped(1, 10, reported(ProviderStage::Delivered)));
    assert_eq!((delivered.status(), delivered.opted_out_at), (Status::Delivered, Some(at(9))), "who received it did");
    assert_eq!(apply(&person(Status::Delivered), &stamped(1, 9, refused), &policy()), Applied::Nothing);
    let taken_back = after(&opted, &stamped(1, 10, Evidence::Undo(Undone::OptOut)));
    assert_eq!(taken_back.status(), Status::Failed, "it is not sent again");
}

#[test]
fn taking_back_an_opt_out_queues_again_whoever_was_queued_while_the_blast_is_open() {
    let queued = person(Status::Queued);
    let opted = after(&queued, &stamped(0, 9, Evidence::Manual(Mark::OptOut)));
    let back = stamped(0, 10, Evidence::Undo(Undone::OptOut));
    let in_state = |blast| match apply(&opted, &back, &ApplyContext { blast, ..policy() }) {
        Applied::Changed(person) => person.status(),
        other => panic!("{other:?}"),
    };

    for blast in [BlastState::Draft, BlastState::Scheduled, BlastState::Sending, BlastState::Paused] {
        assert_eq!(in_state(blast), Status::Queued, "{blast}");
    }
}

#[test]
fn taking_back_an_opt_out_sends_nothing_that_lost_a_number() {
    let opted = after(&person(Status::Queued), &stamped(0, 9, Evidence::Manual(Mark::OptOut)));
    let back = stamped(0, 10, Evidence::Undo(Undone::OptOut));

    for blast in [BlastState::Draft, BlastState::Scheduled, BlastState::Sending, BlastState::Paused] {
        let lost = ApplyContext { blast, no_retry: Some("lost"), ..policy() };
        let Applied::Changed(person) = apply(&opted, &back, &lost) else { panic!("{blast}") };
        assert_eq!((person.status(), person.reason.as_deref()), (Status::Skipped, Some("lost")), "{blast}");
    }
}

#[test]
fn taking_back_an_opt_out_starts_no_message_in_a_blast_that_is_over() {
    let opted = after(&person(Status::Queued), &stamped(0, 9, Evidence::Manual(Mark::OptOut)));
    let back = stamped(0, 10, Evidence::Undo(Undone::OptOut));

    for blast in [BlastState::Completed, BlastState::Cancelled, BlastState::Failed] {
        let after = apply(&opted, &back, &ApplyContext { blast, ..policy() });
        assert!(matches!(&after, Applied::Changed(person) if person.status() == Status::Skipped), "{blast}: {after:?}");
    }
}
