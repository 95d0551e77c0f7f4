//! What must hold after anything that can happen: each rule is a query that finds nobody.

use chrono::{DateTime, Utc};
use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use super::sim::Post;

/// A rule, and who breaks it: one text column.
type Rule = (&'static str, &'static str);

/// From a backup until it was put back: what the database learned meanwhile it has forgotten.
pub type LostTime = (DateTime<Utc>, DateTime<Utc>);

/// Rules that need the simulator's truth. One blast a phone.
const PROMISES: [Rule; 6] = [
    (
        "taken twice by the provider without an operator's order",
        "select phone from truth t where accepted group by 1
         having count(*) > 1 + (select count(*) from operator_actions o where o.phone_number = t.phone and o.action = 'resolve'
                                   and o.undone_at is null and o.detail ->> 'resolution' = 'resend')
                -- Three times at most somebody gets another whom Meta had reported as not reached.
                + case when exists (select 1 from blast_recipients r join blasts b on b.id = r.blast_id
                                      join senders s on s.id = b.sender_id
                                     where r.phone_number = t.phone and s.provider = 'meta')
                       then least(3, count(*) filter (where async_failed)) else 0 end",
    ),
    (
        "a POST without an attempt that was written down first",
        "select phone
           from (select phone, count(*) as posts from truth group by 1) t
           left join (select r.phone_number as phone, count(*) as attempts
                        from attempts a join blast_recipients r on r.id = a.recipient_id group by 1) a using (phone)
          where posts > coalesce(attempts, 0)",
    ),
    (
        "an attempt written down after its POST",
        "select phone from (select phone, at, row_number() over (partition by phone order by at) as n from truth) t
          join blast_recipients r on r.phone_number = t.phone
          where at + interval '5 ms' < (select min(claimed_at) from attempts a where a.recipient_id = r.id)",
    ),
    (
        "lost: the provider has it, and we do not count it",
        "select t.phone || ' ' || r.status from truth t join blast_recipients r on r.phone_number = t.phone
          where t.accepted and not t.async_failed and current_status(r) in ('queued', 'failed', 'skipped', 'opted_out')
            and not exists (select 1 from operator_actions o where o.recipient_id = r.id and o.action = 'resolve')
            -- They wrote STOP to a message that was uncertain, or that a rollback had taken away: a text names no message.
            and not (r.status = 'opted_out' and exists (select 1 from suppressions s where s.phone_number = t.phone
                                                           and s.source = 'person' and s.created_at > t.at))",
    ),
    (
        "invented: counted, and the provider never had it",
        "select r.phone_number || ' ' || r.status || coalesce(' as ' || r.message_id, '') from blast_recipients r
          where r.status between 'sent' and 'closed'
            and not exists (select 1 from truth t where t.phone = r.phone_number and t.accepted
                               and t.message_id = r.message_id)
            and not (r.message_id is null
                     and exists (select 1 from operator_actions o where o.recipient_id = r.id and o.action = 'resolve'))
            -- A status that an engine had asked for by the id, where a rollback took the answer with it away.
            and not (r.message_id is null
                     and exists (select 1 from truth t where t.phone = r.phone_number and t.accepted)
                     and not exists (select 1 from provider_message m where m.recipient_id = r.id and m.outcome = 'accepted'))",
    ),
    (
        "a POST to somebody who had opted out",
        "select t.phone from truth t join suppressions s on s.phone_number = t.phone
          where t.at > s.created_at + interval '1 s' and s.business in (select business from senders union select '*')",
    ),
];

/// Rules over the database alone.
const INVARIANTS: [Rule; 16] = [
    (
        "another attempt after one whose outcome nobody knows",
        "select x.recipient_id || ' ' || x.attempt from attempts x join attempts y using (recipient_id)
          where y.attempt = x.attempt + 1
            -- A post that was lost, and asked about again, is no other.
            and (x.epoch, x.claimed_at) <> (y.epoch, y.claimed_at)
            and not exists (select 1 from provider_message m where m.recipient_id = x.recipient_id
                               and m.attempt = x.attempt and m.outcome in ('rejected', 'released'))
            -- Meta took it, and said later with one of these codes that it did not arrive.
            and not exists (select 1 from status_history h where h.recipient_id = x.recipient_id
                               and h.attempt = x.attempt and h.metadata ->> 'code' in ('131026', '131049', '130472', '132015'))
            and not exists (select 1 from operator_actions o where o.recipient_id = x.recipient_id
                               and o.action = 'resolve' and o.detail ->> 'resolution' = 'resend'
                               and o.at between x.claimed_at and y.claimed_at)
            -- The database forgot what had come of one and that there was another, which a machine remembers.
            and not exists (select 1 from lost_times l where y.claimed_at between l.since and l.until)",
    ),
    (
        "attempts with a gap or a number used twice",
        "select r.id::text from blast_recipients r
           left join in_flight f on f.recipient_id = r.id
          where coalesce(f.attempt, r.attempt)
                <> (select count(*) from provider_message m where m.recipient_id = r.id) + (f.attempt is not null)::int",
    ),
    (
        "stuck in flight",
        "select f.recipient_id || ' ' || f.claimed_at from in_flight f left join sender_leases l using (sender_id)
          where l.holder is null or f.epoch <> l.epoch or f.claimed_at < now() - interval '3 min'",
    ),
    (
        "in flight, and by their own row not about to be sent to",
        "select f.recipient_id || ' ' || f.attempt || ' after ' || coalesce(r.status || ' ' || r.attempt, 'nobody')
           from in_flight f left join blast_recipients r on r.id = f.recipient_id
          where r.status is distinct from 'queued' or r.attempt <> f.attempt - 1 or r.blast_id <> f.blast_id",
    ),
    (
        "in flight by their own row",
        "select phone_number from blast_recipients where 'sending' in (status, standing)",
    ),
    (
        "a blast that is over with somebody open in it",
        "select b.id || ' ' || b.state || ' ' || r.status from blasts b join blast_recipients r on r.blast_id = b.id
          where b.state = 'completed' and r.status in ('queued', 'sending', 'uncertain')
             or b.state = 'cancelled' and current_status(r) = 'queued'",
    ),
    (
        "counters that differ from a recount",
        "select coalesce(x.blast_id, c.blast_id) || ' ' || coalesce(x.status, c.status)
           from (select blast_id, current_status(r) as status, count(*) as people, coalesce(sum(amount), 0) as amount,
                        count(*) filter (where is_held(status, provider_status)) as held
                   from blast_recipients r group by 1, 2) x
           full join (select * from blast_status_counts where blast_id in (select id from blasts)) c using (blast_id, status)
          where coalesce(x.people, 0) <> coalesce(c.people, 0) or coalesce(x.amount, 0) <> coalesce(c.amount, 0)
             or coalesce(x.held, 0) <> coalesce(c.held, 0)",
    ),
    (
        "a total that differs from a recount",
        "select b.id::text from blasts b
          where b.total_recipients <> (select count(*) from blast_recipients r where r.blast_id = b.id)",
    ),
    (
        "a history with a gap",
        "select recipient_id || ' ' || h.before || ' then ' || h.old_status
           from (select *, lag(new_status, 1, 'queued') over (partition by recipient_id order by id) as before
                   from status_history) h
          where h.before <> h.old_status and not (h.before = 'queued' and h.old_status = 'sending')
            -- Stands with the attempt, which is deleted with its person.
            and not (h.before = 'queued' and h.old_status = 'sent'
                     and (exists (select 1 from provider_message m where m.recipient_id = h.recipient_id
                                     and m.attempt = h.attempt and m.outcome = 'accepted')
                          or not exists (select 1 from blast_recipients r where r.id = h.recipient_id)))",
    ),
    (
        "a newest history that is not the status",
        "select r.phone_number || ' ' || r.status from blast_recipients r
          where r.status <> case
                when exists (select 1 from provider_message m where m.recipient_id = r.id and m.attempt = r.attempt
                                and m.outcome = 'accepted')
                     and not exists (select 1 from status_history h where h.recipient_id = r.id and h.attempt = r.attempt)
                then 'sent'
                else coalesce((select h.new_status from status_history h where h.recipient_id = r.id
                                order by h.id desc limit 1), 'queued') end",
    ),
    (
        "a stage that news lowered",
        "select recipient_id || ' ' || old_status || ' to ' || new_status from status_history
          where source <> 'operator' and old_status between 'sent' and 'closed'
            and (new_status < old_status or new_status > 'closed' and old_status > 'sent')
            and not (old_status = 'sent' and new_status = 'queued' and metadata ->> 'code' in ('131026', '131049', '130472'))",
    ),
    (
        "a stage that an operator lowered without taking anything back",
        "select h.recipient_id || ' ' || h.old_status || ' to ' || h.new_status from status_history h
          where h.source = 'operator' and h.old_status between 'sent' and 'closed'
            and (h.new_status < h.old_status or h.new_status > 'closed')
            and not exists (select 1 from operator_actions o where (o.recipient_id = h.recipient_id
                                or o.recipient_id is null and o.blast_id = h.blast_id)
                               and (o.undone_at is not null or o.action in ('undo', 'resolve', 'retry')))",
    ),
    (
        "an acceptance that is written down and does not count",
        "select r.phone_number || ' ' || r.status from provider_message m join blast_recipients r on r.id = m.recipient_id
          where m.outcome = 'accepted' and r.status in ('queued', 'sending', 'uncertain', 'skipped', 'opted_out')
            and r.attempt = m.attempt
            -- The provider took it, and said later that they had opted out, or that it did not arrive.
            and r.failed_attempt is distinct from m.attempt",
    ),
    (
        "an attempt under a lease that somebody else had taken over",
        "select recipient_id || ' ' || attempt || ' epoch ' || epoch from (
             select *, max(epoch) over (partition by sender_id order by claimed_at, epoch) as newest from attempts) a
          where epoch < newest and epoch > 0",
    ),
    (
        "somebody left out or failed without a reason",
        "select phone_number || ' ' || status from blast_recipients
          where status in ('uncertain', 'skipped') and coalesce(reason, '') = ''
             or status = 'failed' and coalesce(error_message, '') = ''",
    ),
    (
        "a funnel that does not narrow",
        "select blast_id::text from (
             select blast_id, coalesce(sum(people) filter (where status between 'sent' and 'closed'), 0) as sent,
                    coalesce(sum(people) filter (where status between 'delivered' and 'closed'), 0) as received,
                    coalesce(sum(people) filter (where status between 'read' and 'closed'), 0) as read
               from blast_status_counts where blast_id in (select id from blasts) group by 1) f
          where not (sent >= received and received >= read)",
    ),
];

/// Everybody who breaks a rule, by rule.
pub async fn broken_promises(pool: &PgPool, posts: &[Post], lost: &[LostTime]) -> Vec<String> {
    let mut tx = pool.begin().await.unwrap();
    note_truth(&mut tx, posts).await;
    note_lost_times(&mut tx, lost).await;
    let mut broken = broken(&mut tx, &PROMISES).await;
    broken.extend(self::broken(&mut tx, &INVARIANTS).await);
    if let Some(first) = broken.first().cloned() {
        broken.push(past_of(&mut tx, &first, posts).await);
    }
    broken
}

/// For whoever examines a failure: all that happened to the first whom a broken rule names, by number or by id.
async fn past_of(tx: &mut PgConnection, broken: &str, posts: &[Post]) -> String {
    let who = broken.rsplit_once('(').map_or("", |(_, names)| names.split([' ', ',', ')']).next().unwrap_or(""));
    let past: Option<String> = sqlx::query_scalar(
        "select (jsonb_build_object('row', to_jsonb(r)) || jsonb_build_object(
                    'attempts', (select jsonb_agg(a) from attempts a where a.recipient_id = r.id),
                    'answers', (select jsonb_agg(to_jsonb(m) - 'raw_response') from provider_message m where m.recipient_id = r.id),
                    'history', (select jsonb_agg(h order by h.id) from status_history h where h.recipient_id = r.id),
                    'acts', (select jsonb_agg(o) from operator_actions o where o.recipient_id = r.id),
                    'lease', (select jsonb_agg(l) from sender_leases l)))::text
           from blast_recipients r where r.id::text = $1 or r.phone_number = $1 limit 1",
    )
    .bind(who)
    .fetch_optional(&mut *tx)
    .await
    .unwrap();
    let phone: Option<String> = sqlx::query_scalar(
        "select substr(phone_number, 2) from blast_recipients where id::text = $1 or phone_number = $1",
    )
    .bind(who)
    .fetch_optional(tx)
    .await
    .unwrap();
    let posts: Vec<_> = posts.iter().filter(|post| Some(&post.phone) == phone.as_ref()).collect();
    format!("{}; posts: {posts:?}", past.unwrap_or_default())
}

/// The same for the rules over the database alone.
pub async fn broken_invariants(pool: &PgPool) -> Vec<String> {
    let mut tx = pool.begin().await.unwrap();
    note_lost_times(&mut tx, &[]).await;
    broken(&mut tx, &INVARIANTS).await
}

async fn note_lost_times(tx: &mut PgConnection, lost: &[LostTime]) {
    let (since, until): (Vec<_>, Vec<_>) = lost.iter().copied().unzip();
    sqlx::query("create temp table lost_times (since timestamptz, until timestamptz) on commit drop")
        .execute(&mut *tx)
        .await
        .unwrap();
    sqlx::query("insert into lost_times select * from unnest($1::timestamptz[], $2::timestamptz[])")
        .bind(since)
        .bind(until)
        .execute(tx)
        .await
        .unwrap();
}

async fn note_truth(tx: &mut PgConnection, posts: &[Post]) {
    let column = |of: fn(&Post) -> bool| posts.iter().map(of).collect::<Vec<_>>();
    sqlx::query(
        "create temp table truth (phone text, at timestamptz, accepted boolean, async_failed boolean, message_id text)
         on commit drop",
    )
    .execute(&mut *tx)
    .await
    .unwrap();
    sqlx::query("insert into truth select * from unnest($1::text[], $2::timestamptz[], $3::boolean[], $4::boolean[], $5::text[])")
        .bind(posts.iter().map(|post| format!("+{}", post.phone)).collect::<Vec<_>>())
        .bind(posts.iter().map(|post| post.at).collect::<Vec<_>>())
        .bind(column(|post| post.accepted))
        .bind(column(|post| post.async_failed))
        .bind(posts.iter().map(|post| post.message_id.clone()).collect::<Vec<_>>())
        .execute(&mut *tx)
        .await
        .unwrap();
    // Once its files were put back, Postgres knows nothing of the tables' sizes: a rule took minutes over the people of a long run.
    sqlx::query("analyze truth, blast_recipients, provider_message").execute(tx).await.unwrap();
}

async fn broken(tx: &mut PgConnection, rules: &[Rule]) -> Vec<String> {
    let mut broken = Vec::new();
    for (rule, query) in rules {
        let who: Vec<Option<String>> = sqlx::query_scalar(*query).fetch_all(&mut *tx).await.unwrap();
        let names: Vec<_> = who.iter().flatten().take(5).cloned().collect();
        if !who.is_empty() {
            broken.push(format!("{rule}: {} ({})", who.len(), names.join(", ")));
        }
    }
    broken
}

/// A digest of every row of every table, in any order.
pub async fn digest(pool: &PgPool) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
          where c.relkind = 'r' and n.nspname = 'public' order by 1",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut digest = String::new();
    for table in tables {
        let query = format!(
            "select count(*) || ' ' || coalesce(md5(string_agg(t::text, '|' order by t::text)), '') from {table} t"
        );
        let rows: String = sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(pool).await.unwrap();
        digest.extend([&table, " ", &rows, "\n"]);
    }
    digest
}
