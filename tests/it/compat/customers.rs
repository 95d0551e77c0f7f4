//! `customerId` in the views, as the HTTP API has it.

use serde_json::{Value, json};
use sqlx::PgConnection;

use super::{connect, rows};
use crate::support::database;

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
