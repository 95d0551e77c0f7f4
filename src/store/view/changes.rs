//! Every change of people's statuses, as everybody reads it. The history has no row for the step into *sending*, which each send would
//! pay for: when somebody was claimed stands with their attempt, and the step is read there.

/// Selects the changes of the people whose id is as given (`= $1`), with the columns of `status_history` that faces show, and `place`, by
/// which they are in order. Claims of earlier versions have a row of their own.
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
             select coalesce(h.id - 0.5, 'infinity'), a.recipient_id, a.claimed_at, null, 'queued', 'sending', a.attempt, 'send', null, null
               from attempts a
               left join lateral (select id, old_status from status_history
                                   where recipient_id = a.recipient_id and attempt = a.attempt order by id limit 1) h on true
              where (h.old_status = 'sending' or h.id is null and a.outcome is null) and a.recipient_id ",
            $whom
        )
    };
}
pub(super) use changes_of;
