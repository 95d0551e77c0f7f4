//! Customers with several numbers, of which there are few.

use sqlx::{Postgres, QueryBuilder};

use super::super::condition;
use super::cap::push_recent as push_recent_message;
use super::only::push_only;
use super::{SegmentQuery, push_answered as push_answer, push_blasts};
use crate::domain::status::Status;
use crate::store::customer::other_numbers;

const OTHER_NUMBERS: &str = other_numbers!("r.");

/// Or whether a person opted out at another number of theirs: they meant themselves, not the number.
pub(in crate::store::view) fn push_opted_out(sql: &mut QueryBuilder<Postgres>, business: &str) {
    sql.push(" or exists (select from ").push(OTHER_NUMBERS).push(" n join suppressions s on s.business in (");
    sql.push_bind(business.to_owned()).push(", '*') and person_key(s.phone_number) = n.person)");
}

/// Or whether a person has bought since then, at another number of theirs.
pub(in crate::store::view) fn push_bought(sql: &mut QueryBuilder<Postgres>, business: &str, since: &'static str) {
    push_rows(sql, business);
    sql.push(" and o.closed_at >= ").push(since).push(")");
}

/// Or whether a person answered at another number of theirs, as far as that is what a step waits for.
pub(super) fn push_answered(sql: &mut QueryBuilder<Postgres>, query: SegmentQuery<'_>, until: Status) {
    push_rows(sql, query.business);
    sql.push(" and o.blast_id is distinct from ").push_bind(query.draft).push(" and (");
    push_answer(sql, query.follows, Some(until));
    sql.push("))");
}

/// Or whether there is a row of a person at another number of theirs; its parenthesis is open.
fn push_rows(sql: &mut QueryBuilder<Postgres>, business: &str) {
    sql.push(" or exists (select from ").push(OTHER_NUMBERS);
    sql.push(" n join blast_recipients o on person_key(o.phone_number) = n.person");
    sql.push(" join blasts b on b.id = o.blast_id and b.deleted_at is null join senders s on s.id = b.sender_id");
    sql.push(" where s.business = ").push_bind(business.to_owned());
}

/// Or whether a person had a message at another number of theirs.
pub(super) fn push_recent(sql: &mut QueryBuilder<Postgres>, query: SegmentQuery<'_>) {
    let Some(cap) = query.capped else { return };
    push_rows(sql, query.business);
    sql.push(" and o.blast_id is distinct from ").push_bind(query.draft).push(" and ");
    push_recent_message(sql, query, cap);
    sql.push(")");
}

/// And those whose number of now was in no blast yet: by their newest row of the numbers before.
pub(super) fn push_moved(sql: &mut QueryBuilder<Postgres>, query: SegmentQuery<'_>) {
    sql.push(" union all select * from (select x.* from (select distinct on (n.customer) n.customer, o as was from customer_numbers n");
    sql.push(" join blast_recipients o on person_key(o.phone_number) = n.person where ");
    push_blasts(sql, "o.blast_id", query);
    sql.push(" and not exists (select from blast_recipients k where person_key(k.phone_number) = n.customer and ");
    push_blasts(sql, "k.blast_id", query);
    sql.push(") order by n.customer, o.id desc) m cross join lateral");
    sql.push(
        " jsonb_populate_record(m.was, jsonb_build_object('phone_number', m.customer)) x) blast_recipients where true",
    );
    push_only(sql, query.only);
    query.segment.filter.terms.iter().for_each(|term| condition::push(sql, term));
}
