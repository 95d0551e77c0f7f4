//! One person in full, and one person in every blast.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, PgPool, Postgres, QueryBuilder};

use super::recipients::COLUMNS;
use super::{AnswerRow, ElsewhereRow, HistoryRow, RecipientDetails, RecipientRow, condition, opt_outs, replies};
use crate::domain::amount::text_as_kept;
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, OrderId, RecipientId, SenderId};
use crate::domain::session::SessionWindow;
use crate::domain::status::Status;
use crate::store::history::changes_of;
use crate::store::in_flight::current;
use crate::store::transaction::begin_with;
use crate::store::{StoreError, session};

/// The most entries of a person in other blasts.
const ELSEWHERE_MAX: i64 = 100;

/// The most answers and changes of a person, oldest first, so that a runaway poller cannot fill the screen.
const HISTORY_MAX: i64 = 1_000;

#[derive(FromRow)]
struct DetailsRecord {
    #[sqlx(flatten)]
    row: RecipientRow,
    blast_tag: String,
    follow_up_stage: String,
    claimed_at: Option<DateTime<Utc>>,
    due_at: Option<DateTime<Utc>>,
    message_text: Option<String>,
    template_text: Option<String>,
    is_template: bool,
    sender_id: SenderId,
    is_meta: bool,
    /// By the database's clock. Under a name that no column of the person has.
    asked_at: DateTime<Utc>,
}

/// One person in full, in one snapshot; `None` when there is no such person.
pub async fn details(pool: &PgPool, id: RecipientId) -> Result<Option<RecipientDetails>, StoreError> {
    let mut snapshot = begin_with(pool, "begin transaction isolation level repeatable read read only").await?;
    let Some(mut head) = head(&mut snapshot, id).await? else { return Ok(None) };
    opt_outs::attach(&mut *snapshot, std::slice::from_mut(&mut head.row)).await?;
    let history = history(&mut snapshot, id).await?;
    let answers = answers(&mut snapshot, id).await?;
    let elsewhere = elsewhere(&mut snapshot, &head.row).await?;
    let replies = replies::of_person(&mut snapshot, id).await?;
    let session_answers = session::to_person(&mut snapshot, id).await?;
    let session = window(&mut snapshot, &head).await?;
    snapshot.commit().await?;
    Ok(Some(RecipientDetails {
        row: head.row,
        blast_tag: head.blast_tag,
        follow_up_stage: head.follow_up_stage,
        claimed_at: head.claimed_at,
        due_at: head.due_at,
        message_text: head.message_text,
        words: None,
        advice: None,
        template_text: head.template_text,
        is_template: head.is_template,
        history,
        answers,
        elsewhere,
        replies,
        session_answers,
        session,
    }))
}

/// Until when they may be answered.
async fn window(snapshot: &mut PgConnection, head: &DetailsRecord) -> Result<Option<SessionWindow>, StoreError> {
    if !head.is_meta {
        return Ok(None);
    }
    let last = session::last_word(snapshot, head.sender_id, head.row.phone.as_str()).await?;
    Ok(Some(SessionWindow::after(last, head.asked_at)))
}

async fn head(snapshot: &mut PgConnection, id: RecipientId) -> Result<Option<DetailsRecord>, sqlx::Error> {
    let found = sqlx::query_as(concat!(
        "select r.id, r.blast_id, r.phone_number as phone, r.name, ",
        current!("r.", status_word),
        " as status, ",
        current!("r.", attempt),
        " as attempt, r.message_id, r.sent_at,
                r.delivered_at, r.read_timestamp as read_at, r.replied_at, r.closed_at, r.failed_at, r.opted_out_at,
                ",
        current!("r.", changed_at),
        " as changed_at, r.amount, r.note, r.error_code, r.error_message, r.reason, r.provider_status, r.external_id,
                ",
        current!("r.", claimed_at),
        " as claimed_at,
                case when r.status = 'queued' and b.state in ('sending', 'paused') and r.next_attempt_at > now()
                     then r.next_attempt_at end as due_at,
                r.message_text, b.blast_tag, b.follow_up_stage, b.template_text,
                b.template is not null as is_template, b.sender_id,
                s.provider = 'meta' as is_meta, now() as asked_at
           from blast_recipients r
           join blasts b on b.id = r.blast_id
           join senders s on s.id = b.sender_id
          where r.id = $1"
    ));
    found.bind(id).fetch_optional(snapshot).await
}

#[derive(FromRow)]
struct HistoryRecord {
    changed_at: DateTime<Utc>,
    happened_at: Option<DateTime<Utc>>,
    old_status: Status,
    new_status: Status,
    attempt: i32,
    source: String,
    by_whom: Option<String>,
    metadata: Option<Value>,
    /// The order that was written, edited or cancelled with it, and by which act.
    order_id: Option<OrderId>,
    act: Option<String>,
}

async fn history(snapshot: &mut PgConnection, id: RecipientId) -> Result<Vec<HistoryRow>, sqlx::Error> {
    let changes: Vec<HistoryRecord> = sqlx::query_as(concat!(
        "select h.changed_at, h.happened_at, h.old_status::text as old_status, h.new_status::text as new_status, h.attempt, h.source, h.by_whom, h.metadata,
                a.order_id, a.action as act
           from (",
        changes_of!("= $1"),
        " order by place limit $2) h
           left join (select distinct on (at, action) at, action, (detail ->> 'order')::bigint as order_id
                        from operator_actions
                       where recipient_id = $1 and detail -> 'order' is not null and action in ('closed', 'undo')
                       order by at, action, id) a
             on a.at = h.changed_at and (a.action = 'closed') = (h.new_status = 'closed')
          order by h.place",
    ))
    .bind(id)
    .bind(HISTORY_MAX)
    .fetch_all(&mut *snapshot)
    .await?;
    let rows = changes.into_iter().map(HistoryRow::from).collect();
    Ok(with_amounts(rows, amounts(snapshot, id).await?))
}

/// What an operator wrote as the amount of somebody's sale.
#[derive(FromRow)]
struct AmountRecord {
    at: DateTime<Utc>,
    operator: String,
    amount: String,
    undone_by: Option<String>,
}

async fn amounts(snapshot: &mut PgConnection, id: RecipientId) -> Result<Vec<AmountRecord>, sqlx::Error> {
    let amounts = sqlx::query_as(
        "select at, operator, detail ->> 'amount' as amount, undone_by from operator_actions
          where recipient_id = $1 and action = 'closed' and detail ->> 'amount' is not null and detail -> 'order' is null
          order by id limit $2",
    );
    amounts.bind(id).bind(HISTORY_MAX).fetch_all(snapshot).await
}

/// The amount of a sale stands with the line that closed it; a later one, which changes no status, is a line of its own.
fn with_amounts(mut rows: Vec<HistoryRow>, amounts: Vec<AmountRecord>) -> Vec<HistoryRow> {
    for AmountRecord { at, operator, amount, undone_by } in amounts {
        let amount = text_as_kept(amount);
        let closes = |row: &&mut HistoryRow| row.changed_at == at && row.new_status == Status::Closed;
        if let Some(row) = rows.iter_mut().find(closes) {
            row.detail.get_or_insert_with(|| format!("amount {amount}"));
            continue;
        }
        let taken_back = undone_by.map(|by| format!(", taken back by {by}")).unwrap_or_default();
        let place = rows.partition_point(|row| row.changed_at <= at);
        let attempt = place.checked_sub(1).and_then(|before| rows.get(before)).map_or(0, |before| before.attempt);
        let row = HistoryRow {
            changed_at: at,
            happened_at: None,
            old_status: Status::Closed,
            new_status: Status::Closed,
            attempt,
            source: "operator".to_owned(),
            by: Some(operator),
            detail: Some(format!("amount {amount}{taken_back}")),
        };
        rows.insert(place, row);
    }
    rows
}

impl From<HistoryRecord> for HistoryRow {
    fn from(change: HistoryRecord) -> Self {
        Self {
            detail: change.detail(),
            changed_at: change.changed_at,
            happened_at: change.happened_at,
            old_status: change.old_status,
            new_status: change.new_status,
            attempt: change.attempt,
            source: change.source,
            by: change.by_whom,
        }
    }
}

impl HistoryRecord {
    fn detail(&self) -> Option<String> {
        let order = self.order_id.map(|id| match self.act.as_deref() {
            Some("undo") => format!("order {id} was cancelled"),
            _ => format!("order {id}"),
        });
        order.or_else(|| self.metadata.as_ref().and_then(words))
    }
}

/// What the metadata says in words: its plain values, one after the other. Nested ones are for machines.
fn words(metadata: &Value) -> Option<String> {
    let plain = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let said = match metadata {
        Value::Object(entries) => entries.values().filter_map(plain).collect::<Vec<_>>().join(", "),
        other => plain(other)?,
    };
    Some(said).filter(|said| !said.is_empty())
}

async fn answers(snapshot: &mut PgConnection, id: RecipientId) -> Result<Vec<AnswerRow>, sqlx::Error> {
    let answers = sqlx::query_as(
        "select attempt, outcome, received_at, http_status, body
           from provider_message
          where recipient_id = $1
          order by attempt, id
          limit $2",
    );
    answers.bind(id).bind(HISTORY_MAX).fetch_all(snapshot).await
}

/// The blasts, without a column of a name that people have too.
const BLASTS: &str = "(select id as blast, blast_tag as tag, follow_up_stage, sender_id, deleted_at, answer_until, launched_at, blast_date
                         from blasts)";

async fn elsewhere(snapshot: &mut PgConnection, row: &RecipientRow) -> Result<Vec<ElsewhereRow>, sqlx::Error> {
    let sql = format!(
        "select {COLUMNS}, b.tag, b.follow_up_stage,
                exists (select from blasts own join blasts other on other.message = own.message
                                                                 and other.template is not distinct from own.template
                         where own.id = $4 and other.id = b.blast) as is_same_message
           from blast_recipients r
           join {BLASTS} b on b.blast = r.blast_id
          where person_key(r.phone_number) = person_key($1) and r.id <> $2 and b.deleted_at is null
            and b.answer_until is null and b.launched_at is not null
          order by b.blast_date desc, b.blast desc
          limit $3",
    );
    let others = sqlx::query_as(AssertSqlSafe(sql));
    others.bind(&row.phone).bind(row.id).bind(ELSEWHERE_MAX).bind(row.blast_id).fetch_all(snapshot).await
}

/// Who matches in every blast (of one sender, where it is given), newest blast first, those of the blast `here` after all others:
/// however many they are, they do not hide that there is somebody elsewhere. At most `limit`, 1 to 1,000. A filter without
/// terms finds nobody.
pub async fn find(
    pool: &PgPool,
    sought: &Filter,
    (sender, here): (Option<SenderId>, Option<BlastId>),
    limit: u32,
) -> Result<Vec<ElsewhereRow>, StoreError> {
    if sought.is_everybody() {
        return Ok(Vec::new());
    }
    let mut sql = QueryBuilder::<Postgres>::new(format!(
        "select {COLUMNS}, b.tag, b.follow_up_stage
           from blast_recipients
           join {BLASTS} b on b.blast = blast_id
          where b.deleted_at is null and b.answer_until is null",
    ));
    if let Some(sender) = sender {
        sql.push(" and b.sender_id = ").push_bind(sender);
    }
    for term in &sought.terms {
        condition::push(&mut sql, term);
    }
    sql.push(" order by b.blast is not distinct from ").push_bind(here);
    sql.push(", b.blast_date desc, blast_id desc, id limit ").push_bind(i64::from(limit.clamp(1, 1_000)));
    Ok(sql.build_query_as().fetch_all(pool).await?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::words;

    #[test]
    fn metadata_is_told_by_its_plain_values() {
        assert_eq!(words(&json!({"word": "READ", "raw": {"a": 1}, "code": 463})).as_deref(), Some("463, READ"));
        assert_eq!(words(&json!("no answer in 30 s")).as_deref(), Some("no answer in 30 s"));
        assert_eq!(words(&json!({})), None);
        assert_eq!(words(&json!(null)), None);
    }
}
