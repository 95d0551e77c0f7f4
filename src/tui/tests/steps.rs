//! What comes by itself, in the list of what needs a person: its keys act on the line that is chosen there.

use chrono::TimeDelta;

use super::follow_ups::step;
use super::schedules::pattern;
use super::support::{DRAFT, RAYA, STACKED, TestDashboard, at, draft, raya};
use crate::app::view::BlastView;
use crate::app::{StepChange, StepKey, StepView, UndoOutcome};
use crate::domain::act::Actor;
use crate::domain::blast::{BlastOrigin, BlastState};
use crate::domain::ids::BlastId;
use crate::domain::waiting::Waiting;
use crate::tui::effect::{Completion, Effect, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{AttentionItem, NeedsLine, Overlay, Pane, Prompt};
use crate::tui::msg::Msg;

pub const STEP: StepKey = StepKey { blast: RAYA, number: 1 };

/// Nothing needs anybody; one blast has a step, and another one is selected.
pub fn with(steps: Vec<StepView>) -> TestDashboard {
    let mut dashboard = TestDashboard::new(STACKED);
    let origin = BlastOrigin { has_steps: true, ..BlastOrigin::default() };
    let mut calm = BlastView { origin, ..raya() };
    calm.counts.uncertain = 0;
    dashboard.answer(Completion::Blasts(Ok(vec![draft(), calm])));
    dashboard.model.blasts.select(DRAFT);
    dashboard.keys("!").answer(Completion::Steps(Ok(steps))).taken();
    dashboard
}

fn change(to: StepChange) -> WriteRequest {
    let shown = if to == StepChange::Resume { paused(None) } else { step(None) };
    WriteRequest::ChangeStep { step: STEP, to, seen: shown.seen() }
}

fn done(dashboard: &mut TestDashboard, to: StepChange) {
    dashboard.answer(Completion::Written { request: change(to), outcome: Ok(WriteOutcome::StepChanged) });
}

pub fn paused(waits: Option<BlastId>) -> StepView {
    let mut view = step(waits);
    view.step.paused_at = Some(at(14, 0));
    StepView { comes_at: None, ..view }
}

#[test]
fn a_step_is_paused_at_once_and_resumed_after_a_question() {
    let mut dashboard = with(vec![step(None)]);
    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Step(STEP)));
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("says: Salam {name}"), "{screen}");
    assert!(screen.contains("e changes that"), "{screen}");

    dashboard.keys("p");
    assert_eq!(dashboard.acts(), [change(StepChange::Pause)]);
    done(&mut dashboard, StepChange::Pause);
    assert_eq!(dashboard.said(), "step 1 of Raya promo is paused; S resumes it");
    assert_eq!(dashboard.model.log.back().unwrap().command_line, "blastdeck blast step pause 7 1");
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::Steps(vec![RAYA]))));
    dashboard.answer(Completion::Steps(Ok(vec![paused(None)])));
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("1d after read, not replied; paused"), "{screen}");
    assert!(screen.contains("What was paused") && !screen.contains("What comes by itself"), "{screen}");

    dashboard.keys("p");
    assert_eq!(dashboard.said(), "step 1 of Raya promo is paused already: S resumes it");
    dashboard.keys("S");
    assert!(dashboard.acts().is_empty(), "it asks first");
    dashboard.keys("y");
    assert_eq!(dashboard.acts(), [change(StepChange::Resume)]);
}

#[test]
fn of_steps_that_come_by_themselves_the_next_one_stands_first() {
    let later = StepView { comes_at: Some(at(15, 50)), ..step(None) };
    let mut sooner = StepView { comes_at: Some(at(15, 49)), ..step(None) };
    sooner.step.number = 2;

    let dashboard = with(vec![later, sooner]);

    let next = NeedsLine::Step(StepKey { number: 2, ..STEP });
    assert_eq!(dashboard.model.needs_lines(), [next, NeedsLine::Step(STEP)]);
}

#[test]
fn a_step_whose_text_is_refused_says_so_at_the_cursor_and_what_gives_it_a_template() {
    let refused = StepView { refused_text: Some("sends text to whoever wrote nothing"), ..step(None) };

    let screen = with(vec![refused]).screen().join("\n");

    assert!(screen.contains("it sends text to whoever wrote nothing:"), "{screen}");
    assert!(screen.contains("blastdeck blast step set 7 1 --template ..."), "{screen}");
}

#[test]
fn whoever_resumes_a_step_that_lost_the_number_of_somebody_forgotten_is_asked_about_that() {
    let mut dashboard = with(vec![step(None)]);
    let lost = StepView { lost_number: true, ..paused(None) };
    dashboard.answer(Completion::Steps(Ok(vec![lost.clone()])));

    dashboard.keys("S");

    let Some(Prompt::Confirm(asked)) = &dashboard.model.prompt else { panic!("it asks first") };
    let says = "somebody was forgotten, and their number was taken out of its words or of values that it sends; ";
    assert!(asked.question.contains(says), "{}", asked.question);
    dashboard.keys("y");
    let resumed = WriteRequest::ChangeStep { step: STEP, to: StepChange::Resume, seen: lost.seen() };
    assert_eq!(dashboard.acts(), [resumed]);
}

/// What was changed in it meanwhile is in the list by then, and was not in the question.
#[test]
fn a_step_is_resumed_as_the_question_about_it_showed_it() {
    let asks = paused(None);
    let mut sends = asks.clone();
    sends.step.at_most = Some(500);
    sends.step.due_from = at(14, 1);
    let mut dashboard = with(vec![asks.clone()]);

    dashboard.keys("S").answer(Completion::Steps(Ok(vec![sends.clone()]))).keys("y");

    let resumed = WriteRequest::ChangeStep { step: STEP, to: StepChange::Resume, seen: asks.seen() };
    assert_ne!(asks.seen(), sends.seen());
    assert_eq!(dashboard.acts(), [resumed]);
}

/// Its line comes under the cursor where that of a stopped sender was, as soon as that goes on.
#[test]
fn p_on_the_line_of_a_step_is_not_named_as_what_stops_a_launch() {
    let mut dashboard = with(vec![step(None)]);
    let until = dashboard.now + TimeDelta::seconds(10);
    let starts = BlastView { state: BlastState::Sending, version: 4, send_after: Some(until), ..draft() };
    let done = BlastView { state: BlastState::Completed, ..dashboard.model.blasts.get(RAYA).unwrap().clone() };
    dashboard.answer(Completion::Blasts(Ok(vec![starts, done]))).taken();
    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Step(STEP)));

    let said = dashboard.line(22);
    assert!(said.ends_with("starts at 14:02:10: u stops it (10 s left)"), "{said}");

    dashboard.keys("p");
    assert_eq!(dashboard.acts(), [change(StepChange::Pause)]);
}

#[test]
fn commands_by_name_over_the_line_of_a_step_do_what_its_keys_do() {
    let mut dashboard = with(vec![step(None)]);
    dashboard.keys(":remove this step");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("remove this step, or cancel") && !screen.contains("not in this pane"), "{screen}");
    dashboard.keys("\n");
    assert!(dashboard.acts().is_empty(), "it asks first");
    dashboard.keys("y");
    assert_eq!(dashboard.acts(), [change(StepChange::Remove)]);

    let mut dashboard = with(vec![step(None)]);
    dashboard.model.focus = Pane::Blasts;
    dashboard.keys(":cancel it, or delete a draft\n");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("remove step 1 of Raya promo for good?"), "{screen}");
    let mut dashboard = with(vec![step(None)]);
    dashboard.keys(":change the message of this step\n");
    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::StepMessage(_))), "{}", dashboard.said());
}

#[test]
fn a_step_is_removed_after_a_question_and_the_next_line_is_chosen() {
    let mut other = step(None);
    other.step.number = 2;
    let mut dashboard = with(vec![step(None), other.clone()]);

    dashboard.keys("Xn");
    assert!(dashboard.acts().is_empty());
    dashboard.keys("X");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("remove step 1 of Raya promo for good? What it made stays."), "{screen}");
    dashboard.keys("y");
    assert_eq!(dashboard.acts(), [change(StepChange::Remove)]);
    done(&mut dashboard, StepChange::Remove);
    dashboard.answer(Completion::Steps(Ok(vec![other])));

    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Step(StepKey { number: 2, ..STEP })));
}

#[test]
fn enter_on_a_step_goes_to_its_draft_else_to_its_blast() {
    let mut dashboard = with(vec![step(None)]);
    dashboard.keys("\n");
    assert!(dashboard.model.overlays.is_empty());
    assert_eq!((dashboard.model.focus, dashboard.model.blast().unwrap().id), (Pane::Blasts, RAYA));

    let mut dashboard = with(vec![step(Some(DRAFT))]);
    dashboard.keys("\n");
    assert!(matches!(&dashboard.model.overlays[..], [Overlay::Plan(plan)] if plan.blast == DRAFT));
}

#[test]
fn a_step_that_runs_is_not_resumed_and_a_read_only_window_changes_none() {
    let mut dashboard = with(vec![step(None)]);
    dashboard.keys("S");
    assert_eq!(dashboard.said(), "step 1 of Raya promo is not paused: enter goes to its blast");

    dashboard.model.options.kind = crate::tui::DashboardKind::ReadOnly;
    for key in ["p", "X"] {
        dashboard.keys(key);
        assert!(dashboard.model.prompt.is_none() && dashboard.acts().is_empty(), "{key}");
    }
}

#[test]
fn what_is_scheduled_stands_beside_the_steps_and_its_keys_act_on_it() {
    let mut dashboard = with(Vec::new());
    dashboard.answer(Completion::Blasts(Ok(vec![draft(), pattern(BlastState::Scheduled)])));
    dashboard.keys("k");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("> Good morning: every day 09:00; next 21 Nov 09:00"), "{screen}");

    dashboard.keys("p");
    assert_eq!(dashboard.acts(), [WriteRequest::Pause(RAYA)], "the selected one is a draft");
    dashboard.keys(">");
    assert!(dashboard.screen().join("\n").contains("leave out Good morning at 21 Nov 09:00?"));
    dashboard.keys("nX");

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("end Good morning for good, with all its times to come? Type"), "{screen}");
    dashboard.key(Key::Esc);
    assert!(
        dashboard.said().starts_with("nothing done: Good morning still starts 21 Nov 09:00"),
        "{}",
        dashboard.said()
    );
    assert!(dashboard.acts().is_empty(), "it was paused");

    let (request, outcome) =
        (WriteRequest::Cancel { blast: RAYA, version: 3, people: 289 }, Ok(WriteOutcome::Cancelled(289)));
    dashboard.answer(Completion::Written { request, outcome });
    assert_eq!(dashboard.said(), "Good morning has ended for good: it is not sent again", "nobody missed anything");
}

#[test]
fn s_on_a_line_shows_the_plan_of_its_blast() {
    let mut dashboard = with(Vec::new());
    dashboard.answer(Completion::Blasts(Ok(vec![draft(), pattern(BlastState::Paused)]))).keys("kS");

    assert!(matches!(&dashboard.model.overlays[..], [Overlay::Needs(_), Overlay::Plan(plan)] if plan.blast == RAYA));
}

#[test]
fn what_repeats_is_not_sent_again_and_says_so_before_any_question() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.answer(Completion::Blasts(Ok(vec![pattern(BlastState::Scheduled)])));
    dashboard.keys("1S");

    assert_eq!(dashboard.said(), "it repeats, next 21 Nov 09:00: p pauses it, > leaves that time out");
    assert!(dashboard.model.overlays.is_empty() && dashboard.model.prompt.is_none());
}

#[test]
fn a_blast_that_goes_on_at_its_hours_stands_among_what_comes_by_itself() {
    let mut dashboard = TestDashboard::new(STACKED);
    let waiting = Some(Waiting::Window { window: "20:00-22:00 daily".to_owned(), until: at(20, 0) });
    let mut calm = BlastView { waiting, ..raya() };
    calm.counts.uncertain = 0;
    dashboard.answer(Completion::Blasts(Ok(vec![draft(), calm])));
    dashboard.model.blasts.select(DRAFT);

    dashboard.keys("!");

    let screen = dashboard.screen().join("\n");
    assert!(
        screen.contains("Raya promo waits for ") && screen.contains("p pauses it, X cancels it, enter goes there"),
        "{screen}"
    );
    assert!(screen.contains("20:00"), "{screen}");
    dashboard.keys("p");
    assert_eq!(dashboard.acts(), [WriteRequest::Pause(RAYA)]);
}

/// Its line is there until it sends: whoever looks whether anything is about to go out sees it, and the cursor stays on it.
#[test]
fn what_waits_for_its_hours_is_listed_also_in_the_last_minutes_before_them() {
    let with_wait = |waiting: Waiting| {
        let mut dashboard = TestDashboard::new(STACKED);
        let mut calm = BlastView { waiting: Some(waiting), ..raya() };
        calm.counts.uncertain = 0;
        dashboard.answer(Completion::Blasts(Ok(vec![draft(), calm])));
        dashboard.keys("!");
        dashboard
    };
    let until = at(14, 4);
    let hours = Waiting::Window { window: "14:04-22:00 daily".to_owned(), until };
    let dashboard = with_wait(hours);

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("Raya promo waits for its hours"), "{screen}");
    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Blast(RAYA)));

    let dashboard = with_wait(Waiting::DailyCap { cap: 500, until, hours: None });
    assert!(dashboard.screen().join("\n").contains("Raya promo waits for the daily cap"));

    let dashboard = with_wait(Waiting::Throttled { until });
    let listed = dashboard.model.needs_lines();
    assert!(!listed.contains(&NeedsLine::Blast(RAYA)), "a pause of the provider that is soon over is no news");
}

/// Whoever looks what is about to go out sees that somebody else's launch is.
#[test]
fn what_counts_down_its_start_is_listed_with_whose_it_is() {
    let mut dashboard = with(Vec::new());
    let calm = dashboard.model.blasts.get(RAYA).unwrap().clone();
    let send_after = Some(dashboard.now + TimeDelta::seconds(10));
    let state_by = Some(Actor::Operator("minah@shop".to_owned()));
    let starts = BlastView { state: BlastState::Sending, version: 4, send_after, state_by, ..draft() };

    dashboard.answer(Completion::Blasts(Ok(vec![starts, calm])));

    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Blast(DRAFT)));
    let screen = dashboard.screen().join("\n");
    let says = "> Raya last call starts at 14:02:10, by minah@shop";
    assert!(screen.contains(says) && screen.contains("p pauses it, X cancels it, enter goes there"), "{screen}");
    dashboard.now += TimeDelta::seconds(10);
    dashboard.dispatch(Msg::Deadline);
    assert!(!dashboard.screen().join("\n").contains(" starts at "), "{:#?}", dashboard.screen());
}

#[test]
fn a_line_that_goes_with_its_time_leaves_the_cursor_where_it_was() {
    let mut dashboard = with(vec![step(None)]);
    let calm = dashboard.model.blasts.get(RAYA).unwrap().clone();
    let hours = |until| Some(Waiting::Window { window: "14:04-22:00 daily".to_owned(), until });
    let later = BlastView { state: BlastState::Sending, waiting: hours(at(20, 0)), ..draft() };
    let soon = BlastView { waiting: hours(at(14, 4)), ..calm.clone() };
    dashboard.answer(Completion::Blasts(Ok(vec![later.clone(), soon]))).keys("k");
    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Blast(RAYA)));

    dashboard.now = at(14, 4);
    dashboard.answer(Completion::Blasts(Ok(vec![later, calm])));

    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Step(STEP)), "the line below, not the first one");
}

/// What is pressed next is about the blast that was chosen, and not about the one below it.
#[test]
fn a_blast_that_asked_keeps_the_cursor_while_it_waits_for_its_hours_and_once_that_is_taken_back() {
    let mut dashboard = TestDashboard::new(STACKED);
    let mut calm = raya();
    calm.counts.uncertain = 0;
    let asks = BlastView { state: BlastState::Paused, state_by: Some(Actor::Engine), waiting: None, ..calm.clone() };
    let below = BlastView { id: BlastId(77), tag: "Tour Dec".to_owned(), ..asks.clone() };
    dashboard.answer(Completion::Blasts(Ok(vec![asks.clone(), below.clone()]))).keys("!");
    let asking = NeedsLine::Need(AttentionItem::Paused(RAYA));
    assert_eq!(dashboard.model.needs_line(), Some(asking));

    let waiting = Some(Waiting::Window { window: "20:00-22:00 daily".to_owned(), until: at(20, 0) });
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { waiting, ..calm }, below.clone()])));
    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Blast(RAYA)));

    dashboard.answer(Completion::Blasts(Ok(vec![asks, below])));
    assert_eq!(dashboard.model.needs_line(), Some(asking));
}

/// It had come there by itself, from one that is listed again by then.
#[test]
fn a_blast_whose_act_is_taken_back_keeps_the_cursor_where_another_one_had_it_before() {
    let mut dashboard = TestDashboard::new(STACKED);
    let mut calm = raya();
    calm.counts.uncertain = 0;
    let waits = |row: &BlastView, waiting| BlastView { waiting: Some(waiting), ..row.clone() };
    let asks = BlastView { state: BlastState::Paused, state_by: Some(Actor::Engine), waiting: None, ..calm.clone() };
    let capped = waits(&calm, Waiting::DailyCap { cap: 500, until: at(20, 0), hours: None });
    let hours = Waiting::Window { window: "20:00-22:00 daily".to_owned(), until: at(20, 0) };
    let other = BlastView { id: BlastId(77), tag: "Tour Dec".to_owned(), ..waits(&calm, hours) };
    dashboard.answer(Completion::Blasts(Ok(vec![asks, other.clone()]))).keys("!");
    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Need(AttentionItem::Paused(RAYA))));
    dashboard.answer(Completion::Blasts(Ok(vec![calm, other.clone()])));
    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Blast(other.id)), "the other one sends");
    // Later than it goes back by itself.
    dashboard.now += TimeDelta::seconds(6);
    dashboard.answer(Completion::Blasts(Ok(vec![capped.clone(), other.clone()]))).taken();

    dashboard.keys("p");
    assert_eq!(dashboard.acts(), [WriteRequest::Pause(other.id)]);
    let own = Some(Actor::Operator(dashboard.model.options.operator.clone()));
    let version = other.version + 1;
    let paused = BlastView { state: BlastState::Paused, state_by: own, waiting: None, version, ..other.clone() };
    let outcome = Ok(WriteOutcome::Blast(Box::new(paused)));
    dashboard.answer(Completion::Written { request: WriteRequest::Pause(other.id), outcome });
    let undone = UndoOutcome {
        recipients: Vec::new(),
        sentence: "Tour Dec goes on".to_owned(),
        command_lines: Vec::new(),
        still_suppressed: Vec::new(),
    };
    let outcome = Ok(WriteOutcome::Undone(undone));
    dashboard.answer(Completion::Written { request: WriteRequest::UndoLaunch(other.id), outcome });
    dashboard.answer(Completion::Blasts(Ok(vec![capped, BlastView { version: version + 1, ..other.clone() }])));

    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Blast(other.id)));
}
