//! Delivered messages of a blast by what they are charged as. Each message is counted once.

use chrono::NaiveDate;
use sqlx::{FromRow, PgPool};

use crate::domain::ids::BlastId;
use crate::domain::pricing::DeliveredMessages;
use crate::store::StoreError;

/// How finely delivered messages are broken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChargeDetail {
    /// By category alone.
    Category,
    /// By day and by country or the beginning of the number, too: what prices depend on.
    DayAndCountry,
}

#[derive(FromRow)]
struct ChargeRecord {
    category: Option<String>,
    is_billable: bool,
    day: NaiveDate,
    phone: Option<String>,
    country: Option<String>,
    messages: i64,
}

/// Meta says in words what is free; `billable` is its older way to say it.
pub async fn delivered(
    pool: &PgPool,
    blast: BlastId,
    detail: ChargeDetail,
) -> Result<Vec<DeliveredMessages>, StoreError> {
    let query = match detail {
        ChargeDetail::Category => sqlx::query_as(
            "select category, kind is distinct from 'free_customer_service' and kind is distinct from 'free_entry_point'
                    and coalesce(billable, true) as is_billable,
                    current_date as day, null::text as phone, null::text as country, count(*) as messages
               from message_pricing where blast_id = $1 and is_delivered
              group by 1, 2",
        ),
        ChargeDetail::DayAndCountry => sqlx::query_as(
            "select p.category, p.kind is distinct from 'free_customer_service' and p.kind is distinct from 'free_entry_point'
                    and coalesce(p.billable, true) as is_billable,
                    (coalesce(r.delivered_at, p.updated_at) at time zone 'UTC')::date as day, min(r.phone_number) as phone,
                    min(p.country) as country, count(*) as messages
               from message_pricing p join blast_recipients r on r.id = p.recipient_id
              where p.blast_id = $1 and p.is_delivered
              group by 1, 2, 3, coalesce(p.country, left(r.phone_number, 5))",
        ),
    };
    let rows: Vec<ChargeRecord> = query.bind(blast).fetch_all(pool).await?;
    let group = |row: ChargeRecord| DeliveredMessages {
        category: row.category,
        is_billable: row.is_billable,
        day: row.day,
        phone: row.phone,
        country: row.country.and_then(|country| country.parse().ok()),
        messages: row.messages,
    };
    Ok(rows.into_iter().map(group).collect())
}
