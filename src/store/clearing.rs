//! What is done to everybody in a blast, a few thousand people at a time: no lock is held for longer than a moment, no
//! transaction stays open while a million rows change, and whoever goes on where another ended does nothing twice.

use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use super::evidence::WhenLocked;
use super::in_flight::{self, not_in_flight};
use super::{StoreError, fence, settings, step};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::status::Status;

/// People of one transaction: a tenth of a second.
const AT_ONCE: i64 = 2_000;

/// A process that has not touched its blast for this long has ended.
const SILENT_SECONDS: f64 = 30.0;

/// What happens to a blast's people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClearingKind {
    /// Cancelled, or it repeated and is over: who is still queued is left out.
    LeaveOut,
    /// Deleted: everybody goes, then the blast. Recipients in flight go once their outcome is known.
    Remove,
}

/// Clearing that is not finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clearing {
    pub blast: BlastId,
    pub kind: ClearingKind,
}

/// Marks a blast as deleted, if its version is still the one that was seen: from here on nobody sees it, nor the answers to
/// its people. `false`: somebody was first.
pub async fn mark_deleted(tx: &mut PgConnection, id: BlastId, version: i64) -> Result<bool, StoreError> {
    fence::require_whole(&mut *tx).await?;
    let done = sqlx::query(
        "update blasts set deleted_at = now(), updated_at = now(), version = version + 1
          where id = $1 and version = $2 and deleted_at is null",
    )
    .bind(id)
    .bind(version)
    .execute(&mut *tx)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query(
        "update blasts
            set deleted_at = now(), updated_at = now(), version = version + 1, state_reason = 'its blast was deleted',
                state = case when state in ('sending', 'paused') then 'cancelled' else state end
          where answers_blast = $1 and deleted_at is null",
    )
    .bind(id)
    .execute(&mut *tx)
    .await?;
    Ok(true)
}

/// The answers to the people of a deleted blast, which go with it.
pub async fn deleted_answers(pool: &PgPool, blast: BlastId) -> Result<Vec<BlastId>, StoreError> {
    let answers = sqlx::query_scalar("select id from blasts where answers_blast = $1 and deleted_at is not null");
    Ok(answers.bind(blast).fetch_all(pool).await?)
}

/// Whether a blast is unfinished. In a deleted blast, recipients in flight have to be settled first.
const IS_LEFT: &str = concat!(
    "(b.deleted_at is not null
         and (not exists (select 1 from blast_recipients r where r.blast_id = b.id)
              or exists (select 1 from blast_recipients r where r.blast_id = b.id and ",
    not_in_flight!("r."),
    "))
      or b.deleted_at is null and (b.state = 'cancelled' or b.state = 'completed' and b.repeat_rule is not null)
         and exists (select 1 from blast_recipients r where r.blast_id = b.id and r.status = 'queued' and ",
    not_in_flight!("r."),
    "))"
);

/// Cancelled and deleted blasts that are not finished and that no process has touched for a while: whoever began has
/// ended in the middle. Those that wait longest come first.
pub async fn abandoned(pool: &PgPool) -> Result<Vec<Clearing>, StoreError> {
    left_since(pool, SILENT_SECONDS).await
}

/// Cancelled and deleted blasts that are not finished, whether or not somebody is at it.
pub async fn unfinished(pool: &PgPool) -> Result<Vec<Clearing>, StoreError> {
    left_since(pool, 0.0).await
}

async fn left_since(pool: &PgPool, seconds: f64) -> Result<Vec<Clearing>, StoreError> {
    let mut tx = settings::begin_hot_path(pool).await?;
    let rows: Vec<(BlastId, bool)> = sqlx::query_as(AssertSqlSafe(format!(
        "select b.id, b.deleted_at is not null
           from blasts b
          where (b.deleted_at is not null or b.state = 'cancelled' or b.state = 'completed' and b.repeat_rule is not null)
            and b.updated_at <= now() - make_interval(secs => $1) and {IS_LEFT}
          order by b.updated_at, b.id"
    )))
    .bind(seconds)
    .fetch_all(&mut *tx)
    .await?;
    tx.commit().await?;
    let left = |(blast, deleted)| Clearing {
        blast,
        kind: if deleted { ClearingKind::Remove } else { ClearingKind::LeaveOut },
    };
    Ok(rows.into_iter().map(left).collect())
}

/// What is left to be done to a blast that was cancelled or deleted. `None`: nothing, or there is no such blast.
pub async fn unfinished_of(pool: &PgPool, blast: BlastId) -> Result<Option<Clearing>, StoreError> {
    Ok(unfinished(pool).await?.into_iter().find(|left| left.blast == blast))
}

impl Clearing {
    /// Clears everybody. Returns how many.
    pub async fn finish(self, pool: &PgPool) -> Result<i64, StoreError> {
        let mut walk = self.walk(WhenLocked::Wait);
        let mut people = 0;
        while let Some(some) = walk.step(pool).await? {
            people += some;
        }
        Ok(people)
    }

    /// Begins with the first of them.
    pub const fn walk(self, when_locked: WhenLocked) -> ClearingCursor {
        ClearingCursor { left: self, when_locked, after: None }
    }
}

/// Clearing in progress. Remembers where it is: those behind it are dead rows, which a long transaction elsewhere would make
/// every step pass by again.
#[derive(Debug)]
pub struct ClearingCursor {
    left: Clearing,
    when_locked: WhenLocked,
    after: Option<ClearingPosition>,
}

/// A person's place in the index `(blast_id, status, id)`.
type ClearingPosition = (Status, RecipientId);

impl ClearingCursor {
    pub const fn blast(&self) -> BlastId {
        self.left.blast
    }

    /// Clears the next few. Returns how many; `None` when it is done.
    pub async fn step(&mut self, pool: &PgPool) -> Result<Option<i64>, StoreError> {
        let mut tx = settings::begin_hot_path(pool).await?;
        // The blast first, as everywhere; and others see that somebody is at it.
        sqlx::query("update blasts set updated_at = now() where id = $1")
            .bind(self.left.blast)
            .execute(&mut *tx)
            .await?;
        if self.left.kind == ClearingKind::Remove {
            fence::require_whole(&mut tx).await?;
        }
        let people = self.next(&mut tx).await?;
        let begins_anew = people.is_empty() && self.after.is_some();
        if !people.is_empty() {
            self.left.change(&mut tx, &people).await?;
        } else if !begins_anew {
            self.left.end(&mut tx).await?;
        }
        tx.commit().await?;
        self.after = people.last().copied();
        // Whoever changed meanwhile may stand behind the walk: it is over when nobody is found from the start.
        let done = people.is_empty() && !begins_anew;
        Ok((!done).then(|| i64::try_from(people.len()).unwrap_or(i64::MAX)))
    }

    /// The next people, locked. Where whoever is locked by somebody else is passed by, the blast is still unfinished, and
    /// the engine comes back to it. Nobody is queued anew in a cancelled blast: a requeue reads the blast under lock.
    async fn next(&self, tx: &mut PgConnection) -> Result<Vec<ClearingPosition>, StoreError> {
        let (status, id) = self.after.unwrap_or((Status::Queued, RecipientId(0)));
        let (whom, blast) = match self.left.kind {
            ClearingKind::LeaveOut => {
                ("r.status = 'queued'", "(state = 'cancelled' or state = 'completed' and repeat_rule is not null)")
            }
            ClearingKind::Remove => ("true", "deleted_at is not null"),
        };
        let locked = match self.when_locked {
            WhenLocked::Wait => "",
            WhenLocked::Skip => "skip locked",
        };
        let people = sqlx::query_as(AssertSqlSafe(format!(
            "select r.status::text, r.id from blast_recipients r
              where r.blast_id = $1 and {whom} and (r.status, r.id) > ($2::text::recipient_status, $3)
                and exists (select 1 from blasts where id = $1 and {blast}) and {}
              order by r.status, r.id limit $4 for update of r {locked}",
            not_in_flight!("r.")
        )));
        let people: Vec<ClearingPosition> =
            people.bind(self.left.blast).bind(status).bind(id).bind(AT_ONCE).fetch_all(&mut *tx).await?;
        // Some may have come into flight before they were locked.
        let flying = in_flight::among(tx, people.iter().map(|(_, id)| *id)).await?;
        Ok(people.into_iter().filter(|(_, id)| !flying.contains_key(id)).collect())
    }
}

impl Clearing {
    /// Attempts, answers and counts of those who are removed go by the table's own triggers.
    async fn change(self, tx: &mut PgConnection, people: &[ClearingPosition]) -> Result<(), StoreError> {
        let statement = match self.kind {
            ClearingKind::LeaveOut => LEAVE_OUT,
            ClearingKind::Remove => "delete from blast_recipients where blast_id = $1 and id = any($2)",
        };
        let ids: Vec<i64> = people.iter().map(|(_, id)| id.0).collect();
        if self.kind == ClearingKind::Remove {
            step::keep_people(tx, self.blast, &ids).await?;
        }
        sqlx::query(statement).bind(self.blast).bind(ids).execute(tx).await?;
        Ok(())
    }

    /// After the last of them.
    async fn end(self, tx: &mut PgConnection) -> Result<(), StoreError> {
        if self.kind == ClearingKind::Remove {
            sqlx::query(
                "delete from blasts b where b.id = $1 and b.deleted_at is not null
                    and not exists (select 1 from blast_recipients r where r.blast_id = b.id)",
            )
            .bind(self.blast)
            .execute(tx)
            .await?;
        }
        Ok(())
    }
}

const LEAVE_OUT: &str = "
    with left_out as (
        update blast_recipients r
           set status = 'skipped', standing = 'skipped', changed_at = now(), reason = b.state_reason
          from blasts b
         where b.id = $1 and r.id = any($2)
     returning r.id, r.blast_id, r.attempt, b.state_reason, b.state_by)
    insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, by_whom, metadata)
    select blast_id, id, attempt, 'queued', 'skipped', 'operator', state_by, jsonb_build_object('why', state_reason)
      from left_out";
