//! The history of people's statuses, as everybody reads it. `status_history` has no rows for the two steps that each send takes, which
//! each send would pay for: when somebody was claimed and when they were accepted stands with their attempt, and the steps into *sending*
//! and *sent* are read there. The second has a row all the same where it was more than that (of somebody who was sent to before, by an
//! answer that came too late, with a word of the provider's own), and where a hook reads the history by its ids.

/// Selects the first row of the history of an attempt `a`, or nothing: whether it left *sending* or *sent* shows which of the
/// attempt's steps have rows.
macro_rules! first_row_of_attempt {
    ($columns:literal) => {
        concat!(
            "select ",
            $columns,
            " from status_history where recipient_id = a.recipient_id and attempt = a.attempt order by id limit 1"
        )
    };
}
pub(super) use first_row_of_attempt;

/// A condition: an attempt `a` was accepted, and that step has no row. `h` is its [`first_row_of_attempt`].
macro_rules! is_accepted_without_row {
    () => {
        "a.outcome = 'accepted' and coalesce(h.old_status, 'sent') = 'sent'"
    };
}
pub(super) use is_accepted_without_row;

/// Selects the changes of the people whose id is as given (`= $1`), with the columns of `status_history` that faces show, and `place`, by
/// which they are in order. Claims and acceptances of earlier versions have rows of their own.
macro_rules! changes_of {
    ($whom:literal) => {
        concat!(
            "select h.id::float8 as place, h.recipient_id, h.changed_at, h.happened_at, h.old_status, h.new_status, h.attempt, h.source,
                    h.by_whom, h.metadata
               from status_history h
              where h.recipient_id ",
            $whom,
            "
              union all
             select case s.new_status when 'sending' then coalesce(h.id - 0.5, 1e300) else coalesce(h.id - 0.25, 2e300) end,
                    a.recipient_id, s.at, null, s.old_status, s.new_status, a.attempt, 'send', null, null
               from attempts a
               left join lateral (",
            $crate::store::history::first_row_of_attempt!("id, old_status"),
            ") h on true
              cross join lateral (values
                    ('queued'::recipient_status, 'sending'::recipient_status, a.claimed_at,
                     h.old_status = 'sending' or h.id is null and a.outcome is null),
                    ('sending', 'sent', a.received_at, false)) s (old_status, new_status, at, has_row_after)
              where (s.has_row_after or ",
            $crate::store::history::is_accepted_without_row!(),
            ") and a.recipient_id ",
            $whom
        )
    };
}
pub(super) use changes_of;

/// The status to which somebody's newest change led, by their id and by the attempt in their row; null where nothing is known. An acceptance
/// without a row is the newest one if nothing came after it: no row has its attempt, and they were queued before. Where months were
/// dropped since, what came after it may be gone: `kept` leaves such acceptances out.
macro_rules! newest_change {
    ($id:literal, $attempt:literal) => {
        $crate::store::history::newest_change!($id, $attempt, "")
    };
    ($id:literal, $attempt:literal, kept) => {
        $crate::store::history::newest_change!(
            $id,
            $attempt,
            concat!(" and m.received_at >= ", $crate::store::history::oldest_month!())
        )
    };
    ($id:literal, $attempt:literal, $only:expr) => {
        concat!(
            "(select case when coalesce(n.new_status, 'queued') = 'queued'
                          and exists (select from provider_message m
                                       where m.recipient_id = ",
            $id,
            " and m.attempt = ",
            $attempt,
            " and m.outcome = 'accepted'",
            $only,
            ")
                          and not exists (select from status_history x
                                           where x.recipient_id = ",
            $id,
            " and x.attempt = ",
            $attempt,
            ")
                         then 'sent' else n.new_status end
               from (select (select h.new_status from status_history h where h.recipient_id = ",
            $id,
            " order by h.id desc limit 1)) n (new_status))"
        )
    };
}
pub(super) use newest_change;

/// When the oldest month of the history that is still there begins: of what came before nothing may be concluded from it.
macro_rules! oldest_month {
    () => {
        "(select min(substring(pg_get_expr(c.relpartbound, c.oid) from 'FROM \\(''([^'']+)''\\)')::timestamptz)
            from pg_inherits p join pg_class c on c.oid = p.inhrelid where p.inhparent = to_regclass('status_history'))"
    };
}
pub(super) use oldest_month;
