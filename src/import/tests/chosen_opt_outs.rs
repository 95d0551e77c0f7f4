//! A column of who wants no messages that somebody named.

use super::*;

fn read_with(list: &str, column: &str) -> Result<Read, ImportError> {
    let columns = ChosenColumns { opt_outs: Some(column.to_owned()), ..ChosenColumns::default() };
    read_by(list, BlastContent::parse("Hi", None).unwrap(), columns)
}

#[test]
fn whoever_says_so_in_a_column_that_somebody_named_is_left_out_whatever_it_is_called() {
    let list =
        "phone,No messages please,STOP\n0100120001,yes,\n0100120002,,yes\n0100120003,no,no\n0100120004,12/03/2026,";

    assert_eq!(phones(&read(list, "Hi").unwrap()).len(), 3);
    assert_eq!(phones(&read_with(list, "no messages please").unwrap()), ["+60100120003"]);
    let headless = "0100120001,yes\n0100120002,no\n";
    let read = read_with(headless, "column 2").unwrap();
    assert_eq!((phones(&read), &read.name_column), (vec!["+60100120002"], &None));
}

#[test]
fn a_header_further_down_does_not_end_a_column_that_somebody_named() {
    let list = "phone,Keep away\n0100120001,yes\nphone,Keep away\n0100120002,yes\n0100120003,\n";

    assert_eq!(phones(&read_with(list, "Keep away").unwrap()), ["+60100120003"]);
}

#[test]
fn a_column_that_is_not_there_or_has_the_phones_is_refused() {
    let list = "phone,Kep away\n0100120001,yes\n";

    let missing = read_with(list, "Keep away").map(drop).unwrap_err().to_string();
    assert_eq!(missing, "the list has no column `Keep away`: did you mean Kep away?");
    let same = read_with(list, "phone").map(drop).unwrap_err().to_string();
    assert_eq!(
        same,
        "phone cannot be both the phone and what says who opted out: choose another column for one of them"
    );
}
