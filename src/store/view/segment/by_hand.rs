//! Messages that a step keeps clear of: those of follow-ups by hand of the same blast, and its very message by any blast; also where they were deleted since.

use chrono::TimeDelta;
use sqlx::{Postgres, QueryBuilder};

use super::StepAudience;
use crate::domain::ids::BlastId;
use crate::store::deleted_messages::{may_have_message, messages_of_deleted_blasts};
use crate::store::in_flight::flights_of;

/// A follow-up (`b`) that an operator made and sent.
pub(super) const BY_HAND: &str = "b.step_number is null and b.launched_at is not null";

/// A step waits for what repeats to have gone to the same people where that comes within this time.
const HELD_BY_REPEAT: TimeDelta = TimeDelta::hours(1);

/// A step of the blast that is followed.
type StepOf<'a> = (Option<BlastId>, &'a StepAudience);

/// What stands in the row of the step itself.
fn push_of_step(sql: &mut QueryBuilder<Postgres>, what: &str, (follows, step): StepOf<'_>) {
    sql.push(format_args!("(select {what} from "));
    push_own(sql, (follows, step));
    sql.push(" where own.blast = ").push_bind(follows).push(" and own.number = ").push_bind(step.number).push(")");
}

/// The step itself, as `own`: its row, or what that would be once it is written.
pub(super) fn push_own(sql: &mut QueryBuilder<Postgres>, (follows, step): StepOf<'_>) {
    let Some(to) = &step.unwritten else {
        sql.push("blast_steps own");
        return;
    };
    sql.push("(select ").push_bind(follows).push("::bigint as blast, ").push_bind(step.number);
    sql.push("::integer as number, ").push_bind(to.after.num_seconds()).push("::bigint as after_seconds, ");
    sql.push_bind(to.since.stage()).push("::text::recipient_status as since, ").push_bind(to.message.clone());
    sql.push("::text as message, ").push_bind(to.template.clone()).push("::jsonb as template) own");
}

/// What the step says, as `content_key` of a blast has it.
fn push_words(sql: &mut QueryBuilder<Postgres>, of: StepOf<'_>) {
    push_of_step(sql, "content_key(own.message, own.template)", of);
}

/// Whether the blast `b` says what the step says, and was not made by another step of the same blast: that two of its steps say the same is
/// how somebody wrote them, unless one was removed.
pub(super) fn push_repeats(sql: &mut QueryBuilder<Postgres>, of: StepOf<'_>) {
    sql.push("not exists (select from blast_steps other where other.blast = b.follows_blast and other.blast = ");
    sql.push_bind(of.0).push(" and other.number = b.step_number and other.removed_at is null) and ");
    push_has_words(sql, "b", of);
}

/// Whether a blast says what the step says.
fn push_has_words(sql: &mut QueryBuilder<Postgres>, blast: &str, of: StepOf<'_>) {
    sql.push(format_args!("content_key({blast}.message, {blast}.template) = "));
    push_words(sql, of);
}

/// Whether the row `o` of the blast `b` had the step's very message since the row `r` had its own, or is about to get it.
pub(super) fn push_same_words(sql: &mut QueryBuilder<Postgres>, of: StepOf<'_>) {
    sql.push("b.answer_until is null and (o.status = 'queued' and b.state in ('scheduled', 'sending', 'paused')");
    // What repeats says it again and again: it holds a step up shortly before its time alone.
    sql.push(" and (b.repeat_rule is null or b.scheduled_for < ").push_bind(of.1.now + HELD_BY_REPEAT);
    // Whoever is in flight gets it, whatever became of its blast.
    sql.push(concat!(") or o.status = 'queued' and exists (select from ", flights_of!("o."), ")"));
    sql.push(" or o.status not in ('queued', 'skipped', 'failed', 'opted_out')");
    sql.push(" and coalesce(o.sent_at, o.changed_at) >= coalesce(r.sent_at, r.changed_at)) and ");
    push_repeats(sql, of);
}

/// `or` whether the person of the row `r` had it since by a blast that was deleted: while its people are still there, and for 32 days
/// afterwards.
pub(super) fn push_had_words_of_deleted(sql: &mut QueryBuilder<Postgres>, business: &str, of: StepOf<'_>) {
    sql.push(concat!(" or exists (select ", messages_of_deleted_blasts!("r"), " and ds.business = "));
    sql.push_bind(business.to_owned()).push(" and d.at >= coalesce(r.sent_at, r.changed_at) and d.content = ");
    push_words(sql, of);
    sql.push(") or exists (select from blast_recipients d join blasts db on db.id = d.blast_id and db.deleted_at is not null");
    sql.push(" and db.answer_until is null join senders s on s.id = db.sender_id and s.business = ");
    sql.push_bind(business.to_owned());
    sql.push(concat!(" where person_key(d.phone_number) = person_key(r.phone_number) and ", may_have_message!("d.")));
    // Of those who are queued, whoever is in flight.
    sql.push(
        " and (d.status = 'queued' or coalesce(d.sent_at, d.changed_at) >= coalesce(r.sent_at, r.changed_at)) and ",
    );
    push_has_words(sql, "db", of);
    sql.push(")");
}

/// How many seconds the step waits.
pub(super) fn push_wait(sql: &mut QueryBuilder<Postgres>, of: StepOf<'_>) {
    push_of_step(sql, "own.after_seconds", of);
}

/// `or` whether the person of the row `r` had the step's very message in a follow-up by hand that was deleted since: while its people are
/// still there, and for 32 days afterwards.
pub(super) fn push_had_words(sql: &mut QueryBuilder<Postgres>, of: StepOf<'_>) {
    push_deleted_attempt(sql, of);
    sql.push(" and d.content = ");
    push_words(sql, of);
    sql.push(")");
    push_of_deleted(sql, of);
    sql.push(" and ");
    push_has_words(sql, "db", of);
    sql.push(")");
}

/// `or` whether they had any such follow-up a shorter time ago than the step waits.
pub(super) fn push_near(sql: &mut QueryBuilder<Postgres>, of: StepOf<'_>) {
    push_deleted_attempt(sql, of);
    sql.push(" and not d.of_step and d.content is not null and d.at > ");
    push_since(sql, of);
    sql.push(")");
    push_of_deleted(sql, of);
    sql.push(" and (d.status = 'queued' or coalesce(d.sent_at, d.changed_at) > ");
    push_since(sql, of);
    sql.push("))");
}

fn push_since(sql: &mut QueryBuilder<Postgres>, (follows, step): StepOf<'_>) {
    sql.push_bind(step.now).push(" - make_interval(secs => ");
    push_wait(sql, (follows, step));
    sql.push(")");
}

fn push_deleted_attempt(sql: &mut QueryBuilder<Postgres>, (follows, _): StepOf<'_>) {
    sql.push(
        " or exists (select from deleted_attempts d where person_key(d.phone_number) = person_key(r.phone_number)",
    );
    sql.push(" and not d.refused and not d.failed and d.followed = ").push_bind(follows);
}

fn push_of_deleted(sql: &mut QueryBuilder<Postgres>, (follows, _): StepOf<'_>) {
    sql.push(
        " or exists (select from blast_recipients d join blasts db on db.id = d.blast_id and db.deleted_at is not null",
    );
    sql.push(" and db.step_number is null where person_key(d.phone_number) = person_key(r.phone_number)");
    sql.push(concat!(" and ", may_have_message!("d."), " and db.follows_blast = "));
    sql.push_bind(follows);
}
