//! The column of a list that says who opted out, named in the form.

use super::form::{saved, taken};
use super::form_columns::{answer, has, taken_by, with_list};
use crate::app::ListColumn;
use crate::domain::list_columns::ChosenName;
use crate::tui::key::Key;

#[test]
fn a_column_of_who_opted_out_is_named_in_the_form_and_not_the_one_with_the_phones() {
    let mut dashboard = with_list();
    dashboard.keys("↑\n");
    answer(&mut dashboard, "raya.csv");
    dashboard.keys("o");
    assert!(has(&dashboard, "another one says who opted out"), "{:#?}", dashboard.screen());
    dashboard.keys("Go").answer(saved(9, 4));

    let (_, chosen) = taken_by(&mut dashboard).unwrap();
    let by = |column: &ListColumn| chosen.opt_outs.as_ref() == Some(&column.reference);
    let form = dashboard.model.form.as_ref().unwrap();
    assert!(form.list_columns.iter().flatten().flatten().next_back().is_some_and(by), "{chosen:?}");
    assert_eq!((chosen.phone, chosen.name), (None, ChosenName::Guessed));
    // Behind the question about the phones the answer to that holds.
    dashboard.answer(taken(9, 5, None)).answer(saved(9, 6)).keys("\n");
    answer(&mut dashboard, "raya.csv");
    dashboard.effects.clear();
    dashboard.keys("gj\ngjo").answer(saved(9, 7));
    let (_, chosen) = taken_by(&mut dashboard).unwrap();
    assert_eq!(chosen.phone.as_deref(), Some("WhatsApp"));
    assert_eq!(chosen.opt_outs.as_deref(), Some("No. Telefon"));
}

#[test]
fn a_named_column_of_who_opted_out_that_is_gone_is_given_up_by_a_key_of_its_own_alone() {
    let mut dashboard = with_list();
    dashboard.model.form.as_mut().unwrap().columns.opt_outs = Some("Jauh".to_owned());
    dashboard.keys("↑\n");
    answer(&mut dashboard, "raya.csv");
    dashboard.effects.clear();
    dashboard.keys("\n\n");
    assert!(has(&dashboard, "the list has no column Jauh any more"), "{:#?}", dashboard.screen());
    assert_eq!(taken_by(&mut dashboard), None);

    dashboard.key(Key::Esc).keys("\n");
    answer(&mut dashboard, "raya.csv");
    dashboard.keys("go").answer(saved(9, 4));
    assert_eq!(taken_by(&mut dashboard).map(|(_, columns)| columns.opt_outs), Some(None));
}
