//! Rows that were left out of a draft's list, and the cells of it that were corrected.

use super::form::{opened_with, saved, taken, writes};
use super::late::wants_draft;
use super::support::{DRAFT, STACKED, TestDashboard, WIDE};
use crate::app::{DraftList, DraftOvertaken, ListChanges};
use crate::domain::rejected_rows::{CellMend, LeftOutRow, RejectedReason, RejectedRows, RowDigest};
use crate::tui::effect::{Completion, DraftOutcome, DraftWrite, EffectError, EffectResult, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::FormPage;
use crate::tui::msg::Msg;

#[test]
fn a_draft_that_is_opened_again_keeps_what_was_corrected_before() {
    let mend = |row, value: &str| CellMend {
        row,
        column: "phone".into(),
        digest: RowDigest::of_a_row(),
        phone: None,
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
        phone: None,
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
    wants_draft(&mut dashboard).answer(opened_with(Some(left_out)));
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

#[test]
fn why_a_row_that_was_left_out_cannot_be_corrected_is_on_the_screen_however_many_there_are() {
    let row = |row| LeftOutRow {
        row,
        column: "message".into(),
        value: "Salam".into(),
        name: None,
        reason: "their message is too long".into(),
        is_cell: false,
        digest: RowDigest::of_a_row(),
        phone: None,
    };
    let left_out = RejectedRows { total: 40, rows: (2..42).map(row).collect(), ..RejectedRows::default() };
    let mut dashboard = TestDashboard::new(STACKED);
    wants_draft(&mut dashboard).answer(opened_with(Some(left_out)));

    dashboard.keys("\n\n");

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("row 2 cannot be corrected here (their message is too long)"), "{screen}");
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
        phone: None,
    };
    let mend = CellMend {
        row: 2,
        column: "phone".into(),
        digest: RowDigest::of_a_row(),
        phone: None,
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
    wants_draft(&mut dashboard).answer(opened_with(Some(left_out))).effects.clear();
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

    dashboard.keys("\n\n").key(Key::Ctrl('u')).dispatch(Msg::Paste("+60 10-012 0003\n".to_owned()));
    let Some(FormPage::LeftOut { edit: Some(field), .. }) = dashboard.model.form.as_ref().map(|form| form.page.clone())
    else {
        panic!("a cell is corrected")
    };
    assert_eq!(field.text(), "+60 10-012 0003");
    for several in ["1\n2\n", "Ben\t+60100120004"] {
        dashboard.dispatch(Msg::Paste(several.to_owned()));
    }
    assert!(
        dashboard.screen().join("\n").contains("2 cells were pasted: paste the one"),
        "nothing is lost without a word"
    );

    dashboard.key(Key::Esc);
    assert!(dashboard.said().ends_with("not corrected: +60 10-012 0003"), "{}", dashboard.said());
    dashboard.dispatch(Msg::Paste("Ben\t+60150509992".to_owned()));
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

#[test]
fn whoever_came_in_or_dropped_out_is_not_said_to_be_beside_the_people_and_those_left_out() {
    let mut dashboard = corrected();
    dashboard.keys("\n\n").key(Key::Ctrl('u')).keys("0100120003\n").answer(saved(DRAFT.0, 4));
    let take = writes(&mut dashboard).pop().unwrap();
    let Ok(WriteOutcome::Draft(DraftOutcome::ListTaken(mut read))) = list_taken() else { panic!("a list") };
    read.imported.changes = Some(ListChanges::of_people("Aina", 39));
    let outcome = Ok(WriteOutcome::Draft(DraftOutcome::ListTaken(read)));

    dashboard.answer(Completion::Written { request: WriteRequest::Draft(take), outcome });

    let said = "289 people in the draft, 11 left out; compared with before, Aina came in, 39 people dropped out";
    assert!(dashboard.said().starts_with(said), "{}", dashboard.said());
}

fn list_taken() -> EffectResult<WriteOutcome> {
    let Completion::Written { outcome, .. } = taken(DRAFT.0, 5, None) else { panic!("a list") };
    outcome
}

#[test]
fn where_somebody_else_changed_the_draft_that_is_what_is_said_and_not_that_it_is_being_read() {
    for key in [Key::Enter, Key::Char('u')] {
        let mut dashboard = corrected();
        dashboard.keys("\n\n").key(Key::Ctrl('u')).keys("0100120003\n");
        let save = writes(&mut dashboard).pop().unwrap();
        let overtaken = DraftOvertaken::Changed { by: "ben".to_owned(), version: 9 };
        let outcome = Err(EffectError::Overtaken(overtaken));
        dashboard.answer(Completion::Written { request: WriteRequest::Draft(save), outcome });
        dashboard.effects.clear();

        dashboard.key(key);

        let screen = dashboard.screen().join("\n");
        assert!(
            screen.contains("this draft was changed meanwhile: esc asks what becomes of what you wrote"),
            "{screen}"
        );
        assert_eq!(dashboard.acts(), []);
    }
}

#[test]
fn a_draft_that_is_opened_again_shows_what_was_left_out_and_mends_it_from_its_file() {
    let row = LeftOutRow {
        row: 4,
        column: "No. Telefon".to_owned(),
        value: String::new(),
        name: Some("Chong Five".to_owned()),
        reason: "lost by the spreadsheet".to_owned(),
        is_cell: true,
        digest: RowDigest::of_a_row(),
        phone: None,
    };
    let left_out = |file: Option<&str>| RejectedRows {
        total: 11,
        reasons: vec![RejectedReason { reason: "lost".to_owned(), rows: 11 }],
        rows: vec![row.clone()],
        file: file.map(str::to_owned),
        ..RejectedRows::default()
    };
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.model.blasts.select(DRAFT);
    dashboard.keys("1e").answer(opened_with(Some(left_out(Some("/home/aina/raya.csv")))));
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("289 taken, 11 left out (enter: why, correct)") && screen.contains("11 lost"), "{screen}");

    dashboard.effects.clear();
    dashboard.keys("\n");
    assert!(dashboard.screen().join("\n").contains("row 4      No. Telefon (empty)   Chong Five"));
    dashboard.keys("\n").key(Key::Ctrl('u')).keys("0100120003\n").answer(saved(DRAFT.0, 4));
    let taken = writes(&mut dashboard).into_iter().find_map(|write| match write {
        DraftWrite::TakeList { list, .. } => Some((list.list, list.mends.len())),
        _ => None,
    });
    assert_eq!(taken, Some((DraftList::File("/home/aina/raya.csv".into()), 1)));

    let mut pasted = TestDashboard::new(WIDE);
    pasted.model.blasts.select(DRAFT);
    pasted.keys("1e").answer(opened_with(Some(left_out(None)))).keys("\n\n");
    let screen = pasted.screen().join("\n");
    assert!(screen.contains("the pasted list is not kept: l gives a list again"), "{screen}");
}
