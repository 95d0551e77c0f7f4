//! What a line promises works now, and what is open still stands.

use chrono::TimeDelta;

use super::activity::{cloud, opened};
use super::armed::{launched, read};
use super::support::{DRAFT, RAYA, STACKED, TestDashboard, WIDE, at, blasts, details_of, draft, marked, person};
use crate::app::Launch;
use crate::app::view::{BlastView, HistoryRow, RecipientDetails, RecipientRow};
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::recipient::Resolution;
use crate::domain::status::Status;
use crate::tui::effect::{Completion, WriteOutcome, WriteRequest};
use crate::tui::model::Overlay;
use crate::tui::{DashboardKind, Size};

fn text(dashboard: &TestDashboard) -> String {
    dashboard.screen().iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

fn footer(dashboard: &TestDashboard) -> String {
    dashboard.screen().pop().unwrap_or_default()
}

#[test]
fn an_answer_is_offered_only_for_whoever_may_be_answered_now() {
    let mut dashboard = opened(WIDE);
    dashboard.answer(Completion::Senders(Ok(vec![cloud()])));
    assert!(footer(&dashboard).contains("a answer"), "they wrote a minute ago: {}", footer(&dashboard));

    dashboard.keys("jjjjjjjj");

    assert!(dashboard.model.person().is_some_and(|row| row.status == Status::Failed));
    assert!(!footer(&dashboard).contains("answer"), "{}", footer(&dashboard));
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::Senders(Ok(vec![cloud()]))).keys("3jjj\n");
    let failed = person(4, "Lim Ah Kow", Status::Failed, at(13, 55));
    dashboard.answer(Completion::Person(Box::new(Ok(details_of(failed)))));
    assert!(!footer(&dashboard).contains("answer"), "{}", footer(&dashboard));
}

#[test]
fn a_window_that_changes_nothing_names_no_key_that_does() {
    for pane in ["1", "2", "3", "4"] {
        let mut dashboard = opened(WIDE);
        dashboard.model.options.kind = DashboardKind::ReadOnly;
        dashboard.keys(pane);

        let footer = footer(&dashboard);
        for key in ["r replied", "c closed", "b stop", "e note", "U take back", "S ", "X ", "n new"] {
            assert!(!footer.contains(key), "{pane}: {footer}");
        }
    }
}

#[test]
fn on_a_line_of_another_blast_no_key_is_offered_that_sends_the_selected_one() {
    let mut dashboard = opened(WIDE);
    dashboard.model.blasts.select(DRAFT);
    assert_ne!(dashboard.model.activity.at_cursor().and_then(|row| row.blast), Some(DRAFT));

    assert!(!footer(&dashboard).contains("S send"), "{}", footer(&dashboard));
    dashboard.keys("1");
    assert!(footer(&dashboard).contains("S send"), "{}", footer(&dashboard));
}

#[test]
fn p_on_a_page_about_somebody_of_another_blast_pauses_that_one() {
    let other = BlastView { id: BlastId(21), tag: "Other".to_owned(), ..blasts().swap_remove(0) };
    let on_a_line = || {
        let mut dashboard = opened(WIDE);
        let rows = blasts().into_iter().chain([other.clone()]).collect();
        dashboard.answer(Completion::Blasts(Ok(rows)));
        dashboard.model.blasts.select(other.id);
        dashboard.taken();
        dashboard
    };

    for key in ["i", "f"] {
        let mut dashboard = on_a_line();
        dashboard.keys(key);
        assert!(!dashboard.model.overlays.is_empty(), "{key}: {}", dashboard.said());
        dashboard.keys("p");
        assert_eq!(dashboard.acts(), [WriteRequest::Pause(RAYA)], "{key}");
    }

    let mut stranger = on_a_line();
    stranger.keys("i");
    let Some(Overlay::Customer(page)) = stranger.model.overlays.last_mut() else { panic!("the page of a customer") };
    page.person = None;
    stranger.keys("p");
    assert_eq!(stranger.acts(), []);
    assert_eq!(stranger.said(), "this page is about no blast: nothing to pause");
}

/// Somebody uncertain, whom the operator is asked about once more; ben answers meanwhile.
fn asked_once_more() -> TestDashboard {
    let uncertain = |status| RecipientRow { changed_at: at(13, 0), ..person(5, "Aishah", status, at(13, 0)) };
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3jjjj\n");
    dashboard.answer(Completion::Person(Box::new(Ok(details_of(uncertain(Status::Uncertain))))));
    dashboard.model.resend_after = TimeDelta::zero();
    dashboard.keys("jj\n").taken();
    dashboard
}

fn answered_by_ben() -> RecipientDetails {
    let answer = HistoryRow {
        changed_at: at(14, 1),
        happened_at: None,
        old_status: Status::Uncertain,
        new_status: Status::Skipped,
        attempt: 1,
        source: "operator".to_owned(),
        by: Some("ben".to_owned()),
        detail: None,
    };
    let row = person(5, "Aishah", Status::Skipped, at(14, 1));
    RecipientDetails { history: vec![answer], ..details_of(row) }
}

#[test]
fn a_question_that_somebody_else_answered_closes_and_says_who_did() {
    let mut dashboard = asked_once_more();
    assert!(text(&dashboard).contains("once more?"), "{:#?}", dashboard.screen());

    dashboard.answer(Completion::Person(Box::new(Ok(answered_by_ben()))));

    assert!(dashboard.model.prompt.is_none());
    assert_eq!(dashboard.said(), "ben answered first: left out; the question is closed, and nothing more is written");
    dashboard.taken();
    dashboard.keys("y");
    assert!(dashboard.acts().is_empty());
}

#[test]
fn that_an_uncertain_message_cannot_be_asked_for_later_is_said_before_the_answer() {
    let mut dashboard = TestDashboard::new(STACKED);
    let read = |dashboard: &mut TestDashboard, message_id: Option<&str>| {
        let row = person(5, "Aishah", Status::Uncertain, at(13, 54));
        let row = RecipientRow { message_id: message_id.map(str::to_owned), ..row };
        dashboard.answer(Completion::Person(Box::new(Ok(details_of(row)))));
    };
    dashboard.keys("3jjjj\n");

    read(&mut dashboard, None);
    assert!(text(&dashboard).contains("gave no id to ask by"), "{:#?}", dashboard.screen());
    read(&mut dashboard, Some("3EB0"));
    assert!(!text(&dashboard).contains("gave no id to ask by"), "{:#?}", dashboard.screen());
}

#[test]
fn the_key_that_cancels_names_what_stops_a_launch_of_somebody_else_too() {
    let mut dashboard = TestDashboard::new(STACKED);
    let until = dashboard.now + TimeDelta::seconds(10);
    let by = Some(Actor::from("ben".to_owned()));
    let armed = BlastView { state: BlastState::Sending, version: 4, send_after: Some(until), state_by: by, ..draft() };
    let rows = blasts().into_iter().filter(|blast| blast.id != DRAFT).chain([armed]).collect();
    dashboard.answer(Completion::Blasts(Ok(rows)));
    dashboard.model.blasts.select(RAYA);

    dashboard.keys("2X");

    assert!(dashboard.said().starts_with("u asks, then stops Raya last call; "), "{}", dashboard.said());
}

#[test]
fn a_hint_for_the_panes_is_not_said_over_a_page_at_any_width() {
    for width in [40, 62, 120] {
        let mut dashboard = TestDashboard::new(crate::tui::Size { width, height: 20 });
        dashboard.model.hint = Some(crate::tui::model::Hint::Find);
        dashboard.keys("1");
        assert!(text(&dashboard).contains("try: "), "{width}: {:#?}", dashboard.screen());

        dashboard.keys("!");

        assert!(!text(&dashboard).contains("try: "), "{width}: {:#?}", dashboard.screen());
    }
}

#[test]
fn no_reply_and_no_sale_is_offered_on_somebody_whom_no_message_can_have_reached() {
    for status in [Status::Queued, Status::Uncertain, Status::Skipped, Status::OptedOut] {
        let mut dashboard = TestDashboard::with(WIDE, vec![person(1, "Siti Aminah", status, at(13, 0))]);
        dashboard.keys("3");
        assert!(!footer(&dashboard).contains("r replied"), "{status}: {}", footer(&dashboard));
        assert!(!footer(&dashboard).contains("c closed") && footer(&dashboard).contains("b stop"), "{status}");
    }
    let mut failed = TestDashboard::with(WIDE, vec![person(1, "Siti Aminah", Status::Failed, at(13, 0))]);
    failed.keys("3");
    assert!(footer(&failed).contains("r replied  c closed"), "{}", footer(&failed));
}

#[test]
fn blasts_are_compared_once_two_are_marked() {
    let mut dashboard = TestDashboard::new(Size { width: 160, height: 50 });
    dashboard.keys("1 ");
    assert!(!footer(&dashboard).contains("v compare"), "{}", footer(&dashboard));

    dashboard.keys(" ");

    assert!(footer(&dashboard).contains("v compare"), "{}", footer(&dashboard));
}

#[test]
fn enter_is_offered_where_it_shows_somebody() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("2");
    assert!(footer(&dashboard).contains("enter people"), "{}", footer(&dashboard));
    dashboard.model.blasts.select(DRAFT);
    assert!(!footer(&dashboard).contains("enter "), "nothing was sent: {}", footer(&dashboard));

    let mut activity = opened(WIDE);
    assert!(footer(&activity).contains("enter person"), "{}", footer(&activity));
    activity.keys("G");
    assert!(footer(&activity).contains("enter blast"), "of nobody: {}", footer(&activity));
}

#[test]
fn that_a_resend_can_be_undone_is_said_until_it_goes_out() {
    let mut dashboard = TestDashboard::with(WIDE, vec![person(5, "Aishah", Status::Queued, at(14, 1))]);
    let mut resent = marked(5, "Aishah", Status::Uncertain, Status::Queued);
    if let Completion::Written { request, .. } = &mut resent {
        *request = WriteRequest::Resolve { person: RecipientId(5), attempt: 1, resolution: Resolution::Resend };
    }
    dashboard.answer(resent);
    assert!(text(&dashboard).contains("u undoes"), "{:#?}", dashboard.screen());

    dashboard.now += TimeDelta::seconds(5);
    let sent = person(5, "Aishah", Status::Sent, dashboard.now);
    dashboard.answer(Completion::Rows(Ok(vec![sent])));

    assert!(!text(&dashboard).contains("u undoes"), "{:#?}", dashboard.screen());
}

#[test]
fn the_help_is_not_left_by_the_key_that_it_explains() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("?/");

    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Help(_))) && dashboard.model.prompt.is_none());
    assert!(dashboard.screen().join("\n").contains("/_"), "it seeks in the help: {:#?}", dashboard.screen());
}

#[test]
fn why_a_blast_is_not_sent_is_said_of_it_alone() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1S");
    assert_eq!(dashboard.said(), "it is being sent already");

    dashboard.keys("j");

    assert_eq!(dashboard.said(), "");
}

#[test]
fn what_was_decided_is_not_said_beside_the_question_once_it_is_asked_again() {
    let mut dashboard = TestDashboard::with(WIDE, vec![person(5, "Aishah", Status::Skipped, at(14, 1))]);
    let mut decided = marked(5, "Aishah", Status::Uncertain, Status::Skipped);
    if let Completion::Written { request, .. } = &mut decided {
        *request = WriteRequest::Resolve { person: RecipientId(5), attempt: 1, resolution: Resolution::Drop };
    }
    dashboard.answer(decided);
    assert!(dashboard.said().starts_with("Aishah: uncertain -> skipped"), "{}", dashboard.said());

    dashboard.now += TimeDelta::seconds(5);
    let again = person(5, "Aishah", Status::Uncertain, dashboard.now);
    dashboard.answer(Completion::Rows(Ok(vec![again])));

    assert_eq!(dashboard.said(), "");
}

#[test]
fn a_hint_about_people_is_not_given_where_nobody_is_listed() {
    let mut dashboard = TestDashboard::with(WIDE, Vec::new());
    dashboard.model.hint = Some(crate::tui::model::Hint::Find);
    assert!(!text(&dashboard).contains("try: "), "{:#?}", dashboard.screen());

    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.model.hint = Some(crate::tui::model::Hint::Find);
    assert!(text(&dashboard).contains("try: "), "{:#?}", dashboard.screen());
}

#[test]
fn the_line_of_a_start_at_a_set_time_goes_once_somebody_else_has_paused_the_blast() {
    let mut dashboard = launched();
    let scheduled = BlastView { state: BlastState::Scheduled, version: 4, send_after: Some(at(23, 0)), ..draft() };
    let launch = Launch { blast: DRAFT, version: 3, people: 289, armed_for: TimeDelta::seconds(10) };
    let outcome = Ok(WriteOutcome::Blast(Box::new(scheduled.clone())));
    dashboard.answer(Completion::Written { request: WriteRequest::Launch(launch), outcome });
    read(&mut dashboard, scheduled.clone());
    assert_eq!(dashboard.said(), "Raya last call is scheduled, starts 23:00");

    let by_ben = Some(Actor::Operator("ben".to_owned()));
    read(&mut dashboard, BlastView { state: BlastState::Paused, version: 5, state_by: by_ben, ..scheduled });

    assert!(!text(&dashboard).contains("takes it back"), "{:#?}", dashboard.screen());
    assert_eq!(dashboard.said(), "");
}
