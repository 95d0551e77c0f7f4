//! That nobody gets a step twice, also where its blast was deleted.

use sqlx::{Postgres, QueryBuilder};

use super::StepAudience;
use crate::domain::ids::BlastId;
use crate::store::in_flight::current;

/// Whether the person of the row `r` had the step by a blast that was deleted since, or may get it yet. Their own row in that blast says so
/// while it is there, which is until the outcome of whoever is in flight is known; afterwards what was kept of it does.
pub(super) fn push_had_by_deleted(sql: &mut QueryBuilder<Postgres>, follows: Option<BlastId>, step: &StepAudience) {
    sql.push("exists (select from blast_step_people h where h.recipient = r.id and h.number = ");
    sql.push_bind(step.number).push(" and h.blast = ").push_bind(follows);
    sql.push(
        ") or exists (select from blast_recipients d join blasts db on db.id = d.blast_id and db.deleted_at is not null",
    );
    sql.push(" and db.launched_at is not null where person_key(d.phone_number) = person_key(r.phone_number)");
    sql.push(" and db.follows_blast = ").push_bind(follows).push(" and db.step_number = ").push_bind(step.number);
    sql.push(concat!(" and ", current!("d.", status), " not in ('skipped', 'queued'))"));
}
