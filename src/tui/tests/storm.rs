//! Random keys, answers and sizes: it never panics, always draws, and nothing dangerous happens without its question.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_oneof, proptest};
use proptest::sample::select;

use super::activity;
use super::plans::plan_of;
use super::support::{DRAFT, RAYA, TestDashboard, WIDE, at, blasts, buffer, crowd, details_of, draft, marked, people};
use crate::app::view::Total;
use crate::domain::order::OrderState;
use crate::domain::status::Status;
use crate::tui::Size;
use crate::tui::effect::{Completion, Effect, EffectError, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{ConfirmBy, Model, Overlay, Pane, Prompt};
use crate::tui::msg::Msg;

/// Keys that somebody types: those that do something far more often than others.
fn any_key() -> impl Strategy<Value = Key> {
    let bound: Vec<Key> = crate::tui::action::ACTIONS.iter().flat_map(|action| action.keys).copied().collect();
    prop_oneof![
        8 => select(bound),
        3 => select(vec![Key::Char('y'), Key::Enter, Key::Char('2'), Key::Char('8'), Key::Char('9'), Key::Backspace]),
        1 => any::<char>().prop_map(Key::Char),
    ]
}

fn any_answer() -> impl Strategy<Value = Completion> {
    prop_oneof![
        Just(Completion::Blasts(Ok(blasts()))),
        Just(Completion::Blasts(Ok(Vec::new()))),
        Just(Completion::Blasts(Err(EffectError::Unavailable))),
        Just(Completion::Rows(Ok(people()))),
        Just(Completion::Person(Box::new(Ok(details_of(people().swap_remove(4)))))),
        Just(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan_of(draft(), 289))) }),
        Just(Completion::Plan { blast: RAYA, plan: Box::new(Err(EffectError::Other("no".to_owned()))) }),
        Just(marked(1, "Siti Aminah", Status::Read, Status::Replied)),
        Just(Completion::Progress(Ok(vec![(RAYA, super::views::progress())]))),
        Just(Completion::Progress(Err(EffectError::Unavailable))),
        Just(Completion::Errors { blast: RAYA, errors: Ok(Vec::new()) }),
        Just(Completion::FollowUp(Ok(super::follow_ups::preview()))),
        Just(super::customers::sheet(vec![super::customers::order(3, OrderState::New)])),
        Just(Completion::Retryable { blast: RAYA, people: Ok(2), nobody: None }),
        Just(Completion::LeasesReleased),
        Just(super::form::opened()),
        Just(super::form::saved(9, 1)),
        Just(super::form::taken(9, 2, None)),
    ]
}

#[derive(Debug, Clone)]
enum StormEvent {
    Key(Key),
    Answer(Completion),
    /// The list that is awaited arrives, with so many people.
    List(i64),
    Count,
    /// What happened arrives.
    Activity,
    Head(i64),
    Msg(Msg),
}

fn any_event() -> impl Strategy<Value = StormEvent> {
    let size = (1_u16..210, 1_u16..60).prop_map(|(width, height)| Msg::Resized(Size { width, height }));
    prop_oneof![
        12 => any_key().prop_map(StormEvent::Key),
        2 => any_answer().prop_map(StormEvent::Answer),
        3 => (0_i64..70).prop_map(StormEvent::List),
        1 => Just(StormEvent::Count),
        2 => Just(StormEvent::Activity),
        1 => (0_i64..5).prop_map(StormEvent::Head),
        1 => size.prop_map(StormEvent::Msg),
        1 => any::<String>().prop_map(|text| StormEvent::Msg(Msg::Paste(text))),
        1 => Just(StormEvent::Msg(Msg::Drawn)),
        1 => Just(StormEvent::Msg(Msg::Refresh)),
        1 => Just(StormEvent::Msg(Msg::News)),
    ]
}

/// Whether this key is the right answer to the question that was open.
fn answers(before: &Model, event: &StormEvent, act: &WriteRequest) -> bool {
    let StormEvent::Key(key) = event else { return false };
    match (&before.prompt, before.overlays.last()) {
        (Some(Prompt::Confirm(ask)), _) => {
            let right = match &ask.by {
                ConfirmBy::Yes => *key == Key::Char('y'),
                // It pauses the blast, which needs no question.
                ConfirmBy::NumberOncePaused { .. } | ConfirmBy::YesThenNumber(_) => false,
                ConfirmBy::Number { people, field, .. } => *key == Key::Enter && field.text() == people.to_string(),
            };
            right && ask.then.contains(act)
        }
        (None, Some(Overlay::Plan(plan))) => {
            let people = plan.loaded.as_ref().map(|loaded| loaded.people.to_string());
            *key == Key::Enter && Some(plan.field.text()) == people
        }
        _ => false,
    }
}

/// Where a storm begins: at the panes, or in front of something dangerous.
#[derive(Debug, Clone, Copy)]
enum StartState {
    Panes,
    Plan,
    Cancel,
    Uncertain,
    Customer,
    Activity,
    Answer,
    NewForm,
    Form,
    Welcome,
    Commands,
    FollowUp,
    StepMessage,
}

fn any_start() -> impl Strategy<Value = StartState> {
    select(vec![
        StartState::Panes,
        StartState::Plan,
        StartState::Cancel,
        StartState::Uncertain,
        StartState::Customer,
        StartState::Activity,
        StartState::Answer,
        StartState::NewForm,
        StartState::Form,
        StartState::Welcome,
        StartState::Commands,
        StartState::FollowUp,
        StartState::StepMessage,
    ])
}

fn begun(start: StartState) -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    match start {
        StartState::Panes => {}
        StartState::Plan => {
            dashboard.keys("1").key(Key::End).keys("S");
            dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan_of(draft(), 289))) });
        }
        StartState::Cancel => _ = dashboard.keys("1jjX"),
        StartState::Uncertain => {
            dashboard.keys("3jjjj\n");
            dashboard.answer(Completion::Person(Box::new(Ok(details_of(people().swap_remove(4))))));
        }
        StartState::Customer => return super::customers::opened(WIDE),
        StartState::StepMessage => {
            dashboard = super::steps::with(vec![super::follow_ups::step(None)]);
            dashboard.keys("e?");
        }
        StartState::Activity => dispatch(dashboard.keys("4"), &StormEvent::Activity),
        StartState::Answer => {
            dashboard.answer(Completion::Senders(Ok(vec![activity::cloud()])));
            dispatch(dashboard.keys("4"), &StormEvent::Activity);
            dashboard.dispatch(Msg::Drawn).keys("a");
        }
        StartState::NewForm => _ = dashboard.keys("1n↓↓↓↓\nSalam"),
        StartState::Form => _ = super::late::wants_draft(&mut dashboard).answer(super::form::opened()),
        StartState::Welcome => _ = dashboard.keys(":welcome\n"),
        StartState::Commands => _ = dashboard.keys(":pa"),
        StartState::FollowUp => {
            dashboard.keys("2jjf").answer(Completion::FollowUp(Ok(super::follow_ups::preview())));
        }
    }
    dashboard.taken();
    dashboard
}

fn dispatch(dashboard: &mut TestDashboard, event: &StormEvent) {
    match event.clone() {
        StormEvent::Key(key) => _ = dashboard.key(key),
        StormEvent::Answer(answer) => _ = dashboard.answer(answer),
        StormEvent::List(count) => _ = dashboard.list(crowd(1, count)),
        StormEvent::Count => {
            let ticket = dashboard.model.recipients.ticket;
            dashboard.answer(Completion::CountChanged { ticket, total: Ok(Total::Exactly(3)) });
            let people = (1..4).map(crate::domain::ids::RecipientId).collect();
            dashboard.answer(Completion::AllFound { ticket, people: Ok(people) });
        }
        StormEvent::Activity => {
            let ticket = dashboard.model.activity.ticket;
            dashboard.answer(Completion::Activity { ticket, before: None, limit: 30, page: Ok(activity::page()) });
        }
        StormEvent::Head(unread) => {
            dashboard.answer(Completion::ActivityHead(Ok(activity::head(unread, at(13, 58)))));
        }
        StormEvent::Msg(msg) => _ = dashboard.dispatch(msg),
    }
}

/// How many storms of each kind: with `BLASTDECK_LONG_TESTS=1` enough for more than 100,000 keys.
fn storms() -> u32 {
    if std::env::var_os("BLASTDECK_LONG_TESTS").is_some() { 4_000 } else { 48 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(storms()))]

    #[test]
    fn a_storm_of_keys_never_panics_and_never_does_anything_dangerous_unasked(start in any_start(), events in proptest::collection::vec(any_event(), 1..80)) {
        let mut dashboard = begun(start);
        for event in events {
            let before = dashboard.model.clone();
            dispatch(&mut dashboard, &event);
            buffer(&dashboard.model);

            for effect in dashboard.taken() {
                let Effect::Write(act) = effect else { continue };
                if act.needs_question() {
                    prop_assert!(answers(&before, &event, &act), "{act:?} after {event:?}");
                }
                // A message is saved as it is typed; nothing else is done by a digit.
                let is_digit = matches!(event, StormEvent::Key(Key::Char('0'..='9')));
                prop_assert!(!is_digit || matches!(act, WriteRequest::Draft(_)), "{act:?} after {event:?}");
            }
        }
    }

    #[test]
    fn a_person_is_only_marked_while_they_are_under_the_cursor_or_marked(start in any_start(), events in proptest::collection::vec(any_event(), 1..80)) {
        let mut dashboard = begun(start);
        for event in events {
            let before = dashboard.model.clone();
            dispatch(&mut dashboard, &event);
            for act in dashboard.acts() {
                if let (WriteRequest::Mark { person, .. } | WriteRequest::Amend { person, .. }, StormEvent::Key(_)) = (&act, &event) {
                    let in_activity = before.focus == Pane::Activity && before.person().map(|row| row.id) == Some(*person);
                    let shown = in_activity || before.recipients.cursor() == Some(*person) || before.recipients.marked.contains_key(person);
                    let open = matches!(before.overlays.last(), Some(Overlay::Details(details)) if details.person == *person);
                    let asked = match &before.prompt {
                        Some(Prompt::Confirm(ask)) => ask.then.contains(&act),
                        Some(Prompt::Amount(amount)) => amount.person == *person,
                        Some(Prompt::Note(note)) => note.person == *person,
                        _ => false,
                    };
                    prop_assert!(shown || open || asked, "{act:?} after {event:?}");
                }
            }
        }
    }

    #[test]
    fn an_answer_is_only_sent_by_the_enter_of_its_field(start in any_start(), events in proptest::collection::vec(any_event(), 1..80)) {
        let mut dashboard = begun(start);
        for event in events {
            let before = dashboard.model.clone();
            dispatch(&mut dashboard, &event);
            for act in dashboard.acts() {
                if let WriteRequest::Answer(answer) = act {
                    let is_enter = matches!(&event, StormEvent::Key(Key::Enter));
                    let is_open = matches!(before.overlays.last(), Some(Overlay::Answer(open)) if open.person == answer.person && open.field.text().trim() == answer.text);
                    prop_assert!(is_enter && is_open && !answer.text.is_empty(), "{answer:?} after {event:?}");
                }
            }
        }
    }

    #[test]
    fn a_step_gets_another_text_only_by_the_key_of_its_page(start in any_start(), events in proptest::collection::vec(any_event(), 1..80)) {
        let mut dashboard = begun(start);
        for event in events {
            let before = dashboard.model.clone();
            dispatch(&mut dashboard, &event);
            for act in dashboard.acts() {
                if let WriteRequest::SetStepMessage(edit) = act {
                    let is_its_key = matches!(&event, StormEvent::Key(Key::Ctrl('x')));
                    let is_open = matches!(before.overlays.last(), Some(Overlay::StepMessage(page)) if page.step == edit.step && page.area.text() == edit.message);
                    prop_assert!(is_its_key && is_open && before.prompt.is_none(), "{edit:?} after {event:?}");
                }
            }
        }
    }

    #[test]
    fn escape_always_leads_out(start in any_start(), events in proptest::collection::vec(any_event(), 1..60)) {
        let mut dashboard = begun(start);
        for event in events {
            dispatch(&mut dashboard, &event);
        }

        for _ in 0..90 {
            dashboard.key(Key::Esc);
        }

        prop_assert!(dashboard.model.overlays.is_empty() && dashboard.model.prompt.is_none() && dashboard.model.held.is_empty());
        dashboard.taken();
        dashboard.keys("qqqq");
        prop_assert!(dashboard.taken().iter().any(|effect| matches!(effect, Effect::Exit(_))));
    }
}
