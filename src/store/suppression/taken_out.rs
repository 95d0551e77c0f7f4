//! Where acts that opted people out took them out of other blasts, too.

use sqlx::PgConnection;

use crate::domain::ids::{ActionId, BlastId, RecipientId};
use crate::store::StoreError;

/// Somebody in another blast than the one that they were marked in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct TakenOut {
    pub id: RecipientId,
    pub blast: BlastId,
    /// The blast is open, and nothing goes to them in it.
    pub keeps_out: bool,
    /// Somebody started or resumed the blast since, and confirmed the number of its people without them.
    pub is_confirmed_without: bool,
}

/// Whom these acts opted out elsewhere, without those whom an act of their own opted out there, by id. A row and the act
/// that changed it have the same time.
pub async fn taken_out_by(tx: &mut PgConnection, acts: &[ActionId]) -> Result<Vec<TakenOut>, StoreError> {
    let taken_out = sqlx::query_as(
        "select distinct r.id, r.blast_id as blast,
                r.status = 'opted_out' and b.state in ('draft', 'scheduled', 'sending', 'paused') as keeps_out,
                r.status = 'opted_out' and b.state in ('scheduled', 'sending', 'paused')
                and (coalesce(b.launched_at > a.at, false)
                     or exists (select from operator_actions l
                                 where l.blast_id = b.id and l.action in ('launch', 'resume')
                                   and l.undone_at is null and l.at > a.at)) as is_confirmed_without
           from operator_actions a
           join blast_recipients r on person_key(r.phone_number) = person_key(a.phone_number) and r.opted_out_at = a.at
           join blasts b on b.id = r.blast_id and b.deleted_at is null
          where a.id = any($1) and a.action = 'opt-out'
            and not exists (select from operator_actions own
                             where own.recipient_id = r.id and own.action = 'opt-out' and own.undone_at is null)
          order by r.id",
    );
    Ok(taken_out.bind(acts).fetch_all(tx).await?)
}
