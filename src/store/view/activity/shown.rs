//! Which acts of operators, and of the engine, are among what happened.

/// Acts that are shown. What changes a blast's state is among the changes, and an opt-out among the opt-outs. What was taken back
/// is not shown beside the act that took it back, which says what it was; of an act on several people that is so once none of it stands.
/// One person's sale stays, and says so: money was counted; a close that an order took the place of does not. An order was written all
/// the same, also where it was cancelled since; one that came by a message is shown as that.
macro_rules! shown_act {
    () => {
        "(a.action in ('replied', 'closed', 'note', 'resolve', 'retry', 'undo', 'answer', 'unsuppress', 'delete')
             or a.action = 'edit' and (a.detail -> 'order' is not null or a.detail -> 'stopped' is not null or a.detail -> 'pace' is not null
                                      or a.detail -> 'start' is not null or a.detail -> 'skipped' is not null))
            and (a.undone_by is null
                 or a.action = 'closed' and coalesce(a.detail -> 'several' -> 'people', '1') = '1' and a.detail -> 'replaced' is null
                 or exists (select 1 from operator_actions p
                             where p.id > a.id and p.id < a.id + (a.detail -> 'several' ->> 'people')::bigint
                               and p.detail -> 'several' = a.detail -> 'several' and p.undone_by is null))
            and (a.detail -> 'several' is null
                 or not exists (select 1 from operator_actions p
                                 where p.id = a.id - 1 and p.detail -> 'several' = a.detail -> 'several'))
            and not (a.action = 'closed' and a.operator = 'engine' and a.undone_by is null and a.detail -> 'order' is not null
                     and exists (select 1 from orders o where o.id = (a.detail ->> 'order')::bigint and o.message_id is not null))"
    };
}
pub(super) use shown_act;
