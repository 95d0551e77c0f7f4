//! The frequency cap of a business: who had another message within it, or is about to get one.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::{SegmentQuery, ids, merged, push_near_step, push_step_gap};
use crate::domain::filter::segment::Exclusion;
use crate::domain::ids::RecipientId;
use crate::store::StoreError;
use crate::store::answered::skip_locked;
use crate::store::deleted_messages::messages_of_deleted_blasts;
use crate::store::in_flight::flights_of;

/// Within what time nobody gets a second message of a business.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CapWindow {
    /// A message since then counts.
    pub since: DateTime<Utc>,
    /// One of a blast that is scheduled to start between these times counts.
    pub starts: (DateTime<Utc>, DateTime<Utc>),
}

impl CapWindow {
    /// The window of a blast that starts at its time, or `now`: a little less than the cap, since of what goes out at the same hour each week
    /// nobody's message comes exactly a week after the one before.
    pub fn of(cap: TimeDelta, now: DateTime<Utc>, start: Option<DateTime<Utc>>) -> Self {
        let start = start.map_or(now, |start| start.max(now));
        let cap = cap - (cap / 24).min(TimeDelta::hours(1));
        Self { since: start - cap, starts: (start - cap, start + cap) }
    }
}

/// Whether the row `o` of the blast `b` is a message since then, or one that is about to go. As a plan counts them: what failed was none.
pub(super) fn push_recent(sql: &mut QueryBuilder<Postgres>, query: SegmentQuery<'_>, cap: CapWindow) {
    let CapWindow { since, starts: (from, until) } = cap;
    sql.push("b.answer_until is null and not b.id = any(").push_bind(ids(query.segment)).push(")");
    sql.push(" and (o.status between 'sent' and 'closed' and o.sent_at > ").push_bind(since);
    sql.push(" or o.status = 'uncertain' and o.changed_at > ").push_bind(since);
    // Whoever is in flight gets it, whatever became of its blast.
    sql.push(concat!(
        " or o.status = 'queued' and (b.state = 'sending' or exists (select from ",
        flights_of!("o."),
        ")"
    ));
    // What is paused goes on at any time, unless it has not begun and waits for its own.
    sql.push(" or b.state = 'paused' and b.repeat_rule is null");
    sql.push(" and (b.launched_at is not null or b.scheduled_for <= now() or b.scheduled_for is null)");
    sql.push(" or b.state in ('scheduled', 'paused') and b.scheduled_for > ").push_bind(from);
    sql.push(" and b.scheduled_for < ").push_bind(until).push(" and (b.repeat_rule is null");
    push_repeats_to_a_list(sql, query);
    sql.push(")))");
}

/// Or whether the blast `b` repeats, its next time goes to a list of its own, and neither this blast is one of its times nor one that the
/// filter names. Of one to whom a filter finds nobody knows yet who that is; while it is paused, a time that has passed comes no more.
fn push_repeats_to_a_list(sql: &mut QueryBuilder<Postgres>, query: SegmentQuery<'_>) {
    let own: Vec<i64> = ids(query.segment).into_iter().chain(query.draft.map(|draft| draft.0)).collect();
    sql.push(" or b.segment is null and (b.state = 'scheduled' or b.scheduled_for > now())");
    sql.push(" and not exists (select from blasts own where own.pattern_blast = b.id and own.id = any(");
    sql.push_bind(own).push("))");
}

/// Or whether a person had a message by a blast that was deleted since: while its people are still there, and afterwards.
pub(super) fn push_recent_of_deleted(sql: &mut QueryBuilder<Postgres>, query: SegmentQuery<'_>) {
    let Some(CapWindow { since, .. }) = query.capped else { return };
    sql.push(concat!(" or exists (select ", messages_of_deleted_blasts!("r"), " and ds.business = "));
    sql.push_bind(query.business.to_owned()).push(" and d.at > ").push_bind(since).push(")");
    sql.push(
        " or exists (select from blast_recipients d join blasts b on b.id = d.blast_id and b.deleted_at is not null",
    );
    sql.push(" and b.answer_until is null join senders s on s.id = b.sender_id and s.business = ");
    sql.push_bind(query.business.to_owned());
    sql.push(
        " where person_key(d.phone_number) = person_key(r.phone_number) and (d.status between 'sent' and 'closed'",
    );
    sql.push(" and d.sent_at > ").push_bind(since).push(" or d.status = 'uncertain' and d.changed_at > ");
    sql.push_bind(since).push(concat!(" or d.status = 'queued' and exists (select from ", flights_of!("d."), ")))"));
}

/// Whether the row `o` of the blast `b` counts under the frequency cap.
pub(super) fn push_capped(sql: &mut QueryBuilder<Postgres>, query: SegmentQuery<'_>, cap: CapWindow) {
    push_recent(sql, query, cap);
    if let Some(step) = query.step {
        // What keeps the distance of steps is their own rule.
        sql.push(" and (b.follows_blast = ").push_bind(query.follows).push(" and ");
        push_step_gap(sql, query.follows, step);
        sql.push(" is not null) is not true");
    }
}

/// Whether somebody queued in a draft is about to get a message within the frequency cap by a blast that was launched, scheduled or retried
/// while the draft's people were read. No other blast that a filter names is launched for the business until the transaction ends.
pub async fn is_capped_meanwhile(tx: &mut PgConnection, query: SegmentQuery<'_>) -> Result<bool, StoreError> {
    lock_launches(tx, query).await?;
    // Most launches have no other beside them, and need not look their people up once more.
    let has_rival = sqlx::query_scalar(
        "select exists (select from blasts b join senders s on s.id = b.sender_id and s.business = $1
                         where b.id is distinct from $2 and b.deleted_at is null and b.answer_until is null
                           and (b.state = 'sending'
                                or b.state <> 'draft'
                                   and (b.updated_at > now() - interval '10 minutes'
                                        or b.id in (select a.blast_id from operator_actions a
                                                     where a.at > now() - interval '10 minutes'))))",
    );
    let has_rival: bool = has_rival.bind(query.business).bind(query.draft).fetch_one(&mut *tx).await?;
    Ok(has_rival && has_capped(tx, query).await?)
}

/// Whether somebody queued in a blast had a message within the frequency cap, or is about to get one. No other blast that a filter names
/// is launched for the business until the transaction ends.
pub async fn is_capped(tx: &mut PgConnection, query: SegmentQuery<'_>) -> Result<bool, StoreError> {
    lock_launches(tx, query).await?;
    has_capped(tx, query).await
}

/// Leaves out who of a blast's queued people had a message within the frequency cap meanwhile, or is about to get one. Returns how many.
pub async fn leave_out_capped(tx: &mut PgConnection, query: SegmentQuery<'_>) -> Result<i64, StoreError> {
    let (Some(blast), Some(cap)) = (query.draft, query.capped) else { return Ok(0) };
    lock_launches(tx, query).await?;
    let mut sql = QueryBuilder::<Postgres>::new("select r.id from blast_recipients r where r.blast_id = ");
    sql.push_bind(blast).push(" and r.status = 'queued' and ");
    push_is_capped(&mut sql, query, cap);
    sql.push(" order by r.id for update of r skip locked");
    let capped: Vec<i64> = sql.build_query_scalar().fetch_all(&mut *tx).await?;
    let why = Exclusion::FrequencyCap.words();
    skip_locked(tx, capped.into_iter().map(|id| (id, why.to_owned())).collect()).await
}

async fn lock_launches(tx: &mut PgConnection, query: SegmentQuery<'_>) -> Result<(), StoreError> {
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('frequency cap of ' || $1, 0))")
        .bind(query.business)
        .execute(tx)
        .await?;
    Ok(())
}

async fn has_capped(tx: &mut PgConnection, query: SegmentQuery<'_>) -> Result<bool, StoreError> {
    let (Some(draft), Some(cap)) = (query.draft, query.capped) else { return Ok(false) };
    let mut sql = QueryBuilder::<Postgres>::new("select exists (select from blast_recipients r where r.blast_id = ");
    sql.push_bind(draft).push(" and r.status = 'queued' and ");
    push_is_capped(&mut sql, query, cap);
    sql.push(")");
    Ok(sql.build_query_scalar().fetch_one(tx).await?)
}

/// Who of these people of a blast had a message within the frequency cap by another one, or is about to get one. No other blast that a
/// filter names is launched for the business until the transaction ends.
pub async fn capped_of(
    tx: &mut PgConnection,
    query: SegmentQuery<'_>,
    people: &[RecipientId],
) -> Result<Vec<RecipientId>, StoreError> {
    let Some(cap) = query.capped else { return Ok(Vec::new()) };
    lock_launches(tx, query).await?;
    let people: Vec<i64> = people.iter().map(|id| id.0).collect();
    let mut sql = QueryBuilder::<Postgres>::new("select r.id from blast_recipients r where r.id = any(");
    sql.push_bind(people).push(") and ");
    push_is_capped(&mut sql, query, cap);
    Ok(sql.build_query_scalar().fetch_all(tx).await?)
}

/// Whether the person of the row `r` had a message of another blast within the cap, or is about to get one.
fn push_is_capped(sql: &mut QueryBuilder<Postgres>, query: SegmentQuery<'_>, cap: CapWindow) {
    sql.push("(exists (select from blast_recipients o join blasts b on b.id = o.blast_id and b.deleted_at is null");
    sql.push(" join senders s on s.id = b.sender_id where s.business = ").push_bind(query.business.to_owned());
    sql.push(" and person_key(o.phone_number) = person_key(r.phone_number) and o.blast_id <> r.blast_id and ");
    push_capped(sql, query, cap);
    sql.push(")");
    push_recent_of_deleted(sql, query);
    merged::push_recent(sql, query);
    sql.push(")");
}

/// Whether somebody queued in a draft of a step is about to get another step of the same blast, or had it a shorter time ago than lies
/// between the two.
pub async fn is_near_step(tx: &mut PgConnection, query: SegmentQuery<'_>) -> Result<bool, StoreError> {
    let (Some(draft), Some(step)) = (query.draft, query.step) else { return Ok(false) };
    let mut sql =
        QueryBuilder::<Postgres>::new("select exists (select from blast_recipients r cross join lateral (select ");
    push_near_step(&mut sql, query.follows, step);
    sql.push(" from blast_recipients o join blasts b on b.id = o.blast_id and b.deleted_at is null");
    sql.push(" where person_key(o.phone_number) = person_key(r.phone_number) and o.blast_id <> r.blast_id) x");
    sql.push(" where r.status = 'queued' and x.near and r.blast_id = ").push_bind(draft).push(")");
    Ok(sql.build_query_scalar().fetch_one(tx).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_out_weekly_is_not_within_a_cap_of_a_week() {
        let now: DateTime<Utc> = "2026-11-20T09:00:00Z".parse().unwrap();
        let week = TimeDelta::days(7);

        let window = CapWindow::of(week, now, Some(now + week));

        // The last of them were sent to within the hour.
        assert!(now + TimeDelta::minutes(59) < window.since && window.since < now + TimeDelta::minutes(61));
        assert_eq!(CapWindow::of(TimeDelta::hours(24), now, None).since, now - TimeDelta::hours(23));
        assert_eq!(CapWindow::of(week, now, Some(now - week)).since, CapWindow::of(week, now, None).since);
    }
}
