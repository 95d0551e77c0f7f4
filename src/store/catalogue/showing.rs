//! Products that a message may show: of what WhatsApp has for the sender's account, where that was read; else of any catalogue.

use sqlx::{FromRow, PgPool};

use crate::domain::ids::BlastId;
use crate::store::StoreError;

/// The catalogues whose products a blast's message may show, and `others`, which the business has beside them. `$1`: the blast.
macro_rules! catalogues {
    () => {
        "own as (
             select k.id, k.name,
                    k.source = 'meta' and (k.accounts = '{}' or s.account is null or s.account = any(k.accounts)) as is_metas
               from blasts b join senders s on s.id = b.sender_id join catalogues k on k.business = s.business
              where b.id = $1),
         shown as (select id from own where is_metas or not exists (select from own where is_metas))"
    };
}

/// Something that a catalogue has now.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct KnownItem {
    pub sku: String,
    pub availability: String,
    pub inventory: Option<i64>,
    pub catalogue: String,
    /// WhatsApp has no such product of the sender's: it has a catalogue of its own, and this is another.
    pub is_elsewhere: bool,
}

/// Whether the business of a blast has a catalogue.
pub async fn has_any(pool: &PgPool, blast: BlastId) -> Result<bool, StoreError> {
    let has_any = sqlx::query_scalar(
        "select exists (select from catalogues c join senders s on s.business = c.business join blasts b on b.sender_id = s.id
                         where b.id = $1)",
    );
    Ok(has_any.bind(blast).fetch_one(pool).await?)
}

/// Those of these products that the catalogues of a blast's business have now.
pub async fn known(pool: &PgPool, blast: BlastId, skus: &[&str]) -> Result<Vec<KnownItem>, StoreError> {
    let known = sqlx::query_as(concat!(
        "with ",
        catalogues!(),
        "
         select c.sku, c.availability, c.inventory, own.name as catalogue, own.id not in (select id from shown) as is_elsewhere
           from own join catalogue_items c on c.catalogue_id = own.id
          where c.sku = any($2) and c.removed_at is null
          order by own.name, own.id"
    ));
    Ok(known.bind(blast).bind(skus).fetch_all(pool).await?)
}

/// Somebody whose own product cannot be bought, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct UnsoldRow {
    pub phone_number: String,
    pub sku: String,
    /// A catalogue that WhatsApp shows has it: it is sold out.
    pub is_known: bool,
    /// Another catalogue that has it.
    pub elsewhere: Option<String>,
    pub people: i64,
}

/// The first people in a blast's queue whose value of a column is no product that can be bought now.
pub async fn unsold(pool: &PgPool, (blast, column): (BlastId, &str), limit: i64) -> Result<Vec<UnsoldRow>, StoreError> {
    let first = sqlx::query_as(concat!(
        "with ",
        catalogues!(),
        ",
         items as (
             select c.sku, bool_or(own.id in (select id from shown)) as is_shown, min(own.name) as catalogue,
                    bool_or(own.id in (select id from shown) and c.inventory is distinct from 0
                            and lower(c.availability) not in ('out of stock', 'discontinued')) as is_sold
               from own join catalogue_items c on c.catalogue_id = own.id
              where c.removed_at is null group by 1)
         select r.phone_number, trim(coalesce(r.variables ->> $2, '')) as sku, coalesce(i.is_shown, false) as is_known,
                case when not i.is_shown then i.catalogue end as elsewhere, count(*) over () as people
           from blast_recipients r left join items i on i.sku = trim(r.variables ->> $2)
          where r.blast_id = $1 and r.status = 'queued' and i.is_sold is not true
          order by r.id limit $3"
    ));
    Ok(first.bind(blast).bind(column).bind(limit).fetch_all(pool).await?)
}
