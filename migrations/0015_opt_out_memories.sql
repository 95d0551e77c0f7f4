-- Records how much of each machine's own list of opt-outs this database was compared with, and bounds the counters of leases.
-- Why: a database that is restored has forgotten opt-outs, and the number here goes back with them: an engine then notes what is
-- missing before it sends. An epoch that can grow no further, typed by hand, let no engine take its sender.
-- Old rows stay as they are: one with another counter is refused when it is written, and the sender then shows why.
-- Locks: sender_leases for an instant.

create table opt_out_memories (
    origin text not null constraint opt_out_memories_pkey primary key, -- the machine's file
    bytes  bigint not null constraint opt_out_memories_bytes_check check (bytes >= 0)
);

alter table sender_leases
    add constraint sender_leases_counters_check check (
        epoch between 0 and 4611686018427387903 and renewals between 0 and 4611686018427387903) not valid;

do $$
begin
    alter table sender_leases validate constraint sender_leases_counters_check;
exception when check_violation then
    raise notice 'older counters out of bounds stay as they are';
end $$;
