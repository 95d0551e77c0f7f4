use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use chrono::TimeZone as _;
use serde_json::json;

use super::*;

fn workbook(rows_max: u32, rows: &[Vec<ExportCell>]) -> Xlsx<Cursor<Vec<u8>>> {
    let names = ["phone_number", "name", "sent_at", "amount", "attempts", "is_opt_out"].map(str::to_owned).to_vec();
    let columns = ExportColumns { times: names.iter().map(|name| name == "sent_at").collect(), names };
    let mut writer = WorkbookWriter::new("people", &columns, Tz::Asia__Kuala_Lumpur);
    writer.rows_max = rows_max;
    let mut bytes = writer.head().unwrap();
    for row in rows {
        bytes.extend(writer.write(std::slice::from_ref(row)).unwrap());
    }
    bytes.extend(writer.finish().unwrap());
    Xlsx::new(Cursor::new(bytes)).unwrap()
}

fn person(name: &str) -> Vec<ExportCell> {
    vec![
        ExportCell::Text("+60123456789".to_owned()),
        ExportCell::Text(name.to_owned()),
        ExportCell::Time(Utc.with_ymd_and_hms(2026, 12, 1, 1, 30, 0).unwrap()),
        ExportCell::amount("1200.50".parse().unwrap()),
        ExportCell::Whole(2),
        ExportCell::Flag(true),
    ]
}

#[test]
fn numbers_times_and_texts_are_each_of_their_own_kind() {
    let mut book = workbook(SHEET_ROWS_MAX, &[person("Aina")]);

    let sheet = book.worksheet_range("people").unwrap();
    let header: Vec<_> = sheet.rows().next().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(header, ["phone_number", "name", "sent_at (Asia/Kuala_Lumpur)", "amount", "attempts", "is_opt_out"]);
    let row = sheet.rows().nth(1).unwrap();
    assert_eq!(row[0], Data::String("+60123456789".to_owned()), "no 6.01E+10");
    let Data::DateTime(sent) = &row[2] else { panic!("{:?}", row[2]) };
    assert_eq!(sent.to_ymd_hms_milli(), (2026, 12, 1, 9, 30, 0, 0), "by the clocks of the zone");
    assert_eq!((&row[3], &row[4], &row[5]), (&Data::Float(1200.5), &Data::Float(2.0), &Data::Bool(true)));
}

#[test]
fn hostile_texts_come_back_as_they_were() {
    let names = [
        "=HYPERLINK(\"http://x\")",
        "<b>&amp;</b>",
        " two  blanks ",
        "_x0041_x0042_",
        "]]>",
        "line\nbreak",
        "李 😀 👨\u{200d}👩\u{200d}👧",
        "'=1",
    ];
    let mut book = workbook(SHEET_ROWS_MAX, &names.map(person));

    let sheet = book.worksheet_range("people").unwrap();
    let read: Vec<_> = sheet.rows().skip(1).map(|row| row[1].to_string()).collect();
    assert_eq!(read, names);
    assert!(book.worksheet_formula("people").unwrap().is_empty());
}

#[test]
fn what_a_number_cannot_hold_is_a_text() {
    let mut row = person("Aina");
    row[3] = ExportCell::amount("1234567890123456.78".parse().unwrap());
    row[4] = ExportCell::Whole(i64::MAX);
    row[5] = ExportCell::of(&json!({ "a": 1 }));
    let mut book = workbook(SHEET_ROWS_MAX, &[row]);

    let sheet = book.worksheet_range("people").unwrap();
    let read: Vec<_> = sheet.rows().nth(1).unwrap()[3..].to_vec();
    let texts = ["1234567890123456.78", "9223372036854775807", "{\"a\":1}"];
    assert_eq!(read, texts.map(|text| Data::String(text.to_owned())));
}

#[test]
fn more_rows_than_a_sheet_takes_go_on_in_a_further_one_with_its_own_header() {
    let mut book = workbook(3, &["a", "b", "c", "d", "e"].map(person));

    assert_eq!(book.sheet_names(), ["people", "people 2", "people 3"]);
    let names = ["people", "people 2", "people 3"].map(|sheet| {
        let range = book.worksheet_range(sheet).unwrap();
        range.rows().map(|row| row[1].to_string()).collect::<Vec<_>>().join(" ")
    });
    assert_eq!(names, ["name a b", "name c d", "name e"]);
}

#[test]
fn columns_are_called_as_spreadsheets_call_them() {
    let mut row = RowWriter::new(7);
    let places: Vec<_> = (0..703).map(|_| row.place()).collect();

    assert_eq!([&places[0], &places[25], &places[26], &places[701], &places[702]], ["A7", "Z7", "AA7", "ZZ7", "AAA7"]);
}
