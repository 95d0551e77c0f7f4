//! Opt-outs follow a sender: into another business, under another name, to another phone. An edited configuration never gets a
//! message to somebody who opted out; at worst somebody is left out who did not have to be.

use sqlx::{AssertSqlSafe, PgConnection};

use crate::domain::ids::SenderId;
use crate::store::StoreError;
use crate::store::suppression::MEETS;

/// A sender whose row changed, and its business before and now.
#[derive(Debug, Clone)]
pub(super) struct SenderMove {
    pub id: SenderId,
    pub from: String,
    pub to: String,
}

/// From one business to another, in two columns.
#[derive(Debug, Default)]
struct BusinessPairs {
    sources: Vec<String>,
    businesses: Vec<String>,
}

impl BusinessPairs {
    fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let (sources, businesses) = pairs.into_iter().unzip();
        Self { sources, businesses }
    }

    fn extend(&mut self, other: Self) {
        self.sources.extend(other.sources);
        self.businesses.extend(other.businesses);
    }

    fn is_empty(&self) -> bool {
        self.sources.is_empty()
    }
}

/// Carries opt-outs over to whom they hold for now. The rows of these senders are locked and up to date.
pub(super) async fn over(tx: &mut PgConnection, made: &[SenderId], moved: &[SenderMove]) -> Result<(), StoreError> {
    let ids: Vec<i64> = made.iter().copied().chain(moved.iter().map(|moved| moved.id)).map(|id| id.0).collect();
    note_devices(tx, &ids).await?;
    let into_another = moved.iter().filter(|moved| moved.from != moved.to);
    let mut pairs = BusinessPairs::of(into_another.map(|moved| (moved.from.clone(), moved.to.clone())));
    pairs.extend(of_unknown_devices(tx, made).await?);
    let linked = link(tx, &pairs, &ids).await?;
    pairs.extend(linked);
    if pairs.is_empty() {
        return Ok(());
    }
    copy(tx, &pairs).await
}

async fn note_devices(tx: &mut PgConnection, ids: &[i64]) -> Result<(), StoreError> {
    sqlx::query(
        "insert into sender_devices (provider, address, device, sender_id)
         select provider, address, device, id from senders
          where id = any($1) and address is not null and device is not null
          order by id
         on conflict do nothing",
    )
    .bind(ids)
    .execute(tx)
    .await?;
    Ok(())
}

/// Nobody knows which phone a sender was that has not been configured since a version that did not note it: a new one may
/// be the same under another name.
async fn of_unknown_devices(tx: &mut PgConnection, made: &[SenderId]) -> Result<BusinessPairs, StoreError> {
    let pairs: Vec<(String, String)> = sqlx::query_as(
        "select distinct o.business, n.business
           from senders o join senders n on n.id = any($1) and n.business <> o.business
          where o.device is null and exists (select 1 from suppressions x where x.business = o.business)",
    )
    .bind(made)
    .fetch_all(tx)
    .await?;
    Ok(BusinessPairs::of(pairs))
}

/// Links for opt-outs to come: from a business that no sender has any more (somebody may still name it), and among all
/// senders that are or were the same phone, through a business that stands for the phone. Returns the new ones.
async fn link(tx: &mut PgConnection, pairs: &BusinessPairs, ids: &[i64]) -> Result<BusinessPairs, StoreError> {
    let linked: Vec<(String, String)> = sqlx::query_as(
        "with shared as (
             select distinct hub, business
               from (select format('device %s at %s', o.device, o.address) as hub, s.business,
                            min(s.business) over phone <> max(s.business) over phone as is_shared
                       from sender_devices o join senders s on s.id = o.sender_id
                      where (o.provider, o.address, o.device) in (select m.provider, m.address, m.device
                                                                    from sender_devices m where m.sender_id = any($3))
                     window phone as (partition by o.provider, o.address, o.device)) as known
              where is_shared and hub <> business)
         insert into opt_out_links (source, business)
         select source, business from unnest($1::text[], $2::text[]) as moved (source, business)
          where not exists (select 1 from senders s where s.business = moved.source)
          union select hub, business from shared
          union select business, hub from shared
         on conflict do nothing
         returning source, business",
    )
    .bind(&pairs.sources)
    .bind(&pairs.businesses)
    .bind(ids)
    .fetch_all(tx)
    .await?;
    Ok(BusinessPairs::of(linked))
}

/// Copies what there is; the links carry it on from there. Nobody adds an opt-out meanwhile.
async fn copy(tx: &mut PgConnection, pairs: &BusinessPairs) -> Result<(), StoreError> {
    sqlx::query("lock table suppressions in share row exclusive mode").execute(&mut *tx).await?;
    let sql = format!(
        "insert into suppressions as s (business, phone_number, reason, source, created_by, created_at,
                                        operator_reason, operator_by, operator_at)
         select distinct on (p.business, person_key(x.phone_number))
                p.business, x.phone_number, x.reason, x.source, x.created_by, x.created_at,
                x.operator_reason, x.operator_by, x.operator_at
           from unnest($1::text[], $2::text[]) as p (source, business)
           join suppressions x on x.business = p.source
          order by p.business, person_key(x.phone_number), x.source = 'operator', x.created_at
         {MEETS}"
    );
    sqlx::query(AssertSqlSafe(sql)).bind(&pairs.sources).bind(&pairs.businesses).execute(tx).await?;
    Ok(())
}
