//! A shop whose people have had messages, with a server that applies what it receives.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::serve::{ACCOUNT, NUMBER, Serve, WEBHOOK_SECRET, senders};
use crate::support::{Setup, Shop, digits, eventually_async, until_unchanged};

/// Blast 1 is of `cloud`, to people 1 to `people`, all sent with the ids `wamid.1` and on.
pub struct InboxScene {
    pub shop: Shop,
    pub serve: Serve,
    pub installation: String,
}

impl InboxScene {
    pub async fn sent(people: u32) -> Self {
        Self::with(people, "cloud", "").await
    }

    /// The same of another sender, with further statements.
    pub async fn with(people: u32, sender: &str, further: &str) -> Self {
        let shop = Shop::open(Setup::default()).await;
        shop.write("config.toml", senders(shop.sim.base_url()));
        Self::on(shop, people, sender, further).await
    }

    /// The same of a shop that the test configured.
    pub async fn on(shop: Shop, people: u32, sender: &str, further: &str) -> Self {
        let serve = Serve::start(&shop, &[]).await;
        shop.until_listening(1).await;
        shop.execute(&blast_of(sender, 1, people)).await;
        shop.execute(further).await;
        let installation =
            sqlx::query_scalar("select id::text from database_id").fetch_one(&shop.database.pool).await.unwrap();
        Self { shop, serve, installation }
    }

    /// A signed webhook of Meta's with these items; applied when this returns.
    pub async fn receive(&self, value: Value) {
        self.receive_all(&[value]).await;
    }

    /// Several of them, one after the other.
    pub async fn receive_all(&self, values: &[Value]) {
        for value in values {
            assert_eq!(self.serve.meta(envelope(value).to_string()).await, StatusCode::OK);
        }
        self.until_applied().await;
    }

    pub async fn receive_wsapme(&self, body: Value) {
        let path = format!("/api/webhook/wsapme/{WEBHOOK_SECRET}");
        assert_eq!(self.serve.post(&path, body.to_string()).await, StatusCode::OK);
        self.until_applied().await;
    }

    /// Waits until everything was tried at least once.
    pub async fn until_applied(&self) {
        let new = "select count(*) from webhook_inbox where state = 'new'";
        eventually_async("the inbox is read", async || self.shop.number(new).await == 0).await;
    }

    /// Every row of every table but the inbox's own, and what the engine writes of itself: of the senders, whose throughput and whose
    /// webhooks it notes when it gets to it, the rest.
    pub async fn facts(&self) -> Vec<String> {
        const OWN: [&str; 6] =
            ["webhook_inbox_", "sender_leases ", "blast_counts ", "blast_count_deltas ", "status_history ", "senders "];
        let rows = until_unchanged("rows", Duration::from_millis(300), async || self.shop.rows().await).await;
        let changes = self.shop.number("select count(*) from status_history").await;
        let senders = "select string_agg((to_jsonb(s) - '{throughput,sent_from,webhook_seen_at,unheard_since}'::text[])::text, ' ' order by id)
                         from senders s";
        let senders: String = sqlx::query_scalar(senders).fetch_one(&self.shop.database.pool).await.unwrap();
        let kept = rows.lines().filter(|line| !OWN.iter().any(|own| line.starts_with(own))).map(str::to_owned);
        kept.chain([format!("{changes} changes of status"), senders]).collect()
    }

    /// The status of person `n`.
    pub async fn status(&self, n: u32) -> String {
        let query = format!(
            "select current_status(r)::text from blast_recipients r where phone_number = '+{}' order by id",
            digits(n)
        );
        sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&self.shop.database.pool).await.unwrap()
    }

    pub async fn text(&self, query: &str) -> Option<String> {
        sqlx::query_scalar(sqlx::AssertSqlSafe(query.to_owned())).fetch_one(&self.shop.database.pool).await.unwrap()
    }

    /// Callback data of an attempt of this installation.
    pub async fn callback(&self, recipient: u32) -> String {
        let claimed = format!(
            "select (extract(epoch from claimed_at) * 1000000)::bigint from attempts where recipient_id = {recipient} and attempt = 1"
        );
        format!("blastdeck:{}:1:{recipient}:1:{}", self.installation, self.shop.number(&claimed).await)
    }
}

/// Statements for a blast to people who were all sent to.
pub fn blast_of(sender: &str, blast: u32, people: u32) -> String {
    let id = format!("(select id from senders where name = '{sender}')");
    format!(
        "insert into blasts (blast_tag, sender_id, message, state, total_recipients, launched_at)
         values ('Raya', {id}, 'Hi', 'completed', {people}, now());
         insert into blast_recipients (blast_id, phone_number, name, status, standing, attempt, message_id, sent_at, claimed_at)
         select {blast}, '+60100' || lpad(n::text, 6, '0'), 'Person ' || n, 'sent', 'sent', 1, 'wamid.' || n,
                now() - interval '1 minute', now() - interval '1 minute' from generate_series(1, {people}) as n;
         insert into provider_message (recipient_id, attempt, sender_id, claimed_at, outcome, message_id, body)
         select id, 1, {id}, claimed_at, 'accepted', message_id, '{{}}' from blast_recipients where blast_id = {blast};
         insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source)
         select {blast}, id, 1, 'queued', 'sent', 'send' from blast_recipients where blast_id = {blast};"
    )
}

/// Statements by which whoever is uncertain has been so for long enough to be sent to again.
pub const OLD: &str = "
    update provider_message set claimed_at = now() - interval '1 hour', received_at = now() - interval '1 hour';
    update blast_recipients set claimed_at = now() - interval '1 hour', changed_at = now() - interval '1 hour';";

/// Statements by which person `n` is uncertain, and no id is known of them.
pub fn uncertain(n: u32) -> String {
    format!(
        "update blast_recipients set status = 'uncertain', standing = 'uncertain', message_id = null, sent_at = null where id = {n};
         update provider_message set outcome = 'unknown', message_id = null where recipient_id = {n};
         update status_history set new_status = 'uncertain' where recipient_id = {n};
         update blasts set state = 'sending';"
    )
}

/// The value of a change, in Meta's envelope.
pub fn envelope(value: &Value) -> Value {
    let mut value = value.clone();
    let field = value.as_object_mut().unwrap().remove("field").unwrap_or_else(|| json!("messages"));
    if matches!(field.as_str(), Some("messages" | "standby")) {
        value["messaging_product"] = json!("whatsapp");
        value["metadata"] = json!({ "display_phone_number": "60122222222", "phone_number_id": NUMBER });
    }
    json!({ "object": "whatsapp_business_account",
            "entry": [{ "id": ACCOUNT, "time": 1_790_000_000, "changes": [{ "field": field, "value": value }] }] })
}

pub fn status(n: u32, word: &str) -> Value {
    let at = chrono::Utc::now().timestamp().to_string();
    json!({ "id": format!("wamid.{n}"), "status": word, "timestamp": at, "recipient_id": digits(n) })
}

pub fn statuses(items: &[Value]) -> Value {
    json!({ "statuses": items })
}

pub fn failed(n: u32, code: u32) -> Value {
    let mut item = status(n, "failed");
    item["errors"] = json!([{ "code": code, "title": "Refused", "error_data": { "details": "by the test" } }]);
    item
}

/// The same news, of a minute ago.
pub fn a_minute_ago(mut item: Value) -> Value {
    item["timestamp"] = json!((chrono::Utc::now() - chrono::TimeDelta::minutes(1)).timestamp().to_string());
    item
}

/// A text of person `n`.
pub fn text(n: u32, id: &str, body: &str) -> Value {
    let at = chrono::Utc::now().timestamp().to_string();
    json!({ "messages": [{ "from": digits(n), "id": id, "timestamp": at, "type": "text", "text": { "body": body } }] })
}
