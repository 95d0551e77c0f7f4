//! The list of a form: whose name it gives to the blast, and what is left of a path that cannot be read. Hints while a line is typed.

use super::form::{opened, saved, taken, writes};
use super::late::wants_draft;
use super::support::{TestDashboard, WIDE, draft, senders};
use crate::app::view::{BlastView, SenderView};
use crate::app::{DraftList, OpenedDraft};
use crate::domain::blast::BlastOrigin;
use crate::domain::ids::SenderId;
use crate::tui::effect::{Completion, DraftAnswer, DraftWrite, EffectError, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{FormLine, LineEdit};

fn new_form() -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1n");
    dashboard.effects.clear();
    dashboard
}

fn tag(dashboard: &TestDashboard) -> &str {
    &dashboard.model.form.as_ref().unwrap().values.tag
}

/// The path that is being typed.
fn path(dashboard: &TestDashboard) -> Option<String> {
    match &dashboard.model.form.as_ref()?.edit {
        Some(LineEdit::Path { field, .. }) => Some(field.text()),
        _ => None,
    }
}

#[test]
fn a_file_that_cannot_be_read_names_nothing_and_its_path_stays_to_be_mended() {
    let mut dashboard = new_form();
    dashboard.keys("↓↓↓\nnofile.csv\n");
    assert!(matches!(&writes(&mut dashboard)[..], [DraftWrite::Save { form, .. }] if form.tag == "New blast"));
    dashboard.answer(saved(9, 1));
    let take = writes(&mut dashboard).pop().unwrap();

    let why = EffectError::Other("nofile.csv: no such file".to_owned());
    dashboard.answer(Completion::Written { request: WriteRequest::Draft(take), outcome: Err(why) });

    assert_eq!((tag(&dashboard), path(&dashboard).as_deref()), ("", Some("nofile.csv")));
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("no such file"), "{screen}");
    dashboard.key(Key::Ctrl('u')).keys("raya.csv\n").answer(saved(9, 2)).effects.clear();
    dashboard.answer(taken(9, 3, None));
    assert_eq!(tag(&dashboard), "raya");
    assert!(matches!(&writes(&mut dashboard)[..], [DraftWrite::Save { form, .. }] if form.tag == "raya"));
}

#[test]
fn a_list_that_is_kept_is_no_path_and_the_form_names_the_command_line_for_it() {
    let mut dashboard = new_form();

    dashboard.keys("↓↓↓\nlist:vip\n");

    let form = dashboard.model.form.as_ref().unwrap();
    let line = "`blastdeck blast new --sender sales --from 'list:vip' --message 'TEXT'`";
    assert!(form.trouble.as_ref().unwrap().contains(line), "{:?}", form.trouble);
    assert_eq!((form.list.as_ref(), path(&dashboard).as_deref()), (None, Some("list:vip")));
    assert!(writes(&mut dashboard).is_empty(), "nothing is read");
}

#[test]
fn a_name_that_nobody_typed_gives_way_to_the_first_character() {
    let mut dashboard = new_form();
    dashboard.model.form.as_mut().unwrap().values.tag = "New blast".to_owned();

    dashboard.keys("g");
    while dashboard.model.form.as_ref().unwrap().line != FormLine::Tag {
        dashboard.keys("j");
    }
    dashboard.keys("\nRaya\n");

    assert_eq!(tag(&dashboard), "Raya");
}

#[test]
fn the_list_of_columns_says_that_arrows_move_in_it() {
    let mut dashboard = new_form();
    dashboard.keys("↓↓↓\nraya.csv\n").answer(saved(9, 1)).answer(taken(9, 2, None));

    dashboard.keys("\n{");

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("letters narrow, enter takes it") && screen.contains("up down choose"), "{screen}");
}

#[test]
fn a_new_blast_begins_with_the_default_sender_where_no_blast_names_one() {
    let other = SenderView { id: SenderId(9), name: "zeta".to_owned(), ..senders().swap_remove(0) };
    let mut dashboard = TestDashboard::empty(WIDE);
    dashboard.model.options.default_sender = Some("zeta".to_owned());
    dashboard.answer(Completion::Blasts(Ok(Vec::new())));
    dashboard.answer(Completion::Senders(Ok([senders(), vec![other]].concat())));

    dashboard.keys("1n");

    assert_eq!(dashboard.model.form.as_ref().unwrap().values.sender, "zeta");
}

#[test]
fn what_a_key_would_do_is_not_said_once_a_line_is_typed_on() {
    let mut dashboard = new_form();
    dashboard.keys("p");
    assert_eq!(dashboard.said(), "enter edits this line; esc leaves");

    dashboard.keys("j\n");

    assert_eq!(dashboard.said(), "");
}

#[test]
fn other_rows_are_offered_only_where_the_brackets_are_no_text() {
    let mut dashboard = new_form();
    dashboard.keys("↓↓↓\nraya.csv\n").answer(saved(9, 1)).answer(taken(9, 2, None));
    dashboard.keys("\nSalam").key(Key::Esc);
    assert!(dashboard.screen().join("\n").contains("[ ] other rows"), "{:#?}", dashboard.screen());

    dashboard.keys("\n");

    assert!(!dashboard.screen().join("\n").contains("other rows"), "{:#?}", dashboard.screen());
}

#[test]
fn a_file_is_named_character_by_character_and_its_emoji_stay_whole_in_the_name_of_the_blast() {
    let mut dashboard = new_form();
    dashboard.model.form.as_mut().unwrap().list =
        Some(DraftList::File("family \u{1f469}\u{200d}\u{1f467}\n2.csv".into()));

    dashboard.answer(taken(9, 3, None));

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("\\n2.csv"), "{screen}");
    assert_eq!(tag(&dashboard), "family \u{1f469}\u{200d}\u{1f467} 2");
}

#[test]
fn letters_behind_a_brace_narrow_the_columns_and_what_none_begins_with_is_text() {
    let mut dashboard = new_form();
    dashboard.keys("↓↓↓\nraya.csv\n").answer(saved(9, 1)).answer(taken(9, 2, None));
    dashboard.keys("\n{ban");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("> {bandar}") && !screen.contains("{name} "), "{screen}");

    dashboard.keys("\n {xy");

    let message = dashboard.model.form.as_deref().unwrap().values.message.clone();
    assert!(message.ends_with("{bandar} {xy"), "{message}");
}

#[test]
fn a_draft_whose_filter_finds_nobody_yet_names_it_and_asks_for_no_file() {
    let mut dashboard = TestDashboard::new(WIDE);
    let origin = BlastOrigin { segment: Some("blast:7 stuck:read".to_owned()), ..BlastOrigin::default() };
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { origin, ..draft() }])));
    let Completion::Draft(DraftAnswer::Opened(opened)) = opened() else { unreachable!() };
    let nobody = opened.map(|opened| OpenedDraft { people: 0, left_out_since: 0, first_people: Vec::new(), ..opened });
    wants_draft(&mut dashboard).answer(Completion::Draft(DraftAnswer::Opened(Box::new(nobody))));

    let screen = dashboard.screen().join("\n");

    assert!(screen.contains("nobody yet, found by blast:7 stuck:read"), "{screen}");
}
