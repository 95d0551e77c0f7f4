//! The form of a blast: what stays as it was, of a blast that is scheduled and of a list that was looked at.

use serde_json::json;

use super::form::{new_form, opened, opened_with, saved, taken, writes};
use super::late::wants_draft;
use super::support::{DRAFT, TestDashboard, WIDE, draft, raya, senders};
use crate::app::view::{BlastView, SenderView};
use crate::app::{DraftAt, DraftList, OpenedDraft};
use crate::domain::blast::{BlastOrigin, BlastState};
use crate::domain::rejected_rows::{LeftOutRow, RejectedRows, RowDigest};
use crate::tui::effect::{
    Completion, DraftAnswer, DraftRead, DraftWrite, Effect, EffectError, ReadRequest, WriteRequest,
};
use crate::tui::key::Key;
use crate::tui::model::{FormLine, FormPage, Overlay};

/// The form of a blast that starts by itself.
fn scheduled_form() -> TestDashboard {
    let Completion::Draft(DraftAnswer::Opened(opened)) = opened() else { panic!("a draft") };
    let opened = OpenedDraft { state: BlastState::Scheduled, ..opened.unwrap() };
    let mut dashboard = TestDashboard::new(WIDE);
    wants_draft(&mut dashboard).answer(Completion::Draft(DraftAnswer::Opened(Box::new(Ok(opened)))));
    dashboard.effects.clear();
    dashboard
}

#[test]
fn what_is_scheduled_is_saved_once_a_line_is_whole_and_never_half_typed() {
    let mut dashboard = scheduled_form();

    dashboard.keys("\nSalam");
    assert_eq!(writes(&mut dashboard), [], "half a message");
    dashboard.key(Key::Esc);

    assert!(matches!(&writes(&mut dashboard)[..], [DraftWrite::Save { form, .. }] if form.message.ends_with("Salam")));
    dashboard.answer(saved(DRAFT.0, 4)).key(Key::Esc);
    assert_eq!(dashboard.said(), "Raya last call is changed and stays scheduled; e edits it, S shows the plan");
}

#[test]
fn what_was_saved_of_a_scheduled_blast_is_said_also_where_somebody_else_changed_it_since() {
    for is_saved in [true, false] {
        let mut dashboard = scheduled_form();
        if is_saved {
            dashboard.keys("\nSalam").key(Key::Esc).answer(saved(DRAFT.0, 4));
        }
        let Completion::Draft(DraftAnswer::Opened(again)) = opened() else { panic!("a draft") };
        let again = again.unwrap();
        let again = OpenedDraft { state: BlastState::Scheduled, at: DraftAt { version: 9, ..again.at }, ..again };

        let again = Box::new(Ok((again, "minah@shop".to_owned())));
        dashboard.answer(Completion::Draft(DraftAnswer::ReadAgain(again)));
        assert!(dashboard.said().starts_with("minah@shop changed this blast meanwhile"), "{}", dashboard.said());
        dashboard.key(Key::Esc);

        let is = if is_saved { "is changed and stays scheduled" } else { "stays scheduled" };
        assert_eq!(dashboard.said(), format!("Raya last call {is}; e edits it, S shows the plan"));
    }
}

#[test]
fn a_draft_whose_filter_finds_others_meanwhile_is_not_said_to_be_changed_by_somebody() {
    let origin = BlastOrigin { segment: Some("blast:7 stuck:read".to_owned()), ..BlastOrigin::default() };
    for (message, said) in [
        (None, "the filter of this draft finds others by now: these are its people"),
        (Some("Apa khabar"), "minah@shop changed this draft meanwhile: this is what it says now"),
    ] {
        let mut dashboard = TestDashboard::new(WIDE);
        wants_draft(&mut dashboard).answer(opened());
        let now = BlastView { version: 4, origin: origin.clone(), ..draft() };
        dashboard.answer(Completion::Blasts(Ok(vec![raya(), now])));
        let Completion::Draft(DraftAnswer::Opened(again)) = opened() else { panic!("a draft") };
        let mut again = again.unwrap();
        (again.at.version, again.people) = (4, 12);
        if let Some(message) = message {
            again.form.message = message.to_owned();
        }

        let again = Box::new(Ok((again, "minah@shop".to_owned())));
        dashboard.answer(Completion::Draft(DraftAnswer::ReadAgain(again)));

        assert_eq!(dashboard.said(), said);
        assert_eq!(dashboard.model.form.as_ref().unwrap().people, 12);
    }
}

#[test]
fn what_was_confirmed_of_a_scheduled_blast_is_not_typed_on() {
    for line in [FormLine::Sender, FormLine::People, FormLine::Repeat, FormLine::OwnTime, FormLine::First] {
        let mut dashboard = scheduled_form();
        dashboard.model.form.as_mut().unwrap().line = line;
        dashboard.keys("\n");

        let form = dashboard.model.form.as_ref().unwrap();
        assert!(form.edit.is_none() && form.trouble.as_ref().unwrap().contains("as it was confirmed"), "{line:?}");
    }
}

#[test]
fn a_list_that_is_looked_at_and_left_keeps_its_mended_cells() {
    let mut dashboard = new_form(WIDE);
    dashboard.keys("↓↓↓\nraya.csv\n").answer(saved(9, 1)).answer(taken(9, 2, None)).answer(saved(9, 3));
    dashboard.keys("↑↑\n\n").key(Key::Ctrl('u')).keys("0100120003\n").answer(saved(9, 4)).answer(taken(9, 5, None));
    dashboard.answer(saved(9, 6)).effects.clear();

    dashboard.keys("l").key(Key::Esc);

    assert_eq!(writes(&mut dashboard), []);
    assert_eq!(dashboard.model.form.as_ref().unwrap().mends.len(), 1);
}

#[test]
fn esc_leaves_the_path_of_a_file_that_is_not_there() {
    let mut dashboard = new_form(WIDE);
    dashboard.keys("↓↓↓\nnofile.csv").key(Key::Esc).answer(saved(9, 1));
    let request = writes(&mut dashboard).pop().expect("the list is taken");

    let outcome = Err(EffectError::Other("nofile.csv: no such file".to_owned()));
    dashboard.answer(Completion::Written { request: WriteRequest::Draft(request), outcome });

    let form = dashboard.model.form.as_ref().unwrap();
    assert!(form.edit.is_none() && form.list.is_none(), "{form:?}");
    assert!(form.trouble.as_ref().unwrap().contains("no such file"));
}

#[test]
fn another_path_takes_the_place_of_the_one_that_is_offered() {
    let mut dashboard = new_form(WIDE);
    dashboard.keys("↓↓↓\nraya.csv\n").answer(saved(9, 1)).answer(taken(9, 2, None)).answer(saved(9, 3));

    dashboard.keys("↑↑\nlvans.csv\n");

    assert_eq!(dashboard.model.form.as_ref().unwrap().list, Some(DraftList::File("vans.csv".into())));
}

#[test]
fn a_template_is_not_sent_by_a_sender_of_texts_and_is_there_again_with_one_of_templates() {
    let cloud = SenderView { name: "cloud".to_owned(), provider: "meta".to_owned(), ..senders().swap_remove(0) };
    let mut dashboard = scheduled_form();
    dashboard.answer(Completion::Senders(Ok(vec![senders().swap_remove(0), cloud])));
    let form = dashboard.model.form.as_mut().unwrap();
    (form.state, form.line) = (BlastState::Draft, FormLine::Sender);
    form.values.sender = "cloud".to_owned();
    form.values.template = Some(json!({ "name": "hello_world", "language": { "code": "en_US" } }));

    dashboard.keys("\n");

    let [DraftWrite::Save { form, .. }] = &writes(&mut dashboard)[..] else { panic!("it is saved") };
    assert_eq!((form.sender.as_str(), &form.template), ("sales", &None));

    // A slip of the fingers loses nothing that was filled in.
    dashboard.keys("\n");
    let values = &dashboard.model.form.as_ref().unwrap().values;
    assert_eq!((values.sender.as_str(), &values.template.as_ref().unwrap()["name"]), ("cloud", &json!("hello_world")));
}

#[test]
fn a_draft_of_a_template_is_opened_at_its_template() {
    let cloud = SenderView { name: "cloud".to_owned(), provider: "meta".to_owned(), ..senders().swap_remove(0) };
    let Completion::Draft(DraftAnswer::Opened(opened)) = opened() else { panic!("a draft") };
    let mut opened = opened.unwrap();
    opened.form.sender = "cloud".to_owned();
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::Senders(Ok(vec![cloud])));

    wants_draft(&mut dashboard).answer(Completion::Draft(DraftAnswer::Opened(Box::new(Ok(opened)))));

    let line = dashboard.model.form.as_ref().unwrap().line;
    assert!(line == FormLine::Template && dashboard.model.form_lines().contains(&line), "{line:?}");
}

#[test]
fn esc_on_a_line_that_is_refused_leaves_the_refusal_and_the_next_one_the_form() {
    let mut dashboard = TestDashboard::new(WIDE);
    // There is only one sender: enter is refused there.
    dashboard.keys("1n\n").key(Key::Esc);
    assert_eq!(dashboard.model.overlays, [Overlay::Form]);
    assert_eq!(dashboard.model.form.as_ref().unwrap().trouble, None);

    dashboard.key(Key::Esc);

    assert!(dashboard.model.overlays.is_empty());
}

#[test]
fn esc_in_a_refused_field_leaves_the_field_and_the_next_one_the_form() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1n↓↓↓↓↓\nfast\n");
    assert!(dashboard.model.form.as_ref().unwrap().edit.is_some(), "it stays to be mended");

    dashboard.key(Key::Esc);
    let form = dashboard.model.form.as_ref().unwrap();
    assert!(form.edit.is_none() && form.trouble.as_ref().unwrap().ends_with("it stays as it was"));
    assert_eq!(dashboard.model.overlays, [Overlay::Form]);
    dashboard.key(Key::Esc);

    assert!(dashboard.model.overlays.is_empty());
}

/// The rows of a draft's file that were left out, each with a cell that can be mended.
fn form_without(rows: &[u64]) -> TestDashboard {
    let cell = |row: &u64| LeftOutRow {
        row: *row,
        column: "No. Telefon".to_owned(),
        value: "12".to_owned(),
        name: None,
        reason: "not a phone number".to_owned(),
        is_cell: true,
        digest: RowDigest::of_a_row(),
        phone: None,
    };
    let left_out = RejectedRows {
        total: u64::try_from(rows.len()).unwrap(),
        rows: rows.iter().map(cell).collect(),
        file: Some("/home/aina/raya.csv".to_owned()),
        ..RejectedRows::default()
    };
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.model.blasts.select(DRAFT);
    dashboard.keys("1e").answer(opened_with(Some(left_out))).keys("\n");
    dashboard
}

#[test]
fn where_the_last_row_was_mended_the_one_before_is_chosen() {
    let mut dashboard = form_without(&[4, 9]);

    dashboard.keys("j\n").key(Key::Ctrl('u')).keys("0100120009\n");
    dashboard.answer(saved(DRAFT.0, 4)).answer(taken(DRAFT.0, 5, None));

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("> row 4 ") && !screen.contains("row 9      No. Telefon 12"), "{screen}");
    assert!(screen.contains("Corrected") && screen.contains("row 9      No. Telefon 0100120009"), "{screen}");
    dashboard.keys("\n");
    assert!(matches!(dashboard.model.form.as_ref().unwrap().page, FormPage::LeftOut { row: 0, edit: Some(_) }));
}

#[test]
fn a_cell_that_is_being_mended_stays_chosen_where_a_row_above_it_is_gone() {
    let mut dashboard = form_without(&[2, 4]);
    dashboard.keys("\n").key(Key::Ctrl('u')).keys("0100120002\n");

    dashboard.keys("j\n").key(Key::Ctrl('u')).keys("01001");
    dashboard.answer(saved(DRAFT.0, 4)).answer(taken(DRAFT.0, 5, None)).keys("20004");

    let form = dashboard.model.form.as_ref().unwrap();
    let FormPage::LeftOut { row: 0, edit: Some(field) } = &form.page else { panic!("{:?}", form.page) };
    assert_eq!(field.text(), "0100120004");
}

/// The refusal of what was there before comes late: what was typed since is saved all the same.
#[test]
fn a_late_refusal_of_a_former_text_drops_nothing_that_was_typed_since() {
    let mut dashboard = scheduled_form();
    dashboard.keys("\n {cit").key(Key::Esc);
    let refused = writes(&mut dashboard).pop().expect("it is saved");
    dashboard.keys("\n").key(Key::Ctrl('u')).keys("Salam semua").key(Key::Esc);
    assert_eq!(writes(&mut dashboard), [], "one write at a time");

    let outcome = Err(EffectError::Other("character 7: `{` is never closed".to_owned()));
    dashboard.answer(Completion::Written { request: WriteRequest::Draft(refused), outcome });

    let saves = writes(&mut dashboard);
    assert!(
        matches!(&saves[..], [DraftWrite::Save { form, .. }] if form.message.ends_with("\nSalam semua")),
        "{saves:?}"
    );
    dashboard.answer(saved(DRAFT.0, 4));
    assert_eq!(dashboard.model.form.as_ref().unwrap().trouble, None);
}

/// The message is in the editor, and somebody else changes the draft behind it.
fn changed_behind_the_editor() -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    wants_draft(&mut dashboard).answer(opened());
    dashboard.model.form.as_mut().unwrap().line = FormLine::Message;
    dashboard.taken();
    dashboard.keys("e");
    assert!(matches!(&dashboard.taken()[..], [Effect::Edit(_)]));
    dashboard.answer(Completion::Blasts(Ok(vec![raya(), BlastView { version: 4, ..draft() }])));
    assert!(!is_read_again(&mut dashboard), "what is in the editor is not written over with it");
    dashboard
}

fn is_read_again(dashboard: &mut TestDashboard) -> bool {
    let is_draft = |effect: &Effect| matches!(effect, Effect::Read(ReadRequest::Draft(DraftRead::Again(_))));
    dashboard.taken().iter().any(is_draft)
}

#[test]
fn what_comes_out_of_the_editor_is_saved_as_of_the_version_that_went_into_it() {
    let mut dashboard = changed_behind_the_editor();
    dashboard.answer(Completion::Edited(Ok("Salam semua".to_owned())));
    let saves = writes(&mut dashboard);
    assert!(matches!(&saves[..], [DraftWrite::Save { at: Some(DraftAt { version: 3, .. }), .. }]), "{saves:?}");

    let mut dashboard = changed_behind_the_editor();
    dashboard.answer(Completion::Edited(Err("vi ended with 1: the message stays as it was".to_owned())));

    assert!(is_read_again(&mut dashboard), "nothing of it would be lost");
}

#[test]
fn a_plan_that_was_wanted_does_not_open_over_a_line_that_is_typed_by_then() {
    let mut dashboard = new_form(WIDE);
    dashboard.keys("↓↓↓\nraya.csv\n").answer(saved(9, 1)).keys("↑S");
    dashboard.keys("↓\n20% untuk ");

    dashboard.answer(taken(9, 2, None)).answer(saved(9, 3)).answer(saved(9, 4)).keys("1!");

    let form = dashboard.model.form.as_ref().unwrap();
    assert_eq!((&form.values.message[..], &dashboard.model.overlays[..]), ("20% untuk 1!", &[Overlay::Form][..]));
    dashboard.key(Key::Esc).answer(saved(9, 5)).answer(taken(9, 6, None)).answer(saved(9, 7));
    assert_eq!(dashboard.model.overlays, [Overlay::Form], "it is asked for again");
}

#[test]
fn a_line_that_was_opened_and_left_empty_makes_no_draft() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1n").keys("↓\n").key(Key::Esc);

    assert_eq!(dashboard.acts(), [], "nothing was written yet");
    dashboard.keys("\nRaya 2\n");
    assert!(matches!(&dashboard.acts()[..], [WriteRequest::Draft(_)]), "now something is");
}
