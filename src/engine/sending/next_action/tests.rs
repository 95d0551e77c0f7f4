use super::*;
use crate::domain::pace::LimitColumns;

fn queue() -> BlastQueue {
    let source = RunnableBlast {
        id: BlastId(1),
        message: "Hi {name}".to_owned(),
        template: None,
        content_key: 1,
        limits: LimitColumns::default(),
        send_after: None,
        provider_hold_until: None,
        provider_hold_why: None,
        is_due: false,
        window_local: false,
        is_answer: false,
        first_left: None,
    };
    BlastQueue::unseeded(source, &Limits::none(chrono_tz::UTC), (0, Utc::now()))
}

#[test]
fn a_blast_whose_claim_was_refused_says_so_until_one_has_passed_also_while_one_is_tried() {
    let (mut queue, now) = (queue(), Utc::now());
    assert_eq!(queue.refusal(), None);
    queue.refused = Some(ClaimPause { until: now + REFUSED_FOR, why: "row 7".to_owned() });

    let refusal = Some(Waiting::Unreadable { why: "row 7".to_owned() });
    queue.look(now, Pace::Go);
    assert_eq!((queue.hold.as_ref().and_then(|hold| hold.waiting.clone()), queue.refusal()), (refusal.clone(), refusal.clone()));
    queue.look(now + REFUSED_FOR, Pace::Go);
    assert_eq!((queue.hold.is_none(), queue.refusal()), (true, refusal), "it is tried again");
}
