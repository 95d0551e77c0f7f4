//! What suppresses people now, and who said so.

use sqlx::{AssertSqlSafe, PgConnection};

use super::taken_back::ACTS_THAT_HOLD;
use crate::domain::ids::BlastId;
use crate::store::StoreError;

/// A suppression, with the newest act that it stands by.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct StandingSuppression {
    /// As it was asked for.
    pub phone: String,
    /// `*` for all.
    pub business: String,
    /// `person`, `provider` or `operator`.
    pub source: String,
    pub reason: Option<String>,
    /// Who added it, or whose act holds it.
    pub by: Option<String>,
    /// The blast of the mark that holds it; `None` where no mark does.
    pub marked_in: Option<BlastId>,
    /// The number that is marked there: WhatsApp may know the person by several.
    pub marked_as: Option<String>,
}

/// What holds for these numbers, each in a business, of that business and of every one.
pub async fn standing(tx: &mut PgConnection, people: &[(&str, &str)]) -> Result<Vec<StandingSuppression>, StoreError> {
    let (phones, businesses): (Vec<&str>, Vec<&str>) = people.iter().copied().unzip();
    let standing = sqlx::query_as(AssertSqlSafe(format!(
        "{ACTS_THAT_HOLD}
         select distinct on (p.phone, x.business) p.phone, x.business, x.source, x.reason,
                case when x.source = 'operator' then coalesce(h.operator, x.created_by) else x.created_by end as by,
                case when x.source = 'operator' and h.action = 'opt-out' then h.blast_id end as marked_in,
                case when x.source = 'operator' and h.action = 'opt-out' then h.phone_number end as marked_as
           from unnest($1::text[], $2::text[]) as p (phone, business)
           join suppressions x
             on person_key(x.phone_number) = person_key(p.phone) and x.business in (p.business, '*')
           left join lateral (select a.operator, a.action, a.blast_id, a.phone_number
                                from held h join acts a on a.id = h.id and a.person = h.person
                               where h.person = person_key(x.phone_number)
                                 and (h.business = x.business or h.business is null)
                               order by a.action desc, a.id desc limit 1) h on true
          order by 1, 2"
    )));
    Ok(standing.bind(phones).bind(businesses).fetch_all(tx).await?)
}
