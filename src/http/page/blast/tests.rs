use chrono::Utc;

use super::{Audience, BlastPage};
use crate::app::view::{BlastView, Estimate, RepliedHour};
use crate::domain::blast::BlastState;
use crate::domain::funnel::Counts;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::pace::LimitColumns;
use crate::domain::waiting::Waiting;

fn blast(opted_out_later: i64) -> BlastView {
    let date = chrono::DateTime::UNIX_EPOCH;
    BlastView {
        id: BlastId(2),
        tag: "Raya".to_owned(),
        follow_up_stage: "Initial".to_owned(),
        state: BlastState::Completed,
        version: 1,
        sender_id: SenderId(1),
        sender: "sales".to_owned(),
        rehearsal: false,
        total_recipients: 3,
        counts: Counts::default(),
        opted_out_later,
        template: None,
        message: "Salam".to_owned(),
        limits: LimitColumns::default(),
        send_after: None,
        armed_at: None,
        asks_after: None,
        scheduled_for: None,
        scheduled_local: None,
        state_reason: None,
        state_by: None,
        waiting: None,
        nobody_due: None,
        mend: None,
        estimate: Estimate::default(),
        blast_date: date,
        launched_at: None,
        completed_at: None,
        created_at: date,
        external_id: None,
        description: None,
        follows: None,
        unfinished: None,
        first: crate::domain::blast::FirstPeople::default(),
        origin: crate::domain::blast::BlastOrigin::default(),
        retry_next_day: false,
        updated_at: date,
        unasked: crate::app::view::Total::Exactly(0),
    }
}

#[test]
fn a_reply_in_the_clock_hour_of_the_launch_a_day_later_has_a_column() {
    let launched = chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::minutes(9 * 60 + 40);
    let blast = BlastView { launched_at: Some(launched), ..blast(0) };
    for (hour, column) in [(9, 0), (32, 23), (33, 23), (60, 23)] {
        let replied = RepliedHour { hour: chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hour), people: 1 };

        let page = BlastPage::new(&blast, (&[replied], &[]), (chrono_tz::UTC, "MYR"));

        let values = page.values();
        assert!(values.text["peak"].starts_with("Most at "), "{hour}: {}", values.text["peak"]);
        assert!(values.column[column] > 0.0, "{hour}: {:?}", values.column);
    }
}

#[test]
fn one_person_who_stops_at_a_stage_is_one() {
    for (read, words) in [(1, "1 has not replied"), (25, "25 have not replied")] {
        let blast = BlastView { counts: Counts { read, ..Counts::default() }, ..blast(0) };
        let text = &BlastPage::new(&blast, (&[], &[]), (chrono_tz::UTC, "MYR")).values.text;
        let most = format!("Most people stop at Read: {words}.");
        assert_eq!((&*text["read_stuck"], &*text["most"]), (words, &*most));
    }
}

#[test]
fn a_blast_that_repeats_says_so_and_where_the_numbers_of_its_times_are() {
    let at = chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(9);
    let mut blast =
        BlastView { state: BlastState::Scheduled, send_after: Some(at), scheduled_for: Some(at), ..blast(0) };
    blast.origin.repeat.rule = Some("every mon 09:00".to_owned());
    for (state, seen, word, words) in [
        (BlastState::Scheduled, 0, "repeats", "Repeats, next 1 Jan 09:00. Each time gets a page of its own."),
        (
            BlastState::Scheduled,
            1,
            "repeats",
            "Repeats, next 1 Jan 09:00. What was sent at its times so far is on pages of their own.",
        ),
        (
            BlastState::Paused,
            1,
            "paused",
            "Paused by the shop. What was sent at its times so far is on pages of their own.",
        ),
        (
            BlastState::Completed,
            1,
            "over",
            "Repeated, and is over. What was sent at its times so far is on pages of their own.",
        ),
        (
            BlastState::Cancelled,
            1,
            "ended",
            "Ended by the shop. What was sent at its times so far is on pages of their own.",
        ),
        (BlastState::Cancelled, 0, "ended", "Ended by the shop. None of its times had come."),
    ] {
        (blast.state, blast.origin.repeat.seen, blast.counts.skipped) = (state, seen, 3);

        let page = BlastPage::new(&blast, (&[], &[]), (chrono_tz::UTC, "MYR"));

        for values in [page.values().clone(), page.values_for_strangers()] {
            assert_eq!((&*values.text["state"], &*values.text["note"]), (word, words));
            assert_eq!(&*values.text["skipped"], "0", "nobody in it was to get anything by itself");
        }
    }
}

#[test]
fn a_blast_whose_time_came_while_its_sender_is_stopped_waits_and_does_not_start_in_the_past() {
    let stopped = |at| {
        let (why, code) = ("Device is offline".to_owned(), "device".to_owned().into());
        let waiting = Some(Waiting::SenderStopped { why, sender: "sales".to_owned(), code, waits_for_token: false });
        BlastView { state: BlastState::Scheduled, send_after: Some(at), scheduled_for: Some(at), waiting, ..blast(0) }
    };
    let (came, comes) =
        (chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(9), Utc::now() + chrono::TimeDelta::days(1));
    for (at, word, words) in [
        (came, "waiting", "Was to start 1 Jan 09:00: something needs the shop's attention."),
        (comes, "scheduled", "Starts "),
    ] {
        let page = BlastPage::new(&stopped(at), (&[], &[]), (chrono_tz::UTC, "MYR"));

        for values in [page.values().clone(), page.values_for_strangers()] {
            assert_eq!(&*values.text["state"], word);
            assert!(values.text["note"].starts_with(words), "{}", values.text["note"]);
        }
    }
}

#[test]
fn whoever_opted_out_after_they_were_sent_to_is_on_the_page_and_in_its_updates() {
    for (later, words) in [(0, "0"), (1, "0 (+1 later)"), (1_240, "0 (+1,240 later)")] {
        let page = BlastPage::new(&blast(later), (&[], &[]), (chrono_tz::UTC, "MYR"));
        assert_eq!(
            (&*page.values().text["opted_out"], &*page.values_for_strangers().text["opted_out"]),
            (words, words)
        );
        for audience in [Audience::SignedIn, Audience::Stranger] {
            let html = page.render(audience);
            assert!(html.contains("<dt>Opted out</dt>") && html.contains(&format!(">{words}</dd>")), "{html}");
        }
    }
}
