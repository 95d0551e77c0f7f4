//! The act by which a blast sends.

use sqlx::PgConnection;

use super::LoggedAction;
use crate::domain::ids::{ActionId, BlastId};
use crate::store::StoreError;

/// A condition: an act on a blast of `$1`'s sender stands. Once that is stopped again, no act of before that let it go on has anything sent.
macro_rules! stands {
    () => {
        "not (coalesce(jsonb_typeof(detail -> 'stop') = 'object', false)
                     and exists (select from blasts b join senders s on s.id = b.sender_id where b.id = $1 and s.stopped_at is not null))"
    };
}

/// What a blast sends by: its newest launch or resume, or a later change of its hours that had it wait a moment first; or an act on another
/// blast that let their sender go on, while it waits by that: an act and what it arms have the time of one transaction.
pub async fn newest_start(tx: &mut PgConnection, blast: BlastId) -> Result<Option<LoggedAction>, StoreError> {
    let action = sqlx::query_as(concat!(
        "select id, at, operator, action, blast_id, recipient_id, phone_number, detail
           from (select * from operator_actions
                  where blast_id = $1 and undone_at is null
                    and (action in ('launch', 'resume') or action = 'edit' and detail -> 'hours' is not null)
                  union all
                 select a.* from blasts b
                   join blasts o on o.sender_id = b.sender_id and o.id <> b.id
                   join operator_actions a on a.blast_id = o.id and a.at = b.armed_at
                  where b.id = $1 and b.state = 'sending' and a.undone_at is null and a.action = 'resume' and jsonb_typeof(a.detail -> 'stop') = 'object') acts
          where ",
        stands!(),
        " order by id desc limit 1"
    ));
    Ok(action.bind(blast).fetch_optional(tx).await?)
}

/// Who let the sender of an act's blast go on after that, where it is not taken back: the newest of them.
pub async fn let_go_on_since(tx: &mut PgConnection, act: &LoggedAction) -> Result<Option<String>, StoreError> {
    let by = sqlx::query_scalar(
        "select a.operator from blasts b
           join blasts o on o.sender_id = b.sender_id
           join operator_actions a on a.blast_id = o.id and a.id > $2
          where b.id = $1 and a.undone_at is null and a.action = 'resume' and jsonb_typeof(a.detail -> 'stop') = 'object'
          order by a.id desc limit 1",
    );
    Ok(by.bind(act.blast_id).bind(act.id).fetch_optional(tx).await?)
}

/// Who took back the newest launch or resume of a blast; `None` where that stands.
pub async fn newest_taken_back_by(tx: &mut PgConnection, blast: BlastId) -> Result<Option<String>, StoreError> {
    let by = sqlx::query_scalar::<_, Option<String>>(
        "select undone_by from operator_actions
          where blast_id = $1 and action in ('launch', 'resume')
          order by id desc limit 1",
    );
    Ok(by.bind(blast).fetch_optional(tx).await?.flatten())
}

/// The newest launch or resume of a blast that is not taken back.
pub async fn newest_launch(tx: &mut PgConnection, blast: BlastId) -> Result<Option<LoggedAction>, StoreError> {
    launch_before(tx, blast, ActionId(i64::MAX)).await
}

/// The same of those before an act.
pub async fn launch_before(
    tx: &mut PgConnection,
    of: BlastId,
    act: ActionId,
) -> Result<Option<LoggedAction>, StoreError> {
    let action = sqlx::query_as(concat!(
        "select id, at, operator, action, blast_id, recipient_id, phone_number, detail from operator_actions
          where blast_id = $1 and id < $2 and undone_at is null and action in ('launch', 'resume') and ",
        stands!(),
        " order by id desc limit 1"
    ));
    Ok(action.bind(of).bind(act).fetch_optional(tx).await?)
}

/// The newest launch of a blast out of a draft that is not taken back, whatever started it again since; `noted`: under which it says how that
/// draft waited.
pub async fn newest_launch_of_draft(
    tx: &mut PgConnection,
    blast: BlastId,
    noted: &str,
) -> Result<Option<LoggedAction>, StoreError> {
    let action = sqlx::query_as(
        "select id, at, operator, action, blast_id, recipient_id, phone_number, detail from operator_actions
          where blast_id = $1 and undone_at is null and action = 'launch' and detail -> $2::text is not null
          order by id desc limit 1",
    );
    Ok(action.bind(blast).bind(noted).fetch_optional(tx).await?)
}
