mod chosen_opt_outs;
mod countries;
mod forgotten;
mod given_opt_outs;
mod opt_out_titles;
mod opt_outs;
mod titles;
mod without_header;

use std::io::Cursor;

use super::person::Outcome;
use super::rejected::RejectedFile;
use super::table::Table;
use super::*;
use crate::domain::list_columns::{ChosenColumns, ChosenName};
use crate::domain::phone::PhoneError;
use crate::store::import::NewRecipient;

/// What a file comes to.
struct Read {
    people: Vec<NewRecipient>,
    rejected: Rejections,
    tally: Tally,
    phone_column: String,
    name_column: Option<String>,
    other_phones: Vec<String>,
    mention: Option<String>,
}

fn read(bytes: impl AsRef<[u8]>, message: &str) -> Result<Read, ImportError> {
    read_content(bytes, BlastContent::parse(message, None).unwrap())
}

fn read_content(bytes: impl AsRef<[u8]>, content: BlastContent) -> Result<Read, ImportError> {
    read_by(bytes, content, ChosenColumns::default())
}

fn read_by(bytes: impl AsRef<[u8]>, content: BlastContent, columns: ChosenColumns) -> Result<Read, ImportError> {
    let source = TableSource::from(Cursor::new(bytes.as_ref().to_vec())).by_columns(columns);
    let mut file = File::open(Table::open(source, FIRST_ROWS)?, "MY".parse().unwrap(), content, false)?;
    let mut people = Vec::new();
    let mut tally = Tally::default();
    let mut rejected = RejectedFile::new(RejectedTo::Nowhere);
    file.skip_header()?;
    while let Some(record) = file.rows.next()? {
        let mut push = |person: &NewRecipient| {
            people.push(person.clone());
            Ok(())
        };
        file.row((&record, None), &mut tally, &mut push, &mut rejected)?;
    }
    people.retain(|person| !file.taker.seen.is_taken_back(&person.phone));
    Ok(Read {
        people,
        rejected: tally.rejections(),
        tally,
        phone_column: file.phone_column,
        name_column: file.name_column,
        other_phones: file.other_phones,
        mention: file.mention,
    })
}

fn phones(read: &Read) -> Vec<&str> {
    read.people.iter().map(|person| person.phone.as_str()).collect()
}

fn reasons(read: &Read) -> Vec<(u64, &str, &str, Reason)> {
    let rows = read.rejected.examples.iter();
    rows.map(|row| (row.row, row.column.as_str(), row.value.as_str(), row.reason.clone())).collect()
}

#[test]
fn a_header_is_found_in_any_case_order_and_spelling() {
    for header in [
        "Phone",
        "PHONE_NUMBER",
        "mobile",
        "Telefon",
        "No. Telefon",
        "H/P",
        "WhatsApp",
        "Nombor",
        "MSISDN",
        "Contact No.",
        "Customer phone (main)",
        "手机",
        "\u{feff}phone",
    ] {
        let read = read(format!("Shop,{header},Nama\nKL,010-012 3456,Aina\n"), "hi {name}").unwrap();

        assert_eq!(phones(&read), ["+60100123456"], "{header}");
        assert_eq!(read.name_column.as_deref(), Some("Nama"));
        assert_eq!(read.people[0].name.as_deref(), Some("Aina"));
    }
}

#[test]
fn a_contact_column_of_names_is_not_taken_for_the_phones() {
    let read = read("contact,reach\nAina,0100123456\nBen,0100123457\n", "hi").unwrap();

    assert_eq!(read.phone_column, "reach");
    assert_eq!(phones(&read), ["+60100123456", "+60100123457"]);
}

#[test]
fn without_a_telling_header_the_first_column_of_phones_is_taken() {
    let read = read("id,who,reach\n1,Aina,+60 12-345 6789\n2,Ben,x\n3,Che,0123456780\n", "hi {who}").unwrap();

    assert_eq!(read.phone_column, "reach");
    assert_eq!(read.people.len(), 2);
    assert_eq!(reasons(&read), [(3, "reach", "x", Reason::Phone(PhoneError::NoDigits))]);
}

#[test]
fn without_any_header_the_first_row_is_a_person() {
    let read = read("Aina,0100123456\nBen,0100123457\n", "hi {name}").unwrap();

    assert_eq!(phones(&read), ["+60100123456", "+60100123457"]);
    assert_eq!(read.people[0].name.as_deref(), Some("Aina"));
    assert_eq!(read.people[0].variables.get("column 1"), Some("Aina"));
    assert_eq!(read.phone_column, "column 2");
}

#[test]
fn columns_that_somebody_chose_are_taken_in_place_of_guesses() {
    let list = "phone,WhatsApp,Nama,code,code\n03-8888 1234,0100123456,Aina,A1,0100123499\n";
    let by = |phone: &str, name: ChosenName| {
        let columns = ChosenColumns { phone: Some(phone.to_owned()), name, ..ChosenColumns::default() };
        read_by(list, BlastContent::parse("hi", None).unwrap(), columns)
    };

    let read = by("whatsapp", ChosenName::Column("code".to_owned())).unwrap();
    assert_eq!((phones(&read), read.people[0].name.as_deref()), (vec!["+60100123456"], Some("A1")));
    assert_eq!((read.phone_column.as_str(), read.people[0].variables.get("name")), ("WhatsApp", Some("A1")));
    // Of two with one name the second has its place.
    let read = by("column 5", ChosenName::None).unwrap();
    assert_eq!((phones(&read), read.phone_column.as_str()), (vec!["+60100123499"], "column 5"));
    assert_eq!((read.people[0].name.as_deref(), read.people[0].variables.get("name")), (None, None));
    let refused = by("WhatsAp", ChosenName::Guessed).err().unwrap().to_string();
    assert_eq!(refused, "the list has no column `WhatsAp`: did you mean WhatsApp?");
    let both = by("Nama", ChosenName::Column("Nama".to_owned())).err().unwrap().to_string();
    assert!(both.contains("cannot be both the phone and the name"), "{both}");
}

#[test]
fn other_columns_of_phones_are_named_where_nobody_chose_between_them() {
    let list = "Telefon,WhatsApp,Nama,Amount\n0388881234,0100123456,Aina,120\n0388881235,0100123457,Ben,95\n";
    let by = |phone: Option<&str>| {
        let columns = ChosenColumns { phone: phone.map(str::to_owned), ..ChosenColumns::default() };
        read_by(list, BlastContent::parse("hi", None).unwrap(), columns).unwrap()
    };

    let guessed = by(None);
    assert_eq!((guessed.phone_column.as_str(), guessed.other_phones), ("WhatsApp", vec!["Telefon".to_owned()]));
    assert_eq!(by(Some("Telefon")).other_phones, Vec::<String>::new());
}

#[test]
fn a_cell_of_characters_that_nobody_sees_is_empty() {
    let list = "phone,nama,kek\n0100123450,\u{200b}\u{200d}\u{feff},\u{2060}\n0100123451,\u{3164},Batik\n";

    let read = read(list, "Salam {nama|there}, {kek|cake}").unwrap();

    assert!(read.people.iter().all(|person| person.name.is_none()), "{:?}", read.people);
    let variable = |at: usize, name: &str| read.people[at].variables.get(name).map(str::to_owned);
    assert_eq!([variable(0, "name"), variable(0, "nama"), variable(0, "kek")], [None, None, None]);
    assert_eq!((variable(1, "nama"), variable(1, "kek")), (None, Some("Batik".to_owned())));
}

#[test]
fn what_programs_export_for_an_empty_name_is_none_and_a_person_called_null_has_a_name() {
    let list = "phone,nama,kod\n0100123450,null,null\n0100123451,NULL,-\n0100123452,#N/A,x\n0100123453, N/A ,x\n\
                0100123454,-,x\n0100123455,nan,x\n0100123456,Null,x\n0100123457,Nan,x\n0100123458,,x\n";

    let read = read(list, "Salam {nama|there}, {kod|you}").unwrap();

    let names: Vec<_> = read.people.iter().map(|person| person.name.as_deref().unwrap_or("")).collect();
    assert_eq!(names, ["", "", "", "", "", "", "Null", "Nan", ""]);
    let variable = |at: usize, name: &str| read.people[at].variables.get(name).map(str::to_owned);
    assert_eq!([variable(0, "nama"), variable(0, "name"), variable(6, "nama")], [None, None, Some("Null".to_owned())]);
    // In another column it may be what somebody means.
    assert_eq!((variable(0, "kod"), read.rejected.total, read.tally.without_name), (Some("null".to_owned()), 0, 6));
}

#[test]
fn a_message_that_needs_a_name_leaves_out_whose_name_is_none() {
    let read = read("phone,nama\n0100123450,null\n0100123451,Aina\n", "Salam {nama}").unwrap();

    let rejected: Vec<_> = reasons(&read).into_iter().map(|(row, column, value, _)| (row, column, value)).collect();
    assert_eq!((rejected, read.people.len()), (vec![(2, "nama", "null")], 1));
}

#[test]
fn what_spreadsheets_do_to_a_file_is_survived() {
    let damaged = "sep=;\r\n\"Phone\";\"Name\"\r\n\r\n;;\r\n60100123456.0;\"Tan; Mei \"\"Ling\"\"\"\r\n";

    let read = read(damaged, "hi {name}").unwrap();

    assert_eq!(phones(&read), ["+60100123456"]);
    assert_eq!(read.people[0].variables.get("name"), Some("Tan; Mei \"Ling\""));
    assert_eq!(read.rejected.total, 0);
}

#[test]
fn a_utf_16_export_is_read() {
    let text = "phone\tname\n0100123456\t李小龍\n";
    let bytes: Vec<u8> = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();

    assert_eq!(read(bytes, "hi").unwrap().people[0].name.as_deref(), Some("李小龍"));
}

#[test]
fn western_bytes_are_read_and_their_first_row_is_told() {
    let read = read(b"phone,name\n0100123456,Ana\n0100123457,Zo\xeb\n0100123458,Ren\xe9\n", "hi").unwrap();

    assert_eq!(read.people[1].name.as_deref(), Some("Zoë"));
    assert_eq!(read.tally.not_utf8, Some(NotUtf8 { rows: 2, first_row: 3 }));
}

#[test]
fn an_error_value_is_told_where_the_message_would_repeat_it_and_left_out_elsewhere() {
    let list = "name,phone,gift,note\nAina,0100123456,#N/A,x\n#REF!,0100123457,tea,#VALUE!\n";

    let read = read(list, "Take {gift}").unwrap();

    assert_eq!(reasons(&read), [(2, "gift", "#N/A", Reason::ErrorValue)]);
    let person = &read.people[0];
    assert_eq!(
        (person.name.as_deref(), person.variables.get("note"), person.variables.get("gift")),
        (None, None, Some("tea"))
    );
}

#[test]
fn digits_lost_by_the_spreadsheet_are_refused_with_row_column_value_and_reason() {
    let read = read("name,phone\nAina,6.01E+10\nBen,0100123456\nChe,####\nDi,\n", "hi").unwrap();

    assert_eq!(
        reasons(&read),
        [
            (2, "phone", "6.01E+10", Reason::Phone(PhoneError::Scientific)),
            (4, "phone", "####", Reason::Phone(PhoneError::SpreadsheetError)),
            (5, "phone", "", Reason::Phone(PhoneError::Empty)),
        ]
    );
    assert_eq!(read.rejected.total, 3);
}

#[test]
fn the_same_person_in_three_formats_is_taken_once() {
    let read = read("phone\n010-012 3456\n+60100123456\n60100123456\n0100123457\n", "hi").unwrap();

    assert_eq!(phones(&read), ["+60100123456", "+60100123457"]);
    assert_eq!(
        reasons(&read),
        [
            (3, "phone", "+60100123456", Reason::Repeat { first_row: 2 }),
            (4, "phone", "60100123456", Reason::Repeat { first_row: 2 }),
        ]
    );
    assert_eq!(read.rejected.reasons[0].rows, 2);
}

#[test]
fn one_person_under_two_spellings_is_taken_once_and_written_as_they_came_first() {
    let file = "phone\n+55 48 98765-4321\n+55 48 8765-4321\n+55 48 98765 4321\n+54 11 2345-6789\n+54 9 11 2345-6789\n\
                +52 1 55 1234 5678\n+52 55 1234 5678\n+55 48 3876-5432\n+55 48 9 3876-5432\n";

    let read = read(file, "hi").unwrap();

    // The last two are a landline and somebody's mobile.
    let taken = ["+5548987654321", "+541123456789", "+5215512345678", "+554838765432", "+5548938765432"];
    assert_eq!(phones(&read), taken);
    let rejected: Vec<_> = read.rejected.examples.iter().map(|row| (row.row, row.reason.clone())).collect();
    assert_eq!(
        rejected,
        [
            (3, Reason::OtherSpelling { first_row: 2 }),
            (4, Reason::Repeat { first_row: 2 }),
            (6, Reason::OtherSpelling { first_row: 5 }),
            (8, Reason::OtherSpelling { first_row: 7 }),
        ]
    );
    let sentence = "the same person as in row 2, whose number is spelled otherwise: taken once";
    assert_eq!(rejected[0].1.to_string(), sentence);
    assert_eq!(read.rejected.reasons.len(), 1, "counted as one reason");
}

#[test]
fn an_empty_variable_is_refused_unless_it_has_a_default() {
    let file = "phone,name\n0100123456,\n0100123457,\" \"\n0100123458,Aina\n0100123456,Ben\n";

    let strict = read(file, "Hi {name}").unwrap();
    let lenient = read(file, "Hi {name|there}").unwrap();

    // A refused row does not stand in the way of a better one of the same person.
    assert_eq!(phones(&strict), ["+60100123458", "+60100123456"]);
    let missing = crate::domain::message::RenderError::Missing { name: "name".into() };
    let missing = Reason::Content(missing.into());
    assert_eq!(reasons(&strict)[0], (2, "name", "", missing));
    assert_eq!(lenient.people.len(), 3);
}

#[test]
fn a_text_that_comes_out_too_long_or_empty_is_refused() {
    let file = format!("phone,a\n0100123456,{}\n0100123457,\n0100123458,ok\n", "x".repeat(5_000));

    let read = read(file, "{a|}").unwrap();

    assert_eq!(phones(&read), ["+60100123458"]);
    let rejected: Vec<_> =
        read.rejected.examples.iter().map(|row| (row.column.as_str(), row.reason.to_string())).collect();
    assert_eq!(rejected[0].0, "message");
    assert!(rejected[0].1.starts_with("the text comes to 5000 characters"), "{}", rejected[0].1);
    assert_eq!(rejected[1], ("message", "the text comes out empty".to_owned()));
}

#[test]
fn a_cell_that_a_template_refuses_is_named_and_kept_to_be_mended() {
    let template =
        serde_json::json!({ "name": "offer", "language": "ms", "variables": { "1": "{bandar}", "2": "{a} {a}" } });
    let content = BlastContent::parse("", Some(&template)).unwrap();
    let file = "phone,name,Bandar,a\n0100123456,Chong,\"Kuala\nLumpur\",x\n0100123457,Raj,Ipoh,\"x\ty\"\n";

    let read = read_content(file, content).unwrap();

    let rejected: Vec<_> = read.rejected.examples.iter().map(|row| (row.column.as_str(), row.value.as_str())).collect();
    assert_eq!(rejected, [("Bandar", "Kuala\nLumpur"), ("a", "x\ty")]);
}

#[test]
fn columns_are_variables_in_any_case_and_a_list_of_names_always_has_name() {
    let read = read("Telefon,Nama Penuh,Kod Promo\n0100123456,Aina,A1\n", "{NAME} {kod  promo} {telefon}").unwrap();

    let variables: Vec<_> = read.people[0].variables.iter().collect();
    assert_eq!(variables, [("kod promo", "A1"), ("nama penuh", "Aina"), ("name", "Aina"), ("telefon", "0100123456")]);
}

#[test]
fn an_unknown_variable_names_the_nearest_column() {
    let says = |message: &str| read("phone,name,kod\n0100123456,A,B\n", message).err().unwrap().to_string();

    assert_eq!(says("{nmae}"), "the message uses {nmae}, but there is no such column: did you mean {name}?");
    assert_eq!(
        says("{shop}"),
        "the message uses {shop}, but there is no such column; the columns are phone, name, kod"
    );
}

#[test]
fn ragged_rows_are_taken_when_short_and_refused_when_a_value_has_no_place() {
    let read = read("phone,name\n0100123456\n0100123457,Ali, Abu\n0100123458,Aina,,\n", "hi").unwrap();

    assert_eq!(phones(&read), ["+60100123456", "+60100123458"]);
    assert_eq!(reasons(&read), [(3, "column 3", "Abu", Reason::TooManyValues { found: 3, columns: 2 })]);
}

#[test]
fn a_name_that_could_steer_a_terminal_is_kept_harmless() {
    let read = read(format!("phone,name\n0100123456,\"\u{1b}[2J{}\"\n", "a".repeat(300)), "hi").unwrap();

    let name = read.people[0].name.as_deref().unwrap();
    assert_eq!(name.chars().count(), 200);
    assert!(name.starts_with("[2Ja"));
}

#[test]
fn files_without_people_say_what_is_wrong() {
    let says = |text: &str| read(text, "hi").err().unwrap().to_string();

    assert!(says("").starts_with("the file is empty"));
    assert!(says("\r\n\r\n").starts_with("the file is empty"));
    assert_eq!(
        says("name,email\nAina,a@b.my\nBen,b@b.my\n"),
        "no column holds phone numbers; the columns are name, email: name the right one `phone`"
    );
    assert!(says("phone,name\n\"0100123456,Aina\n").starts_with("row 2: a quote (\") is opened and not closed"));
    assert!(says(&format!("phone\n{}", "1".repeat(100_000))).starts_with("row 2 is longer than 64 KiB"));
    assert!(says(&vec!["phone"; 201].join(",")).starts_with("the file has 201 columns"));
    assert!(read("phone,name\n", "hi").unwrap().people.is_empty());
}
