//! What is switched while the window is open: keys, colours, zone, mouse; and the palette that switches it.

use std::path::Path;

use chrono_tz::Tz;
use ratatui::style::Color;

use super::support::{RAYA, STACKED, TestDashboard, WIDE};
use crate::app::AppError;
use crate::tui::action::{ACTIONS, KeyScope};
use crate::tui::effect::{Effect, EffectError, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{LogLine, MouseCapture, Overlay, Pane};
use crate::tui::mouse::{MouseEvent, MouseKind};
use crate::tui::msg::Msg;
use crate::tui::theme::{Colours, TextRole};
use crate::tui::{KeyBinding, Keymap, Palette};

fn press(x: u16, y: u16) -> Msg {
    Msg::Mouse(MouseEvent { kind: MouseKind::Press, at: (x, y) })
}

fn remapped(action: &str, key: &str) -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    let binding = KeyBinding { action: action.to_owned(), keys: vec![key.to_owned()] };
    dashboard.model.options.keys = Keymap::new(&[binding]).unwrap();
    dashboard
}

#[test]
fn a_remapped_key_is_in_the_footer_the_help_and_the_palette_and_does_what_it_says() {
    let mut dashboard = remapped("they-replied", "R");
    assert!(dashboard.keys("3").line(28).contains("R replied"), "{}", dashboard.line(28));

    dashboard.keys("r");
    assert!(dashboard.acts().is_empty() && dashboard.said().contains("is R now"), "{}", dashboard.said());
    dashboard.keys("R");
    assert_eq!(dashboard.acts().len(), 1);
    dashboard.keys(":replied");
    assert!(dashboard.line(3).ends_with(" R"), "{}", dashboard.line(3));
}

#[test]
fn sentences_name_the_keys_that_the_operator_has() {
    let mut dashboard = TestDashboard::new(WIDE);
    let binding = |action: &str, key: &str| KeyBinding { action: action.to_owned(), keys: vec![key.to_owned()] };
    let bindings =
        [binding("pause-this-blast-at-once", "P"), binding("resume-this-step-or-the-blast-of-this-line", "M")];
    dashboard.model.options.keys = Keymap::new(&bindings).unwrap();
    let keys = &dashboard.model.options.keys;

    let on_a_line = keys.in_sentence("⟨S⟩ resumes it, ⟨p⟩ pauses it, ⟨X⟩ cancels it", &[KeyScope::Needs]);
    let anywhere = keys.in_sentence("⟨S⟩ resumes it; ⟨they-replied⟩ marks it; ⟨nothing⟩", &[]);
    let refused = EffectError::from(AppError::Refused("it is launched, and ⟨p⟩ pauses it".to_owned()));
    let by_default = AppError::Refused("it is launched, and ⟨p⟩ pauses it".to_owned()).to_string();

    assert_eq!(on_a_line, "M resumes it, P pauses it, X cancels it");
    assert_eq!(anywhere, "S resumes it; r marks it; ⟨nothing⟩");
    assert_eq!(refused.sentence(keys), "it is launched, and P pauses it");
    assert_eq!(by_default, "it is launched, and p pauses it");
    dashboard.model.refuse("it is sending: ⟨p⟩ pauses it");
    assert_eq!(dashboard.said(), "it is sending: P pauses it");
}

#[test]
fn titles_and_refusals_name_the_keys_that_the_operator_has_too() {
    let mut dashboard = remapped("timeline-speed-errors-compare-months", "V");
    dashboard.dispatch(Msg::Resized(crate::tui::Size { width: 160, height: 50 })).keys("2");
    assert!(dashboard.screen().join("\n").contains("V: next view"), "{:#?}", dashboard.screen());

    let mut dashboard = remapped("what-needs-a-person", "A");
    dashboard.dispatch(Msg::Database(crate::app::DatabaseState::Down { since: dashboard.now }));
    assert!(dashboard.screen().join("\n").contains("the database does not answer: A says more"));

    let mut dashboard = remapped("to-the-top-and-newer-changes", "A");
    dashboard.keys("3");
    dashboard.model.recipients.changed_since = Some(crate::app::view::Total::Exactly(9));
    assert!(dashboard.screen().join("\n").contains("newer above: A"), "{:#?}", dashboard.screen());
}

#[test]
fn a_pause_and_a_quit_that_were_remapped_still_never_wait_for_a_list() {
    let mut dashboard = remapped("pause-this-blast-at-once", "P");

    dashboard.keys("/0005\nrP");

    assert_eq!(dashboard.acts(), [WriteRequest::Pause(RAYA)]);
}

#[test]
fn a_mistyped_command_is_corrected_before_it_runs() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys(":pausse\n");
    assert!(dashboard.acts().is_empty(), "enter took the name first");
    assert!(dashboard.line(2).contains("pause this blast at once"), "{}", dashboard.line(2));

    dashboard.keys("\n");

    assert_eq!(dashboard.acts(), [WriteRequest::Pause(RAYA)]);
}

#[test]
fn an_unknown_command_says_so_and_runs_nothing() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys(":qqqqqqqq\n");

    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Commands(_))));
    assert!(dashboard.line(2).contains("no command of that name"), "{}", dashboard.line(2));
}

#[test]
fn the_theme_goes_round_and_is_refused_where_there_are_no_colours() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys(":theme\n");
    assert_eq!(dashboard.model.options.palette, Palette::Dark);
    assert!(dashboard.taken().contains(&Effect::Recolour(Palette::Dark)));
    let dark = Colours::choose(Palette::Dark, None, None);
    let theme = crate::tui::theme::ScreenTheme::new(dark, crate::tui::Charset::Unicode);
    assert_eq!(theme.style(TextRole::Accent).fg, Some(Color::LightCyan));

    dashboard.model.setup.colours = crate::tui::model::ColourChoice::None;
    dashboard.keys(":theme\n");

    assert!(dashboard.said().contains("NO_COLOR"), "{}", dashboard.said());
}

#[test]
fn times_are_utc_and_back() {
    let mut dashboard = TestDashboard::new(WIDE);
    assert!(dashboard.line(0).contains("14:02"), "{}", dashboard.line(0));

    dashboard.keys(":utc\n");
    assert!(dashboard.line(0).contains("06:02"), "{}", dashboard.line(0));
    dashboard.keys(":utc\n");

    assert!(dashboard.line(0).contains("14:02"), "{}", dashboard.line(0));
}

#[test]
fn a_mouse_that_was_not_switched_on_does_nothing() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.dispatch(press(3, 16));
    assert_eq!(dashboard.model.focus, Pane::Funnel);

    dashboard.keys(":mouse\n");

    assert!(dashboard.taken().contains(&Effect::CaptureMouse(MouseCapture::On)));
}

#[test]
fn a_click_focuses_and_selects_and_marks_nobody() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys(":mouse\n");

    dashboard.dispatch(press(3, 15));
    assert_eq!((dashboard.model.focus, dashboard.cursor()), (Pane::Recipients, Some(3)));
    dashboard.dispatch(press(60, 4));
    assert_eq!((dashboard.model.focus, dashboard.model.stage), (Pane::Funnel, 1));
    dashboard.dispatch(Msg::Mouse(MouseEvent { kind: MouseKind::WheelDown, at: (60, 4) }));
    assert_eq!(dashboard.model.stage, 4);
    dashboard.keys("3r/").dispatch(press(3, 4));
    let acts = dashboard.acts().len();

    assert_eq!((acts, dashboard.model.focus), (1, Pane::Recipients), "a click answers no question");
}

#[test]
fn a_click_chooses_a_line_of_a_page_and_does_nothing_else() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys(":mouse\n");

    dashboard.keys("1n").taken();
    let line_of = |dashboard: &TestDashboard, words: &str| {
        let at = dashboard.screen().iter().position(|line| line.contains(words)).unwrap();
        u16::try_from(at).unwrap()
    };
    let pace = line_of(&dashboard, "Pace ");
    dashboard.dispatch(press(3, pace));
    assert_eq!(dashboard.model.form.as_ref().unwrap().line, crate::tui::model::FormLine::Pace);
    let tag = line_of(&dashboard, "Tag ");
    dashboard.dispatch(press(3, tag));
    assert_eq!(dashboard.model.form.as_ref().unwrap().line, crate::tui::model::FormLine::Tag);
    dashboard.dispatch(press(3, 28));

    assert_eq!(dashboard.model.form.as_ref().unwrap().line, crate::tui::model::FormLine::First);
    assert!(dashboard.acts().is_empty());
}

#[test]
fn an_open_prompt_shows_its_own_keys() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("/");
    assert_eq!(dashboard.line(23), " enter keeps this list  tab other blasts  esc back");
    dashboard.key(Key::Esc).keys("3b");

    assert_eq!(dashboard.line(23), " y yes  any other key no");
}

#[test]
fn ctrl_u_empties_the_field_of_the_commands_as_it_does_any_other() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys(":theme").key(Key::Ctrl('u'));

    let Some(Overlay::Commands(palette)) = dashboard.model.overlays.last() else { panic!("no commands") };

    assert_eq!((palette.field.text().as_str(), palette.row), ("", 0));
}

#[test]
fn times_in_the_log_say_by_whose_clock_they_are_where_another_one_is_shown() {
    let mut dashboard = TestDashboard::new(WIDE);
    let log = |sentence: &str| LogLine {
        at: dashboard.now,
        sentence: sentence.to_owned(),
        zone: Tz::Asia__Kuala_Lumpur,
        command_line: "blastdeck blast send 7".to_owned(),
    };
    let lines = [log("Raya promo starts at 14:02:10"), log("Raya promo: paused")];
    dashboard.model.log.extend(lines);
    dashboard.keys(":log\n");
    assert!(dashboard.screen().iter().any(|line| line.ends_with("Raya promo starts at 14:02:10")));

    dashboard.model.options.zone = Tz::UTC;

    let screen = dashboard.screen();
    assert!(screen.iter().any(|line| line.ends_with("06:02:00  Raya promo starts at 14:02:10 (+08)")), "{screen:#?}");
    assert!(screen.iter().any(|line| line.ends_with("Raya promo: paused")), "{screen:#?}");
}

#[test]
fn another_word_for_a_command_is_taken_for_it() {
    for (typed, title) in [
        ("retry", "try those who failed again"),
        ("spredsheet", "export who is listed to a workbook"),
        ("clipbord", "copy this person's number"),
    ] {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys("1:").keys(typed);

        let screen = dashboard.screen().join("\n");
        assert!(screen.contains("no command of that name; ") && screen.contains(title), "{screen}");
        dashboard.keys("\n");
        assert!(dashboard.screen().join("\n").contains(&format!(" :{title}")), "{:#?}", dashboard.screen());
    }
}

/// Every line of code below a folder of `src`, without comments and tests.
fn code_below(folder: &Path, found: &mut Vec<String>) {
    for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() && !path.ends_with("tests") {
            code_below(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
            let lines = code.lines().map(str::trim).filter(|line| !line.starts_with("//") && line.contains('"'));
            found.extend(lines.map(|line| format!("{}: {line}", path.display())));
        }
    }
}

#[test]
fn no_sentence_names_a_key_that_could_have_been_moved() {
    const DOES: [&str; 43] = [
        "on", "sends", "resumes", "pauses", "cancels", "removes", "ends", "deletes", "takes", "makes", "changes",
        "gives", "lists", "opens", "shows", "tries", "adds", "marks", "saves", "restores", "leaves", "copies",
        "answers", "reopens", "writes", "sorts", "edits", "finds", "goes", "asks", "queues", "narrows", "brings",
        "says", "again", "in", "or", "step", "move", "reverses", "sort", "chooses", "corrects",
    ];
    // Among the rows that were left out, `l` is no action, and stays what it is; the help has brackets in a title; the others are English.
    const NO_KEYS: [(&str, &str); 4] = [("l", "gives"), ("]", "in"), ("a", "step"), ("1", "in")];
    let (source, mut lines) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), Vec::new());
    for layer in ["tui", "app"] {
        code_below(&source.join(layer), &mut lines);
    }
    let keys: Vec<String> = ACTIONS
        .iter()
        .filter(|action| action.is_remappable())
        .flat_map(|action| action.keys)
        .map(ToString::to_string)
        .collect();
    let names_one = |line: &&String| {
        let words: Vec<&str> = line.split(' ').collect();
        words.windows(2).any(|pair| {
            let key = pair[0].rsplit(['"', '(']).next().unwrap_or_default();
            let does = pair[1].trim_end_matches(['"', ',', ';', ':', '.', ')']);
            let is_sign = !key.starts_with(char::is_alphanumeric);
            key.chars().count() == 1
                && keys.iter().any(|known| known == key)
                && (DOES.contains(&does) || is_sign && does == "and")
                && !NO_KEYS.contains(&(key, does))
        })
    };
    // As titles name them: `3 newer: g`, `v: next view`.
    let stands_alone = |line: &&String| {
        let letters = keys.iter().filter(|key| key.chars().count() == 1 && !key.starts_with(char::is_numeric));
        let places = |key: &String| [format!(": {key}\""), format!(": {key},"), format!("\"{key}: ")];
        let code = line.split_once(".rs: ").map_or(line.as_str(), |(_, code)| code);
        letters.flat_map(places).any(|place| code.contains(&place))
    };

    let found: Vec<_> = lines.iter().filter(|line| names_one(line) || stands_alone(line)).collect();

    assert!(lines.len() > 3_000, "{}", lines.len());
    assert!(found.is_empty(), "mark the key, as in `⟨p⟩ pauses it`: {found:#?}");
}
