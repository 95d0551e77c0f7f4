//! What faces read, against a real Postgres: windows, filters, counts, one person, senders.

use blastdeck::domain::blast::BlastState;
use blastdeck::domain::filter::Filter;
use blastdeck::domain::ids::{BlastId, RecipientId, SenderId};
use blastdeck::domain::phone::Phone;
use blastdeck::domain::status::Status;
use blastdeck::domain::waiting::{LimitOwner, Waiting, WaitingReport};
use blastdeck::store::view::{
    self, ActionFilter, Anchor, BlastFilter, Order, RecipientQuery, RecipientRow, SORTED_MAX, Total,
};
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::{TestDatabase, database};

/// One sender, an older blast, and the people of [`PEOPLE`] in ours.
const SCENE: &str = "
    insert into senders (name, provider, business, rehearsal) values ('sales', 'wsapme', 'kedai', true);
    insert into blasts (blast_tag, sender_id, message, blast_date) values
        ('Hari Sukan', 1, 'hi', now() - interval '30 days'), ('Raya promo', 1, 'Hi {name}', now());
    insert into blast_recipients (blast_id, phone_number, name, status) values
        (1, '+60100123456', 'Siti Aminah', 'read');
    insert into blast_recipients (blast_id, phone_number, name, status, changed_at, replied_marked_at, closed_at, amount,
                                  note, error_code, error_message, provider_status) values
        (2, '+60100123456', 'Siti Aminah',  'read',    '2026-11-20 03:00Z', null, null, null, 'asks the price', null, null, 'READ'),
        (2, '+60100000601', 'Ali 100%_x',   'sent',    '2026-11-20 02:00Z', null, null, null, null, null, null, 'PENDING'),
        (2, '+60100000123', null,           'failed',  '2026-11-20 04:00Z', null, null, null, null, '131026', 'Undeliverable', 'ERROR'),
        (2, '+60100000777', 'Tan Mei Ling', 'closed',  '2026-11-20 05:00Z', '2026-11-20 04:30Z', '2026-11-20 05:00Z', 120.50, '', null, null, null),
        (2, '+60100000778', 'Ali bin Abu',  'replied', '2026-11-20 05:00Z', '2026-11-20 05:00Z', null, null, '50% off?', null, null, null),
        (2, '+60100000779', 'Tan',          'queued',  '2026-11-20 01:00Z', null, null, null, null, null, null, null);
    insert into replies (sender_id, blast_id, recipient_id, phone_number, kind, body, message_id, at)
    select 1, 2, id, phone_number, 'text', 'STOP', 'wamid.in1', now() from blast_recipients where phone_number = '+60100000601'";

const RAYA: BlastId = BlastId(2);

async fn scene() -> TestDatabase {
    let database = database().await;
    run(&database.pool, SCENE).await;
    database
}

async fn run(pool: &PgPool, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(pool).await.unwrap();
}

fn filter(text: &str) -> Filter {
    let now = "2026-11-20T06:00:00Z".parse().unwrap();
    Filter::parse(text, now, chrono_tz::Asia::Kuala_Lumpur).unwrap()
}

fn query(text: &str) -> RecipientQuery {
    RecipientQuery {
        blast: RAYA,
        filter: filter(text),
        order: Order::Row,
        as_of: None,
        anchor: Anchor::Start,
        limit: 50,
    }
}

async fn window(pool: &PgPool, query: &RecipientQuery) -> Vec<RecipientRow> {
    view::recipients::window(pool, query).await.unwrap()
}

/// The last three digits of each row: who they are.
fn who(rows: &[RecipientRow]) -> Vec<&str> {
    rows.iter().map(|row| &row.phone.as_str()[9..]).collect()
}

#[tokio::test]
async fn each_term_finds_those_it_describes_and_no_others() {
    let database = scene().await;
    let cases: [(&str, &[&str]); 29] = [
        ("", &["456", "601", "123", "777", "778", "779"]),
        ("siti", &["456"]),
        ("ALI", &["601", "778"]),
        ("price", &["456"]),
        ("123", &["456", "123"]),
        ("010-012 3456", &["456"]),
        ("+60 10-012 3456", &["456"]),
        ("0060100123456", &["456"]),
        ("phone:77", &["777", "778", "779"]),
        ("0601", &["601"]),
        ("name:%", &["601"]),
        ("\"100%_\"", &["601"]),
        ("note:%", &["778"]),
        ("name:\\", &[]),
        ("-name:ali", &["456", "123", "777", "779"]),
        ("status:read", &["456"]),
        ("status:sent,read,failed", &["456", "601", "123"]),
        ("-status:failed,queued", &["456", "601", "777", "778"]),
        ("stuck:replied", &["778"]),
        ("stuck:replied tan", &[]),
        ("code:131026", &["123"]),
        ("provider:pending", &["601"]),
        ("has:reply", &["601", "777", "778"]),
        ("has:note", &["456", "778"]),
        ("-has:amount tan", &["779"]),
        ("replied>13:00", &["778"]),
        ("replied<13:00", &["777"]),
        ("closed<2026-11-20", &[]),
        ("\"'; drop table blasts; --\"", &[]),
    ];

    for (text, expected) in cases {
        let mut newest = query(text);
        newest.order = Order::NewestChange;

        assert_eq!(who(&window(&database.pool, &query(text)).await), expected, "{text}");
        let mut sorted = who(&window(&database.pool, &newest).await).into_iter().map(str::to_owned).collect::<Vec<_>>();
        sorted.sort_unstable();
        let mut wanted = expected.to_vec();
        wanted.sort_unstable();
        assert_eq!(sorted, wanted, "newest first: {text}");
        let count = view::recipients::count(&database.pool, RAYA, &filter(text), None).await.unwrap();
        assert_eq!(count, Total::Exactly(i64::try_from(expected.len()).unwrap()), "{text}");
    }
}

#[tokio::test]
async fn windows_join_without_a_gap_in_either_order_and_direction() {
    let database = scene().await;

    let orders = [Order::Row, Order::NewestChange, Order::Name, Order::Amount, Order::SmallestAmount];
    for (order, text) in orders.into_iter().flat_map(|order| [(order, ""), (order, "-name:zz")]) {
        let at = |anchor, limit| RecipientQuery { order, anchor, limit, ..query(text) };
        let all = window(&database.pool, &at(Anchor::Start, 50)).await;
        assert!(all.is_sorted_by(|a, b| order.compare((a.place(), a), (b.place(), b)).is_lt()), "{order:?}");
        if order == Order::NewestChange {
            assert_eq!(who(&all), ["777", "778", "123", "456", "601", "779"]);
        }
        if order == Order::Name {
            assert_eq!(who(&all), ["123", "601", "778", "456", "779", "777"]);
        }
        // Whoever bought nothing comes last, whichever sale is first.
        if matches!(order, Order::Amount | Order::SmallestAmount) {
            assert_eq!(who(&all), ["777", "456", "601", "123", "778", "779"]);
        }
        for i in 0..all.len() {
            let place = all[i].place();
            let after = window(&database.pool, &at(Anchor::After(place), 2)).await;
            assert_eq!(who(&after), who(&all[(i + 1).min(all.len())..(i + 3).min(all.len())]), "after {i}, {order:?}");
            let before = window(&database.pool, &at(Anchor::Before(place), 2)).await;
            assert_eq!(who(&before), who(&all[i.saturating_sub(2)..i]), "before {i}, {order:?}");
            let from = window(&database.pool, &at(Anchor::From(place), 2)).await;
            assert_eq!(who(&from), who(&all[i..(i + 2).min(all.len())]), "from {i}, {order:?}");
            let up_to = window(&database.pool, &at(Anchor::UpTo(place), 2)).await;
            assert_eq!(who(&up_to), who(&all[(i + 1).saturating_sub(2)..=i]), "up to {i}, {order:?}");
        }
        assert_eq!(who(&window(&database.pool, &at(Anchor::End, 2)).await), who(&all[4..]));
    }
}

#[tokio::test]
async fn news_is_left_out_of_the_window_and_counted_apart() {
    let database = scene().await;
    let as_of: DateTime<Utc> = "2026-11-20T03:30:00Z".parse().unwrap();

    for text in ["", "-name:zz"] {
        let rows = window(&database.pool, &RecipientQuery { as_of: Some(as_of), ..query(text) }).await;
        let news = view::recipients::count(&database.pool, RAYA, &filter(text), Some(as_of)).await.unwrap();

        assert_eq!(who(&rows), ["456", "601", "779"]);
        assert_eq!(news, Total::Exactly(3));
    }
}

#[tokio::test]
async fn people_are_read_again_in_the_order_asked() {
    let database = scene().await;
    let ids: Vec<_> = window(&database.pool, &query("")).await.iter().map(|row| row.id).collect();

    let rows = view::recipients::by_id(&database.pool, &[ids[2], RecipientId(-1), ids[0]]).await.unwrap();

    assert_eq!(who(&rows), ["123", "456"]);
    let phone = Phone::parse("+60100000777", "MY".parse().unwrap()).unwrap();
    let closed = view::recipients::by_phone(&database.pool, RAYA, &phone).await.unwrap().unwrap();
    assert_eq!((closed.status, closed.amount), (Status::Closed, Some(Decimal::new(12_050, 2))));
    assert!(view::recipients::by_phone(&database.pool, BlastId(1), &phone).await.unwrap().is_none());
}

#[tokio::test]
async fn one_person_is_shown_in_full() {
    let database = scene().await;
    let id = window(&database.pool, &query("siti")).await[0].id;
    run(
        &database.pool,
        &format!(
            "insert into status_history (blast_id, recipient_id, attempt, old_status, new_status, source, by_whom, metadata)
             values (2, {id}, 1, 'queued', 'sending', 'engine', null, null),
                    (2, {id}, 1, 'sending', 'sent', 'send', 'ben', '{{\"word\": \"PENDING\"}}');
             insert into provider_message (recipient_id, attempt, sender_id, outcome, http_status, body)
             values ({id}, 1, 1, 'accepted', 200, '\\x7b00');
             update blasts set launched_at = now() where blast_tag = 'Hari Sukan'"
        ),
    )
    .await;

    let details = view::recipients::details(&database.pool, id).await.unwrap().unwrap();

    assert_eq!((details.blast_tag.as_str(), details.row.status), ("Raya promo", Status::Read));
    assert_eq!(details.row, window(&database.pool, &query("siti")).await[0], "as the list shows them");
    assert_eq!(details.history.len(), 2);
    assert_eq!(
        (details.history[1].by.as_deref(), details.history[1].detail.as_deref()),
        (Some("ben"), Some("PENDING"))
    );
    assert_eq!((details.answers[0].http_status, details.answers[0].body.as_slice()), (Some(200), &b"{\0"[..]));
    assert_eq!((details.elsewhere.len(), details.elsewhere[0].tag.as_str()), (1, "Hari Sukan"));
    assert!(view::recipients::details(&database.pool, RecipientId(-1)).await.unwrap().is_none());
    let since = view::history::since(&database.pool, Some(RAYA), Utc::now() - TimeDelta::hours(1)).await.unwrap();
    assert_eq!(since.reached, [(Status::Sent, 1)], "who is merely in flight reached nothing");
}

#[tokio::test]
async fn a_person_is_found_in_every_blast_newest_first() {
    let database = scene().await;
    let find = async |text: &str, limit| {
        let found = view::recipients::find(&database.pool, &filter(text), (None, None), limit).await.unwrap();
        found.into_iter().map(|row| row.tag).collect::<Vec<_>>()
    };

    assert_eq!(find("3456", 10).await, ["Raya promo", "Hari Sukan"]);
    assert_eq!(find("aminah siti", 10).await, ["Raya promo", "Hari Sukan"]);
    assert_eq!(find("010-012 3456", 1).await, ["Raya promo"]);
    assert_eq!(find("  ", 10).await, Vec::<String>::new());
    assert_eq!(find("name:%", 10).await, ["Raya promo"]);
    assert_eq!(find("status:read", 10).await, ["Raya promo", "Hari Sukan"]);
    assert_eq!(find("name:siti -status:failed", 10).await, ["Raya promo", "Hari Sukan"]);
    let others = view::recipients::find(&database.pool, &filter("status:read"), (None, Some(RAYA)), 1).await.unwrap();
    assert_eq!(others[0].tag, "Hari Sukan", "those here do not take the place of others");
}

#[tokio::test]
async fn a_blast_comes_with_its_counts_folded_or_not() {
    let database = scene().await;
    // As the folder does: what was appended moves over, and is then read from the other table.
    run(
        &database.pool,
        "insert into blast_counts select blast_id, status, sum(people), sum(amount) from blast_count_deltas group by 1, 2;
         delete from blast_count_deltas;
         update blast_recipients set status = 'delivered' where blast_id = 2 and status = 'sent'",
    )
    .await;

    let blasts = view::blasts::list(&database.pool, &BlastFilter::default()).await.unwrap();

    assert_eq!(blasts.iter().map(|blast| blast.tag.as_str()).collect::<Vec<_>>(), ["Raya promo", "Hari Sukan"]);
    let raya = &blasts[0];
    assert_eq!((raya.counts.sent, raya.counts.delivered, raya.counts.total()), (0, 1, 6));
    assert_eq!((raya.counts.amount, raya.rehearsal), (Decimal::new(12_050, 2), true));
    assert!(raya.next_due_at.is_some() && blasts[1].next_due_at.is_none());
    assert_eq!(view::blasts::get(&database.pool, RAYA).await.unwrap().as_ref(), Some(raya));
    assert_eq!(view::blasts::get(&database.pool, BlastId(99)).await.unwrap(), None);
}

#[tokio::test]
async fn blasts_are_listed_by_tag_stage_state_and_date() {
    let database = scene().await;
    let week_ago = Utc::now() - TimeDelta::days(7);
    let listed = async |filter: BlastFilter| view::blasts::list(&database.pool, &filter).await.unwrap().len();

    assert_eq!(listed(BlastFilter { tag: Some("raya PROMO".into()), ..BlastFilter::default() }).await, 1);
    assert_eq!(listed(BlastFilter { follow_up_stage: Some("Follow-up 1".into()), ..BlastFilter::default() }).await, 0);
    assert_eq!(listed(BlastFilter { state: Some(BlastState::Draft), ..BlastFilter::default() }).await, 2);
    assert_eq!(listed(BlastFilter { from: Some(week_ago), ..BlastFilter::default() }).await, 1);
    assert_eq!(listed(BlastFilter { to: Some(week_ago), ..BlastFilter::default() }).await, 1);
}

#[tokio::test]
async fn a_sender_is_shown_with_its_lease_while_it_holds() {
    let database = scene().await;
    run(
        &database.pool,
        "insert into sender_leases (sender_id, holder, host, expires_at, waiting)
         values (1, 'boot/1', 'kedai1', now() + interval '1 min', '{\"sender\": {\"reason\": \"rate\", \"rate\": \"20/min\"},
                   \"blasts\": {\"1\": {\"reason\": \"no_engine\"}, \"2\": {\"reason\": \"moonrise\"}}}');
         insert into provider_message (recipient_id, attempt, sender_id, epoch, outcome)
         select id, 1, 1, 1, (array['accepted', 'rejected', 'unknown', 'released'])[1 + (id - 1) % 4] from blast_recipients",
    )
    .await;

    let held = view::senders::list(&database.pool).await.unwrap().remove(0);
    let counted =
        blastdeck::store::sender::attempts_since(&database.pool, SenderId(1), Utc::now() - TimeDelta::hours(1)).await;
    run(
        &database.pool,
        "update sender_leases set expires_at = now() - interval '1 s', waiting = '{\"reason\": \"moonrise\"}';
         update senders set stopped_at = now(), stopped_code = '401', stopped_reason = 'wrong token'",
    )
    .await;
    let lost = view::senders::list(&database.pool).await.unwrap().remove(0);

    assert_eq!(held.lease.unwrap().host, "kedai1");
    let rate = Waiting::Rate { rate: "20/min".into(), next: None, whose: LimitOwner::Sender, slowed: 0 };
    assert_eq!(held.waiting.sender, Some(rate));
    assert_eq!(held.waiting.blasts, [(BlastId(1), Waiting::NoEngine)].into(), "a reason that nobody knows is left out");
    assert_eq!(counted.unwrap(), 4, "seven attempts, of which 2, 4 and 6 are known not to have been accepted");
    assert_eq!((lost.lease, lost.waiting), (None, WaitingReport::default()));
    assert_eq!(lost.stopped.unwrap().reason, "wrong token");
}

#[tokio::test]
async fn failures_are_counted_by_code_and_acts_are_listed_newest_first() {
    let database = scene().await;
    run(
        &database.pool,
        "update blast_recipients set status = 'failed', error_code = '463' where blast_id = 2 and name like 'Tan%';
         insert into operator_actions (operator, action, blast_id) values ('ben', 'pause', 2), ('ana', 'resume', 2);
         insert into operator_actions (operator, action, blast_id, undone_at) values ('ben', 'note', 1, now())",
    )
    .await;

    let errors = view::errors::by_code(&database.pool, RAYA).await.unwrap();
    let all = view::actions::newest(&database.pool, &ActionFilter::default(), 10).await.unwrap();
    let bens = ActionFilter { operator: Some("ben".into()), blast: Some(RAYA), ..ActionFilter::default() };
    let bens = view::actions::newest(&database.pool, &bens, 10).await.unwrap();

    let shown: Vec<_> = errors.iter().map(|error| (error.code.as_str(), error.count, error.title.as_str())).collect();
    assert_eq!(shown, [("463", 2, ""), ("131026", 1, "Undeliverable")]);
    assert_eq!(
        all.iter().map(|act| (act.action.as_str(), act.undone)).collect::<Vec<_>>(),
        [("note", true), ("resume", false), ("pause", false)]
    );
    assert_eq!(bens.len(), 1);
}

/// Enough rows that a plan which reads them all shows, in both blasts.
async fn crowd(pool: &PgPool, people: i64) {
    run(
        pool,
        &format!(
            "insert into blast_recipients (blast_id, phone_number, name, status)
             select b, '+6019' || lpad(i::text, 8, '0'), 'Person ' || i,
                    (array['queued', 'sent', 'delivered', 'read'])[1 + i % 4]::recipient_status
               from generate_series(1, 2) b, generate_series(1, {people}) i"
        ),
    )
    .await;
}

#[tokio::test]
async fn windows_by_status_walk_the_index_whatever_the_statistics_say() {
    let database = scene().await;
    // A server's statistics come late from every session but the one that asks.
    let pool = PgPoolOptions::new().max_connections(1).connect(&database.url).await.unwrap();
    crowd(&pool, 20_000).await;

    for analyze in ["", "analyze blast_recipients"] {
        run(&pool, analyze).await;
        for text in ["", "status:read", "status:sent,queued"] {
            let before = reads(&pool).await;
            let rows = window(&pool, &query(text)).await;
            let after = reads(&pool).await;

            assert_eq!(rows.len(), 50);
            assert!(after - before < 2_000, "{} rows were read for {text:?} {analyze}", after - before);
        }
    }
}

/// Rows of the table that any plan has read so far, by this pool's one connection.
async fn reads(pool: &PgPool) -> i64 {
    let mut connection = pool.acquire().await.unwrap();
    sqlx::query("select pg_stat_force_next_flush()").execute(&mut *connection).await.unwrap();
    let read = sqlx::query_scalar(
        "select t.seq_tup_read + coalesce(sum(i.idx_tup_read), 0)::bigint
           from pg_stat_user_tables t
           join pg_stat_user_indexes i using (relid)
          where t.relname = 'blast_recipients'
          group by t.seq_tup_read",
    );
    read.fetch_one(&mut *connection).await.unwrap()
}

#[tokio::test]
async fn counts_are_exact_by_status_and_up_to_a_limit_otherwise() {
    let database = scene().await;
    crowd(&database.pool, 20_000).await;
    let count = async |text: &str| view::recipients::count(&database.pool, RAYA, &filter(text), None).await.unwrap();

    assert_eq!(count("").await, Total::Exactly(20_006));
    assert_eq!(count("status:read").await, Total::Exactly(5_001));
    assert_eq!(count("status:read status:sent").await, Total::Exactly(0));
    assert_eq!(count("person").await, Total::AtLeast(SORTED_MAX));
    assert_eq!(count("\"person 1999\"").await, Total::Exactly(11));
}
