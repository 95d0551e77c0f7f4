//! The schema `compat`: the queries that the requirement's documents print, word for word, give the funnel's numbers; what they
//! would write is refused with the call to use instead.

mod customers;
mod documents;

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::{Value, json};
use sqlx::postgres::{PgConnectOptions, PgDatabaseError};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};

use crate::support::{Setup, Shop, TestDatabase, database, digits};

/// A connection as the documents' programs would have it: no other schema is in its path.
async fn connect(database: &TestDatabase) -> PgConnection {
    let options = PgConnectOptions::from_str(&database.url).unwrap().options([("search_path", "compat")]);
    options.connect().await.unwrap()
}

/// The rows of a query, as JSON; `?` is the blast.
async fn rows(connection: &mut PgConnection, query: &str, blast: i64) -> Vec<Value> {
    let query = query.trim().trim_end_matches(';').replace('?', "$1");
    let bound = query.contains("$1");
    let query = format!("select to_jsonb(q) from ({query}) as q");
    let mut query = sqlx::query_scalar(AssertSqlSafe(query));
    if bound {
        query = query.bind(blast);
    }
    query.fetch_all(connection).await.unwrap()
}

async fn row(connection: &mut PgConnection, query: &str, blast: i64) -> Value {
    let mut rows = rows(connection, query, blast).await;
    assert_eq!(rows.len(), 1, "{query}: {rows:?}");
    rows.remove(0)
}

/// A blast that was sent, with replies and, where wanted, sales; another one, a draft and somebody who had opted out beside it.
async fn busy_shop(closed: u32) -> Shop {
    let shop = Shop::open(Setup::default()).await;
    shop.ok(&["suppress", "add", &digits(3)]).await;
    shop.blast(0..60).await;
    shop.blast(100..105).await;
    shop.until_idle().await;
    shop.draft(200..205).await;
    let accepted: Vec<String> = sqlx::query_scalar(
        "select phone_number from blast_recipients where blast_id = 1 and status between 'sent' and 'closed' order by id limit 9",
    )
    .fetch_all(&shop.database.pool)
    .await
    .unwrap();
    for (n, phone) in (0..).zip(&accepted) {
        let mark: &[&str] = if n < closed { &["closed", "--amount", "120"] } else { &["replied"] };
        shop.ok(&[&["mark", "1", phone], mark].concat()).await;
    }
    shop
}

#[tokio::test]
async fn the_documents_queries_give_the_funnels_numbers() {
    let shop = busy_shop(4).await;
    let report = shop.json(&["blast", "report", "1"]).await;
    let (funnel, counts) = (&report["funnel"], &report["counts"]);
    assert!(funnel["closed"] == 4 && funnel["sent"].as_i64() > Some(40), "{report}");
    let mut compat = connect(&shop.database).await;

    let metrics = row(&mut compat, documents::METRICS, 1).await;
    let stuck = rows(&mut compat, documents::STUCK, 1).await;
    let by_status = rows(&mut compat, documents::BY_STATUS, 1).await;

    assert_eq!((&metrics["blast_id"], &metrics["blast_tag"]), (&json!(1), &report["blast"]["tag"]));
    assert_eq!(metrics["total_sent"], funnel["sent"]);
    for stage in ["received", "read", "replied", "closed"] {
        assert_eq!(metrics[stage], funnel[stage], "{stage}: {metrics} {report}");
    }
    for (stage, query) in documents::STAGES {
        assert_eq!(row(&mut compat, query, 1).await["count"], funnel[stage], "{stage}");
    }
    let words = [
        ("PENDING", "sent"),
        ("DELIVERY_ACK", "delivered"),
        ("READ_ACK", "read"),
        ("REPLIED", "replied"),
        ("CLOSED", "closed"),
    ];
    let expected: Vec<_> = words.into_iter().filter(|(_, ours)| counts[ours] != 0).collect();
    assert_eq!(stuck.len(), expected.len(), "{stuck:?}");
    for (line, (word, ours)) in stuck.iter().zip(expected) {
        assert_eq!((&line["status"], &line["count"]), (&json!(word), &counts[ours]));
        let percentage = line["percentage"].as_f64().unwrap();
        let share = counts[ours].as_f64().unwrap() * 100.0 / funnel["sent"].as_f64().unwrap();
        assert!((percentage - share).abs() < 1e-9, "{line} {share}");
    }
    let counted: BTreeMap<_, _> = by_status.iter().map(|line| (line["status"].as_str(), &line["count"])).collect();
    assert_eq!(counted, stuck.iter().map(|line| (line["status"].as_str(), &line["count"])).collect());
}

/// One document counts without sales: its statuses end with REPLIED.
#[tokio::test]
async fn the_query_that_knows_no_sale_gives_the_funnels_numbers_of_a_blast_without_one() {
    let shop = busy_shop(0).await;
    let funnel = shop.json(&["blast", "report", "1"]).await["funnel"].clone();
    let mut compat = connect(&shop.database).await;

    let found = row(&mut compat, documents::WITHOUT_SALES, 1).await;

    assert_eq!(funnel["replied"], 9);
    for stage in ["sent", "received", "read", "replied"] {
        assert_eq!(found[stage], funnel[stage], "{stage}");
    }
}

#[tokio::test]
async fn a_draft_a_deleted_blast_and_people_who_are_not_in_sent_are_not_there() {
    let shop = busy_shop(0).await;
    let mut compat = connect(&shop.database).await;

    let before = rows(&mut compat, "SELECT id FROM blasts ORDER BY id", 0).await;
    let suppressed = format!("SELECT 1 FROM blast_recipients WHERE phone_number = '+{}'", digits(3));
    let nobody = rows(&mut compat, &suppressed, 0).await;
    let of_draft = rows(&mut compat, documents::METRICS, 3).await;
    shop.ok(&["blast", "delete", "2", "--yes"]).await;
    let after = rows(&mut compat, "SELECT id FROM blasts ORDER BY id", 0).await;

    assert_eq!(before, [json!({ "id": 1 }), json!({ "id": 2 })]);
    assert_eq!((nobody, of_draft), (vec![], vec![]));
    assert_eq!(after, [json!({ "id": 1 })]);
}

#[tokio::test]
async fn a_recipients_row_has_the_answer_to_the_send_and_the_times_and_its_history_the_documents_words() {
    let shop = busy_shop(1).await;
    let mut compat = connect(&shop.database).await;

    let person = row(&mut compat, "SELECT * FROM blast_recipients WHERE blast_id = ? AND status = 'CLOSED'", 1).await;
    let id = person["id"].as_i64().unwrap();
    let history = rows(&mut compat, "SELECT * FROM status_history WHERE recipient_id = ? ORDER BY id", id).await;
    let reports = shop.json(&["blast", "report", "1", "--save"]).await;
    let kept = row(&mut compat, "SELECT * FROM blast_reports WHERE blast_id = ?", 1).await;

    let answer = person["wsapme_message_data"].to_string();
    assert!(answer.contains(person["message_id"].as_str().unwrap()), "{person}");
    assert!(person["message_text"].as_str().unwrap().starts_with("Hi Person"), "{person}");
    assert!(person["message_timestamp"].as_i64() > Some(1_700_000_000), "{person}");
    assert!(person["closed_at"].is_string(), "{person}");
    assert_eq!(
        (&history[0]["old_status"], &history[0]["new_status"]),
        (&Value::Null, &json!("PENDING")),
        "{history:?}"
    );
    let last = history.last().unwrap();
    assert_eq!((&last["new_status"], &last["source"]), (&json!("CLOSED"), &json!("manual")), "{history:?}");
    assert_eq!((&kept["closed"], &kept["sent"]), (&json!(1), &reports["report"]["funnel"]["sent"]));
}

#[tokio::test]
async fn what_the_documents_would_write_is_refused_with_the_call_to_use_instead() {
    let shop = busy_shop(0).await;
    let mut compat = connect(&shop.database).await;
    let person =
        row(&mut compat, "SELECT * FROM blast_recipients WHERE blast_id = ? AND status = 'REPLIED' LIMIT 1", 1).await;
    let (id, phone) = (&person["id"], person["phone_number"].as_str().unwrap());
    let before = shop.rows().await;
    let replied = format!("blastdeck mark 1 {phone} replied, or PATCH /api/recipients/{id} {{\"status\":\"replied\"}}");

    let provider = "statuses come from the provider by themselves";
    let of_stages =
        [(documents::UPDATES[0], provider), (documents::UPDATES[1], provider), (documents::UPDATES[2], &*replied)];
    let others = [
        (documents::LITERAL_UPDATE, provider),
        ("UPDATE blast_recipients SET status = 'CLOSED' WHERE message_id = ?", "PATCH /api/recipients/"),
        ("DELETE FROM blast_recipients WHERE message_id = ?", provider),
        ("INSERT INTO blasts (blast_tag) VALUES (?)", "blastdeck blast new, or POST /api/blasts"),
        ("UPDATE blasts SET blast_tag = ?", "POST /api/blasts"),
        ("DELETE FROM status_history WHERE old_status = ?", "by itself"),
        ("DELETE FROM blast_reports WHERE id::text = ?", "--save"),
        ("UPDATE \"WhatsAppCampaign\" SET status = ?", "POST /api/whatsapp/campaigns"),
        ("DELETE FROM \"WhatsAppCampaignRecipient\" WHERE id = ?", "statuses come from the provider"),
    ];
    for (statement, mend) in of_stages.into_iter().chain(others) {
        assert_refused(&mut compat, statement, person["message_id"].as_str().unwrap(), mend).await;
    }
    for statement in documents::UPDATES {
        assert_refused(&mut compat, statement, "of nobody", "blastdeck mark BLAST PHONE replied").await;
    }

    assert_eq!(shop.rows().await, before);
}

async fn assert_refused(connection: &mut PgConnection, statement: &str, bound: &str, mend: &str) {
    let statement = statement.trim().trim_end_matches(';').replace('?', "$1");
    let bound = statement.contains("$1").then_some(bound);
    let mut query = sqlx::query(AssertSqlSafe(statement.clone()));
    if let Some(bound) = bound {
        query = query.bind(bound);
    }
    let error = query.execute(connection).await.expect_err(&statement);
    let error = error.as_database_error().unwrap().downcast_ref::<PgDatabaseError>();
    assert!(error.message().ends_with("is for reading: nothing was changed"), "{statement}: {error}");
    assert!(error.hint().unwrap().contains(mend), "{statement}: {error:?}");
}

#[tokio::test]
async fn a_reader_needs_rights_on_the_views_alone() {
    let shop = busy_shop(1).await;
    let role = format!("reader_of_{}", shop.database.name());
    shop.execute(&format!(
        "revoke all on schema public from public; create role {role}; grant usage on schema compat to {role};
         grant select on all tables in schema compat to {role}"
    ))
    .await;
    let mut compat = connect(&shop.database).await;
    sqlx::query(AssertSqlSafe(format!("set role {role}"))).execute(&mut compat).await.unwrap();

    let metrics = row(&mut compat, documents::METRICS, 1).await;
    let answers = rows(&mut compat, "SELECT wsapme_message_data FROM blast_recipients WHERE blast_id = ?", 1).await;
    let campaigns = rows(&mut compat, "SELECT id FROM \"WhatsAppCampaign\"", 0).await;
    let table = sqlx::query("select 1 from public.blast_recipients").execute(&mut compat).await;

    assert_eq!((metrics["closed"].as_i64(), campaigns.len()), (Some(1), 3), "{metrics}");
    assert!(answers.iter().all(|row| row["wsapme_message_data"].is_object()), "{answers:?}");
    assert!(table.is_err(), "the tables themselves are closed to it");
}

#[tokio::test]
async fn every_table_of_the_documents_is_there_with_its_columns() {
    let database = database().await;
    let mut compat = connect(&database).await;

    for (table, expected) in documents::tables() {
        let found = columns(&mut compat, &table).await;
        let expected: Vec<_> =
            expected.into_iter().map(|(name, printed)| (name, our_type(&printed).to_owned())).collect();
        assert_eq!(found, expected, "{table}");
    }
    for (table, expected, _) in documents::objects() {
        let found: Vec<_> = columns(&mut compat, &table).await.into_iter().map(|(name, _)| name).collect();
        assert_eq!(found, expected, "{table}");
    }
}

async fn columns(connection: &mut PgConnection, table: &str) -> Vec<(String, String)> {
    sqlx::query_as(
        "select column_name::text, data_type::text from information_schema.columns
          where table_schema = 'compat' and table_name = $1 order by ordinal_position",
    )
    .bind(table)
    .fetch_all(connection)
    .await
    .unwrap()
}

/// Keys are wider than the documents', and text has no length.
fn our_type(printed: &str) -> &'static str {
    match printed {
        "SERIAL" | "BIGINT" => "bigint",
        "INTEGER" => "integer",
        "TIMESTAMP" => "timestamp without time zone",
        "TIME" => "time without time zone",
        "JSONB" => "jsonb",
        text if text == "TEXT" || text.starts_with("VARCHAR") => "text",
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_campaign_and_its_recipients_have_the_documents_words_and_agree_with_the_counts() {
    let database = database().await;
    let scene = r#"
        insert into senders (name, provider, business) values ('cloud', 'meta', 'kedai');
        insert into blasts (blast_tag, sender_id, message, state, total_recipients, rate, launched_at, description, template) values
            ('Bali Summer Promotion 2025', 1, 'Hi', 'paused', 13, '10/min', now(), 'For summer',
             '{"name": "tour_package_marketing", "language": {"code": "en_US"}, "components": [
                 {"type": "body", "parameters": [{"type": "text", "text": "Bali"}, {"type": "text", "text": "45,000"}]}]}');
        insert into blast_recipients (blast_id, phone_number, status, attempt, claimed_at, reason)
        select 1, '+6010000' || 1000 + n, case status when 'sending' then 'uncertain' else status end, case status when 'queued' then 0 else 1 end, now(),
               case status when 'skipped' then 'left out' end
          from unnest(enum_range(null::recipient_status)) with ordinality as s (status, n);
        insert into blast_recipients (blast_id, phone_number, status, attempt, claimed_at) values
            (1, '+60100002001', 'queued', 1, now()), (1, '+60100002002', 'read', 3, now())"#;
    sqlx::raw_sql(scene).execute(&database.pool).await.unwrap();
    let mut compat = connect(&database).await;

    let campaign = row(&mut compat, "select * from \"WhatsAppCampaign\"", 0).await;
    let people =
        rows(&mut compat, "select * from \"WhatsAppCampaignRecipient\" where \"campaignId\" = '1' order by id::int", 0)
            .await;

    let statuses: Vec<_> = people.iter().map(|person| person["status"].as_str().unwrap()).collect();
    let all = "pending sending sending sent delivered read responded responded failed opted_out failed retry read";
    assert_eq!(statuses.join(" "), all);
    let known: Vec<_> = documents::objects().into_iter().map(|(_, _, words)| words).collect();
    assert!(known[0].contains(&campaign["status"].as_str().unwrap().to_owned()), "{campaign}");
    assert!(statuses.iter().all(|status| known[1].contains(&(*status).to_owned())), "{known:?}");
    assert_eq!(people[10]["errorMessage"], "left out");
    assert_eq!((&people[12]["retryCount"], people[12]["lastRetryAt"].is_string()), (&json!(2), true));
    for (key, value) in [
        ("id", json!("1")),
        ("name", json!("Bali Summer Promotion 2025")),
        ("description", json!("For summer")),
        ("templateName", json!("tour_package_marketing")),
        ("templateLanguage", json!("en_US")),
        ("templateVariables", json!({ "1": "Bali", "2": "45,000" })),
        ("status", json!("sending")),
        ("totalRecipients", json!(13)),
        ("sentCount", json!(6)),
        ("deliveredCount", json!(5)),
        ("readCount", json!(4)),
        ("respondedCount", json!(2)),
        ("failedCount", json!(2)),
        ("rateLimit", json!(10)),
    ] {
        assert_eq!(campaign[key], value, "{key}: {campaign}");
    }
}

const IS_THERE: &str = "select to_regclass('compat.blast_recipients') is not null";

#[tokio::test]
async fn a_role_that_may_not_create_schemas_migrates_without_the_views_and_makes_them_once_it_may() {
    let database = database().await;
    let role = format!("clerk_of_{}", database.name());
    let prepare = format!(
        "drop schema public cascade; drop schema compat cascade; create schema public; create role {role};
         grant all on schema public to {role}"
    );
    sqlx::raw_sql(AssertSqlSafe(prepare)).execute(&database.pool).await.unwrap();
    let mut clerk = PgConnectOptions::from_str(&database.url).unwrap().connect().await.unwrap();
    sqlx::query(AssertSqlSafe(format!("set role {role}"))).execute(&mut clerk).await.unwrap();
    let migrations = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");

    sqlx::migrate::Migrator::new(migrations).await.unwrap().run(&mut clerk).await.unwrap();
    let without: bool = sqlx::query_scalar(IS_THERE).fetch_one(&mut clerk).await.unwrap();
    let grant = format!("grant create on database {} to {role}", database.name());
    sqlx::query(AssertSqlSafe(grant)).execute(&database.pool).await.unwrap();
    sqlx::query("select create_compat()").execute(&mut clerk).await.unwrap();
    let with: bool = sqlx::query_scalar(IS_THERE).fetch_one(&mut clerk).await.unwrap();

    assert_eq!((without, with), (false, true));
}

#[tokio::test]
async fn the_shops_models_are_there_under_the_documents_names() {
    let shop = Shop::open(Setup::default()).await;
    let file = shop.write("menu.csv", "sku,name,price,currency,group,variant\nbaju-r,Baju,189.9,MYR,baju,red\n");
    shop.ok(&["catalog", "import", file.to_str().unwrap()]).await;
    shop.execute(&crate::inbox::blast_of("sales", 1, 2)).await;
    shop.ok(&["order", "add", "1", &digits(1), "baju-r*2"]).await;
    shop.ok(&["cart", "add", "1", &digits(2), "baju-r*3"]).await;
    let mut compat = connect(&shop.database).await;

    let bought = "SELECT o.status, o.\"totalAmount\", p.name, v.name AS variant, i.\"totalPrice\", k.name AS catalog
                    FROM \"WhatsAppOrder\" o
                    JOIN \"WhatsAppOrderItem\" i ON i.\"orderId\" = o.id
                    JOIN \"WhatsAppProduct\" p ON p.id = i.\"productId\"
                    JOIN \"WhatsAppProductVariant\" v ON v.id = i.\"variantId\"
                    JOIN \"WhatsAppCatalog\" k ON k.id = p.\"catalogId\"
                   WHERE o.\"campaignId\" = ?::bigint::text";
    let found = row(&mut compat, bought, 1).await;
    let refused = sqlx::query("UPDATE \"WhatsAppOrder\" SET status = 'paid'").execute(&mut compat).await;

    let expected = json!({ "status": "new", "totalAmount": 379.8, "name": "Baju", "variant": "red", "totalPrice": 379.8,
                           "catalog": "products" });
    assert_eq!(found, expected);
    assert!(refused.unwrap_err().to_string().contains("is for reading"));
    let cart = "SELECT c.status, c.\"totalAmount\", i.name FROM \"WhatsAppCart\" c
                  JOIN \"WhatsAppCartItem\" i ON i.\"cartId\" = c.id WHERE c.\"campaignId\" = ?::bigint::text";
    let expected = json!({ "status": "open", "totalAmount": 569.7, "name": "Baju, red" });
    assert_eq!(row(&mut compat, cart, 1).await, expected);
    let refused = sqlx::query("DELETE FROM \"WhatsAppCart\"").execute(&mut compat).await;
    assert!(refused.unwrap_err().to_string().contains("is for reading"));
}

#[tokio::test]
async fn a_campaign_was_scheduled_only_if_it_was_to_start_at_a_time() {
    let database = database().await;
    let scene = "
        insert into senders (name, provider, business) values ('cloud', 'meta', 'kedai');
        insert into blasts (blast_tag, sender_id, message, state, send_after, launched_at, scheduled_for, repeat_rule) values
            ('At once', 1, 'Hi', 'draft', '2026-11-01 01:00Z', '2026-11-01 01:00Z', null, null),
            ('At a time', 1, 'Hi', 'draft', null, null, '2026-12-01 01:00Z', null)";
    sqlx::raw_sql(scene).execute(&database.pool).await.unwrap();
    let mut compat = connect(&database).await;

    let campaigns = rows(&mut compat, "select \"scheduledFor\" from \"WhatsAppCampaign\" order by id::bigint", 0).await;

    assert_eq!(campaigns, [json!({ "scheduledFor": null }), json!({ "scheduledFor": "2026-12-01T01:00:00" })]);
}
