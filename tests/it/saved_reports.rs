//! Reports that are kept: what was told stays as it was told, whatever becomes of the blast.

use crate::support::{Setup, Shop};

#[tokio::test]
async fn a_report_is_kept_as_it_was_told_and_listed_newest_first() {
    let shop = Shop::open(Setup::default()).await;
    shop.blast(0..6).await;
    shop.until_idle().await;

    let told = shop.json(&["blast", "report", "1"]).await;
    let first = shop.json(&["blast", "report", "1", "--save"]).await;
    let person: String =
        sqlx::query_scalar("select phone_number from blast_recipients where status <> 'failed' limit 1")
            .fetch_one(&shop.database.pool)
            .await
            .unwrap();
    shop.ok(&["mark", "1", &person, "closed", "--amount", "99.50"]).await;
    let shown = shop.run(&["blast", "report", "1", "--save"]).await;
    let kept = shop.json_lines(&["blast", "report", "1", "--saved"]).await;
    let listed = shop.ok(&["blast", "report", "1", "--saved"]).await;

    assert_eq!(first["report"], told);
    assert_eq!((&first["blast_id"], &first["saved_by"]), (&1.into(), &"aina".into()), "{first}");
    assert!(shown.out.contains("Closed               1") && shown.err.contains("kept as report 2"), "{shown:?}");
    assert_eq!(kept.len(), 2);
    assert_eq!(kept[1], first, "what was told stays");
    assert_eq!(kept[0]["report"], shop.json(&["blast", "report", "1"]).await);
    let ids: Vec<_> = listed.lines().skip(1).map(|line| line.split_whitespace().next().unwrap()).collect();
    assert_eq!(ids, ["2", "1"], "{listed}");
    let columns = "select count(*) from blast_reports where id = 2 and closed = 1
                      and sent = (report -> 'funnel' ->> 'sent')::bigint and sent > 0";
    assert_eq!(shop.number(columns).await, 1, "in SQL, too");
}

#[tokio::test]
async fn nothing_is_kept_of_a_blast_that_is_not_there_nor_by_who_only_reads() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft(0..2).await;

    let reader = shop.run(&["--read-only", "blast", "report", "1", "--save"]).await;
    let nowhere = shop.run(&["blast", "report", "7", "--save"]).await;
    let list_nowhere = shop.run(&["blast", "report", "7", "--saved"]).await;
    let both = shop.run(&["blast", "report", "1", "--save", "--saved"]).await;
    let none = shop.run(&["blast", "report", "1", "--saved", "--json"]).await;

    assert_eq!(
        (reader.code, nowhere.code, list_nowhere.code, both.code),
        (3, 1, 1, 2),
        "{reader:?} {nowhere:?} {both:?}"
    );
    assert!(list_nowhere.err.contains("there is no blast 7"), "{list_nowhere:?}");
    assert_eq!((none.code, none.out.as_str()), (0, ""), "{none:?}");
    assert_eq!(shop.number("select count(*) from blast_reports").await, 0);
}

#[tokio::test]
async fn a_deleted_blast_takes_its_reports_along_and_a_page_goes_on_where_the_last_one_ended() {
    let shop = Shop::open(Setup::default()).await;
    shop.draft_with(0..2, &["--tag", "Kept"]).await;
    shop.ok(&["blast", "report", "1", "--save"]).await;
    shop.execute(
        "insert into blast_reports (blast_id, saved_by, report)
         select 1, 'aina', report from blast_reports, generate_series(1, 1100)",
    )
    .await;

    let kept = shop.json_lines(&["blast", "report", "1", "--saved"]).await;
    shop.ok(&["blast", "delete", "1", "--yes"]).await;

    let ids: Vec<i64> = kept.iter().map(|saved| saved["id"].as_i64().unwrap()).collect();
    assert_eq!(ids, (1..=1_101).rev().collect::<Vec<_>>());
    assert_eq!(shop.number("select count(*) from blast_reports").await, 0);
    assert_eq!(shop.run(&["blast", "report", "1", "--saved"]).await.code, 1);
}
