use chrono::{DateTime, TimeDelta, Utc};

use super::{FenceRefusal, require_as_remembered};
use crate::engine::lease_watch::Seen;
use crate::engine::machine_memory::{Remembered, Standing};
use crate::store::fence::{DatabaseIdentity, Incarnation, SenderFacts};
use crate::store::lease::LeaseCounters;

fn likeness(timeline: i64) -> DatabaseIdentity {
    DatabaseIdentity { system_identifier: "72".to_owned(), database_oid: 5, timeline }
}

fn started_at() -> DateTime<Utc> {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

/// A database that has sent, on its first timeline.
fn facts() -> SenderFacts {
    SenderFacts {
        incarnation: Incarnation { server_started_at: started_at(), people_table: 1 },
        sent_from: Some(likeness(1)),
        registered_table: 1,
        has_sent: true,
        is_launched_elsewhere: false,
        epoch: 3,
        renewals: 10,
        is_stopped: false,
        newest_recipient: 100,
    }
}

fn remembered(timeline: i64, epoch: i64, renewals: i64) -> Remembered {
    let server_started_at = Some(started_at());
    Remembered {
        standing: Standing { likeness: likeness(timeline), epoch, renewals, server_started_at },
        witnesses: Vec::new(),
    }
}

fn seen(renewals: i64, was_alive: bool) -> Seen {
    Seen { furthest: LeaseCounters { epoch: 3, renewals }, alive_on: was_alive.then(started_at) }
}

#[test]
fn a_database_as_it_is_remembered_may_send() {
    assert!(require_as_remembered(&facts(), &likeness(1), Some(&remembered(1, 3, 10)), None).is_ok());
    assert!(
        require_as_remembered(&facts(), &likeness(1), Some(&remembered(1, 2, 9)), None).is_ok(),
        "others sent since"
    );
}

#[test]
fn one_that_counts_less_than_is_remembered_or_was_seen_went_back_in_time() {
    for (remembered, seen) in [
        (Some(remembered(1, 3, 11)), None),
        (Some(remembered(1, 4, 10)), None),
        (Some(remembered(1, 3, 10)), Some(seen(11, false))),
        (None, Some(seen(11, true))),
    ] {
        let refused = require_as_remembered(&facts(), &likeness(1), remembered.as_ref(), seen);
        assert!(matches!(refused, Err(FenceRefusal::BackInTime(_))), "{remembered:?} {seen:?}: {refused:?}");
    }
}

#[test]
fn tables_that_were_put_back_in_place_are_asked_about_though_they_count_as_they_did() {
    let restored = SenderFacts { registered_table: 2, ..facts() };
    let unsent = SenderFacts { sent_from: None, has_sent: false, ..restored.clone() };

    for (facts, remembered, seen) in [
        (&restored, None, Some(seen(10, true))),
        (&restored, Some(remembered(1, 3, 10)), None),
        (&restored, Some(remembered(1, 2, 5)), Some(seen(10, true))),
        (&unsent, None, None),
    ] {
        let refused = require_as_remembered(facts, &likeness(1), remembered.as_ref(), seen);
        assert!(matches!(refused, Err(FenceRefusal::OtherDatabase)), "{remembered:?} {seen:?}: {refused:?}");
    }
}

#[test]
fn a_machine_whose_record_is_older_than_another_ones_grant_asks_after_a_restart_of_the_server() {
    let incarnation = Incarnation { server_started_at: started_at() + TimeDelta::seconds(60), people_table: 1 };
    let restarted = SenderFacts { incarnation, ..facts() };
    let alive = Seen { alive_on: Some(incarnation.server_started_at), ..seen(10, true) };
    let noted_before = |mut remembered: Remembered| {
        remembered.standing.server_started_at = None;
        remembered
    };
    let asks = |facts: &SenderFacts, remembered: Remembered, seen| {
        let refused = require_as_remembered(facts, &likeness(1), Some(&remembered), seen);
        matches!(refused, Err(FenceRefusal::OldRecord))
    };

    assert!(asks(&restarted, remembered(1, 2, 9), None), "another machine was granted it since");
    assert!(asks(&restarted, remembered(1, 2, 9), Some(seen(10, true))), "it was seen alive on the server of before");
    assert!(asks(&facts(), noted_before(remembered(1, 2, 9)), None), "an earlier version noted no start");
    for (is_no_news, facts, remembered, seen) in [
        ("it was seen alive on this one", &restarted, remembered(1, 2, 9), Some(alive)),
        ("this machine was the last", &restarted, remembered(1, 3, 10), None),
        ("its last renewal was not noted", &restarted, remembered(1, 3, 9), None),
        ("it was moved since", &restarted, remembered(1, 2, 10), None),
        ("the server is the same", &facts(), remembered(1, 2, 9), None),
        ("an earlier version noted no start", &facts(), noted_before(remembered(1, 3, 10)), None),
    ] {
        assert!(!asks(facts, remembered, seen), "{is_no_news}");
    }
}

#[test]
fn a_holder_that_lived_before_the_server_was_started_speaks_for_nothing_after() {
    let incarnation = Incarnation { server_started_at: started_at() + TimeDelta::seconds(60), people_table: 1 };
    let restarted = SenderFacts { incarnation, ..facts() };

    let refused = require_as_remembered(&restarted, &likeness(1), None, Some(seen(10, true)));
    assert!(matches!(refused, Err(FenceRefusal::NoRecord)), "{refused:?}");
    assert!(require_as_remembered(&restarted, &likeness(1), Some(&remembered(1, 3, 10)), Some(seen(10, true))).is_ok());
}

#[test]
fn no_memory_is_a_reason_to_ask_only_where_something_was_sent_that_nobody_here_saw() {
    let fresh = SenderFacts { has_sent: false, sent_from: None, ..facts() };

    assert!(require_as_remembered(&fresh, &likeness(1), None, None).is_ok(), "a first start");
    assert!(
        require_as_remembered(&facts(), &likeness(1), None, Some(seen(10, true))).is_ok(),
        "a takeover from a live fleet"
    );
    for seen in [None, Some(seen(10, false))] {
        let refused = require_as_remembered(&facts(), &likeness(1), None, seen);
        assert!(matches!(refused, Err(FenceRefusal::NoRecord)), "{refused:?}");
    }
}

#[test]
fn no_memory_is_a_reason_to_ask_where_a_blast_was_launched_before_the_server_was_started() {
    let copy = SenderFacts { has_sent: false, sent_from: None, is_launched_elsewhere: true, ..facts() };

    let refused = require_as_remembered(&copy, &likeness(1), None, None);
    assert!(matches!(refused, Err(FenceRefusal::LaunchedElsewhere)), "{refused:?}");
    assert!(
        require_as_remembered(&copy, &likeness(1), None, Some(seen(10, true))).is_ok(),
        "a takeover from a live engine"
    );
    assert!(
        require_as_remembered(&copy, &likeness(1), Some(&remembered(1, 3, 10)), None).is_ok(),
        "the machine whose engine waited for it"
    );
}

#[test]
fn another_server_than_the_one_that_sent_is_asked_about_whoever_remembers_it() {
    let promoted = require_as_remembered(&facts(), &likeness(2), Some(&remembered(1, 3, 10)), None);
    assert!(matches!(promoted, Err(FenceRefusal::OtherDatabase)), "{promoted:?}");

    let confirmed = SenderFacts { sent_from: Some(likeness(2)), ..facts() };
    let elsewhere = require_as_remembered(&confirmed, &likeness(2), Some(&remembered(1, 3, 10)), None);
    assert!(elsewhere.is_ok(), "confirmed on another machine: {elsewhere:?}");

    let earlier = require_as_remembered(&facts(), &likeness(1), Some(&remembered(2, 3, 10)), None);
    assert!(matches!(earlier, Err(FenceRefusal::OtherDatabase)), "a backup of the timeline before: {earlier:?}");
}
