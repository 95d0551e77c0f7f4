//! Carts as they are listed.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use sqlx::types::Json;
use sqlx::{FromRow, PgPool, Postgres, QueryBuilder};

use crate::domain::cart::CartState;
use crate::domain::ids::{BlastId, CartId, OrderId, RecipientId, SenderId};
use crate::domain::phone::Phone;
use crate::store::order::OrderItemRow;
use crate::store::{ROWS_MAX, StoreError};

/// A cart with its items.
#[derive(Debug, Clone, PartialEq, FromRow)]
pub struct CartRow {
    pub id: CartId,
    pub state: CartState,
    pub sender_id: SenderId,
    pub sender: String,
    pub blast_id: BlastId,
    pub blast_tag: Option<String>,
    pub recipient_id: RecipientId,
    pub phone_number: String,
    pub name: Option<String>,
    pub note: Option<String>,
    /// Exact; `None` where it cannot be added up.
    pub total: Option<Decimal>,
    pub currency: Option<String>,
    /// The order that was written from it.
    pub order_id: Option<OrderId>,
    pub created_by: String,
    pub state_by: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub items: Json<Vec<OrderItemRow>>,
}

/// Which carts to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct CartQuery {
    pub blast: Option<BlastId>,
    pub sender: Option<SenderId>,
    pub state: Option<CartState>,
    /// Only this person's, in either spelling.
    pub phone: Option<Phone>,
    /// Only those older than this one.
    pub before: Option<CartId>,
    /// So many are passed over.
    pub offset: u32,
    /// 1 to 1,000.
    pub limit: u32,
}

const SELECT: &str =
    "select c.id, c.state::text as state, c.sender_id, s.name as sender, c.blast_id, b.blast_tag, c.recipient_id, c.phone_number,
                coalesce(r.name, c.name) as name, c.note, c.total, c.currency, c.order_id, c.created_by, c.state_by,
                c.created_at, c.updated_at,
                coalesce((select json_agg(json_build_object(
                    'id', i.id, 'sku', i.sku, 'name', i.name, 'product_id', i.product_id, 'variant_id', i.variant_id,
                    'quantity', i.quantity::text, 'price', i.price::text, 'currency', i.currency,
                    'total', (i.quantity * i.price)::text) order by i.position)
                    from cart_items i where i.cart_id = c.id), '[]') as items
           from carts c
           join senders s on s.id = c.sender_id
           left join blasts b on b.id = c.blast_id and b.deleted_at is null
           left join blast_recipients r on r.id = c.recipient_id
          where true";

pub async fn get(pool: &PgPool, id: CartId) -> Result<Option<CartRow>, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new(SELECT);
    sql.push(" and c.id = ").push_bind(id);
    Ok(sql.build_query_as().fetch_optional(pool).await?)
}

pub async fn list(pool: &PgPool, query: &CartQuery) -> Result<Vec<CartRow>, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new(SELECT);
    push_conditions(&mut sql, query);
    if let Some(before) = query.before {
        sql.push(" and c.id < ").push_bind(before);
    }
    sql.push(" order by c.id desc limit ").push_bind(i64::from(query.limit.clamp(1, ROWS_MAX)));
    sql.push(" offset ").push_bind(i64::from(query.offset));
    Ok(sql.build_query_as().fetch_all(pool).await?)
}

/// How many there are on all pages.
pub async fn count(pool: &PgPool, query: &CartQuery) -> Result<i64, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new("select count(*) from carts c where true");
    push_conditions(&mut sql, query);
    Ok(sql.build_query_scalar().fetch_one(pool).await?)
}

fn push_conditions(sql: &mut QueryBuilder<Postgres>, query: &CartQuery) {
    if let Some(blast) = query.blast {
        sql.push(" and c.blast_id = ").push_bind(blast);
    }
    if let Some(sender) = query.sender {
        sql.push(" and c.sender_id = ").push_bind(sender);
    }
    if let Some(state) = query.state {
        sql.push(" and c.state = ").push_bind(state).push("::text::cart_state");
    }
    if let Some(phone) = &query.phone {
        sql.push(" and person_key(c.phone_number) = person_key(").push_bind(phone.as_str().to_owned()).push(")");
    }
}

/// How many people of a blast have had a cart since before this moment, and ordered nothing.
pub async fn waiting_since(pool: &PgPool, blast: BlastId, before: DateTime<Utc>) -> Result<i64, StoreError> {
    let waiting = sqlx::query_scalar(
        "select count(distinct recipient_id) from waiting_carts where blast_id = $1 and since < $2 and recipient_id is not null",
    );
    Ok(waiting.bind(blast).bind(before).fetch_one(pool).await?)
}
