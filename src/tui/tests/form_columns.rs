//! The columns of a list: named in the form, chosen in it, and named again when the draft is opened again.

use super::form::{opened, opened_with, saved, taken, writes};
use super::late::wants_draft;
use super::support::{DRAFT, TestDashboard, WIDE};
use crate::app::{DraftList, ListColumn};
use crate::domain::list_columns::{ChosenColumns, ChosenName, ListColumns, UnclearOptOuts};
use crate::domain::rejected_rows::RejectedRows;
use crate::tui::effect::{
    Completion, DraftAnswer, DraftOutcome, DraftRead, DraftWrite, Effect, EffectError, ReadRequest, WriteOutcome,
    WriteRequest,
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

#[test]
fn a_message_without_a_list_says_that_its_columns_come_with_one() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1n");
    dashboard.model.form.as_mut().unwrap().line = FormLine::Message;

    let screen = dashboard.keys("\n").screen().join("\n");

    assert!(screen.contains("{name} is a column once there is a list"), "{screen}");
}

pub(super) fn with_list() -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1n↓↓↓\nraya.csv\n").answer(saved(9, 1)).answer(taken(9, 2, None)).answer(saved(9, 3));
    dashboard.effects.clear();
    dashboard
}

pub(super) fn answer(dashboard: &mut TestDashboard, list: &str) {
    let answer = DraftAnswer::Columns { list: DraftList::File(list.into()), columns: Ok(columns()) };
    dashboard.answer(Completion::Draft(answer));
}

pub(super) fn has(dashboard: &TestDashboard, words: &str) -> bool {
    dashboard.screen().iter().any(|line| line.contains(words))
}

/// The list as it is taken next.
pub(super) fn taken_by(dashboard: &mut TestDashboard) -> Option<(DraftList, ChosenColumns)> {
    writes(dashboard).into_iter().find_map(|write| match write {
        DraftWrite::TakeList { list, .. } => Some((list.list, list.columns)),
        _ => None,
    })
}

/// An opened draft whose message is typed on, with these columns in its list.
fn typing_on(columns: &[&str]) -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    wants_draft(&mut dashboard).answer(opened());
    let form = dashboard.model.form.as_mut().unwrap();
    for column in columns {
        form.first_people[0].variables.set(column, "Aina");
    }
    form.line = FormLine::Message;
    dashboard.keys("\n");
    dashboard
}

#[test]
fn esc_is_said_to_be_a_plain_brace_only_before_a_name_is_begun() {
    let mut dashboard = typing_on(&["name"]);
    assert!(dashboard.keys("{").line(1).contains("esc is a plain {"), "{}", dashboard.line(1));

    dashboard.keys("na");

    let title = dashboard.line(1);
    assert!(title.contains("esc leaves the text with {na") && !title.contains("plain"), "{title}");
}

#[test]
fn a_list_without_columns_has_none_to_pick() {
    let screen = |columns: &[&str]| typing_on(columns).screen().join("\n");
    let phones = screen(&[]);

    assert!(!phones.contains("picks a column") && phones.contains("the list has no columns to put in"), "{phones}");
    assert!(screen(&["name"]).contains("{ picks a column"));
}

#[test]
fn a_phone_column_that_was_guessed_wrong_is_changed_in_the_form_and_the_list_is_read_again() {
    let mut dashboard = with_list();
    assert!(has(&dashboard, "Columns    phone = No. Telefon"), "{:#?}", dashboard.screen());

    dashboard.keys("↑\n");
    let list = DraftList::File("raya.csv".into());
    let read = DraftRead::Columns { sender: "sales".to_owned(), list: list.clone() };
    assert_eq!(dashboard.taken(), [Effect::Read(ReadRequest::Draft(read))]);
    answer(&mut dashboard, "raya.csv");
    assert!(has(&dashboard, "which has the phone numbers?"), "{:#?}", dashboard.screen());
    assert!(has(&dashboard, "> phone No. Telefon  03-1234 5678  |  03-2222 3333"), "{:#?}", dashboard.screen());
    assert!(has(&dashboard, "(empty)"), "{:#?}", dashboard.screen());
    dashboard.keys("j\n");
    assert!(has(&dashboard, "which has the names?"), "{:#?}", dashboard.screen());
    assert!(has(&dashboard, "  phone WhatsApp     012-345 6789"), "{:#?}", dashboard.screen());
    assert!(!has(&dashboard, "phone No. Telefon"), "{:#?}", dashboard.screen());
    dashboard.keys("gjj\n").answer(saved(9, 4));

    let name = ChosenName::Column("Nama".to_owned());
    let chosen = ChosenColumns { phone: Some("WhatsApp".to_owned()), name, ..ChosenColumns::default() };
    assert_eq!(taken_by(&mut dashboard), Some((list.clone(), chosen.clone())));
    // And so it is whenever it is read again.
    dashboard.answer(taken(9, 5, None)).effects.clear();
    dashboard.keys("j\nHi").key(Key::Esc).answer(saved(9, 6));
    assert_eq!(taken_by(&mut dashboard), Some((list, chosen)));
}

#[test]
fn columns_that_stay_as_they_are_and_esc_read_nothing_again() {
    for keys in ["\n\n", "j\u{1b}", "↓↓\nj\u{1b}"] {
        let mut dashboard = with_list();
        dashboard.model.form.as_mut().unwrap().read_columns = Some(ListColumns {
            phone: "No. Telefon".to_owned(),
            name: Some("Nama".to_owned()),
            ..ListColumns::default()
        });
        dashboard.keys("↑\n");
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
fn rows_that_do_not_make_clear_whether_they_want_messages_are_named_below_the_columns() {
    let mut dashboard = with_list();
    let unclear_opt_outs = vec![UnclearOptOuts { column: "Stop".to_owned(), rows: 3, first_row: 2 }];
    let read = ListColumns { phone: "No. Telefon".to_owned(), unclear_opt_outs, ..ListColumns::default() };

    dashboard.model.form.as_mut().unwrap().read_columns = Some(read);

    assert!(has(&dashboard, "Stop says neither yes nor no in 3 rows (first: row 2): they are taken"));
}

#[test]
fn a_column_without_phones_is_refused_and_the_columns_before_stay() {
    let mut dashboard = with_list();
    dashboard.keys("↑\n");
    answer(&mut dashboard, "raya.csv");
    dashboard.keys("↓↓\n\n").answer(saved(9, 4));
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
    dashboard.keys("↑\n");
    answer(&mut dashboard, "raya.csv");
    dashboard.keys("j\n\n").answer(saved(9, 4)).answer(taken(9, 5, None)).effects.clear();

    dashboard.keys("↑\nl").key(Key::Ctrl('u')).keys("other.csv\n").answer(saved(9, 6));

    assert_eq!(taken_by(&mut dashboard), Some((DraftList::File("other.csv".into()), ChosenColumns::default())));
}

#[test]
fn a_draft_that_is_opened_again_names_its_list_and_its_columns() {
    let name = Some("Nama".to_owned());
    let columns = ListColumns { phone: "WhatsApp".to_owned(), name, is_chosen: true, ..ListColumns::default() };
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
    assert!(
        has(&dashboard, "8 of them get nothing: opted out, answered or bought since,")
            && has(&dashboard, "or uncertain"),
        "{:#?}",
        dashboard.screen()
    );
    // It is read again from its file, by columns that are chosen now.
    dashboard.keys("↑\n").effects.clear();
    answer(&mut dashboard, "/home/aina/raya.csv");
    dashboard.keys("g\ng\n").answer(saved(DRAFT.0, 4));
    let chosen =
        ChosenColumns { phone: Some("No. Telefon".to_owned()), name: ChosenName::None, ..ChosenColumns::default() };
    assert_eq!(taken_by(&mut dashboard), Some((DraftList::File("/home/aina/raya.csv".into()), chosen)));

    let mut pasted = open(None);
    assert!(has(&pasted, "People     pasted"), "{:#?}", pasted.screen());
    pasted.keys("↑\n");
    assert!(has(&pasted, "are not kept: paste them again on People"), "{:#?}", pasted.screen());
}

/// A list with two columns of phones, of which one was taken.
fn doubtful() -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    let mut list = taken(9, 2, None);
    if let Completion::Written { outcome: Ok(WriteOutcome::Draft(DraftOutcome::ListTaken(list))), .. } = &mut list {
        list.imported.other_phones = vec!["WhatsApp".to_owned()];
    }
    dashboard.keys("1n↓↓↓\nraya.csv\n").answer(saved(9, 1)).answer(list);
    dashboard
}

#[test]
fn a_guess_between_two_columns_of_phones_is_said_until_somebody_chooses() {
    let mut dashboard = doubtful();
    assert!(dashboard.said().ends_with("WhatsApp has phone numbers, too: look at Columns"), "{}", dashboard.said());
    let asks = "WhatsApp has phone numbers, too: is No. Telefon the right one?";
    assert!(has(&dashboard, asks), "{:#?}", dashboard.screen());

    dashboard.answer(saved(9, 3)).keys("↑\n").effects.clear();
    answer(&mut dashboard, "raya.csv");
    dashboard.keys("\n\n").answer(saved(9, 4));

    let chosen = taken_by(&mut dashboard).map(|(_, columns)| columns.phone);
    assert_eq!(chosen, Some(Some("No. Telefon".to_owned())), "the one that was guessed is chosen now");
    dashboard.answer(taken(9, 5, None));
    assert!(!has(&dashboard, "has phone numbers, too"), "{:#?}", dashboard.screen());
}

/// A list of which no column was found to be the phones.
fn without_phones() -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1n↓↓↓\nodd.csv\n").answer(saved(9, 1));
    let take = writes(&mut dashboard).pop().expect("the list is taken");
    let why = EffectError::List("no column holds phone numbers; the columns are WhatsApp, Nama".to_owned());
    dashboard.answer(Completion::Written { request: WriteRequest::Draft(take), outcome: Err(why) });
    dashboard
}

#[test]
fn a_list_without_a_column_of_phones_shows_its_columns_to_choose_from() {
    let mut dashboard = without_phones();
    let list = DraftList::File("odd.csv".into());
    let read = Effect::Read(ReadRequest::Draft(DraftRead::Columns { sender: "sales".to_owned(), list: list.clone() }));
    assert!(dashboard.taken().contains(&read));
    answer(&mut dashboard, "odd.csv");
    let said = dashboard.screen().iter().filter(|line| line.contains("no column holds phone numbers")).count();
    assert!(has(&dashboard, "which has the phone numbers?") && said == 1, "{:#?}", dashboard.screen());

    dashboard.keys("j\ng\n").answer(saved(9, 2));

    let chosen =
        ChosenColumns { phone: Some("WhatsApp".to_owned()), name: ChosenName::None, ..ChosenColumns::default() };
    assert_eq!(taken_by(&mut dashboard), Some((list, chosen)));
}

#[test]
fn the_columns_of_a_refused_list_are_left_for_its_path_and_never_cover_what_is_typed_meanwhile() {
    let mut dashboard = without_phones();
    answer(&mut dashboard, "odd.csv");
    dashboard.key(Key::Esc);
    assert!(has(&dashboard, "People     odd.csv") && has(&dashboard, "no column holds phone numbers"));

    let mut busy = without_phones();
    busy.keys("x");
    answer(&mut busy, "odd.csv");
    assert!(!has(&busy, "which has the phone numbers?"), "{:#?}", busy.screen());

    let mut unreadable = without_phones();
    let columns = Err("no such file".to_owned());
    unreadable.answer(Completion::Draft(DraftAnswer::Columns { list: DraftList::File("odd.csv".into()), columns }));
    assert!(!has(&unreadable, "which has the phone numbers?"), "{:#?}", unreadable.screen());
}

#[test]
fn a_list_of_another_country_is_read_again_as_that_countrys() {
    let mut dashboard = with_list();
    assert!(!has(&dashboard, "Country"), "{:#?}", dashboard.screen());

    dashboard.keys("↑\n");
    answer(&mut dashboard, "raya.csv");
    dashboard.keys("c");
    assert!(has(&dashboard, "two letters, as ID for Indonesia"), "{:#?}", dashboard.screen());
    dashboard.keys("xx\n");
    assert!(has(&dashboard, "`XX` is not a two-letter country code"), "{:#?}", dashboard.screen());
    assert!(writes(&mut dashboard).is_empty(), "nothing is read again by what is no country");
    dashboard.key(Key::Ctrl('u')).keys("id\n").answer(saved(9, 4));

    let indonesia = ChosenColumns { country: "ID".parse().ok(), ..ChosenColumns::default() };
    assert_eq!(taken_by(&mut dashboard), Some((DraftList::File("raya.csv".into()), indonesia.clone())));
    dashboard.answer(taken(9, 5, None)).effects.clear();
    assert!(has(&dashboard, "Country    ID   of numbers without a country code"), "{:#?}", dashboard.screen());
    let read = &dashboard.model.form.as_ref().unwrap().read_columns;
    assert_eq!(read.as_ref().map(ListColumns::again), Some(indonesia));
    assert!(read.as_ref().is_some_and(|read| !read.is_chosen), "its columns are still guessed");
    // Nothing is the sender's again.
    dashboard.keys("↑\n").key(Key::Ctrl('u')).key(Key::Enter).answer(saved(9, 6));
    assert_eq!(taken_by(&mut dashboard).map(|(_, columns)| columns), Some(ChosenColumns::default()));
}

#[test]
fn a_country_that_is_not_named_after_all_leaves_the_list_as_it_is() {
    for leaves in [Key::Esc, Key::Enter] {
        let mut dashboard = with_list();
        dashboard.keys("↑\n");
        answer(&mut dashboard, "raya.csv");

        dashboard.keys("c").key(leaves);

        assert!(taken_by(&mut dashboard).is_none() && !has(&dashboard, "Country"), "{:#?}", dashboard.screen());
        let line = dashboard.model.form.as_ref().unwrap().line;
        assert!([FormLine::Columns, FormLine::Message].contains(&line), "{line:?}");
    }
}

#[test]
fn a_list_with_numbers_of_another_length_asks_for_its_country() {
    let mut dashboard = TestDashboard::new(WIDE);
    let mut list = taken(9, 2, None);
    if let Completion::Written { outcome: Ok(WriteOutcome::Draft(DraftOutcome::ListTaken(list))), .. } = &mut list {
        list.imported.rejected.reasons[0].reason = crate::domain::phone::PhoneError::TooLong.to_string();
    }
    dashboard.keys("1n↓↓↓\nraya.csv\n").answer(saved(9, 1)).answer(list).answer(saved(9, 3)).effects.clear();

    assert!(
        has(&dashboard, "Country    MY, the sender's   of numbers without a country code"),
        "{:#?}",
        dashboard.screen()
    );
}

#[test]
fn a_list_none_of_which_is_of_the_senders_country_is_read_again_from_the_page_that_says_so() {
    let mut dashboard = without_phones();
    answer(&mut dashboard, "odd.csv");

    dashboard.keys("cid\n").answer(saved(9, 2));

    let indonesia = ChosenColumns { country: "ID".parse().ok(), ..ChosenColumns::default() };
    assert_eq!(taken_by(&mut dashboard), Some((DraftList::File("odd.csv".into()), indonesia)));
}
