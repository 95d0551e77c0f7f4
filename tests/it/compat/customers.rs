//! `customerId` in the views, as the HTTP API has it.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{connect, rows};
use crate::support::{Setup, Shop, database, digits};

#[tokio::test]
async fn a_recipient_an_order_and_a_cart_have_the_customers_id() {
    let database = database().await;
    let scene = "
        insert into senders (name, provider, business) values ('cloud', 'meta', 'kedai');
        insert into blasts (blast_tag, sender_id, message, state, total_recipients) values ('Raya', 1, 'Hi', 'draft', 4);
        insert into blast_recipients (blast_id, phone_number, external_id) values
            (1, '+60100000001', null), (1, '+60100000002', 'customer-17'), (1, '+5511987654321', null), (1, '+0001', null);
        insert into orders (sender_id, blast_id, recipient_id, phone_number, source, ordered_at)
        values (1, 1, 1, '+60100000001', 'operator', now());
        insert into carts (sender_id, blast_id, recipient_id, phone_number, created_by) values (1, 1, 3, '+5511987654321', 'aina')";
    sqlx::raw_sql(scene).execute(&database.pool).await.unwrap();
    // As by hand, once a role may create schemas.
    sqlx::query("select create_compat()").execute(&database.pool).await.unwrap();
    let mut compat = connect(&database).await;
    let ids = async |connection: &mut PgConnection, table: &str| {
        let query = format!("select \"customerId\" from \"{table}\" order by id::bigint");
        rows(connection, &query, 0).await.into_iter().map(|row| row["customerId"].clone()).collect::<Vec<_>>()
    };

    let people = ids(&mut compat, "WhatsAppCampaignRecipient").await;
    let orders = ids(&mut compat, "WhatsAppOrder").await;
    let carts = ids(&mut compat, "WhatsAppCart").await;

    assert_eq!(people, [json!("60100000001"), json!("customer-17"), json!("551187654321"), Value::Null]);
    assert_eq!((orders, carts), (vec![json!("60100000001")], vec![json!("551187654321")]));
}

#[tokio::test]
async fn customers_and_their_messages_are_there_under_the_documents_names() {
    let shop = Shop::open(Setup::default()).await;
    let blast = shop.blast(0..2).await;
    shop.until_idle().await;
    shop.draft(0..3).await;
    shop.execute(
        "update blast_recipients set external_id = 'customer-17' where phone_number like '%1';
         insert into replies (sender_id, blast_id, recipient_id, phone_number, name, kind, body, message_id, at)
         select 1, blast_id, id, phone_number, 'Aina', 'text', 'yes', 'in-1', now() from blast_recipients where id = 1",
    )
    .await;
    let mut compat = connect(&shop.database).await;
    let own = format!("+{}", digits(0));

    let messages = "SELECT m.id, m.direction, m.status, m.\"campaignId\", c.name FROM \"WhatsAppMessage\" m
                      JOIN \"Customer\" c ON c.id = m.\"customerId\" WHERE c.\"phoneNumber\" = '{own}' ORDER BY m.direction";
    let found = rows(&mut compat, &messages.replace("{own}", &own), 0).await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!((&found[0]["direction"], &found[0]["id"]), (&json!("inbound"), &json!("reply-1")));
    assert_eq!((&found[1]["campaignId"], &found[1]["name"]), (&json!(blast), &json!("Aina")));
    let sent = rows(&mut compat, "SELECT id FROM \"WhatsAppMessage\" WHERE direction = 'outbound'", 0).await;
    assert_eq!(sent.len(), 2, "a draft sent none");
    assert_eq!(rows(&mut compat, "SELECT id FROM \"Customer\"", 0).await.len(), 3);
    for statement in ["DELETE FROM \"Customer\"", "UPDATE \"WhatsAppMessage\" SET status = 'read'"] {
        let refused = sqlx::query(statement).execute(&mut compat).await.unwrap_err().to_string();
        assert!(refused.contains("is for reading"), "{refused}");
    }
}
