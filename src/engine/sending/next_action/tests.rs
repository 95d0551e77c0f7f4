use super::*;
use crate::domain::pace::LimitColumns;

/// `hours`: by each person's own clock.
fn queue(hours: Option<&str>) -> BlastQueue {
    let limits = LimitColumns { hours: hours.map(|hours| Ok(hours.parse().unwrap())), ..LimitColumns::default() };
    let source = RunnableBlast {
        id: BlastId(1),
        message: "Hi {name}".to_owned(),
        template: None,
        content_key: 1,
        limits,
        send_after: None,
        provider_hold_until: None,
        provider_hold_why: None,
        is_due: false,
        window_local: hours.is_some(),
        is_answer: false,
        first_left: None,
    };
    BlastQueue::unseeded(source, &Limits::none(chrono_tz::UTC), (0, Utc::now()))
}

#[test]
fn a_blast_whose_claim_was_refused_says_so_until_one_has_passed_also_while_one_is_tried() {
    let (mut queue, now) = (queue(None), Utc::now());
    assert_eq!(queue.refusal(), None);
    queue.refused = Some(ClaimPause { until: now + REFUSED_FOR, why: "row 7".to_owned() });

    let refusal = Some(Waiting::Unreadable { why: "row 7".to_owned() });
    queue.look(now, Pace::Go);
    assert_eq!(
        (queue.hold.as_ref().and_then(|hold| hold.waiting.clone()), queue.refusal()),
        (refusal.clone(), refusal.clone())
    );
    queue.look(now + REFUSED_FOR, Pace::Go);
    assert_eq!((queue.hold.is_none(), queue.refusal()), (true, refusal), "it is tried again");
}

#[test]
fn a_blast_with_hours_by_everyones_own_clock_goes_on_once_they_are_open_for_the_first_of_them() {
    let mut queue = queue(Some("09:00-21:00"));
    let midnight: DateTime<Utc> = "2026-11-20T16:00:00Z".parse().unwrap();
    assert_eq!(queue.goes_on_at(midnight), midnight, "whose zones they are is not known yet");

    queue.people_zones = PeopleZones::of(vec![chrono_tz::Asia::Kuala_Lumpur, chrono_tz::Asia::Yangon], true);

    assert_eq!(queue.goes_on_at(midnight), "2026-11-21T01:00:00Z".parse::<DateTime<Utc>>().unwrap());
    let open = "2026-11-20T13:30:00Z".parse().unwrap();
    assert_eq!(queue.goes_on_at(open), open, "by the clocks of Yangon it is eight");
    assert_eq!(queue.hours().as_deref(), Some("09:00-21:00 daily by everyone's own clock"));

    // Of so many people not everybody was looked at.
    queue.people_zones = PeopleZones::of(vec![chrono_tz::Europe::Berlin], false);
    let morning = "2026-11-21T01:30:00Z".parse().unwrap();
    assert_eq!(queue.goes_on_at(morning), morning, "somebody else's hours may be open");
}

#[test]
fn what_refused_a_claim_is_not_said_while_hours_hold_the_blast_in_which_it_may_be_fixed() {
    let mut queue = queue(Some("09:00-21:00"));
    queue.limits.window = queue.people_window.take();
    let closed: DateTime<Utc> = "2026-11-20T21:00:01Z".parse().unwrap();
    queue.refused = Some(ClaimPause { until: closed + TimeDelta::seconds(5), why: "row 7".to_owned() });
    let is_said = |queue: &BlastQueue, pace: Option<&Waiting>, now| queue.standing_refusal(pace, now).is_some();

    queue.look(closed, Pace::Go);
    assert!(is_said(&queue, None, closed));
    let later = closed + TimeDelta::seconds(5);
    queue.look(later, Pace::Go);
    assert!(!is_said(&queue, None, later));
    assert!(matches!(queue.hold.as_ref().and_then(|hold| hold.waiting.as_ref()), Some(Waiting::Window { .. })));

    // It is tried, and nobody knows yet what comes of it.
    let open = "2026-11-21T09:00:01Z".parse().unwrap();
    queue.look(open, Pace::Go);
    assert!(is_said(&queue, None, open));
    assert!(!is_said(&queue, Some(&Waiting::DailyCap { cap: 7, until: open, hours: None }), open));
}
