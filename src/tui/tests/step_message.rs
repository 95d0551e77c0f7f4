//! `e` on the line of a step gives it another text: saved by its own key alone, never lost, and of what sends by itself once it is paused.

use serde_json::json;

use super::follow_ups::step;
use super::steps::{STEP, paused, with};
use super::support::{DRAFT, TestDashboard, draft};
use crate::app::{StepRow, StepView};
use crate::tui::effect::{Completion, Effect, EffectError, StepMessageEdit, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::Overlay;
use crate::tui::msg::Msg;

fn edit(message: &str) -> StepMessageEdit {
    StepMessageEdit { step: STEP, seen: "Salam {name}".to_owned(), message: message.to_owned() }
}

fn answer(dashboard: &mut TestDashboard, message: &str, outcome: Result<WriteOutcome, EffectError>) {
    dashboard.answer(Completion::Written { request: WriteRequest::SetStepMessage(edit(message)), outcome });
}

#[test]
fn a_text_of_several_lines_is_written_in_place_and_saved_once() {
    let mut dashboard = with(vec![step(None)]);
    dashboard.keys("e");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("Step 1") && screen.contains("Salam {name}_"), "{screen}");
    assert!(!screen.contains("It says now"), "nothing is another text yet: {screen}");

    dashboard.keys(", still there?\nBalas YA");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("  Balas YA_") && screen.contains("It says now"), "{screen}");
    assert!(screen.contains("ctrl-x save"), "{screen}");
    dashboard.key(Key::Ctrl('x')).key(Key::Ctrl('x')).keys("x");
    let message = "Salam {name}, still there?\nBalas YA";
    assert_eq!(dashboard.acts(), [WriteRequest::SetStepMessage(edit(message))]);

    answer(&mut dashboard, message, Ok(WriteOutcome::StepChanged));
    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Needs(_))));
    assert_eq!(dashboard.said(), "step 1 of Raya promo has another message");
    let line = &dashboard.model.log.back().unwrap().command_line;
    assert_eq!(line, "blastdeck blast step set 7 1 --message 'Salam {name}, still there?\nBalas YA'");
}

#[test]
fn the_draft_that_waits_is_said_to_stay_as_it_is() {
    let mut dashboard = with(vec![step(Some(DRAFT))]);
    dashboard.keys("e!").key(Key::Ctrl('x'));
    answer(&mut dashboard, "Salam {name}!", Ok(WriteOutcome::StepChanged));

    assert_eq!(dashboard.said(), "step 1 of Raya promo has another message; the draft that waits says what it said");
}

#[test]
fn what_was_begun_is_kept_when_the_page_is_left() {
    let mut dashboard = with(vec![step(None)]);
    dashboard.keys("e").key(Key::Esc);
    assert_eq!(dashboard.said(), "", "nothing was written");

    dashboard.keys("e?").key(Key::Esc);
    assert_eq!(dashboard.said(), "step 1 of Raya promo stays as it was; e brings the text back");
    assert!(dashboard.acts().is_empty());
    dashboard.keys("e");
    assert!(dashboard.screen().join("\n").contains("Salam {name}?_"), "{:#?}", dashboard.screen());
}

#[test]
fn what_was_begun_for_a_step_is_kept_while_another_is_looked_at_and_by_ctrl_c() {
    let mut second = step(None);
    second.step.number = 2;
    let mut dashboard = with(vec![step(None), second]);
    dashboard.keys("e?").key(Key::Esc).keys("je").key(Key::Esc);

    dashboard.keys("ke!").key(Key::Ctrl('c'));

    assert_eq!(dashboard.said(), "step 1 of Raya promo stays as it was; e brings the text back; ctrl-c again leaves");
    dashboard.keys("e");
    assert!(dashboard.screen().join("\n").contains("Salam {name}?!_"), "{:#?}", dashboard.screen());
}

#[test]
fn a_refused_text_stays_with_the_reason_and_beside_what_the_step_says_by_now() {
    let mut dashboard = with(vec![step(None)]);
    dashboard.keys("e?").key(Key::Ctrl('x')).taken();
    let why = "step 1 of blast 7 says something else by now: nothing was changed";
    answer(&mut dashboard, "Salam {name}?", Err(EffectError::Other(why.to_owned())));
    assert!(matches!(&dashboard.taken()[..], [Effect::Read(_)]), "it is read again");
    let mut other = step(None);
    other.step.message = "Hello".to_owned();
    dashboard.answer(Completion::Steps(Ok(vec![other])));

    assert_eq!(dashboard.said(), why, "also where the text is so long that nothing below it is seen");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains(why) && screen.contains("Salam {name}?_") && screen.contains("Hello"), "{screen}");
    dashboard.key(Key::Ctrl('x'));
    let wanted = StepMessageEdit { seen: "Hello".to_owned(), ..edit("Salam {name}?") };
    assert_eq!(dashboard.acts(), [WriteRequest::SetStepMessage(wanted)], "whoever saves again has read it");
}

#[test]
fn a_text_that_was_refused_after_its_page_was_left_is_kept_too() {
    let mut dashboard = with(vec![step(None)]);
    dashboard.keys("e?").key(Key::Ctrl('x')).key(Key::Esc).taken();
    answer(&mut dashboard, "Salam {name}?", Err(EffectError::Other("no".to_owned())));

    assert_eq!(dashboard.said(), "step 1 of Raya promo is not changed: no");
    dashboard.keys("e");
    assert!(dashboard.screen().join("\n").contains("Salam {name}?_"));
}

#[test]
fn a_text_that_was_refused_is_back_on_its_page_that_was_merely_opened_again() {
    let mut dashboard = with(vec![step(None)]);
    dashboard.keys("e?").key(Key::Ctrl('x')).key(Key::Esc).keys("e").taken();

    answer(&mut dashboard, "Salam {name}?", Err(EffectError::Other("no".to_owned())));

    assert!(dashboard.screen().join("\n").contains("Salam {name}?_"), "{:#?}", dashboard.screen());
    assert_eq!(dashboard.said(), "no");
}

#[test]
fn what_becomes_of_a_text_leaves_the_one_that_is_written_next_as_it_is() {
    let mut dashboard = with(vec![step(None)]);
    dashboard.keys("e?").key(Key::Ctrl('x')).key(Key::Esc).keys("e, Siti").taken();

    answer(&mut dashboard, "Salam {name}?", Err(EffectError::Other("no".to_owned())));
    assert!(dashboard.screen().join("\n").contains("Salam {name}, Siti_"), "{:#?}", dashboard.screen());
    assert_eq!(dashboard.said(), "step 1 of Raya promo is not changed: no; it was: Salam {name}?");
    answer(&mut dashboard, "Salam {name}?", Ok(WriteOutcome::StepChanged));

    assert!(dashboard.screen().join("\n").contains("Salam {name}, Siti_"), "{:#?}", dashboard.screen());
}

#[test]
fn the_editor_gets_the_text_and_a_paste_keeps_its_lines() {
    let mut dashboard = with(vec![step(None)]);
    dashboard.keys("e").key(Key::Ctrl('o'));
    assert_eq!(dashboard.taken(), [Effect::Edit("Salam {name}".to_owned())]);
    dashboard.answer(Completion::Edited(Ok("Salam\n".to_owned())));
    assert!(dashboard.taken().contains(&Effect::Repaint));

    dashboard.dispatch(Msg::Paste("one\ntwo".to_owned())).key(Key::Ctrl('x'));
    assert_eq!(dashboard.acts(), [WriteRequest::SetStepMessage(edit("Salam\none\ntwo"))]);
}

#[test]
fn an_editor_that_fails_and_an_empty_text_change_nothing() {
    let mut dashboard = with(vec![step(None)]);
    dashboard.keys("e").answer(Completion::Edited(Err("vi ended with 1: the message stays as it was".to_owned())));
    assert_eq!(dashboard.said(), "vi ended with 1: the message stays as it was");
    assert!(dashboard.screen().join("\n").contains("Salam {name}_"), "{:#?}", dashboard.screen());

    dashboard.key(Key::Ctrl('u')).key(Key::Ctrl('x')).taken();
    assert_eq!(dashboard.said(), "nothing is written: esc leaves the step as it is");
    dashboard.keys("Salam {name}").key(Key::Ctrl('x'));
    assert_eq!(dashboard.said(), "step 1 of Raya promo says that already");
    assert!(dashboard.acts().is_empty());
}

#[test]
fn what_sends_by_itself_is_paused_first_and_a_template_is_another_commands() {
    let mut by_itself = step(None);
    by_itself.step.at_most = Some(250);
    let mut dashboard = with(vec![by_itself]);
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("p pauses it, then e changes that"), "{screen}");
    dashboard.keys("e");
    assert_eq!(dashboard.said(), "step 1 of Raya promo sends by itself: p pauses it, then e changes its message");
    let mut halted = paused(None);
    halted.step.at_most = Some(250);
    dashboard.answer(Completion::Steps(Ok(vec![halted]))).keys("e");
    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::StepMessage(_))));

    let mut template = step(None);
    template.step.template = Some(json!({ "name": "follow_up", "language": "ms" }));
    let mut dashboard = with(vec![template]);
    dashboard.keys("e");
    assert_eq!(
        dashboard.said(),
        "step 1 of Raya promo sends a template: `blastdeck blast step set 7 1 --template ...` gives it another one"
    );
    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Needs(_))));
}

#[test]
fn a_window_that_shows_only_changes_no_text() {
    let mut dashboard = with(vec![step(None)]);
    dashboard.model.options.kind = crate::tui::DashboardKind::ReadOnly;
    dashboard.keys("e");

    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Needs(_))));
}

#[test]
fn the_page_of_a_step_that_was_removed_elsewhere_takes_what_is_typed_and_saves_nothing() {
    let mut dashboard = with(vec![step(None)]);
    dashboard.keys("e?").answer(Completion::Steps(Ok(Vec::new()))).keys("pX");

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("Salam {name}?pX_"), "no key of a list: {screen}");
    assert!(screen.contains("the step was removed meanwhile"), "{screen}");
    dashboard.key(Key::Ctrl('x'));
    assert_eq!(
        dashboard.said(),
        "the step was removed meanwhile, so that nothing can be saved: esc leaves its message"
    );
    dashboard.key(Key::Esc);
    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Needs(_))));
    assert!(dashboard.acts().is_empty());
}

#[test]
fn the_line_of_a_step_says_that_the_draft_which_waits_has_other_words() {
    let mut other = step(Some(DRAFT));
    let same =
        with(vec![StepView { step: StepRow { message: draft().message, ..other.step.clone() }, ..other.clone() }]);
    other.step.message = "Other words".to_owned();
    let other = with(vec![other]);
    let says = "its draft says what it said before; e changes that";

    assert!(other.screen().join("\n").contains(says), "{:#?}", other.screen());
    assert!(!same.screen().join("\n").contains("said before"), "{:#?}", same.screen());
}
