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

#[test]
fn a_column_that_somebody_named_is_found_by_its_name_below_another_header_and_each_of_that_name() {
    let list = "Phone,Name,Keep away\n0100120001,A,yes\n0100120002,B,\nPhone,Keep away,Name\n0100120003,yes,E\n0100120004,,yes\n";
    assert_eq!(phones(&read_with(list, "keep away").unwrap()), ["+60100120002", "+60100120004"]);
    let ended = "Phone,Name,Keep away\n0100120001,A,yes\nPhone,Name,VIP\n0100120003,E,yes\n";
    assert_eq!(phones(&read_with(ended, "Keep away").unwrap()), ["+60100120003"]);
    let twice = "Phone,Flag,Flag\n0100120001,,yes\n0100120002,yes,\n0100120003,,\n";
    assert_eq!(phones(&read_with(twice, "Flag").unwrap()), ["+60100120003"]);
    assert_eq!(phones(&read_with(twice, "column 2").unwrap()), ["+60100120001", "+60100120003"]);
}

#[test]
fn a_column_without_a_title_stays_in_its_place_below_another_header() {
    let list = "Phone,Name,\n0100120001,A,yes\nPhone,Name,\n0100120002,B,yes\n0100120003,C,\n";

    assert_eq!(phones(&read_with(list, "column 3").unwrap()), ["+60100120003"]);
    let long = format!(
        "Phone,Name,{0}\n0100120001,A,yes\nPhone,Name,{0}\n0100120002,B,yes\n0100120003,C,\n",
        "Long ".repeat(30)
    );
    assert_eq!(phones(&read_with(&long, "column 3").unwrap()), ["+60100120003"]);
}

#[test]
fn a_list_is_read_again_by_the_name_or_the_place_that_somebody_chose() {
    let chosen = |list: &str, column: &str| {
        let columns = ChosenColumns { opt_outs: Some(column.to_owned()), ..ChosenColumns::default() };
        let source = TableSource::from(Cursor::new(list.as_bytes().to_vec())).by_columns(columns);
        let content = BlastContent::parse("Hi", None).unwrap();
        let file = File::open(Table::open(source, FIRST_ROWS).unwrap(), "MY".parse().unwrap(), content, false).unwrap();
        file.opt_outs.unwrap()
    };

    let list = "Phone,Keep away\n0100120001,yes\n";
    assert_eq!([" keep AWAY ", "column 2"].map(|column| chosen(list, column)), ["Keep away", "Keep away"]);
    let twice = "Phone,Flag,Flag\n0100120001,,yes\n";
    assert_eq!(["flag", "column 2", "column 3"].map(|column| chosen(twice, column)), ["Flag", "column 2", "column 3"]);
}

#[test]
fn the_names_may_stand_in_it_as_well() {
    let read = read_with("Phone,Nama\n0100120001,Aina\n0100120002,yes\n", "Nama").unwrap();

    assert_eq!((phones(&read), read.name_column.as_deref()), (vec!["+60100120001"], Some("Nama")));
}

#[test]
fn cells_with_a_day_without_its_year_or_words_behind_a_stop_opt_out() {
    for said in [
        "Berhenti 3 Nov",
        "Berhenti - minta sendiri",
        "STOP - asked by phone",
        "STOP (3/11)",
        "Stop please",
        "Y 3/11",
        "x (3/11)",
        "✓ 3/11",
        "Sudah 3 Nov",
        "3/11",
        "3 Nov",
    ] {
        let list = format!("Phone,Unsubscribed\n0100120001,{said}\n0100120002,\n");
        assert_eq!(phones(&read(&list, "Hi").unwrap()), ["+60100120002"], "{said}");
    }
    // Of a bus.
    let stops = "Phone,Stop\n0100120001,Stop 3\n0100120002,3/11\n0100120003,3 Nov\n";
    assert_eq!(phones(&read(stops, "Hi").unwrap()).len(), 3);
}
