//! Follow-ups that operators make by hand, as far as the steps of the same blast keep clear of them, also of those that were deleted since.

use sqlx::{Postgres, QueryBuilder};

use super::StepAudience;
use crate::domain::ids::BlastId;

/// A follow-up (`b`) that an operator made and sent.
pub(super) const BY_HAND: &str = "b.step_number is null and b.launched_at is not null";

/// A step of the blast that is followed.
type StepOf = (Option<BlastId>, StepAudience);

/// What stands in the row of the step itself.
fn push_of_step(sql: &mut QueryBuilder<Postgres>, what: &str, (follows, step): StepOf) {
    sql.push(format_args!("(select {what} from blast_steps own where own.blast = ")).push_bind(follows);
    sql.push(" and own.number = ").push_bind(step.number).push(")");
}

/// What the step says, as `content_key` of a blast has it.
pub(super) fn push_words(sql: &mut QueryBuilder<Postgres>, of: StepOf) {
    push_of_step(sql, "content_key(own.message, own.template)", of);
}

/// How many seconds the step waits.
pub(super) fn push_wait(sql: &mut QueryBuilder<Postgres>, of: StepOf) {
    push_of_step(sql, "own.after_seconds", of);
}

/// `or` whether the person of the row `r` had the step's very message in a follow-up by hand that was deleted since: while its people are
/// still there, and for 32 days afterwards.
pub(super) fn push_had_words(sql: &mut QueryBuilder<Postgres>, of: StepOf) {
    push_deleted_attempt(sql, of);
    sql.push(" and d.content = ");
    push_words(sql, of);
    sql.push(")");
    push_of_deleted(sql, of);
    sql.push(" and content_key(db.message, db.template) = ");
    push_words(sql, of);
    sql.push(")");
}

/// `or` whether they had any such follow-up a shorter time ago than the step waits.
pub(super) fn push_near(sql: &mut QueryBuilder<Postgres>, of: StepOf) {
    push_deleted_attempt(sql, of);
    sql.push(" and d.content is not null and d.at > ");
    push_since(sql, of);
    sql.push(")");
    push_of_deleted(sql, of);
    sql.push(" and coalesce(d.sent_at, d.changed_at) > ");
    push_since(sql, of);
    sql.push(")");
}

fn push_since(sql: &mut QueryBuilder<Postgres>, (follows, step): StepOf) {
    sql.push_bind(step.now).push(" - make_interval(secs => ");
    push_wait(sql, (follows, step));
    sql.push(")");
}

fn push_deleted_attempt(sql: &mut QueryBuilder<Postgres>, (follows, _): StepOf) {
    sql.push(
        " or exists (select from deleted_attempts d where person_key(d.phone_number) = person_key(r.phone_number)",
    );
    sql.push(" and not d.refused and d.followed = ").push_bind(follows);
}

fn push_of_deleted(sql: &mut QueryBuilder<Postgres>, (follows, _): StepOf) {
    sql.push(
        " or exists (select from blast_recipients d join blasts db on db.id = d.blast_id and db.deleted_at is not null",
    );
    sql.push(" and db.step_number is null where person_key(d.phone_number) = person_key(r.phone_number)");
    sql.push(" and (d.status between 'sent' and 'closed' or d.status = 'uncertain') and db.follows_blast = ");
    sql.push_bind(follows);
}
