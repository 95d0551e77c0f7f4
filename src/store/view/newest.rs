//! Windows of the newest changes: one walk a status, merged, each answered in order by the index
//! `(blast_id, status, changed_at, id desc)`. A million people cost what a hundred do.

use sqlx::{Postgres, QueryBuilder};

use super::recipients::{COLUMNS, is_backwards};
use super::{RecipientQuery, condition};
use crate::domain::status::Status;

/// The rows of a window of everybody in these statuses, at most `limit`; backwards where the window ends somewhere.
pub(super) fn window(query: &RecipientQuery, statuses: &[Status], limit: i64) -> QueryBuilder<Postgres> {
    let (change, id) = if is_backwards(query.anchor) { ("", " desc") } else { (" desc", "") };
    let mut sql = QueryBuilder::new("select * from (");
    for (i, status) in statuses.iter().enumerate() {
        sql.push(if i == 0 { "(" } else { " union all (" });
        push_probe(&mut sql, query, *status);
        // The column of the index: the column that is read has the same name.
        let of = if *status == Status::Sending { "flying" } else { "blast_recipients" };
        sql.push(format_args!(" order by {of}.changed_at{change}, id{id} limit ")).push_bind(limit).push(")");
    }
    sql.push(format_args!(") as probes order by changed_at{change}, id{id} limit ")).push_bind(limit);
    sql
}

fn push_probe(sql: &mut QueryBuilder<Postgres>, query: &RecipientQuery, status: Status) {
    if status == Status::Sending {
        // At most as many as there are slots; when they changed stands with their flights.
        sql.push("select * from (select ").push(COLUMNS).push(" from blast_recipients where id = any(array(");
        sql.push("select recipient_id from in_flight where blast_id = ").push_bind(query.blast);
        sql.push("))) as flying where true");
    } else {
        sql.push("select ").push(COLUMNS).push(" from blast_recipients where blast_id = ").push_bind(query.blast);
        sql.push(format_args!(" and status = '{}'", status.word()));
    }
    if status == Status::Queued {
        sql.push(" and not ").push(condition::IN_FLIGHT);
    }
    if let Some(as_of) = query.as_of {
        sql.push(" and changed_at <= ").push_bind(as_of);
    }
    let Some((ids, place)) = query.anchor.further_ids() else { return };
    let further = if is_backwards(query.anchor) { ">" } else { "<" };
    // The first condition bounds the walk, the second leaves out those of the same moment that were shown.
    sql.push(format_args!(" and changed_at {further}= ")).push_bind(place.changed_at);
    sql.push(format_args!(" and (changed_at {further} ")).push_bind(place.changed_at);
    sql.push(format_args!(" or id {ids} ")).push_bind(place.id).push(")");
}
