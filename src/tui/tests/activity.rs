//! The fourth pane: what is read and when, whom its keys hit, what counts as seen.

use chrono::{DateTime, TimeDelta, Utc};

use super::seen::seen;
use super::support::{RAYA, STACKED, TestDashboard, WIDE, at, people, senders};
use crate::app::Nameless;
use crate::app::view::{
    ActivityEvent, ActivityHead, ActivityOrder, ActivityPage, ActivityPosition, ActivityRow, ActivitySource,
    LeftByUndo, RecipientRow, SenderView, Total,
};
use crate::domain::act::Act;
use crate::domain::blast::BlastState;
use crate::domain::ids::{OrderId, RecipientId, ReplyId};
use crate::domain::recipient::Mark;
use crate::domain::status::Status;
use crate::domain::unseen::Unseen;
use crate::tui::Size;
use crate::tui::effect::{Completion, Effect, ReadRequest, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{ListScope, Pane};
use crate::tui::msg::Msg;

pub fn row(n: i64, who: Option<&RecipientRow>, event: ActivityEvent) -> ActivityRow {
    let source = match event {
        ActivityEvent::Reply { .. } => ActivitySource::Reply,
        ActivityEvent::OptOut { .. } => ActivitySource::OptOut,
        ActivityEvent::Trouble { .. } => ActivitySource::Trouble,
        ActivityEvent::Act { .. } => ActivitySource::Act,
        ActivityEvent::Change { .. } => ActivitySource::Change,
        ActivityEvent::Notice { .. } => ActivitySource::Notice,
    };
    ActivityRow {
        place: ActivityPosition { at: at(14, 1) - TimeDelta::minutes(n), source, id: 1_000 - n },
        blast: Some(RAYA),
        tag: Some("Raya promo".to_owned()),
        stage: Some("Initial".to_owned()),
        recipient: who.map(|row| row.id),
        phone: who.map(|row| row.phone.clone()),
        name: who.and_then(|row| row.name.clone()),
        event,
    }
}

pub fn wrote(id: i64, text: &str, file: Option<&str>) -> ActivityEvent {
    let kind = if file.is_some() { "picture" } else { "text" };
    ActivityEvent::Reply {
        id: ReplyId(id),
        kind: kind.to_owned(),
        text: text.to_owned(),
        file: file.map(str::to_owned),
        no_file: None,
        written_at: DateTime::<Utc>::MAX_UTC,
    }
}

/// One of each kind, newest first.
pub fn page() -> ActivityPage {
    let people = people();
    let left = |act: &Act| (*act == Act::Undo).then_some(LeftByUndo { status: Status::Replied, amount: None });
    let act = |act: Act, detail: Option<&str>, people| ActivityEvent::Act {
        left: left(&act),
        act,
        by: "ben".to_owned(),
        detail: detail.map(str::to_owned),
        people,
        order: None,
        taken_back_by: None,
        answer: None,
    };
    let paused = ActivityEvent::Change {
        from: BlastState::Sending,
        to: BlastState::Paused,
        by: Some("ben".to_owned()),
        reason: None,
        starts_at: None,
    };
    let opted_out = ActivityEvent::OptOut {
        source: "person".to_owned(),
        by: Some("the person".to_owned()),
        reason: Some("STOP".to_owned()),
    };
    let failed = ActivityEvent::Trouble { status: Status::Failed, why: Some("Message undeliverable".to_owned()) };
    let notice = ActivityEvent::Notice {
        field: "account_update".to_owned(),
        words: "restricted".to_owned(),
        effect: Some("sender sales stopped".to_owned()),
    };
    let rows = vec![
        row(
            0,
            Some(&people[2]),
            wrote(30, "How much is \u{1b}[2J the \u{202e}big one?\nAnd until when can I order it, please?", None),
        ),
        row(1, Some(&people[1]), wrote(31, "picture: paid", Some("stored"))),
        row(2, None, wrote(32, "Who is this?", None)),
        row(3, Some(&people[1]), act(Act::Closed, Some("120"), None)),
        row(4, Some(&people[0]), act(Act::Undo, Some("closed 200"), None)),
        row(5, None, act(Act::Replied, None, Some(40))),
        row(6, None, paused),
        row(7, Some(&people[4]), opted_out),
        row(8, Some(&people[3]), failed),
        row(9, None, notice),
    ];
    ActivityPage { rows, people }
}

pub fn head(unread: i64, seen_at: DateTime<Utc>) -> ActivityHead {
    ActivityHead {
        unseen: Unseen::since(seen_at),
        newest: Some(at(14, 1)),
        unread: Total::Exactly(unread),
        replies: unread.min(3),
        strangers: unread.min(1),
        stranger: None,
        notices: 0,
        nameless: Nameless::default(),
        failed_webhooks: 0,
        failed_answers: 0,
    }
}

/// The pane, opened and read; nothing of it was drawn yet.
pub fn opened(size: Size) -> TestDashboard {
    let mut dashboard = TestDashboard::new(size);
    dashboard.answer(Completion::ActivityHead(Ok(head(3, at(13, 58))))).keys("4");
    answer(&mut dashboard, page());
    dashboard
}

pub fn answer(dashboard: &mut TestDashboard, page: ActivityPage) {
    let ticket = dashboard.model.activity.ticket;
    dashboard.answer(Completion::Activity { ticket, before: None, limit: 30, page: Ok(page) });
}

fn marks(dashboard: &mut TestDashboard) -> Vec<(i64, Mark)> {
    let marks = dashboard.acts().into_iter().filter_map(|act| match act {
        WriteRequest::Mark { person, mark } => Some((person.0, mark)),
        _ => None,
    });
    marks.collect()
}

#[test]
fn what_is_new_stands_in_the_title_of_the_recipients_until_the_pane_is_opened() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::ActivityHead(Ok(head(3, at(13, 58))))).taken();
    assert!(dashboard.line(11).ends_with(" 4 Activity 3 new ──"), "{}", dashboard.line(11));

    dashboard.keys("4");
    answer(&mut dashboard, page());

    assert_eq!(seen(&mut dashboard), [(DateTime::<Utc>::MIN_UTC, at(14, 1))], "there is nothing older");
    dashboard.answer(Completion::ActivitySeen(Ok(head(0, at(14, 1)))));
    assert_eq!(dashboard.model.activity.unread(), None);
    assert!(dashboard.line(11).starts_with("══ 4 Activity ══"), "{}", dashboard.line(11));
    // Those of before are marked as new for as long as the pane is open.
    assert!(dashboard.line(14).starts_with('N') && dashboard.line(15).starts_with('N'), "{}", dashboard.line(14));
    assert!(dashboard.line(16).starts_with(' '), "{}", dashboard.line(16));
}

#[test]
fn a_launch_that_can_still_be_taken_back_starts_and_is_not_called_sending() {
    let mut dashboard = opened(WIDE);
    let mut page = page();
    let starts_at = Some(dashboard.model.now + TimeDelta::seconds(9));
    let launched = ActivityEvent::Change {
        from: BlastState::Draft,
        to: BlastState::Sending,
        by: Some("ben".to_owned()),
        reason: None,
        starts_at,
    };
    page.rows.truncate(1);
    page.rows[0].event = launched;
    answer(&mut dashboard, page);

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("starts") && screen.contains("by ben, starts 14:02:09"), "{screen}");
    dashboard.model.now += TimeDelta::seconds(10);
    let screen = dashboard.screen().join("\n");
    assert!(screen.matches("launched").count() == 2 && screen.contains("launched 14:01:00, Raya"), "{screen}");
}

#[test]
fn the_pane_at_every_size() {
    let mut screens = Vec::new();
    for (width, height) in super::screens::SIZES {
        let mut dashboard = opened(Size { width, height });
        dashboard.dispatch(Msg::Drawn);
        let lines: Vec<String> = dashboard.screen().iter().map(|line| format!("|{line}")).collect();
        screens.push(format!("{width}x{height}\n{}", lines.join("\n")));
    }
    insta::assert_snapshot!("activity", screens.join("\n"));
}

#[test]
fn a_mark_hits_the_person_of_the_line_and_waits_until_it_was_seen() {
    let mut dashboard = opened(STACKED);

    dashboard.keys("r");
    assert!(marks(&mut dashboard).is_empty());
    assert_eq!(dashboard.said(), "nobody was marked: the list has just changed, look at it first");
    dashboard.dispatch(Msg::Drawn).keys("r").keys("jc");

    assert_eq!(marks(&mut dashboard), [(3, Mark::Replied)], "Tan Mei Ling is closed already: only the field opens");
    let acts = dashboard.keys("50\n").acts();
    assert!(matches!(&acts[..], [WriteRequest::Amend { person: RecipientId(2), .. }]), "{acts:?}");
}

#[test]
fn people_who_are_marked_in_the_table_are_not_hit_from_here() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3  4");
    answer(&mut dashboard, page());

    dashboard.dispatch(Msg::Drawn).keys("r");

    assert_eq!(marks(&mut dashboard), [(3, Mark::Replied)]);
}

#[test]
fn a_line_about_nobody_says_so() {
    let mut dashboard = opened(STACKED);
    dashboard.dispatch(Msg::Drawn).keys("jjr");
    assert_eq!((marks(&mut dashboard), dashboard.said()), (vec![], "this line is not about a person in a blast"));

    dashboard.keys("e\n").keys("b").keys("y");
    assert_eq!(dashboard.acts(), []);
    assert!(dashboard.model.prompt.is_none());
}

#[test]
fn keys_that_are_typed_before_the_list_is_here_wait_for_it() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("4j").taken();
    assert_eq!(dashboard.model.held.len(), 1);

    answer(&mut dashboard, page());

    assert_eq!(dashboard.model.activity.person().map(|row| row.id.0), Some(2));
}

#[test]
fn nothing_moves_while_news_come_and_g_lets_them_in() {
    let mut dashboard = opened(STACKED);
    dashboard.dispatch(Msg::Drawn).keys("jj").taken();

    dashboard.answer(Completion::ActivitySeen(Ok(head(0, at(14, 1)))));
    let newest = Some(at(14, 2));
    dashboard.answer(Completion::ActivityHead(Ok(ActivityHead { newest, ..head(2, at(14, 1)) })));
    assert!(dashboard.line(10).contains(" 2 new: g "), "{}", dashboard.line(10));
    assert_eq!(dashboard.model.activity.at_cursor().map(|row| row.place.id), Some(998));
    dashboard.keys("g");

    assert!(
        dashboard
            .taken()
            .iter()
            .any(|effect| matches!(effect, Effect::Read(ReadRequest::Activity { before: None, .. })))
    );
}

#[test]
fn enter_goes_to_the_person_in_their_blast_and_of_a_blast_to_its_funnel() {
    let mut dashboard = opened(STACKED);
    dashboard.dispatch(Msg::Drawn).keys("\n");

    assert_eq!(dashboard.model.focus, Pane::Recipients);
    assert!(matches!(&dashboard.model.recipients.scope, ListScope::Found { text, .. } if text == "+60 10-012 0003"));

    let mut dashboard = opened(STACKED);
    dashboard.dispatch(Msg::Drawn).keys("jjjjjj\n");
    assert_eq!((dashboard.model.focus, dashboard.model.blast().map(|blast| blast.id)), (Pane::Funnel, Some(RAYA)));
}

#[test]
fn a_picture_is_saved_with_w_and_where_there_is_none_it_says_so() {
    let mut dashboard = opened(STACKED);
    dashboard.dispatch(Msg::Drawn).keys("w");
    assert_eq!((dashboard.acts(), dashboard.said()), (vec![], "no picture or document came with it"));

    dashboard.keys("jw");
    assert_eq!(dashboard.acts(), [WriteRequest::SaveFile(ReplyId(31))]);
}

#[test]
fn where_replies_stay_on_a_phone_it_says_why_there_is_no_text() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("4");
    answer(&mut dashboard, ActivityPage { rows: Vec::new(), people: Vec::new() });

    let screen = dashboard.screen().join("\n");

    assert!(screen.contains("What people write is on the phone of sales"), "{screen}");
}

#[test]
fn rows_are_read_when_something_changed_and_an_idle_look_reads_nothing_of_it() {
    let mut dashboard = TestDashboard::new(STACKED);
    let about = |effects: Vec<Effect>| {
        let reads = effects.into_iter().filter(|effect| {
            matches!(
                effect,
                Effect::Read(ReadRequest::ActivityHead | ReadRequest::Activity { .. } | ReadRequest::Others)
            ) || *effect == Effect::RenewPresence
        });
        reads.count()
    };

    dashboard.now += TimeDelta::seconds(20);
    assert_eq!(about(dashboard.dispatch(Msg::Refresh).taken()), 0);
    assert_eq!(about(dashboard.dispatch(Msg::News).taken()), 2, "what is new, and who is here");
    assert_eq!(about(dashboard.dispatch(Msg::News).taken()), 1, "who is here was asked just now");
    dashboard.now += TimeDelta::seconds(40);
    assert_eq!(
        about(dashboard.dispatch(Msg::Refresh).taken()),
        3,
        "half a minute without news; a minute since it was renewed"
    );
}

#[test]
fn others_are_named_in_the_header() {
    let mut dashboard = TestDashboard::new(WIDE);

    dashboard.answer(Completion::Others(Ok(vec!["ben@shop".to_owned(), "a\u{1b}]0;x\u{7}\u{202e}ziz".to_owned()])));

    assert!(dashboard.line(0).contains(" +ben +a]0;xziz "), "{}", dashboard.line(0));
}

/// A number of Meta's Cloud API.
pub fn cloud() -> SenderView {
    SenderView { provider: "meta".to_owned(), ..senders().swap_remove(0) }
}

#[test]
fn escape_leads_back_to_the_recipients() {
    let mut dashboard = opened(STACKED);

    dashboard.key(Key::Esc);

    assert_eq!(dashboard.model.focus, Pane::Recipients);
}

#[test]
fn an_order_is_named_with_what_it_comes_to_and_what_became_of_it() {
    let mut dashboard = opened(WIDE);
    let mut page = page();
    let order = |act, by: &str| ActivityEvent::Act {
        act,
        by: by.to_owned(),
        detail: Some("closed".to_owned()),
        people: None,
        order: Some(ActivityOrder {
            id: OrderId(8),
            total: Some("7.5".parse().unwrap()),
            currency: Some("MYR".to_owned()),
            state: None,
        }),
        left: None,
        taken_back_by: None,
        answer: None,
    };
    page.rows[0].event = order(Act::Undo, "ben");
    page.rows[1].event = order(Act::Edit, "ben");
    page.rows[2].event = order(Act::Closed, "engine");
    answer(&mut dashboard, page);

    let said = [13, 14, 15].map(|line| dashboard.line(line));
    assert!(said[0].contains("cancelled") && said[0].contains("order 8, RM 7.50, by ben"), "{said:?}");
    assert!(said[1].contains("edited") && said[1].contains("order 8, RM 7.50, by ben"), "{said:?}");
    let is_ordered = said[2].contains("ordered") && said[2].contains("order 8, RM 7.50");
    assert!(is_ordered && !said[2].contains("engine"), "{said:?}");
}

#[test]
fn a_change_of_a_blast_names_it_once_with_its_stage() {
    let mut dashboard = opened(WIDE);
    let mut page = page();
    page.rows = vec![page.rows.remove(6)];
    page.rows[0].stage = Some("Follow-up 1".to_owned());
    answer(&mut dashboard, page);

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("Raya promo, Follow-up 1, paused 13:55:00 by ben"), "{screen}");
}

#[test]
fn whoever_failed_and_whose_mark_is_taken_back_does_not_read_as_a_new_failure() {
    let people = people();
    let event = ActivityEvent::Trouble { status: Status::Failed, why: Some("taken back".to_owned()) };
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("4");
    let rows = vec![row(0, Some(&people[3]), event)];
    answer(&mut dashboard, ActivityPage { rows, people: vec![people[3].clone()] });
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("undone    failed    their mark is taken back: failed as before"), "{screen}");
}
