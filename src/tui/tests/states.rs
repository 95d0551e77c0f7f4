//! Every page at every size, with hostile texts in all of them: nothing panics, nothing of a text steers the terminal, the chosen row is
//! seen, questions are seen whole, and a terminal that shows only ASCII gets nothing else.

use ratatui::buffer::Buffer;

use super::plans::plan_of;
use super::support::{DRAFT, TestDashboard, blasts, buffer, details_of, draft, drawn, lines, people, senders};
use super::{activity, follow_ups, form, views};
use crate::app::report::ErrorLine;
use crate::app::view::{ActivityEvent, ActivityPage, BlastView, RecipientRow};
use crate::app::{Plan, PlanGroup, PlanPerson, Sample};
use crate::domain::ids::RecipientId;
use crate::domain::phone::Phone;
use crate::domain::rejected_rows::{LeftOutRow, RejectedReason, RejectedRows, RowDigest};
use crate::tui::effect::{Completion, Effect, EffectError, ReadRequest};
use crate::tui::key::Key;
use crate::tui::model::{Model, Overlay, Pane, Prompt};
use crate::tui::msg::Msg;
use crate::tui::{Charset, Size, WelcomeFacts};

/// Steers the terminal, turns text around, joins, shifts columns, and is longer than any line.
fn hostile() -> String {
    let bad = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{202e}evil\u{2066}\ttab\r\nline\u{200d}👨\u{200d}👩\u{200d}👧 陈小明 e\u{301} \u{9b}31m";
    bad.repeat(12)
}

/// A shop whose blasts, people, notes and tags are hostile.
fn shop(size: Size) -> TestDashboard {
    let named = |row: RecipientRow| RecipientRow {
        name: Some(hostile()),
        note: Some(hostile()),
        reason: Some(hostile()),
        ..row
    };
    let mut dashboard = TestDashboard::with(size, people().into_iter().map(named).collect());
    let rows = blasts().into_iter().map(|blast| BlastView { tag: hostile(), follow_up_stage: hostile(), ..blast });
    dashboard.answer(Completion::Blasts(Ok(rows.collect())));
    dashboard.effects.clear();
    dashboard
}

type State = (&'static str, fn(&mut TestDashboard));

const STATES: &[State] = &[
    ("blasts", |dashboard| _ = dashboard.keys("1j")),
    ("funnel", |dashboard| _ = dashboard.keys("2j")),
    ("recipients", |dashboard| _ = dashboard.keys("3jj")),
    ("zoomed", |dashboard| _ = dashboard.keys("3jjz")),
    ("activity", |dashboard| open_activity(dashboard)),
    ("an event at the end", |dashboard| {
        open_activity(dashboard);
        dashboard.keys("G");
    }),
    ("a view", |dashboard| show_view(dashboard, "v")),
    ("speed", |dashboard| show_view(dashboard, "vv")),
    ("errors", |dashboard| show_view(dashboard, "vvv")),
    ("compare", |dashboard| show_view(dashboard, "vvvv")),
    ("months", |dashboard| show_view(dashboard, "vvvvv")),
    ("find", |dashboard| {
        dashboard.keys("/stuck:read x");
        dashboard.dispatch(Msg::Paste(hostile()));
    }),
    ("an amount", |dashboard| _ = dashboard.keys("3c120")),
    ("a note", |dashboard| _ = dashboard.keys("3e")),
    ("a question", |dashboard| _ = dashboard.keys("3b")),
    ("a number to type", |dashboard| _ = dashboard.keys("1jjX4")),
    ("details", |dashboard| _ = dashboard.keys("3\n").answer(person(0))),
    ("somebody uncertain", |dashboard| _ = dashboard.keys("3jjjj\n").answer(person(4)).keys("jj")),
    ("a plan", |dashboard| open_plan(dashboard)),
    ("a number of a plan", |dashboard| {
        open_plan(dashboard);
        dashboard.keys("28\n28");
    }),
    ("who a count is about", |dashboard| {
        open_plan(dashboard);
        dashboard.keys("jj\n");
        let phone_number = serde_json::from_value(serde_json::json!("+60100120001")).unwrap();
        let person =
            PlanPerson { phone_number, name: Some(hostile()), tag: Some(hostile()), at: None, is_uncertain: false };
        dashboard.answer(Completion::PlanPeople { blast: DRAFT, group: PlanGroup::Recent, people: Ok(vec![person]) });
    }),
    ("rows left out", |dashboard| {
        open_plan(dashboard);
        dashboard.keys("jjjj\n");
    }),
    ("one's own number", |dashboard| {
        open_plan(dashboard);
        dashboard.keys("M+60");
    }),
    ("a new blast", |dashboard| _ = dashboard.keys("1n")),
    ("a form", |dashboard| open_form(dashboard)),
    ("a message that is typed", |dashboard| {
        open_form(dashboard);
        dashboard.keys("j\n");
        dashboard.dispatch(Msg::Paste(hostile()));
    }),
    ("columns", |dashboard| {
        open_form(dashboard);
        dashboard.keys("j\n{");
    }),
    ("rows to mend", |dashboard| {
        open_form(dashboard);
        dashboard.answer(form::taken(9, 4, Some("no"))).keys("\n\n");
    }),
    ("a follow-up", |dashboard| _ = dashboard.keys("2jjf").answer(Completion::FollowUp(Ok(follow_ups::preview())))),
    ("keys", |dashboard| _ = dashboard.keys("?")),
    ("commands", |dashboard| _ = dashboard.keys(":pa").key(Key::Down)),
    ("the log", |dashboard| _ = dashboard.keys(":log\n")),
    ("needs", |dashboard| _ = dashboard.keys("!j")),
    ("welcome", |dashboard| {
        let text = hostile;
        dashboard.model.options.welcome =
            Some(WelcomeFacts { has_sender: false, database: text(), config: text(), terminal: text(), clock: text() });
        dashboard.keys(":welcome\n").key(Key::Down);
    }),
    ("a sender", |dashboard| {
        dashboard.keys(":welcome\n").keys("j\njj\n");
        dashboard.dispatch(Msg::Paste(hostile()));
    }),
    ("an answer", |dashboard| {
        dashboard.answer(Completion::Senders(Ok(vec![activity::cloud()])));
        open_activity(dashboard);
        dashboard.keys("a");
        dashboard.dispatch(Msg::Paste(hostile()));
    }),
    ("a refusal", |dashboard| _ = dashboard.answer(Completion::Senders(Err(EffectError::Other(hostile()))))),
    ("a stop", |dashboard| {
        let mut stopped = senders();
        stopped[0].name = hostile();
        stopped[0].stopped = Some(crate::app::view::SenderStop {
            at: dashboard.now,
            code: crate::domain::sender::StopCode::Provider(hostile()),
            reason: hostile(),
            waits_for_token: false,
        });
        dashboard.answer(Completion::Senders(Ok(stopped))).keys("!");
    }),
];

fn person(at: usize) -> Completion {
    let row = RecipientRow { name: Some(hostile()), note: Some(hostile()), ..people().swap_remove(at) };
    let mut details = details_of(row);
    (details.blast_tag, details.message_text) = (hostile(), Some(hostile()));
    Completion::Person(Box::new(Ok(details)))
}

fn open_activity(dashboard: &mut TestDashboard) {
    dashboard.keys("4");
    let page = activity::page();
    let rows = page.rows.into_iter().map(|mut row| {
        (row.name, row.tag) = (Some(hostile()), Some(hostile()));
        match &mut row.event {
            ActivityEvent::Reply { text, .. } => *text = hostile(),
            ActivityEvent::Trouble { why, .. } => *why = Some(hostile()),
            ActivityEvent::OptOut { reason, .. } | ActivityEvent::Change { reason, .. } => *reason = Some(hostile()),
            ActivityEvent::Act { by, detail, .. } => (*by, *detail) = (hostile(), Some(hostile())),
            ActivityEvent::Notice { field, words, effect } => {
                (*field, *words, *effect) = (hostile(), hostile(), Some(hostile()));
            }
        }
        row
    });
    let page = ActivityPage { rows: rows.collect(), people: page.people };
    let ticket = dashboard.model.activity.ticket;
    dashboard.answer(Completion::Activity { ticket, before: None, limit: 30, page: Ok(page) }).dispatch(Msg::Drawn);
}

fn show_view(dashboard: &mut TestDashboard, keys: &str) {
    dashboard.keys("2").keys(keys);
    for effect in dashboard.taken() {
        match effect {
            Effect::Read(ReadRequest::Progress(blasts)) => {
                let read = blasts.into_iter().map(|blast| (blast, views::progress())).collect();
                dashboard.answer(Completion::Progress(Ok(read)));
            }
            Effect::Read(ReadRequest::Errors(blast)) => {
                let line = || ErrorLine { code: hostile(), count: 2, title: hostile(), advice: hostile() };
                dashboard.answer(Completion::Errors { blast, errors: Ok(vec![line(), line()]) });
            }
            _ => {}
        }
    }
}

fn open_plan(dashboard: &mut TestDashboard) {
    dashboard.model.blasts.select(DRAFT);
    dashboard.keys("1S");
    let (phone, name, text) = (Phone::from_database(hostile()), Some(hostile()), hostile());
    let sample = Sample { which: "first", person: RecipientId(41), phone, name, row: None, text };
    let row = LeftOutRow {
        row: 4,
        column: hostile(),
        value: hostile(),
        name: Some(hostile()),
        reason: hostile(),
        is_cell: true,
        digest: RowDigest::default(),
        phone: None,
    };
    let left_out = RejectedRows {
        total: 11,
        reasons: vec![RejectedReason { reason: hostile(), rows: 11 }],
        rows: vec![row],
        ..RejectedRows::default()
    };
    let plan = Plan {
        samples: vec![sample],
        left_out: Some(left_out),
        test_to: None,
        health: vec![hostile()],
        ..plan_of(BlastView { tag: hostile(), ..draft() }, 289)
    };
    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan)) });
}

fn open_form(dashboard: &mut TestDashboard) {
    dashboard.model.blasts.select(DRAFT);
    dashboard.keys("1e").answer(form::opened());
}

/// Pairs of a width and a height. In an ordinary run each width has every other height, from each stage of the layout some; with
/// `BLASTDECK_LONG_TESTS=1` there are very many, each with each.
fn sizes() -> Vec<Size> {
    if std::env::var_os("BLASTDECK_LONG_TESTS").is_none() {
        let heights: [&[u16]; 2] = [&[1, 10, 24, 60], &[9, 18, 40]];
        let widths = [1, 30, 40, 80, 110, 160, 200].into_iter().zip(heights.into_iter().cycle());
        return widths.flat_map(|(width, heights)| heights.iter().map(move |&height| Size { width, height })).collect();
    }
    let widths = [1, 2, 3, 5, 10, 20, 30, 39, 40, 41, 50, 60, 64, 79, 80, 81, 100, 109, 110, 111, 130, 159, 160, 200];
    let heights: Vec<u16> = (1..=30).chain([39, 40, 41, 50, 60]).collect();
    widths.into_iter().flat_map(|width| heights.iter().map(move |&height| Size { width, height })).collect()
}

fn at_each_state(is_wanted: fn(&Size) -> bool, mut check: impl FnMut(&str, &mut TestDashboard)) {
    for size in sizes().into_iter().filter(is_wanted) {
        for (name, enter) in STATES {
            let mut dashboard = shop(size);
            enter(&mut dashboard);
            check(&format!("{name} at {}x{}", size.width, size.height), &mut dashboard);
        }
    }
}

fn is_harmless(buffer: &Buffer) -> bool {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    // A joiner may stand between what it joins, after a letter that can be joined.
    let joins =
        |(before, c): (char, char)| matches!(c, '\u{200c}' | '\u{200d}') && !before.is_ascii() && !steers(before);
    buffer.content.iter().all(|cell| {
        let chars: Vec<char> = cell.symbol().chars().collect();
        let before = std::iter::once(' ').chain(chars.iter().copied());
        before.zip(chars.iter().copied()).all(|(before, c)| !steers(c) || joins((before, c)))
    })
}

#[test]
fn on_narrow_screens_no_page_lets_a_text_steer_the_terminal_and_each_shows_what_is_chosen_and_asked() {
    every_page_holds(|size| size.width < 100);
}

#[test]
fn on_wide_screens_no_page_lets_a_text_steer_the_terminal_and_each_shows_what_is_chosen_and_asked() {
    every_page_holds(|size| size.width >= 100);
}

/// One walk for all of it: to enter a state costs more than to look at it.
fn every_page_holds(is_wanted: fn(&Size) -> bool) {
    let mut hidden = Vec::new();
    at_each_state(is_wanted, |name, dashboard| {
        let shown = buffer(&dashboard.model);
        assert!(is_harmless(&shown), "{name}");
        let screen = lines(&shown);
        shows_the_question(name, dashboard, &screen);
        hidden.extend(hides_the_cursor(&dashboard.model, &screen).then(|| format!("{name}\n{}", screen.join("\n"))));
        survives_a_resize(name, dashboard);
        shows_ascii_alone(name, dashboard);
    });
    assert!(hidden.is_empty(), "{}", hidden.join("\n"));
}

/// The keys of a question stand on the screen wherever it can be answered at all.
fn shows_the_question(name: &str, dashboard: &TestDashboard, screen: &[String]) {
    let Some(Prompt::Confirm(ask)) = &dashboard.model.prompt else { return };
    if dashboard.model.layout().is_summary() {
        return;
    }
    let is_number = matches!(ask.by, crate::tui::model::ConfirmBy::Number { .. });
    let end = if is_number { "4_" } else { "y" };
    let screen = screen.join(" ");
    assert!(screen.contains(end), "{name}\n{screen}");
}

/// Whether the chosen row, or the place where a text is typed, is not on the screen.
fn hides_the_cursor(model: &Model, screen: &[String]) -> bool {
    let has_cursor = match model.overlays.last() {
        None => {
            model.prompt.is_none()
                && model.notice.is_none()
                && matches!(model.focus, Pane::Recipients | Pane::Activity | Pane::Blasts)
        }
        Some(
            Overlay::Form | Overlay::NewSender | Overlay::Welcome(_) | Overlay::FollowUp(_) | Overlay::Needs(Some(_)),
        ) => true,
        Some(_) => false,
    };
    // A text that is longer than the screen shows the place where it is typed.
    let is_cursor = |line: &String| line.trim_start().starts_with('>') || line.contains("> ") || line.contains('_');
    has_cursor && !model.layout().is_summary() && !screen.iter().any(is_cursor)
}

/// Of an open page, there and back.
fn survives_a_resize(name: &str, dashboard: &mut TestDashboard) {
    let Size { width, height } = dashboard.model.size;
    dashboard
        .dispatch(Msg::Resized(Size { width: height, height: width }))
        .dispatch(Msg::Resized(Size { width, height }));
    assert!(is_harmless(&buffer(&dashboard.model)), "{name}");
}

fn shows_ascii_alone(name: &str, dashboard: &mut TestDashboard) {
    dashboard.model.options.charset = Charset::Ascii;
    let screen = drawn(&dashboard.model).concat();
    assert!(screen.is_ascii(), "{name}: {screen}");
}
