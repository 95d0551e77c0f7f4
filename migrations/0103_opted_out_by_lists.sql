-- Keeps whoever a draft's lists say wants no messages: another list that is added to it later does not bring them in.
-- Locks: blasts, against writing, for an instant, to refer to them.

create table draft_opt_outs (
    blast_id    bigint not null constraint draft_opt_outs_blast_fkey references blasts on delete cascade,
    person      text not null,                 -- as person_key() has their number
    by_addition boolean not null,              -- not by the draft's own list, which says so anew whenever it is read
    constraint draft_opt_outs_pkey primary key (blast_id, person)
);
create index draft_opt_outs_person on draft_opt_outs (person);
