//! Excel workbooks out and in: everybody comes back as they went, and what a stranger made is refused in a sentence.

use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::os::unix::fs::PermissionsExt as _;

use calamine::{Data, Reader as _, Xlsx};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::inbox::scene::InboxScene;
use crate::support::{Setup, Shop, Size, digits};

/// A workbook with sheets of rows, whose cells are XML.
fn workbook(sheets: &[(&str, &[&[String]])]) -> Vec<u8> {
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut part = |path: &str, text: String| {
        zip.start_file(path, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    };
    let (mut list, mut relations) = (Vec::new(), Vec::new());
    for (n, (name, rows)) in sheets.iter().enumerate() {
        list.push(format!("<sheet name=\"{name}\" sheetId=\"{0}\" r:id=\"s{0}\"/>", n + 1));
        let target = format!("worksheets/sheet{}.xml", n + 1);
        relations.push(format!("<Relationship Id=\"s{}\" Type=\"{OFFICE}/worksheet\" Target=\"{target}\"/>", n + 1));
        let rows: Vec<_> = rows.iter().map(|cells| format!("<row>{}</row>", cells.concat())).collect();
        let sheet = format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{}</sheetData></worksheet>", rows.concat());
        part(&format!("xl/{target}"), sheet);
    }
    let root = format!("<Relationship Id=\"r\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/>");
    let related = |inner: &str| format!("<Relationships xmlns=\"{PACKAGE}\">{inner}</Relationships>");
    part("_rels/.rels", related(&root));
    part("xl/_rels/workbook.xml.rels", related(&relations.concat()));
    let sheets = list.concat();
    part(
        "xl/workbook.xml",
        format!("<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>{sheets}</sheets></workbook>"),
    );
    zip.finish().unwrap().into_inner()
}

fn text(text: &str) -> String {
    format!("<c t=\"inlineStr\"><is><t>{text}</t></is></c>")
}

fn number(number: &str) -> String {
    format!("<c><v>{number}</v></c>")
}

fn error() -> String {
    "<c t=\"e\"><v>#N/A</v></c>".to_owned()
}

/// The cells of a workbook's first sheet.
pub fn cells(bytes: Vec<u8>) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).unwrap();
    let first = book.sheet_names()[0].clone();
    book.worksheet_range(&first).unwrap().rows().map(<[Data]>::to_vec).collect()
}

async fn people(shop: &Shop, blast: &str) -> BTreeMap<String, Option<String>> {
    let people = shop.json_lines(&["blast", "export", blast]).await;
    let of = |person: &serde_json::Value| {
        (person["phone_number"].as_str().unwrap().to_owned(), person["name"].as_str().map(str::to_owned))
    };
    people.iter().map(of).collect()
}

#[tokio::test]
async fn people_who_are_exported_to_a_workbook_and_imported_from_it_are_the_same() {
    let shop = Shop::open(Setup::default()).await;
    let names = [
        "=1+1",
        "@SUM(A1)",
        "-2+3",
        "<b>&amp;",
        "_x0041_",
        "李 😀",
        "👨\u{200d}👩\u{200d}👧",
        "'quoted'",
        "a, \"b\"",
        "+60",
    ];
    let rows: Vec<_> =
        (0..).zip(names).map(|(n, name)| format!("\"{}\",{}", name.replace('"', "\"\""), digits(n))).collect();
    let list = shop.write("list.csv", format!("name,phone\n{}\n", rows.join("\n")));
    let new = |list: &str| {
        ["blast", "new", "--sender", "sales", "--message", "Hi {name}", "--recipients", list].map(str::to_owned)
    };
    let run = async |list: &str| shop.ok(&new(list).each_ref().map(String::as_str)).await.trim().to_owned();
    let first = run(list.to_str().unwrap()).await;
    let file = shop.path("people.xlsx");

    let export = ["blast", "export", &first, "--output", file.to_str().unwrap()];
    let exported = shop.run(&export).await;
    let second = run(file.to_str().unwrap()).await;

    assert_eq!((exported.code, exported.err.contains("10 people exported to")), (0, true), "{exported:?}");
    let before = people(&shop, &first).await;
    assert_eq!(before.len(), names.len());
    assert_eq!(people(&shop, &second).await, before);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(shop.run(&export).await.code, 3, "never over a file");
}

#[tokio::test]
async fn who_is_listed_in_the_dashboard_is_exported_and_nobody_leaves_no_file() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.draft(0..4).await;
    let find = format!("/phone:{}\r", digits(2));
    let file = shop.path("blast-1-people.xlsx");
    let mut pty = shop.dashboard(Size { columns: 120, rows: 29 });
    pty.wait_for_text("queued 4");

    pty.type_keys(&find);
    pty.wait_for_text(&format!("find phone:{}: 1", digits(2)));
    pty.type_keys("W");
    pty.wait_for_text("1 person is in");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    pty.type_keys("3]]]]]]]");
    pty.wait_for_text("3 Recipients ══ uncertain");
    pty.type_keys("W");
    pty.wait_for_text("nobody is listed");
    pty.type_keys("qqq");
    assert!(pty.wait_for_exit().success());

    let new = ["blast", "new", "--sender", "sales", "--message", "Hi {name}", "--recipients", file.to_str().unwrap()];
    let second = shop.ok(&new).await.trim().to_owned();
    let wanted: BTreeMap<_, _> = people(&shop, &blast).await.into_iter().skip(2).take(1).collect();
    assert_eq!(people(&shop, &second).await, wanted);
    assert!(!shop.path("blast-1-people-2.xlsx").exists());
}

#[tokio::test]
async fn a_workbook_is_read_from_the_sheet_that_is_named_and_its_damage_is_told_by_row() {
    let shop = Shop::open(Setup::default()).await;
    let header = [text("phone"), text("name"), text("gift")];
    let good = [number("60100000001"), text("Aina"), text("tea")];
    let scientific = [number("6.0100000002E10"), text("Ben"), text("tea")];
    let lost = [number("6.0100000002E20"), text("Chan"), text("tea")];
    let broken = [number("60100000004"), text("Dee"), error()];
    let named: [&[String]; 5] = [&header, &good, &scientific, &lost, &broken];
    let notes: [&[String]; 1] = [&[text("nothing here")]];
    let file = shop.write("list.xlsx", workbook(&[("Notes", &notes), ("People", &named)]));
    let new =
        ["blast", "new", "--sender", "sales", "--message", "Hi {name}, {gift}", "--recipients", file.to_str().unwrap()];

    let first_sheet = shop.run(&new).await;
    let wrong = shop.run(&[&new[..], &["--sheet", "Peeple"]].concat()).await;
    let made = shop.run(&[&new[..], &["--sheet", "people"]].concat()).await;

    assert!(first_sheet.code == 3 && first_sheet.err.contains("no column holds phone numbers"), "{first_sheet:?}");
    assert!(first_sheet.err.contains("this is the sheet Notes, beside People: --sheet"), "{first_sheet:?}");
    assert!(wrong.code == 3 && wrong.err.contains("the sheets are Notes, People"), "{wrong:?}");
    assert_eq!(made.code, 0, "{made:?}");
    assert!(made.err.contains("2 people taken") && made.err.contains("lost by the spreadsheet"), "{made:?}");
    assert!(made.err.contains("error value of the spreadsheet") && made.err.contains("first in row 5"), "{made:?}");
    let taken = people(&shop, made.out.trim()).await;
    assert_eq!(taken.keys().collect::<Vec<_>>(), ["+60100000001", "+60100000002"]);

    assert!(!made.err.contains("this is the sheet"), "it was named: {made:?}");
    let other = shop.write("other.xlsx", workbook(&[("People", &named), ("Notes", &notes)]));
    let unnamed = shop.run(&[&new[..new.len() - 1], &[other.to_str().unwrap()]].concat()).await;
    assert!(
        unnamed
            .err
            .contains("2 people taken (phones from phone, names from name; this is the sheet People, beside Notes"),
        "{unnamed:?}"
    );

    let csv = shop.write("list.csv", "phone\n60100000001\n");
    let none = shop.run(&["suppress", "import", csv.to_str().unwrap(), "--sheet", "People"]).await;
    assert!(none.code == 3 && none.err.contains("leave --sheet out"), "{none:?}");
    let torn = shop.write("torn.xlsx", &workbook(&[("People", &named)])[..300]);
    let torn = shop.run(&["suppress", "import", torn.to_str().unwrap()]).await;
    assert!(torn.code == 3 && torn.err.contains("cannot be read"), "{torn:?}");
}

#[tokio::test]
async fn a_number_of_a_workbook_that_is_no_whole_one_is_nobodys_phone() {
    let shop = Shop::open(Setup::default()).await;
    let rows: Vec<Vec<String>> = vec![
        vec![text("phone"), text("name")],
        vec![number("60100000001"), text("Aina")],
        vec![number("60100000002.5"), text("Ben")],
        vec![number("12.3456789"), text("Chan")],
        vec![number("-60100000004"), text("Dee")],
        vec![number("60100000005.0"), text("Ee")],
        vec![text("012.345.6789"), text("Fay")],
        vec![number("0.123456789"), text("Gan")],
    ];
    let rows: Vec<&[String]> = rows.iter().map(Vec::as_slice).collect();
    let file = shop.write("list.xlsx", workbook(&[("People", &rows)]));
    let new = ["blast", "new", "--sender", "sales", "--message", "Hi", "--recipients", file.to_str().unwrap()];

    let made = shop.run(&new).await;

    let taken = people(&shop, made.out.trim()).await;
    assert_eq!(taken.keys().collect::<Vec<_>>(), ["+60100000001", "+60100000005", "+60123456789"], "{made:?}");
    assert!(made.err.contains("a fraction, not a phone number") && made.err.contains("a negative number"), "{made:?}");
    let rejected = std::fs::read_to_string(shop.path("list.xlsx-rejected.csv")).unwrap();
    assert_eq!(rejected.matches("a fraction").count(), 3, "{rejected}");
}

#[tokio::test]
async fn opt_outs_and_catalogues_are_read_from_workbooks_too() {
    let shop = Shop::open(Setup::default()).await;
    let stops: [&[String]; 3] = [&[text("phone")], &[number("60100000001")], &[text("+60 10-000 0002")]];
    let products: [&[String]; 3] = [
        &[text("sku"), text("name"), text("price"), text("currency")],
        &[text("teh"), text("Teh Tarik"), number("2.5"), text("MYR")],
        &[text("kuih"), text("Kuih")],
    ];
    let file = shop.write("shop.xlsx", workbook(&[("Stops", &stops), ("Products", &products)]));
    let file = file.to_str().unwrap();

    let suppressed = shop.json(&["suppress", "import", file]).await;
    let imported = shop.json(&["catalog", "import", file, "--sheet", "Products"]).await;

    assert_eq!((&suppressed["added"], &imported["added"]), (&2.into(), &2.into()), "{suppressed} {imported}");
    let shown = shop.json_lines(&["catalog", "show", "1"]).await;
    let prices: Vec<_> = shown.iter().map(|product| product["price"].clone()).collect();
    assert!(prices.contains(&"2.50".into()), "{shown:?}");
}

#[tokio::test]
async fn several_blasts_are_exported_as_one_file_that_says_which_row_is_of_which() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..2).await;
    shop.draft(2..5).await;

    let both = shop.json_lines(&["blast", "export", "2", "1", "2"]).await;
    let all = shop.ok(&["blast", "export", "--all", "--search", "status:queued"]).await;
    let one = shop.ok(&["blast", "export", "1"]).await;
    let none = shop.run(&["blast", "export"]).await;

    let blasts: Vec<_> = both.iter().map(|person| person["blast"].as_i64().unwrap()).collect();
    assert_eq!(blasts, [2, 2, 2, 1, 1]);
    assert!(all.starts_with("blast,id,phone_number,") && all.lines().count() == 6, "{all}");
    assert!(one.starts_with("id,phone_number,"), "{one}");
    assert_eq!(none.code, 2, "{none:?}");
}

#[tokio::test]
async fn orders_carts_replies_and_customers_are_exported_alike() {
    let scene = InboxScene::sent(2).await;
    let shop = &scene.shop;
    shop.ok(&["order", "add", "1", &digits(1), "teh*2@2.50", "=kuih*1@0.35"]).await;
    shop.ok(&["cart", "add", "1", &digits(2), "kek*1@9"]).await;
    shop.execute(
        "insert into replies (sender_id, phone_number, kind, body, message_id, at, received_at)
         select id, '+60199999999', 'text', '=1+1', 'm1', now(), now() from senders",
    )
    .await;
    let file = shop.path("orders.xlsx");

    shop.ok(&["order", "export", "--output", file.to_str().unwrap()]).await;
    let items = shop.ok(&["order", "export", "--what", "items", "--blast", "1"]).await;
    let found = shop.json_lines(&["order", "export", "--search", "status:closed"]).await;
    let nobody = shop.json_lines(&["order", "export", "--search", "status:failed"]).await;
    let carts = shop.json_lines(&["cart", "export"]).await;
    let replies = shop.ok(&["replies", "export"]).await;
    let customers = shop.json_lines(&["customer", "export"]).await;

    let orders = cells(std::fs::read(&file).unwrap());
    let column = |name: &str| orders[0].iter().position(|cell| cell.to_string().starts_with(name)).unwrap();
    assert_eq!(orders[1][column("items")], Data::String("teh×2, =kuih×1".to_owned()));
    assert_eq!(orders[1][column("total")], Data::Float(5.35));
    assert!(matches!(orders[1][column("ordered_at (")], Data::DateTime(_)), "{orders:?}");
    assert_eq!(orders[1][column("phone_number")], Data::String(format!("+{}", digits(1))));
    assert_eq!(items.lines().count(), 3);
    assert!(items.contains(",'=kuih,,1,0.35,0.35,MYR"), "{items}");
    assert_eq!((found.len(), found[0]["items"][0]["sku"].as_str(), nobody.len()), (1, Some("teh"), 0));
    assert_eq!((carts.len(), carts[0]["total"].as_str()), (1, Some("9.00")));
    assert!(replies.starts_with("blast,id,at,") && replies.contains("'=1+1"), "{replies}");
    let ordered = customers.iter().filter(|customer| customer["orders"] == 1 && customer["carts"] == 0).count();
    assert_eq!(ordered, 1, "{customers:?}");
}
