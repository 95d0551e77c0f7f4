use std::io::{Cursor, Write as _};

use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::*;
use crate::import::table::{Table, TableSource};

const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

/// A zip archive of these parts.
fn archive(parts: &[(&str, String)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, text) in parts {
        zip.start_file(*path, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook of sheets: name, state and the XML of its rows. Style 1 is a date, style 2 a duration.
fn workbook(sheets: &[(&str, &str, &str)]) -> Vec<u8> {
    let (mut list, mut relations, mut parts) = (Vec::new(), Vec::new(), Vec::new());
    for (at, (name, state, rows)) in sheets.iter().enumerate() {
        let (n, part) = (at + 1, format!("worksheets/sheet{}.xml", at + 1));
        list.push(format!("<sheet name=\"{name}\" sheetId=\"{n}\" state=\"{state}\" r:id=\"s{n}\"/>"));
        relations.push(format!("<Relationship Id=\"s{n}\" Type=\"{OFFICE}/worksheet\" Target=\"{part}\"/>"));
        let text = format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>");
        parts.push((format!("xl/{part}"), text));
    }
    let xf = |id: u32| format!("<xf numFmtId=\"{id}\" fontId=\"0\" fillId=\"0\" borderId=\"0\"/>");
    let styles = format!(
        "<styleSheet xmlns=\"{MAIN}\"><cellXfs count=\"3\">{}{}{}</cellXfs></styleSheet>",
        xf(0),
        xf(22),
        xf(46)
    );
    relations.push(format!("<Relationship Id=\"st\" Type=\"{OFFICE}/styles\" Target=\"styles.xml\"/>"));
    let root = format!("<Relationship Id=\"r\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/>");
    let relations_of = |inner: &str| format!("<Relationships xmlns=\"{PACKAGE}\">{inner}</Relationships>");
    let mut all = vec![
        ("_rels/.rels", relations_of(&root)),
        ("xl/_rels/workbook.xml.rels", relations_of(&relations.concat())),
        (
            "xl/workbook.xml",
            format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>{}</sheets></workbook>", list.concat()),
        ),
        ("xl/styles.xml", styles),
    ];
    all.extend(parts.iter().map(|(path, text)| (path.as_str(), text.clone())));
    archive(&all)
}

fn rows_of(bytes: Vec<u8>, sheet: Option<&str>) -> Result<Vec<(u64, Vec<String>)>, ImportError> {
    let mut rows = SheetRows::open(Cursor::new(bytes), sheet.map(str::to_owned));
    let mut read = Vec::new();
    while let Some(record) = rows.next()? {
        let values = record.values.into_iter().map(|value| String::from_utf8(value).unwrap());
        read.push((record.row, values.collect()));
    }
    assert!(matches!(rows.next(), Ok(None)), "the end stays the end");
    Ok(read)
}

fn one_sheet(rows: &str) -> Result<Vec<(u64, Vec<String>)>, ImportError> {
    rows_of(workbook(&[("Sheet1", "visible", rows)]), None)
}

fn text(text: &str) -> String {
    format!("<c t=\"inlineStr\"><is><t xml:space=\"preserve\">{text}</t></is></c>")
}

fn values(cells: &str) -> Vec<String> {
    one_sheet(&format!("<row r=\"1\">{cells}</row>")).unwrap().remove(0).1
}

#[test]
fn a_phone_number_that_became_a_number_is_read_with_all_its_digits() {
    assert_eq!(
        values(
            "<c><v>60123456789</v></c><c><v>6.0123456789E10</v></c><c><v>60123456789.0</v></c><c s=\"1\"><v>60123456789</v></c>"
        ),
        ["60123456789"; 4]
    );
    assert_eq!(values("<c><v>9007199254740991</v></c>"), ["9007199254740991"]);
    assert_eq!(values("<c><v>90071992547409920</v></c>"), ["9.007199254740992E+16"], "its last digits are lost");
    assert_eq!(
        values("<c><v>19.899999999999999</v></c><c><v>0.30000000000000004</v></c><c><v>-0</v></c>"),
        ["19.9", "0.3", "0"]
    );
}

#[test]
fn dates_flags_errors_and_formulas_are_what_they_show() {
    let cells = "<c s=\"1\"><v>46357</v></c><c s=\"1\"><v>46357.395833333336</v></c><c s=\"1\"><v>0.5</v></c><c t=\"b\"><v>1</v></c>\
                 <c t=\"e\"><v>#N/A</v></c><c><f>A1*2</f><v>84</v></c><c t=\"str\"><f>B1</f><v>Aina &amp; Co</v></c><c t=\"d\"><v>2026-12-01</v></c>";

    assert_eq!(
        values(cells),
        ["2026-12-01", "2026-12-01 09:30", "12:00", "TRUE", "#N/A", "84", "Aina & Co", "2026-12-01"]
    );
}

/// As an import reads a sheet.
fn table_of(rows: &str) -> Vec<(u64, Vec<String>)> {
    let source = Cursor::new(workbook(&[("Sheet1", "visible", rows)]));
    let mut table = Table::open(TableSource::from(source), 2).unwrap();
    let mut read = Vec::new();
    while let Some(record) = table.rows.next().unwrap() {
        let values = record.values.into_iter().map(|value| String::from_utf8(value).unwrap());
        read.push((record.row, values.collect()));
    }
    read
}

#[test]
fn rows_keep_their_numbers_and_are_as_wide_as_the_header() {
    let rows = format!(
        "<row r=\"2\">{}{}</row><row r=\"3\"><c/><c/></row><row r=\"5\">{}</row>",
        text("phone"),
        text("name"),
        text("+60123456789")
    );

    assert_eq!(
        table_of(&rows),
        [(2, vec!["phone".to_owned(), "name".to_owned()]), (5, vec!["+60123456789".to_owned(), String::new()])]
    );
    // Above the header stands a title.
    let title = format!("<row r=\"1\">{}</row>", text("Senarai pelanggan"));
    assert_eq!(table_of(&format!("{title}{rows}")), table_of(&rows));
}

#[test]
fn the_first_sheet_that_is_not_hidden_is_read_or_the_one_that_is_named() {
    let row = |word: &str| format!("<row r=\"1\">{}</row>", text(word));
    let (notes, people, old) = (row("notes"), row("people"), row("old"));
    let sheets = [("Notes", "hidden", notes.as_str()), ("People", "visible", &people), ("Old", "visible", &old)];
    let read = |name| rows_of(workbook(&sheets), name).map(|rows| rows[0].1[0].clone());

    assert_eq!(read(None).unwrap(), "people");
    assert_eq!(read(Some("notes")).unwrap(), "notes");
    assert_eq!(
        read(Some("2025")).unwrap_err().to_string(),
        "there is no sheet `2025`; the sheets are Notes, People, Old"
    );
    assert_eq!(read(Some("")).unwrap_err().to_string(), "no sheet is named; the sheets are Notes, People, Old");
    assert_eq!(
        rows_of(workbook(&sheets[1..2]), Some(" ")).unwrap_err().to_string(),
        "no sheet is named; the only sheet is People"
    );
}

#[test]
fn what_is_no_workbook_is_refused_with_what_to_do() {
    let document = archive(&[("word/document.xml", "<document/>".to_owned())]);
    let mut torn = workbook(&[("Sheet1", "visible", "<row r=\"1\"><c><v>1</v></c></row>")]);
    torn.truncate(torn.len() / 2);
    let old = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec(), vec![0; 600]].concat();

    assert!(matches!(rows_of(document, None), Err(ImportError::OtherArchive)));
    assert!(matches!(rows_of(torn, None), Err(ImportError::Workbook(_))));
    assert!(matches!(rows_of(old, None), Err(ImportError::OldWorkbook)));
    let broken = one_sheet("<row r=\"1\"><c t=\"s\"><v>7</v></c></row>");
    assert!(matches!(broken, Err(ImportError::Workbook(_))), "a text that is not there: {broken:?}");
}

#[test]
fn what_unpacks_to_too_much_is_refused_before_it_is_read() {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("xl/sharedStrings.xml", SimpleFileOptions::default()).unwrap();
    let megabyte = vec![b' '; 1 << 20];
    for _ in 0..=PART_MAX >> 20 {
        zip.write_all(&megabyte).unwrap();
    }
    let bomb = zip.finish().unwrap().into_inner();

    assert!(bomb.len() < 1 << 20, "{}", bomb.len());
    assert!(matches!(rows_of(bomb, None), Err(ImportError::WorkbookTooLarge)));
}

#[test]
fn a_place_beyond_what_a_list_can_have_is_refused() {
    let far = one_sheet("<row r=\"1\"><c r=\"XFD1\"><v>1</v></c></row>");
    assert!(matches!(far, Err(ImportError::TooManyColumns { found: 16_384 })), "{far:?}");
    let low = one_sheet("<row r=\"1048577\"><c r=\"A1048577\"><v>1</v></c></row>");
    assert!(matches!(low, Err(ImportError::Workbook(_))), "{low:?}");
    let long = one_sheet(&format!("<row r=\"4\">{}</row>", text(&"x".repeat(ROW_MAX + 1))));
    assert!(matches!(long, Err(ImportError::RowTooLong { row: 4 })), "{long:?}");
}
