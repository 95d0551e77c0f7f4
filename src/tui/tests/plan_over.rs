//! A plan whose blast was launched or ended meanwhile: it asks for nothing any more.

use super::plans::{plan_of, planned, shows};
use super::support::{DRAFT, RAYA, STACKED, TestDashboard, WIDE, blasts, draft};
use crate::app::view::BlastView;
use crate::app::{FirstFared, Plan};
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::filter::Filter;
use crate::tui::Size;
use crate::tui::effect::{Completion, DraftRead, DraftWrite, Effect, EffectError, ReadRequest, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{Pane, Prompt};
use crate::tui::msg::Msg;
use chrono::TimeDelta;

/// The other window's list of blasts, with the draft as it is there.
fn becomes(dashboard: &mut TestDashboard, blast: &BlastView) {
    let rows = blasts().into_iter().map(|row| if row.id == DRAFT { blast.clone() } else { row }).collect();
    dashboard.answer(Completion::Blasts(Ok(rows)));
}

fn launched(state: BlastState) -> BlastView {
    BlastView { state, state_by: Some(Actor::Operator("ben".to_owned())), version: 4, ..draft() }
}

#[test]
fn a_sentence_that_begins_above_what_is_seen_of_a_plan_has_a_sign_of_that() {
    let why = "the phone is offline, and stays so until somebody in the shop turns it on again";
    let mut dashboard = planned(|plan| Plan { stopped: Some(why.to_owned()), ..plan });
    let mut cut = 0;

    for height in 12..40 {
        dashboard.dispatch(Msg::Resized(Size { width: 80, height }));
        let screen = dashboard.screen();
        let Some(line) = screen.iter().find(|line| line.contains("turns it on again")) else { continue };
        let is_cut = !screen.iter().any(|line| line.contains("sends nothing until this is fixed"));
        assert_eq!(line.starts_with("~ "), is_cut, "{height}: {screen:#?}");
        cut += usize::from(is_cut);
    }

    assert!(cut > 0, "{:#?}", dashboard.screen());
}

#[test]
fn a_plan_of_what_another_window_launched_offers_neither_number_nor_launch() {
    let mut dashboard = planned(|plan| plan);
    dashboard.keys("28");

    becomes(&mut dashboard, &launched(BlastState::Sending));

    assert!(shows(&dashboard, "  sending, launched by ben"), "{:#?}", dashboard.screen());
    assert!(shows(&dashboard, "  it is being sent already"), "{:#?}", dashboard.screen());
    assert!(!shows(&dashboard, "people: ") && !shows(&dashboard, "Type 289"), "{:#?}", dashboard.screen());
    let footer = dashboard.line(28);
    assert!(!footer.contains("enter") && !footer.contains("send") && footer.contains("esc back"), "{footer}");
    dashboard.effects.clear();
    dashboard.keys("289\n");
    assert_eq!((dashboard.acts(), dashboard.said()), (Vec::new(), "it is being sent already"));
    dashboard.keys("S");
    assert_eq!(dashboard.said(), "it is being sent already");
}

#[test]
fn a_plan_is_read_again_once_its_blast_is_in_another_state() {
    let mut dashboard = planned(|plan| plan);
    let zone = dashboard.model.options.zone;
    let read = Effect::Read(ReadRequest::Plan(DRAFT, zone));
    becomes(&mut dashboard, &launched(BlastState::Sending));
    assert!(dashboard.taken().contains(&read));

    let plan = Plan { blast: launched(BlastState::Sending), ..plan_of(draft(), 289) };
    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan)) });
    assert!(shows(&dashboard, "289 people are still queued and get it"), "{:#?}", dashboard.screen());
    becomes(&mut dashboard, &BlastView { version: 5, ..launched(BlastState::Sending) });

    assert!(!dashboard.taken().contains(&read));
}

#[test]
fn a_launch_that_lost_the_race_says_who_launched_and_what_stops_it() {
    let mut dashboard = planned(|plan| plan);
    dashboard.keys("289\n");
    let request = dashboard.acts().swap_remove(0);
    assert!(matches!(request, WriteRequest::Launch(_)));
    let why = "Raya last call: ben launched it already".to_owned();
    dashboard.answer(Completion::Written { request, outcome: Err(EffectError::Other(why)) });
    let armed = BlastView { send_after: Some(dashboard.now + TimeDelta::seconds(8)), ..launched(BlastState::Sending) };
    becomes(&mut dashboard, &armed);
    let plan = Plan { blast: armed, ..plan_of(draft(), 289) };

    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan)) });

    for words in ["ben launched it already", "  starts, launched by ben", "it is about to start: u asks first"] {
        assert!(shows(&dashboard, words), "{words}: {:#?}", dashboard.screen());
    }
    assert!(!shows(&dashboard, "people: "), "{:#?}", dashboard.screen());
}

#[test]
fn a_plan_of_what_was_cancelled_elsewhere_says_so_and_leaves_with_esc() {
    let mut dashboard = planned(|plan| plan);

    becomes(&mut dashboard, &launched(BlastState::Cancelled));

    assert!(shows(&dashboard, "  cancelled, by ben"), "{:#?}", dashboard.screen());
    assert!(shows(&dashboard, "  it is over: make a new blast to send again"), "{:#?}", dashboard.screen());
    dashboard.key(Key::Esc);
    assert!(dashboard.model.overlays.is_empty());
}

#[test]
fn a_start_that_was_not_answered_yet_is_said_in_place_of_the_empty_field() {
    let mut dashboard = planned(|plan| plan);

    dashboard.keys("289\n");

    assert!(matches!(dashboard.acts()[..], [WriteRequest::Launch(_)]));
    assert!(shows(&dashboard, "starting it: the database has not answered yet"), "{:#?}", dashboard.screen());
    assert!(!shows(&dashboard, "people: _"));
}

#[test]
fn why_a_plan_cannot_be_sent_is_on_a_small_screen_and_said_of_a_number_that_was_being_typed() {
    let mut dashboard = planned(|plan| plan);
    dashboard.dispatch(Msg::Resized(STACKED)).keys("28");
    let why = "Raya last call has no message yet".to_owned();
    let fared = |tag: &str| {
        let (tag, stage) = (tag.to_owned(), "Initial".to_owned());
        FirstFared { tag, stage, sent: 25, received: 24, read: 12, replied: 2, failed: 1 }
    };
    let fared = Vec::from(["Raya"; 12].map(fared));
    let plan = Plan { obstacles: vec![why.clone()], fared, ..plan_of(draft(), 289) };

    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan)) });

    assert_eq!(dashboard.said(), format!("28 is not used: {why}"));
    assert!(shows(&dashboard, "Not now") && shows(&dashboard, &format!("  {why}")), "{:#?}", dashboard.screen());
    assert!(shows(&dashboard, "289 people get one message each"), "{:#?}", dashboard.screen());
    dashboard.keys("9\n");
    assert_eq!((dashboard.acts(), dashboard.said()), (Vec::new(), why.as_str()), "no number is asked for");
}

#[test]
fn a_slip_beside_the_digits_does_not_leave_the_plan() {
    for key in [Key::Char('l'), Key::Char('h'), Key::Left, Key::Right, Key::Tab, Key::BackTab] {
        let mut dashboard = planned(|plan| plan);

        dashboard.keys("28").key(key).keys("9\n");

        assert_eq!(dashboard.acts().len(), 1, "{key}: {}", dashboard.said());
    }
    let mut dashboard = planned(|plan| plan);
    dashboard.keys("l");
    assert_eq!(dashboard.said(), "this is the plan: esc leaves it");
}

fn unread(dashboard: &mut TestDashboard) {
    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Err(EffectError::Unavailable)) });
}

#[test]
fn a_plan_that_cannot_be_read_again_stays_with_the_number_that_is_typed_on_it() {
    let mut dashboard = planned(|plan| plan);
    dashboard.keys("28");

    unread(&mut dashboard);
    dashboard.keys("9\n");

    assert!(matches!(&dashboard.acts()[..], [WriteRequest::Launch(launch)] if launch.people == 289));
}

#[test]
fn what_a_plan_asked_goes_with_it_and_what_is_typed_for_either_is_no_key() {
    let mut dashboard = planned(|plan| Plan { test_to: None, ..plan });
    dashboard.keys("289\n");
    let request = dashboard.acts().remove(0);
    dashboard.keys("M012");
    let why = EffectError::Other("it is 288 people now, not 289: check again, nothing was sent".to_owned());
    dashboard.answer(Completion::Written { request, outcome: Err(why) });

    unread(&mut dashboard);

    assert!(dashboard.model.overlays.is_empty());
    assert!(matches!(dashboard.model.prompt, Some(Prompt::Refused(_))), "{:?}", dashboard.model.prompt);
    dashboard.keys("345");
    assert_eq!(dashboard.model.focus, Pane::Blasts);

    let mut unloaded = TestDashboard::new(WIDE);
    unloaded.model.blasts.select(DRAFT);
    unloaded.keys("1S2");
    unread(&mut unloaded);
    unloaded.keys("34");
    assert_eq!((unloaded.model.overlays.len(), unloaded.model.focus), (0, Pane::Blasts));
}

#[test]
fn a_command_over_a_plan_is_about_its_blast_and_not_about_the_one_behind_it() {
    let run = |command: &str| {
        let mut dashboard = planned(|plan| plan);
        dashboard.model.blasts.select(RAYA);
        dashboard.keys(":").keys(command).taken();
        dashboard.keys("\n");
        dashboard
    };

    assert_eq!(run("write the report to a file").acts(), [WriteRequest::Report(DRAFT)]);
    let copy = WriteRequest::Draft(DraftWrite::Duplicate(DRAFT));
    assert_eq!(run("a new draft like this blast").acts(), [copy]);
    let filter = Filter::default();
    let export = WriteRequest::Export { blast: DRAFT, filter, search: None };
    assert_eq!(run("export who is listed to a workbook").acts(), [export]);
    let open = Effect::Read(ReadRequest::Draft(DraftRead::Open(DRAFT)));
    let edit = run("edit this blast").taken();
    assert!(edit.contains(&open), "{edit:?}");
    let mut retry = run("try those who failed again");
    assert_eq!(retry.said(), "those who failed are tried again from Blasts: esc leaves this page");
    assert!(!retry.taken().iter().any(|effect| matches!(effect, Effect::Read(ReadRequest::Retryable(_)))));
}

#[test]
fn a_plan_that_stays_open_is_read_again_once_its_times_are_old() {
    let mut dashboard = planned(|plan| plan);
    dashboard.keys("2");
    dashboard.now += TimeDelta::seconds(50);
    dashboard.answer(Completion::Blasts(Ok(blasts())));
    let is_plan = |effect: &Effect| matches!(effect, Effect::Read(ReadRequest::Plan(..)));
    assert!(!dashboard.taken().iter().any(is_plan));

    dashboard.now += TimeDelta::seconds(10);
    dashboard.answer(Completion::Blasts(Ok(blasts())));

    assert_eq!(dashboard.taken().iter().filter(|effect| is_plan(effect)).count(), 1);
    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan_of(draft(), 289))) });
    assert!(shows(&dashboard, "people: 2"), "what was typed stays: {:#?}", dashboard.screen());
}
