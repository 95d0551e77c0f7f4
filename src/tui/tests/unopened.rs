//! Keys in a form whose lines are not opened, and keys where what they would answer is not drawn.

use chrono::TimeDelta;

use super::armed::{armed, read};
use super::plans::plan_of;
use super::support::{DRAFT, TestDashboard, WIDE, draft};
use crate::tui::Size;
use crate::tui::effect::{Completion, Effect, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{FormLine, LineEdit, Overlay, SenderLine};
use crate::tui::msg::Msg;
use crate::tui::widget::TextField;

const TINY: Size = Size { width: 30, height: 8 };

fn opened(overlay: Overlay) -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    match overlay {
        Overlay::Form => _ = dashboard.keys("1n"),
        Overlay::NewSender => {
            dashboard.model.overlays.push(Overlay::Welcome(1));
            dashboard.keys("\n");
        }
        other => dashboard.model.overlays.push(other),
    }
    dashboard.effects.clear();
    dashboard
}

fn text(dashboard: &TestDashboard) -> String {
    dashboard.screen().iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_key_that_a_form_does_not_know_reaches_nothing_behind_it() {
    for overlay in [Overlay::Form, Overlay::NewSender, Overlay::Welcome(0)] {
        for key in "phl1234:/zuyY!oO".chars().map(Key::Char).chain([Key::Left, Key::Right]) {
            let mut dashboard = opened(overlay.clone());
            let (focus, before) = (dashboard.model.focus, dashboard.model.overlays.clone());

            dashboard.key(key);

            assert!(dashboard.taken().is_empty(), "{key} in {overlay:?}");
            assert_eq!((dashboard.model.focus, &dashboard.model.overlays), (focus, &before), "{key} in {overlay:?}");
            assert!(dashboard.said().ends_with("this line; esc leaves"), "{key}: {}", dashboard.said());
        }
    }
}

#[test]
fn the_letters_of_the_new_blast_form_keep_their_meaning_and_the_footer_names_them() {
    let mut dashboard = opened(Overlay::Form);

    assert!(dashboard.line(usize::from(WIDE.height) - 1).starts_with(" enter edits"), "{:#?}", dashboard.screen());
    assert!(!dashboard.line(usize::from(WIDE.height) - 1).contains("pause"));
    dashboard.keys("e");
    assert!(dashboard.taken().is_empty(), "the cursor is not on the message");
    assert_eq!(dashboard.said(), "e opens your editor on the message: enter edits this line");
    dashboard.model.form.as_mut().unwrap().values.message = "Hi".to_owned();
    dashboard.keys("↓↓↓↓e");
    assert_eq!(dashboard.taken(), [Effect::Edit("Hi".to_owned())]);
    dashboard.key(Key::Esc);
    assert!(dashboard.model.overlays.is_empty());
}

#[test]
fn a_letter_on_a_text_line_of_a_new_sender_opens_it_and_is_typed() {
    let mut dashboard = opened(Overlay::NewSender);

    dashboard.keys("↓↓↓58p:1q");

    let form = dashboard.model.new_sender.as_deref().unwrap();
    assert_eq!((form.line, form.edit.as_ref().unwrap().text()), (SenderLine::Device, "58p:1q".to_owned()));
    dashboard.key(Key::Tab).key(Key::BackTab);
    assert_eq!(dashboard.model.new_sender.as_deref().unwrap().sender.device, "58p:1q");
    assert!(dashboard.taken().is_empty());
}

#[test]
fn a_letter_that_a_form_does_not_need_begins_the_line_that_is_not_written_yet() {
    for (line, text) in [
        (FormLine::Tag, "eRaya pS"),
        (FormLine::Message, "salam, u p"),
        (FormLine::People, "/home/list.csv"),
        (FormLine::Start, "21:20"),
        (FormLine::Pace, "5-10"),
        (FormLine::Window, "9:00-21:00"),
        (FormLine::Repeat, "every day 9:00"),
        (FormLine::OwnTime, "10:00"),
        (FormLine::First, "25"),
    ] {
        let mut dashboard = opened(Overlay::Form);
        dashboard.model.form.as_mut().unwrap().line = line;

        dashboard.keys(text);

        let form = dashboard.model.form.as_deref().unwrap();
        let typed = match form.edit.as_ref().unwrap() {
            LineEdit::Field(field) | LineEdit::Path { field, .. } => field.text(),
            LineEdit::Message(area) => area.text(),
        };
        assert_eq!((form.line, typed.as_str()), (line, text));
    }
}

#[test]
fn any_letter_begins_an_empty_line_of_a_blast_also_one_that_is_a_key_of_the_form() {
    for (line, text) in [
        (FormLine::Message, "Salam"),
        (FormLine::Message, "esok"),
        (FormLine::Tag, "Sale"),
        (FormLine::Tag, "kedai"),
        (FormLine::Tag, "jualan"),
        (FormLine::People, "jualan.csv"),
    ] {
        let mut dashboard = opened(Overlay::Form);
        dashboard.model.form.as_mut().unwrap().line = line;

        dashboard.keys(text);

        let form = dashboard.model.form.as_deref().unwrap();
        let typed = form.edit.as_ref().map(|edit| match edit {
            LineEdit::Field(field) | LineEdit::Path { field, .. } => field.text(),
            LineEdit::Message(area) => area.text(),
        });
        assert_eq!((form.line, typed.as_deref()), (line, Some(text)));
    }
}

#[test]
fn whoever_walks_through_a_form_by_letters_passes_its_empty_lines() {
    let mut dashboard = opened(Overlay::Form);
    dashboard.model.form.as_mut().unwrap().line = FormLine::Sender;

    dashboard.keys("jj");

    let form = dashboard.model.form.as_deref().unwrap();
    assert!(form.edit.is_none() && form.line != FormLine::Tag && form.values.tag.is_empty(), "{form:?}");
    let line = form.line;
    dashboard.keys("k");
    assert_eq!(dashboard.model.form.as_deref().unwrap().line, FormLine::Tag);

    dashboard.keys("sale");
    assert!(dashboard.model.form.as_deref().unwrap().edit.is_some(), "any other letter begins its text");
    dashboard.keys("\n").key(Key::Down).key(Key::Up).keys("j");
    assert_ne!(dashboard.model.form.as_deref().unwrap().line, FormLine::Tag, "{line:?}");
}

#[test]
fn the_keys_of_a_form_keep_their_meaning_on_a_line_that_is_written() {
    let mut dashboard = opened(Overlay::Form);
    dashboard.keys("↓↓↑");
    assert_eq!(dashboard.model.form.as_deref().unwrap().line, FormLine::Tag);

    assert!(dashboard.model.form.as_deref().unwrap().edit.is_none());
    let mut dashboard = opened(Overlay::Form);
    dashboard.keys("j\nRaya\nk");
    dashboard.keys("z");
    assert!(dashboard.said().ends_with("this line; esc leaves"), "what is written is edited with enter");
}

#[test]
fn every_letter_begins_an_empty_line_of_a_new_sender() {
    for letter in ['j', 'k', 'g', 'G', 'q', '?'] {
        let mut dashboard = opened(Overlay::NewSender);
        dashboard.keys("↓↓↓");

        dashboard.key(Key::Char(letter));

        let form = dashboard.model.new_sender.as_deref().unwrap();
        assert_eq!(
            (form.line, form.edit.as_ref().map(TextField::text)),
            (SenderLine::Device, Some(letter.to_string()))
        );
        dashboard.key(Key::Esc).keys("k");
        let form = dashboard.model.new_sender.as_deref().unwrap();
        assert!(
            form.line == SenderLine::Business && form.edit.is_none(),
            "{letter}: on a line that is written j and k move"
        );
    }
}

#[test]
fn nothing_is_sent_from_a_plan_that_is_not_drawn() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.model.blasts.select(DRAFT);
    dashboard.keys("1S");
    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan_of(draft(), 289))) });
    dashboard.effects.clear();
    dashboard.dispatch(Msg::Resized(TINY));

    dashboard.keys("289\nMewp").dispatch(Msg::Paste("289".to_owned())).keys("\n");

    assert!(dashboard.acts().is_empty());
    assert!(text(&dashboard).ends_with("make the window larger to send"), "{:#?}", dashboard.screen());
    dashboard.dispatch(Msg::Resized(WIDE)).keys("289\n");
    assert!(matches!(&dashboard.acts()[..], [WriteRequest::Launch(launch)] if launch.people == 289));
}

#[test]
fn an_armed_launch_says_what_stops_it_behind_a_page_that_is_not_drawn() {
    let mut dashboard = TestDashboard::new(TINY);
    dashboard.keys("!");
    assert!(text(&dashboard).ends_with("make the window larger to choose"), "{:#?}", dashboard.screen());

    let row = armed(&dashboard);
    read(&mut dashboard, row);

    let says = "Raya last call starts at 14:02:10: esc, then u stops it (";
    assert!(text(&dashboard).contains(says), "{:#?}", dashboard.screen());
    dashboard.keys("u");
    assert!(text(&dashboard).ends_with("make the window larger to choose"), "{:#?}", dashboard.screen());
    dashboard.now += TimeDelta::seconds(3);
    dashboard.dispatch(Msg::Deadline).taken();
    assert!(text(&dashboard).contains(says), "{:#?}", dashboard.screen());
    dashboard.key(Key::Esc).keys("u");
    assert_eq!(dashboard.acts(), [WriteRequest::UndoLaunch(DRAFT)]);
}

#[test]
fn a_form_that_is_not_drawn_takes_no_typing_and_is_left_by_esc() {
    for overlay in [Overlay::Form, Overlay::NewSender, Overlay::Welcome(0)] {
        let mut dashboard = opened(overlay.clone());
        dashboard.dispatch(Msg::Resized(TINY));

        dashboard.keys("\njSe289\n");
        if overlay != Overlay::Welcome(0) {
            dashboard.keys("q");
        }
        assert_eq!(dashboard.model.overlays.last(), Some(&overlay));

        assert!(dashboard.taken().is_empty(), "{overlay:?}");
        assert!(text(&dashboard).contains("make the window larger to"), "{:#?}", dashboard.screen());
        dashboard.key(Key::Esc);
        assert_ne!(dashboard.model.overlays.last(), Some(&overlay));
    }
}

#[test]
fn a_question_on_no_line_is_answered_by_no_key() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("3jb");
    assert!(dashboard.model.prompt.is_some());
    dashboard.effects.clear();
    dashboard.dispatch(Msg::Resized(Size { width: 30, height: 1 }));

    dashboard.keys("y");

    assert!(dashboard.acts().is_empty() && dashboard.model.prompt.is_some());
}

#[test]
fn a_refusal_in_a_tiny_window_is_read_to_its_end() {
    let mut dashboard = TestDashboard::new(TINY);

    dashboard.keys("3r");

    assert!(dashboard.acts().is_empty());
    let said = text(&dashboard);
    assert!(said.ends_with("too small to show whom it affects: nothing done"), "{:#?}", dashboard.screen());
}

#[test]
fn the_editor_opens_on_an_empty_message_and_on_one_that_is_being_typed() {
    for (typed, text) in [("", ""), ("Salam", "Salam")] {
        let mut dashboard = opened(Overlay::Form);
        dashboard.model.form.as_mut().unwrap().line = FormLine::Message;
        dashboard.keys(typed);
        let footer = dashboard.line(usize::from(WIDE.height) - 1);
        assert!(footer.contains("ctrl-o editor"), "{footer}");
        dashboard.effects.clear();

        dashboard.key(Key::Ctrl('o'));

        assert_eq!(dashboard.taken(), [Effect::Edit(text.to_owned())]);
    }
}

#[test]
fn the_editor_is_not_offered_on_a_line_that_is_no_message() {
    let mut dashboard = opened(Overlay::Form);
    dashboard.model.form.as_mut().unwrap().line = FormLine::Tag;

    dashboard.key(Key::Ctrl('o'));
    assert!(dashboard.taken().is_empty(), "nothing is opened over a name");

    dashboard.keys("Raya").key(Key::Ctrl('o'));
    let footer = dashboard.line(usize::from(WIDE.height) - 1);
    assert!(dashboard.taken().is_empty() && !footer.contains("editor"), "{footer}");
}

#[test]
fn where_no_key_but_a_letter_opens_the_editor_none_is_named_beside_a_text() {
    let mut dashboard = opened(Overlay::Form);
    let keys = crate::tui::KeyBinding { action: "the-message-in-your-editor".to_owned(), keys: vec!["e".to_owned()] };
    dashboard.model.options.keys = crate::tui::Keymap::new(&[keys]).unwrap();
    dashboard.model.form.as_mut().unwrap().line = FormLine::Message;

    let screen = text(&dashboard);

    assert!(screen.contains("nothing yet: type it ") && !screen.contains("ctrl-o"), "{screen}");
}
