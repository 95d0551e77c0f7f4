//! The columns of a list: named in the form, chosen in it, and named again when the draft is opened again.

use super::form::{opened_with, saved, taken, writes};
use super::support::{DRAFT, TestDashboard, WIDE};
use crate::app::{DraftList, ListColumn};
use crate::domain::list_columns::{ChosenColumns, ChosenName, ListColumns};
use crate::domain::rejected_rows::RejectedRows;
use crate::tui::effect::{
    Completion, DraftAnswer, DraftRead, DraftWrite, Effect, EffectError, ReadRequest, WriteRequest,
};
use crate::tui::key::Key;
use crate::tui::model::FormLine;

fn column(name: &str, samples: &[&str]) -> ListColumn {
    let samples = samples.iter().map(|cell| (*cell).to_owned()).collect();
    ListColumn { reference: name.to_owned(), name: name.to_owned(), samples }
}

fn columns() -> Vec<ListColumn> {
    vec![
        column("No. Telefon", &["03-1234 5678", "03-2222 3333"]),
        column("WhatsApp", &["012-345 6789", "016-700 4521"]),
        column("Nama", &["Siti Aminah", "Raj"]),
        column("Kek", &[]),
    ]
}

fn with_list() -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1njjj\nraya.csv\n").answer(saved(9, 1)).answer(taken(9, 2, None)).answer(saved(9, 3));
    dashboard.effects.clear();
    dashboard
}

fn answer(dashboard: &mut TestDashboard, list: &str) {
    let answer = DraftAnswer::Columns { list: DraftList::File(list.into()), columns: Ok(columns()) };
    dashboard.answer(Completion::Draft(answer));
}

fn has(dashboard: &TestDashboard, words: &str) -> bool {
    dashboard.screen().iter().any(|line| line.contains(words))
}

/// The list as it is taken next.
fn taken_by(dashboard: &mut TestDashboard) -> Option<(DraftList, ChosenColumns)> {
    writes(dashboard).into_iter().find_map(|write| match write {
        DraftWrite::TakeList { list, .. } => Some((list.list, list.columns)),
        _ => None,
    })
}

#[test]
fn a_phone_column_that_was_guessed_wrong_is_changed_in_the_form_and_the_list_is_read_again() {
    let mut dashboard = with_list();
    assert!(has(&dashboard, "Columns    phone = No. Telefon"), "{:#?}", dashboard.screen());

    dashboard.keys("k\n");
    let list = DraftList::File("raya.csv".into());
    let read = DraftRead::Columns { sender: "sales".to_owned(), list: list.clone() };
    assert_eq!(dashboard.taken(), [Effect::Read(ReadRequest::Draft(read))]);
    answer(&mut dashboard, "raya.csv");
    assert!(has(&dashboard, "which has the phone numbers?"), "{:#?}", dashboard.screen());
    assert!(has(&dashboard, "> phone No. Telefon  03-1234 5678  |  03-2222 3333"), "{:#?}", dashboard.screen());
    assert!(has(&dashboard, "(empty)"), "{:#?}", dashboard.screen());
    dashboard.keys("j\n");
    assert!(has(&dashboard, "which has the names?") && !has(&dashboard, "WhatsApp"), "{:#?}", dashboard.screen());
    dashboard.keys("gjj\n").answer(saved(9, 4));

    let name = ChosenName::Column("Nama".to_owned());
    let chosen = ChosenColumns { phone: Some("WhatsApp".to_owned()), name };
    assert_eq!(taken_by(&mut dashboard), Some((list.clone(), chosen.clone())));
    // And so it is whenever it is read again.
    dashboard.answer(taken(9, 5, None)).effects.clear();
    dashboard.keys("j\nHi").key(Key::Esc).answer(saved(9, 6));
    assert_eq!(taken_by(&mut dashboard), Some((list, chosen)));
}

#[test]
fn columns_that_stay_as_they_are_and_esc_read_nothing_again() {
    for keys in ["\n\n", "j\u{1b}", "jj\nj\u{1b}"] {
        let mut dashboard = with_list();
        dashboard.model.form.as_mut().unwrap().read_columns =
            Some(ListColumns { phone: "No. Telefon".to_owned(), name: Some("Nama".to_owned()), is_chosen: false });
        dashboard.keys("k\n");
        answer(&mut dashboard, "raya.csv");
        dashboard.effects.clear();

        for key in keys.chars() {
            dashboard.key(match key {
                '\n' => Key::Enter,
                '\u{1b}' => Key::Esc,
                letter => Key::Char(letter),
            });
        }

        assert!(writes(&mut dashboard).is_empty(), "{keys:?}");
        assert!(has(&dashboard, "People     raya.csv"), "{:#?}", dashboard.screen());
    }
}

#[test]
fn a_column_without_phones_is_refused_and_the_columns_before_stay() {
    let mut dashboard = with_list();
    dashboard.keys("k\n");
    answer(&mut dashboard, "raya.csv");
    dashboard.keys("jj\n\n").answer(saved(9, 4));
    let take = writes(&mut dashboard).pop().expect("the list is taken");

    let why = EffectError::Other("289 rows, none of which can be used; row 2: Nama: not a phone number".to_owned());
    dashboard.answer(Completion::Written { request: WriteRequest::Draft(take), outcome: Err(why) });

    let form = dashboard.model.form.as_ref().unwrap();
    assert_eq!((form.line, &form.columns), (FormLine::Columns, &ChosenColumns::default()));
    assert_eq!(form.list, Some(DraftList::File("raya.csv".into())));
    assert!(has(&dashboard, "none of which can be used") && has(&dashboard, "phone = No. Telefon"));
}

#[test]
fn another_list_is_read_by_its_own_columns() {
    let mut dashboard = with_list();
    dashboard.keys("k\n");
    answer(&mut dashboard, "raya.csv");
    dashboard.keys("j\n\n").answer(saved(9, 4)).answer(taken(9, 5, None)).effects.clear();

    dashboard.keys("k\nl").key(Key::Ctrl('u')).keys("other.csv\n").answer(saved(9, 6));

    assert_eq!(taken_by(&mut dashboard), Some((DraftList::File("other.csv".into()), ChosenColumns::default())));
}

#[test]
fn a_draft_that_is_opened_again_names_its_list_and_its_columns() {
    let columns = ListColumns { phone: "WhatsApp".to_owned(), name: Some("Nama".to_owned()), is_chosen: true };
    let list = |file: Option<&str>| RejectedRows {
        file: file.map(str::to_owned),
        is_pasted: file.is_none(),
        columns: Some(Box::new(columns.clone())),
        ..RejectedRows::default()
    };
    let open = |file| {
        let mut dashboard = TestDashboard::new(WIDE);
        dashboard.model.blasts.select(DRAFT);
        dashboard.keys("1e").answer(opened_with(Some(list(file))));
        dashboard
    };

    let mut dashboard = open(Some("/home/aina/raya.csv"));
    assert!(
        has(&dashboard, "People     /home/aina/raya.csv") && has(&dashboard, "289 taken"),
        "{:#?}",
        dashboard.screen()
    );
    assert!(has(&dashboard, "Columns    phone = WhatsApp   name = Nama"), "{:#?}", dashboard.screen());
    assert!(has(&dashboard, "8 of them get nothing: opted out, or answered since"), "{:#?}", dashboard.screen());
    // It is read again from its file, by columns that are chosen now.
    dashboard.keys("k\n").effects.clear();
    answer(&mut dashboard, "/home/aina/raya.csv");
    dashboard.keys("g\ng\n").answer(saved(DRAFT.0, 4));
    let chosen = ChosenColumns { phone: Some("No. Telefon".to_owned()), name: ChosenName::None };
    assert_eq!(taken_by(&mut dashboard), Some((DraftList::File("/home/aina/raya.csv".into()), chosen)));

    let mut pasted = open(None);
    assert!(has(&pasted, "People     pasted"), "{:#?}", pasted.screen());
    pasted.keys("k\n");
    assert!(has(&pasted, "are not kept: paste them again on People"), "{:#?}", pasted.screen());
}
