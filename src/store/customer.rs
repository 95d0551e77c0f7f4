//! Customers: one person over all blasts and replies, found by `person_key`. What happened is read from those; tags, notes, merges and
//! consents are said by operators and lists, and have tables of their own.

mod messages;
mod said;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Serialize;
use sqlx::{PgConnection, PgExecutor, PgPool, Postgres, QueryBuilder};

use super::StoreError;
use super::in_flight::current;
use super::view::{push_name, push_number};
use crate::domain::amount;
use crate::domain::blast::{BlastState, TEST_STAGE};
use crate::domain::customer_tag::bare_tag;
use crate::domain::filter::{Filter, Term, Test};
use crate::domain::forgotten::STAND_IN;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;

pub use messages::{SentMessage, external_ids, sent};
pub use said::{TaggedCustomers, customers_of, tag_all, tagged, untag_all};
pub use said::{
    add_note, customer_of, lock_merges, merge, merged_into, newest_consents, note_consents, remove_note, tag, tags_of,
    unmerge, untag,
};

/// The other numbers of whoever a row is of, after merges, as `person`: `other_numbers!("r.")`.
macro_rules! other_numbers {
    ($row:literal) => {
        concat!(
            "(select other.person from (select coalesce(
                (select customer from customer_numbers where person = person_key(",
            $row,
            "phone_number)), person_key(",
            $row,
            "phone_number)) as customer) own
             cross join lateral (select own.customer as person union all
                                 select person from customer_numbers where customer = own.customer) other
             where other.person <> person_key(",
            $row,
            "phone_number))"
        )
    };
}
pub(super) use other_numbers;

/// The columns of a list that say where consent came from, and when it was given.
pub const CONSENT_SOURCE: &str = "consent_source";

/// A customer as lists show them.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, Serialize)]
pub struct CustomerRow {
    /// The digits of the number that they are known by, as WhatsApp's own ids of people are.
    pub id: String,
    /// Every number, the one that they are known by first; as it was typed last.
    pub numbers: Vec<String>,
    /// Names seen, the newest first.
    pub names: Vec<String>,
    /// When a message to them, or of theirs, was seen first and last; an operator's mark on them counts too.
    pub first_seen: Option<DateTime<Utc>>,
    pub last_seen: Option<DateTime<Utc>>,
    /// Blasts whose message was accepted for them, reached them, was read.
    pub sent: i64,
    pub received: i64,
    pub read: i64,
    /// Blasts to which they replied, as WhatsApp or an operator says.
    pub replied: i64,
    /// What they wrote.
    pub replies: i64,
    /// People of blasts who bought: one a blast, however much they ordered.
    pub sales: i64,
    /// Orders, without those that are cancelled.
    pub orders: i64,
    /// Carts that wait for an order.
    pub carts: i64,
    #[serde(serialize_with = "amount::in_json")]
    pub revenue: Decimal,
    /// Businesses that must not message them; `*` for all.
    pub opted_out: Vec<String>,
    pub tags: Vec<String>,
}

/// Which customers are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerQuery {
    /// Digits of a number, or a part of a name.
    pub search: Option<String>,
    pub tag: Option<String>,
    /// Behind this customer, by the number with its plus.
    pub after: Option<String>,
    pub limit: i64,
}

/// One blast of a customer.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, Serialize)]
pub struct CustomerBlast {
    pub blast_id: BlastId,
    pub tag: String,
    #[serde(skip)]
    pub follow_up_stage: String,
    /// Of the blast: whoever is in a draft was sent nothing.
    #[serde(skip)]
    pub state: BlastState,
    pub phone_number: String,
    pub status: Status,
    pub sent_at: Option<DateTime<Utc>>,
    pub received_at: Option<DateTime<Utc>>,
    pub read_at: Option<DateTime<Utc>>,
    pub replied_at: Option<DateTime<Utc>>,
    pub closed_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "amount::in_json_if_any")]
    pub amount: Option<Decimal>,
    pub note: Option<String>,
}

/// What an operator wrote about a customer.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, Serialize)]
pub struct CustomerNote {
    pub id: i64,
    pub note: String,
    pub written_by: String,
    pub written_at: DateTime<Utc>,
}

/// Where consent came from, as a list said it.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, Serialize)]
pub struct Consent {
    pub phone_number: String,
    pub source: String,
    /// As the list has it; empty: it does not say.
    pub given_at: String,
    pub blast_id: BlastId,
    pub noted_at: DateTime<Utc>,
}

impl Consent {
    /// `consent: the shop's form on 2026-03-01, from the list of blast 7`. A day that there is not is named as such.
    pub fn in_words(&self) -> String {
        let given = match self.given_at.as_str() {
            "" => String::new(),
            day if names_no_day(day) => format!(", dated `{day}` (no such date)"),
            day => format!(" on {day}"),
        };
        format!("consent: {}{given}, from the list of blast {}", self.source, self.blast_id)
    }
}

/// Whether a text begins as a date does, `2026-02-30`, and is none.
fn names_no_day(text: &str) -> bool {
    let is_digits = |part: &str, len| part.len() == len && part.bytes().all(|byte| byte.is_ascii_digit());
    let Some(date) = text.get(..10) else { return false };
    let parts: Vec<&str> = date.split('-').collect();
    matches!(parts[..], [year, month, day] if is_digits(year, 4) && is_digits(month, 2) && is_digits(day, 2))
        && date.parse::<NaiveDate>().is_err()
}

/// All that is known of a customer beside their row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CustomerDetails {
    #[serde(flatten)]
    pub customer: CustomerRow,
    /// The newest first.
    pub notes: Vec<CustomerNote>,
    /// The newest word first.
    pub consents: Vec<Consent>,
    /// The newest first, drafts last.
    pub blasts: Vec<CustomerBlast>,
}

/// The keys of customers, in the order of their numbers: of those who match, at most so many.
pub async fn keys(pool: &PgPool, query: &CustomerQuery) -> Result<Vec<String>, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new("select distinct customer from (");
    if query.search.is_none() && query.tag.is_none() {
        push_everybody(&mut sql, query);
    } else {
        push_matching(&mut sql, query);
    }
    sql.push(") as known where customer like '+%' and customer > ").push_bind(query.after.clone().unwrap_or_default());
    sql.push(" order by 1 limit ").push_bind(query.limit);
    Ok(sql.build_query_scalar().fetch_all(pool).await?)
}

/// Where people are known from: the column that is the person's key, in which table.
const SOURCES: [(&str, &str); 5] = [
    ("person_key(phone_number)", "blast_recipients"),
    ("person_key(phone_number)", "replies"),
    ("person", "customer_tags"),
    ("person", "customer_notes"),
    ("customer", "customer_numbers"),
];

/// Each source is one walk of its index from where the page begins. Whoever belongs to another number's customer is passed over.
fn push_everybody(sql: &mut QueryBuilder<Postgres>, query: &CustomerQuery) {
    let after = query.after.clone().unwrap_or_else(|| "+".to_owned());
    sql.push("select person as customer from (");
    for (at, (key, table)) in SOURCES.into_iter().enumerate() {
        sql.push(if at == 0 { "(" } else { " union (" });
        sql.push(format_args!("select distinct {key} as person from {table} where {key} > ")).push_bind(after.clone());
        sql.push(format_args!(" and {key} like '+%' and {key} not in (select n.person from customer_numbers n)"));
        sql.push(" order by 1 limit ").push_bind(query.limit).push(")");
    }
    sql.push(") as persons");
}

fn push_matching(sql: &mut QueryBuilder<Postgres>, query: &CustomerQuery) {
    sql.push("select coalesce(n.customer, found.person) as customer from (");
    if let Some(search) = &query.search {
        push_search(sql, search);
    }
    if let Some(tag) = &query.tag {
        if query.search.is_some() {
            sql.push(" intersect ");
        }
        sql.push("select coalesce(m.customer, t.person) from customer_tags t left join customer_numbers m on m.person = t.person");
        sql.push(" where lower(t.tag) = lower(").push_bind(bare_tag(tag).to_owned()).push(")");
    }
    sql.push(") as found (person) left join customer_numbers n on n.person = found.person");
}

/// By customers, so that what is found under one of their numbers is found for all. A number is read in any spelling, as in a filter.
fn push_search(sql: &mut QueryBuilder<Postgres>, search: &str) {
    let read = Filter::person(search);
    sql.push("select coalesce(m.customer, f.person) from (");
    for (at, table) in ["blast_recipients", "replies"].into_iter().enumerate() {
        sql.push(if at == 0 { "" } else { " union " });
        sql.push(format_args!("select person_key(phone_number) from {table} where phone_number is not null and ("));
        match read.terms.as_slice() {
            [Term { test: Test::Phone(digits), .. }] => push_number(sql, digits),
            _ => push_name(sql, search.trim()),
        }
        sql.push(")");
    }
    sql.push(") as f (person) left join customer_numbers m on m.person = f.person");
}

/// These customers, in the order of their keys.
pub async fn rows(
    executor: impl PgExecutor<'_>,
    customers: &[impl AsRef<str>],
) -> Result<Vec<CustomerRow>, StoreError> {
    let customers: Vec<&str> = customers.iter().map(AsRef::as_ref).collect();
    // An operator who tried a message on themselves read it with somebody else's name.
    let rows = sqlx::query_as(ROWS).bind(customers).bind(TEST_STAGE).fetch_all(executor).await?;
    Ok(rows)
}

/// The stand-ins of people who were forgotten, as keys of [`rows`].
pub async fn stand_ins(executor: impl PgExecutor<'_>) -> Result<Vec<String>, StoreError> {
    let stand_ins = sqlx::query_scalar(
        "select distinct phone_number from suppressions where starts_with(phone_number, $1) order by 1",
    );
    Ok(stand_ins.bind(STAND_IN).fetch_all(executor).await?)
}

/// `offset 0` has people's rows looked up by the person: where nothing was analyzed yet, a join reads everybody.
const ROWS: &str = "
    with numbers as (
        select customer, customer as person from unnest($1::text[]) as k (customer)
         union all
        select n.customer, n.person from customer_numbers n where n.customer = any($1))
    select ltrim(k.customer, '+') as id,
           array(select coalesce((select r.phone_number
                                    from (select o.id, o.phone_number from blast_recipients o
                                           where person_key(o.phone_number) = n.person offset 0) r
                                   order by r.id desc limit 1), n.person)
                   from numbers n where n.customer = k.customer order by n.person <> k.customer, n.person) as numbers,
           array(select name from (select r.name, max(r.id) as newest from numbers n
                                    cross join lateral (select o.id, o.name, o.blast_id from blast_recipients o
                                                         where person_key(o.phone_number) = n.person offset 0) r
                                    where n.customer = k.customer and r.name is not null
                                      and not exists (select from blasts b where b.id = r.blast_id and b.follow_up_stage = $2 and b.total_recipients <= 1)
                                    group by 1
                                    union all
                                   select p.name, 0 from numbers n join replies p on person_key(p.phone_number) = n.person
                                    where n.customer = k.customer and p.name is not null) as named
                  group by name order by max(newest) desc, name limit 10) as names,
           least(r.first_seen, p.first_seen) as first_seen, greatest(r.last_seen, p.last_seen, o.last_seen) as last_seen,
           r.sent, r.received, r.read, r.replied, p.replies, r.sales, r.revenue, o.orders, c.carts,
           array(select distinct s.business from numbers n join suppressions s on person_key(s.phone_number) = n.person
                  where n.customer = k.customer order by 1) as opted_out,
           array(select distinct t.tag from numbers n join customer_tags t on t.person = n.person
                  where n.customer = k.customer order by 1) as tags
      from unnest($1::text[]) as k (customer)
     cross join lateral (
           select min(r.sent_at) as first_seen, max(greatest(r.sent_at, r.delivered_at, r.read_timestamp,
                                                         case when r.status between 'replied' and 'closed' then r.replied_at end,
                                                         case when r.status = 'closed' then r.closed_at end)) as last_seen,
                  count(*) filter (where r.status between 'sent' and 'closed') as sent,
                  count(*) filter (where r.status between 'delivered' and 'closed') as received,
                  count(*) filter (where r.status between 'read' and 'closed') as read,
                  count(*) filter (where r.status between 'replied' and 'closed') as replied,
                  count(*) filter (where r.status = 'closed') as sales, coalesce(sum(r.amount), 0) as revenue
             from numbers n
            cross join lateral (select * from blast_recipients o where person_key(o.phone_number) = n.person offset 0) r
            where n.customer = k.customer
              and exists (select from blasts b where b.id = r.blast_id and b.deleted_at is null and b.answer_until is null
                          offset 0)) r
     cross join lateral (
           select count(*) as replies, min(p.at) as first_seen, max(p.at) as last_seen
             from numbers n join replies p on person_key(p.phone_number) = n.person
            where n.customer = k.customer) p
     cross join lateral (
           select count(*) as orders, max(o.ordered_at) as last_seen
             from numbers n join orders o on person_key(o.phone_number) = n.person and o.state <> 'cancelled'
            where n.customer = k.customer) o
     cross join lateral (
           select count(*) as carts
             from numbers n join carts t on person_key(t.phone_number) = n.person join waiting_carts w on w.id = t.id
            where n.customer = k.customer) c
     order by k.customer";

/// The blasts of a customer, the newest first; drafts last.
pub async fn blasts(tx: &mut PgConnection, customer: &str, limit: i64) -> Result<Vec<CustomerBlast>, StoreError> {
    let blasts = sqlx::query_as(concat!(
        "select r.blast_id, b.blast_tag as tag, b.follow_up_stage, b.state::text as state, r.phone_number, ",
        current!("r.", status_word),
        " as status, r.sent_at, r.delivered_at as received_at,
                r.read_timestamp as read_at, r.replied_at, r.closed_at, r.amount, r.note
           from blast_recipients r
           join blasts b on b.id = r.blast_id and b.deleted_at is null and b.answer_until is null
          where person_key(r.phone_number) in (select $1 union select person from customer_numbers where customer = $1)
          order by b.state = 'draft', r.blast_id desc limit $2"
    ));
    Ok(blasts.bind(customer).bind(limit).fetch_all(tx).await?)
}

/// How much there is of a customer, beside what is listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct CustomerTotals {
    /// Without drafts.
    pub blasts: i64,
    pub drafts: i64,
    pub notes: i64,
    pub consents: i64,
    pub orders: i64,
    pub carts: i64,
}

pub async fn totals(tx: &mut PgConnection, customer: &str) -> Result<CustomerTotals, StoreError> {
    let totals = sqlx::query_as(
        "with numbers as (select $1 as person union select person from customer_numbers where customer = $1)
         select b.blasts, b.drafts,
                (select count(*) from customer_notes where person in (select person from numbers)) as notes,
                (select count(*) from customer_consents where person in (select person from numbers)) as consents,
                (select count(*) from orders where person_key(phone_number) in (select person from numbers)) as orders,
                (select count(*) from carts where person_key(phone_number) in (select person from numbers)) as carts
           from (select count(*) filter (where b.state <> 'draft') as blasts, count(*) filter (where b.state = 'draft') as drafts
                   from blast_recipients r
                   join blasts b on b.id = r.blast_id and b.deleted_at is null and b.answer_until is null
                  where person_key(r.phone_number) in (select person from numbers)) b",
    );
    Ok(totals.bind(customer).fetch_one(tx).await?)
}

/// What was written about a customer, the newest first.
pub async fn notes(tx: &mut PgConnection, customer: &str, limit: i64) -> Result<Vec<CustomerNote>, StoreError> {
    let notes = sqlx::query_as(
        "select id, note, written_by, written_at from customer_notes
          where person in (select $1 union select person from customer_numbers where customer = $1)
          order by id desc limit $2",
    );
    Ok(notes.bind(customer).bind(limit).fetch_all(tx).await?)
}

/// Whether anything is known of a customer.
pub async fn is_known(tx: &mut PgConnection, customer: &str) -> Result<bool, StoreError> {
    let known = sqlx::query_scalar(
        "select exists (select from blast_recipients where person_key(phone_number) = $1)
             or exists (select from replies where person_key(phone_number) = $1)
             or exists (select from customer_tags where person = $1)
             or exists (select from customer_notes where person = $1)
             or exists (select from customer_consents where person = $1)
             or exists (select from customer_numbers where customer = $1)
             or exists (select from saved_list_people where person_key(phone_number) = $1)
             or exists (select from suppressions where person_key(phone_number) = $1)",
    );
    Ok(known.bind(customer).fetch_one(tx).await?)
}
