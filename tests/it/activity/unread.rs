//! What an operator has not seen yet, and who else is here.

use blastdeck::domain::unseen::{SeenSpan, Unseen};
use blastdeck::store::presence::{self, Arrival};
use blastdeck::store::view::Total;
use blastdeck::store::view::activity::{self, ActivitySource};
use chrono::{TimeDelta, Utc};

use super::{at, run, scene};
use crate::support::database;

#[tokio::test]
async fn what_is_new_is_what_others_did_since_one_looked() {
    let scene = scene().await;
    let head = async |operator: &str, since: &str| {
        activity::head(&scene.pool, operator, Unseen::since(at(since))).await.unwrap()
    };

    let aina = head("aina", "2026-11-20T01:00:00Z").await;
    assert_eq!((aina.unread, aina.replies, aina.strangers, aina.notices), (Total::Exactly(8), 2, 1, 1));
    let stranger = aina.stranger.unwrap();
    assert_eq!((stranger.place.source, stranger.place.id), (ActivitySource::Reply, 2));
    assert_eq!((stranger.place.at, stranger.phone.unwrap().as_str()), (at("2026-11-20T02:01:00Z"), "+60199999999"));
    assert_eq!(head("aina", "2026-11-20T02:01:00Z").await.stranger, None, "it was seen");
    assert_eq!(aina.newest, Some(at("2026-11-20T02:07:00Z")));
    assert_eq!(
        head("ben", "2026-11-20T01:00:00Z").await.unread,
        Total::Exactly(5),
        "his own marks and pause are no news"
    );
    assert_eq!(head("aina", "2026-11-20T02:05:30Z").await.unread, Total::Exactly(2));
    assert_eq!(head("aina", "2026-11-20T02:07:00Z").await.unread, Total::Exactly(0));
}

#[tokio::test]
async fn what_was_passed_over_is_counted_with_what_came_since() {
    let scene = scene().await;
    let mut unseen = Unseen::since(at("2026-11-20T01:00:00Z"));
    unseen.show(SeenSpan { from: at("2026-11-20T02:02:00Z"), to: at("2026-11-20T02:05:00Z") });

    let head = activity::head(&scene.pool, "aina", unseen).await.unwrap();

    assert_eq!((head.unread, head.replies, head.strangers, head.notices), (Total::Exactly(4), 2, 1, 1));
}

#[tokio::test]
async fn whoever_never_looked_has_seen_what_was_before_and_looking_back_changes_nothing() {
    let scene = scene().await;
    let before = Utc::now();

    let first = presence::activity_unseen(&scene.pool, "aina").await.unwrap();
    let old = SeenSpan::up_to(at("2026-11-20T02:00:00Z").min(first.seen_at()));
    presence::see_activity(&scene.pool, "aina", &[old]).await.unwrap();
    assert_eq!(presence::activity_unseen(&scene.pool, "aina").await.unwrap(), first);
    let later = first.seen_at() + TimeDelta::minutes(1);
    presence::see_activity(&scene.pool, "aina", &[SeenSpan { from: first.seen_at(), to: later }]).await.unwrap();

    assert!((first.seen_at() - before).num_seconds().abs() < 60, "{first:?}");
    assert_eq!(presence::activity_unseen(&scene.pool, "aina").await.unwrap(), Unseen::since(later));
    assert_eq!(presence::activity_unseen_before(&scene.pool, "ben").await.unwrap(), None);
}

#[tokio::test]
async fn two_windows_of_one_operator_show_them_different_stretches_and_both_count() {
    let scene = scene().await;
    let first = presence::activity_unseen(&scene.pool, "aina").await.unwrap().seen_at();
    let minutes = |n: i64| first + TimeDelta::minutes(n);
    let (upper, lower) = (SeenSpan { from: minutes(7), to: minutes(9) }, SeenSpan { from: minutes(2), to: minutes(4) });

    let (a, b) = tokio::join!(
        presence::see_activity(&scene.pool, "aina", std::slice::from_ref(&upper)),
        presence::see_activity(&scene.pool, "aina", std::slice::from_ref(&lower)),
    );
    a.unwrap();
    b.unwrap();

    let mut expected = Unseen::since(first);
    expected.show(upper);
    expected.show(lower);
    assert_eq!(presence::activity_unseen(&scene.pool, "aina").await.unwrap(), expected);
}

#[tokio::test]
async fn others_are_here_while_their_windows_say_so() {
    let database = database().await;
    let pool = &database.pool;

    assert_eq!(presence::renew(pool, "window 1", "aina").await.unwrap(), Arrival::New);
    assert_eq!(presence::renew(pool, "window 1", "aina").await.unwrap(), Arrival::Known);
    presence::renew(pool, "window 2", "ben").await.unwrap();
    presence::renew(pool, "window 3", "ben").await.unwrap();
    presence::renew(pool, "window 4", "carl").await.unwrap();
    assert_eq!(presence::others(pool, "aina").await.unwrap(), ["ben", "carl"]);

    run(pool, "update open_dashboards set renewed_at = now() - interval '3 minutes' where operator = 'carl'").await;
    presence::leave(pool, "window 2").await.unwrap();
    assert_eq!(presence::others(pool, "aina").await.unwrap(), ["ben"]);
    presence::leave(pool, "window 3").await.unwrap();
    assert_eq!(presence::others(pool, "aina").await.unwrap(), [""; 0]);
}
