//! Exports as files.

use calamine::Data;
use reqwest::Method;

use super::{client, served};
use crate::support::digits;
use crate::workbooks::cells;

#[tokio::test]
async fn a_file_has_the_people_whom_a_page_finds_by_the_end_of_a_number() {
    let (shop, serve) = served().await;
    shop.draft(12..13).await;
    shop.execute(&format!("insert into blast_recipients (blast_id, phone_number) values (1, '+{}99')", digits(12)))
        .await;
    let api = client(&shop, &serve, "read").await;

    let page = api.get("/api/blasts/1/recipients?q=12").await.expect(200).body;
    let file = api.request(Method::GET, "/api/blasts/1/export?format=jsonl&q=12").send().await.unwrap();

    assert_eq!(page["recipients"].as_array().unwrap().len(), 1, "{page}");
    assert_eq!(file.text().await.unwrap().lines().count(), 1);
    serve.stop().await;
}

#[tokio::test]
async fn a_program_downloads_each_export_in_each_format() {
    let (shop, serve) = served().await;
    shop.draft(0..1_200).await;
    let api = client(&shop, &serve, "read").await;
    let get = async |path: &str| {
        let answer = api.request(Method::GET, path).send().await.unwrap();
        let header = |name: &str| answer.headers().get(name).unwrap().to_str().unwrap().to_owned();
        let (kind, name) = (header("content-type"), header("content-disposition"));
        (kind, name, answer.bytes().await.unwrap().to_vec())
    };

    let (kind, name, csv) = get("/api/blasts/1/export").await;
    let (_, _, lines) = get("/api/blasts/1/export?format=jsonl&q=status:queued").await;
    let (sheet, book_name, book) = get("/api/blasts/1/export?format=xlsx").await;
    let (_, orders, _) = get("/api/whatsapp/orders/export?what=items&format=xlsx").await;
    let (_, carts, _) = get("/api/whatsapp/carts/export").await;
    let (_, customers, all) = get("/api/whatsapp/customers/export").await;
    let wrong = api.get("/api/blasts/1/export?format=ods&what=orders").await;

    assert_eq!(
        (kind.as_str(), name.as_str()),
        ("text/csv; charset=utf-8", "attachment; filename=\"blast-1-recipients.csv\"")
    );
    assert_eq!(String::from_utf8(csv).unwrap().lines().count(), 1_201);
    assert_eq!(String::from_utf8(lines).unwrap().lines().count(), 1_200);
    assert!(sheet.ends_with("spreadsheetml.sheet") && book_name.ends_with("recipients.xlsx\""), "{sheet} {book_name}");
    let rows = cells(book);
    assert_eq!((rows.len(), &rows[1][1]), (1_201, &Data::String(format!("+{}", digits(0)))));
    assert!(orders.contains("order-items.xlsx") && carts.contains("carts.csv") && customers.contains("customers.csv"));
    assert_eq!(String::from_utf8(all).unwrap().lines().count(), 1_201);
    assert_eq!(wrong.expect(422).fields(), ["what"]);
    serve.stop().await;
}
