//! Random keys, answers and sizes: it never panics, always draws, and nothing dangerous happens without its question.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_oneof, proptest};
use proptest::sample::select;

use super::support::{
    Bench, DRAFT, RAYA, WIDE, blasts, buffer, crowd, details_of, draft, exactly, marked, people, plan_of,
};
use crate::domain::status::Status;
use crate::tui::Size;
use crate::tui::effect::{Act, Answer, Counted, Effect, Failure};
use crate::tui::key::Key;
use crate::tui::model::{Model, Needs, Page, Prompt};
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

fn any_answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        Just(Answer::Blasts(Ok(blasts()))),
        Just(Answer::Blasts(Ok(Vec::new()))),
        Just(Answer::Blasts(Err(Failure::Unavailable))),
        Just(Answer::Cells(Ok(people()))),
        Just(Answer::Person(Box::new(Ok(details_of(people().swap_remove(4)))))),
        Just(Answer::Plan { blast: DRAFT, plan: Box::new(Ok(plan_of(draft(), 289))) }),
        Just(Answer::Plan { blast: RAYA, plan: Box::new(Err(Failure::Other("no".to_owned()))) }),
        Just(marked(1, "Siti Aminah", Status::Read, Status::Replied)),
        Just(Answer::Rested),
    ]
}

#[derive(Debug, Clone)]
enum Event {
    Key(Key),
    Answer(Answer),
    /// The list that is awaited arrives, with so many people.
    List(i64),
    Count,
    Msg(Msg),
}

fn any_event() -> impl Strategy<Value = Event> {
    let size = (1_u16..170, 1_u16..60).prop_map(|(width, height)| Msg::Resized(Size { width, height }));
    prop_oneof![
        12 => any_key().prop_map(Event::Key),
        2 => any_answer().prop_map(Event::Answer),
        3 => (0_i64..70).prop_map(Event::List),
        1 => Just(Event::Count),
        1 => size.prop_map(Event::Msg),
        1 => any::<String>().prop_map(|text| Event::Msg(Msg::Paste(text))),
        1 => Just(Event::Msg(Msg::Drawn)),
        1 => Just(Event::Msg(Msg::Look)),
    ]
}

/// Whether this key is the right answer to the question that was open.
fn answers(before: &Model, event: &Event, act: &Act) -> bool {
    let Event::Key(key) = event else { return false };
    match (&before.prompt, before.pages.last()) {
        (Some(Prompt::Ask(ask)), _) => {
            let right = match &ask.needs {
                Needs::Yes => *key == Key::Char('y'),
                Needs::Pause { .. } => false,
                Needs::Number { people, field } => *key == Key::Enter && field.text() == people.to_string(),
            };
            right && ask.then.contains(act)
        }
        (None, Some(Page::Plan(plan))) => {
            let people = plan.told.as_ref().map(|told| told.people.to_string());
            *key == Key::Enter && Some(plan.field.text()) == people
        }
        _ => false,
    }
}

/// Where a storm begins: at the desk, or in front of something dangerous.
#[derive(Debug, Clone, Copy)]
enum Start {
    Desk,
    Plan,
    Cancel,
    Uncertain,
}

fn any_start() -> impl Strategy<Value = Start> {
    select(vec![Start::Desk, Start::Plan, Start::Cancel, Start::Uncertain])
}

fn begun(start: Start) -> Bench {
    let mut bench = Bench::new(WIDE);
    match start {
        Start::Desk => {}
        Start::Plan => {
            bench.keys("1").key(Key::End).keys("S");
            bench.answer(Answer::Plan { blast: DRAFT, plan: Box::new(Ok(plan_of(draft(), 289))) });
        }
        Start::Cancel => _ = bench.keys("1jjX"),
        Start::Uncertain => {
            bench.keys("3jjjj\n");
            bench.answer(Answer::Person(Box::new(Ok(details_of(people().swap_remove(4))))));
        }
    }
    bench.taken();
    bench
}

fn tell(bench: &mut Bench, event: &Event) {
    match event.clone() {
        Event::Key(key) => _ = bench.key(key),
        Event::Answer(answer) => _ = bench.answer(answer),
        Event::List(count) => _ = bench.list(crowd(1, count)),
        Event::Count => {
            let ticket = bench.model.people.ticket;
            bench.answer(Answer::Count { ticket, counted: Counted::Changed, total: Ok(exactly(3)) });
        }
        Event::Msg(msg) => _ = bench.tell(msg),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_storm_of_keys_never_panics_and_never_does_anything_dangerous_unasked(start in any_start(), events in proptest::collection::vec(any_event(), 1..80)) {
        let mut bench = begun(start);
        for event in events {
            let before = bench.model.clone();
            tell(&mut bench, &event);
            buffer(&bench.model);

            for effect in bench.taken() {
                if let Effect::Act(act) = effect
                    && act.needs_question()
                {
                    prop_assert!(answers(&before, &event, &act), "{act:?} after {event:?}");
                }
            }
        }
    }

    #[test]
    fn a_person_is_only_marked_while_they_are_under_the_cursor_or_marked(start in any_start(), events in proptest::collection::vec(any_event(), 1..80)) {
        let mut bench = begun(start);
        for event in events {
            let before = bench.model.clone();
            tell(&mut bench, &event);
            for act in bench.acts() {
                if let (Act::Mark { person, .. } | Act::Amend { person, .. }, Event::Key(_)) = (&act, &event) {
                    let shown = before.people.cursor() == Some(*person) || before.people.marked.contains(person);
                    let open = matches!(before.pages.last(), Some(Page::Details(details)) if details.person == *person);
                    let asked = match &before.prompt {
                        Some(Prompt::Ask(ask)) => ask.then.contains(&act),
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
    fn escape_always_leads_out(start in any_start(), events in proptest::collection::vec(any_event(), 1..60)) {
        let mut bench = begun(start);
        for event in events {
            tell(&mut bench, &event);
        }

        for _ in 0..90 {
            bench.key(Key::Esc);
        }

        prop_assert!(bench.model.pages.is_empty() && bench.model.prompt.is_none() && bench.model.held.is_empty());
    }
}
