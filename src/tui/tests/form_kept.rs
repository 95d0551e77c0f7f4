//! The form of a blast: what stays as it was, of a blast that is scheduled and of a list that was looked at.

use serde_json::json;

use super::form::{new_form, opened, opened_with, saved, taken, writes};
use super::support::{DRAFT, TestDashboard, WIDE, senders};
use crate::app::view::SenderView;
use crate::app::{DraftList, OpenedDraft};
use crate::domain::blast::BlastState;
use crate::domain::rejected_rows::{CellMend, LeftOutRow, RejectedRows, RowDigest};
use crate::tui::effect::{
    Completion, DraftAnswer, DraftOutcome, DraftWrite, EffectError, EffectResult, WriteOutcome, WriteRequest,
};
use crate::tui::key::Key;
use crate::tui::model::{FormLine, FormPage, Overlay};
use crate::tui::msg::Msg;

/// The form of a blast that starts by itself.
fn scheduled_form() -> TestDashboard {
    let Completion::Draft(DraftAnswer::Opened(opened)) = opened() else { panic!("a draft") };
    let opened = OpenedDraft { state: BlastState::Scheduled, ..opened.unwrap() };
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::Draft(DraftAnswer::Opened(Box::new(Ok(opened)))));
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
    assert_eq!(dashboard.said(), format!("blast {DRAFT} is changed and stays scheduled; e edits it, S shows the plan"));
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

    dashboard.answer(Completion::Draft(DraftAnswer::Opened(Box::new(Ok(opened)))));

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

#[test]
fn a_line_that_was_opened_and_left_empty_makes_no_draft() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1n").keys("↓\n").key(Key::Esc);

    assert_eq!(dashboard.acts(), [], "nothing was written yet");
    dashboard.keys("\nRaya 2\n");
    assert!(matches!(&dashboard.acts()[..], [WriteRequest::Draft(_)]), "now something is");
}

#[test]
fn a_draft_that_is_opened_again_keeps_what_was_corrected_before() {
    let mend = |row, value: &str| CellMend {
        row,
        column: "phone".into(),
        digest: RowDigest::of_a_row(),
        is_alike: false,
        whose: Some("Siti".into()),
        value: value.into(),
    };
    let wrong = LeftOutRow {
        row: 5,
        column: "phone".into(),
        value: "y".into(),
        name: Some("Ben".into()),
        reason: "no".into(),
        is_cell: true,
        digest: RowDigest::of_a_row(),
    };
    let again = LeftOutRow { row: 3, value: "01".into(), ..wrong.clone() };
    let left_out = RejectedRows {
        total: 2,
        rows: vec![again, wrong],
        file: Some("/home/aina/raya.csv".into()),
        mends: vec![mend(2, "0100120001"), mend(3, "01")],
        ..RejectedRows::default()
    };
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1").key(Key::End).keys("e").answer(opened_with(Some(left_out)));
    dashboard.keys("\n\n").key(Key::Ctrl('u')).keys("0100120003\n");
    dashboard.answer(saved(DRAFT.0, 4));

    let list = writes(&mut dashboard).into_iter().find_map(|write| match write {
        DraftWrite::TakeList { list, .. } => Some(list.mends),
        _ => None,
    });
    assert_eq!(
        list,
        Some(vec![
            mend(2, "0100120001"),
            CellMend { whose: Some("Ben".into()), is_alike: true, ..mend(3, "0100120003") }
        ])
    );
}

/// A draft of whose list two rows were left out and one was corrected before.
fn corrected() -> TestDashboard {
    let row = |row, value: &str| LeftOutRow {
        row,
        column: "phone".into(),
        value: value.into(),
        name: None,
        reason: "no".into(),
        is_cell: true,
        digest: RowDigest::of_a_row(),
    };
    let mend = CellMend {
        row: 2,
        column: "phone".into(),
        digest: RowDigest::of_a_row(),
        is_alike: false,
        whose: None,
        value: "0100120001".into(),
    };
    let left_out = RejectedRows {
        total: 2,
        rows: vec![row(3, "y"), row(4, "z")],
        file: Some("/home/aina/raya.csv".into()),
        mends: vec![mend],
        ..RejectedRows::default()
    };
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1").key(Key::End).keys("e").answer(opened_with(Some(left_out))).effects.clear();
    dashboard
}

fn corrections(dashboard: &TestDashboard) -> Vec<u64> {
    dashboard.model.form.as_ref().unwrap().mends.iter().map(|mend| mend.row).collect()
}

#[test]
fn a_path_that_cannot_be_read_loses_no_correction_and_neither_does_the_same_file() {
    let mut dashboard = corrected();

    dashboard.keys("\nl").keys("o\n").answer(saved(DRAFT.0, 4));
    let take = writes(&mut dashboard).pop().unwrap();
    let why = EffectError::Other("/home/aina/raya.csvo: no such file".to_owned());
    dashboard.answer(Completion::Written { request: WriteRequest::Draft(take), outcome: Err(why) });
    assert_eq!(corrections(&dashboard), [2]);

    let mut dashboard = corrected();
    dashboard.keys("\nl\n").answer(saved(DRAFT.0, 4));
    assert_eq!(corrections(&dashboard), [2]);
}

#[test]
fn a_paste_goes_into_the_cell_that_is_corrected_and_never_takes_the_place_of_the_list() {
    let mut dashboard = corrected();

    dashboard.keys("\n\n").key(Key::Ctrl('u')).dispatch(Msg::Paste("+60 10-012 0003\tBen\n".to_owned()));
    let Some(FormPage::LeftOut { edit: Some(field), .. }) = dashboard.model.form.as_ref().map(|form| form.page.clone())
    else {
        panic!("a cell is corrected")
    };
    assert_eq!(field.text(), "+60 10-012 0003");
    dashboard.dispatch(Msg::Paste("1\n2\n".to_owned()));
    assert!(
        dashboard.screen().join("\n").contains("2 lines were pasted: paste one cell"),
        "nothing is lost without a word"
    );

    dashboard.key(Key::Esc).dispatch(Msg::Paste("Ben\t+60150509992".to_owned()));
    assert!(writes(&mut dashboard).is_empty());
    assert!(dashboard.screen().join("\n").contains("enter on a row first, then paste"));
}

#[test]
fn what_is_typed_ahead_while_the_list_is_read_again_corrects_nobody_else() {
    let mut dashboard = corrected();

    dashboard.keys("\n\n").key(Key::Ctrl('u')).keys("0100120003\n");
    dashboard.keys("\n").key(Key::Ctrl('u')).keys("0100120004\n");

    let form = dashboard.model.form.as_ref().unwrap();
    assert_eq!(form.mends.iter().map(|mend| mend.value.as_str()).collect::<Vec<_>>(), ["0100120001", "0100120003"]);
    assert!(dashboard.screen().join("\n").contains("what is typed now is not used"));
}

#[test]
fn corrections_that_do_not_fit_a_changed_file_are_said() {
    let mut dashboard = corrected();
    dashboard.keys("\n\n").key(Key::Ctrl('u')).keys("0100120003\n").answer(saved(DRAFT.0, 4));
    let take = writes(&mut dashboard).pop().unwrap();
    let Completion::Written { outcome: Ok(WriteOutcome::Draft(DraftOutcome::ListTaken(mut read))), .. } =
        taken(DRAFT.0, 5, None)
    else {
        panic!("a list")
    };
    read.imported.unfit_mends = dashboard.model.form.as_ref().unwrap().mends[..1].to_vec();
    let outcome = Ok(WriteOutcome::Draft(DraftOutcome::ListTaken(read)));

    dashboard.answer(Completion::Written { request: WriteRequest::Draft(take), outcome });

    let said =
        "289 people in the draft, 11 left out; the file has changed: what was corrected in row 2 does not fit any more";
    assert!(dashboard.said().starts_with(said), "{}", dashboard.said());
    assert_eq!(corrections(&dashboard), [3], "the other is forgotten: its row is another one");
}

#[test]
fn u_undoes_the_last_correction_also_where_nobody_is_left_out_any_more() {
    let mut dashboard = corrected();
    dashboard.keys("\n").key(Key::Char('u'));
    dashboard.answer(saved(DRAFT.0, 4));

    assert_eq!(corrections(&dashboard), [0_u64; 0]);
    let [.., DraftWrite::TakeList { list, .. }] = &writes(&mut dashboard)[..] else { panic!("it is read again") };
    assert!(list.mends.is_empty());
    dashboard.keys("u");
    assert!(dashboard.screen().join("\n").contains("the list is being read: wait for it"));

    let mut all = corrected();
    all.model.form.as_mut().unwrap().left_out =
        RejectedRows { file: Some("raya.csv".into()), ..RejectedRows::default() };
    let screen = all.screen().join("\n");
    assert!(screen.contains("1 cell corrected"), "{screen}");
    let screen = all.keys("\n").screen().join("\n");
    assert!(screen.contains("nobody is left out any more") && screen.contains("phone 0100120001"), "{screen}");
    all.keys("u");
    assert_eq!(corrections(&all), [0_u64; 0]);
}

#[test]
fn corrections_of_a_list_that_was_left_are_said_and_what_came_in_by_the_same_list() {
    let mut dashboard = corrected();
    dashboard.keys("\nl").key(Key::Ctrl('u')).keys("/home/aina/other.csv\n").answer(saved(DRAFT.0, 4));
    let take = writes(&mut dashboard).pop().unwrap();

    dashboard.answer(Completion::Written { request: WriteRequest::Draft(take), outcome: list_taken() });

    assert!(dashboard.said().ends_with("; what was corrected in row 2 was of the list before"), "{}", dashboard.said());
}

fn list_taken() -> EffectResult<WriteOutcome> {
    let Completion::Written { outcome, .. } = taken(DRAFT.0, 5, None) else { panic!("a list") };
    outcome
}
