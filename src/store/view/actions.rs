//! What operators did.

use sqlx::{PgPool, Postgres, QueryBuilder};

use super::ActionRow;
use crate::domain::ids::{BlastId, RecipientId};
use crate::store::StoreError;

/// Which acts to list; everything absent matches all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ActionFilter {
    pub operator: Option<String>,
    pub blast: Option<BlastId>,
    pub recipient: Option<RecipientId>,
}

/// The newest acts that match, newest first; at most `limit`, 1 to 1,000.
pub async fn newest(pool: &PgPool, filter: &ActionFilter, limit: u32) -> Result<Vec<ActionRow>, StoreError> {
    let mut sql = QueryBuilder::<Postgres>::new(
        "select id, at, operator,
                case detail ->> 'stopped' when 'true' then 'stop-sender' when 'false' then 'resume-sender' else action end as action,
                blast_id, recipient_id, phone_number as phone, undone_at is not null as undone
           from operator_actions
          where true",
    );
    if let Some(operator) = &filter.operator {
        sql.push(" and operator = ").push_bind(operator.as_str());
    }
    if let Some(blast) = filter.blast {
        sql.push(" and blast_id = ").push_bind(blast);
    }
    if let Some(recipient) = filter.recipient {
        sql.push(" and recipient_id = ").push_bind(recipient);
    }
    sql.push(" order by id desc limit ").push_bind(i64::from(limit.clamp(1, 1_000)));
    Ok(sql.build_query_as().fetch_all(pool).await?)
}
