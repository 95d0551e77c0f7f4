//! Whatever befalls the engine, its database and its provider, at random moments and several at once: nobody is messaged
//! twice, nobody is lost. The simulator's own record of what came to its door is the truth.

mod blows;
mod clocks;
mod commits;
mod renewals;
mod standby;
mod webhooks;

use std::fmt;

use rustix::process::test_kill_process;

use crate::support::proxy::Proxy;
use crate::support::{
    Clock, Cluster, Deadline, Engine, LostTime, PATIENCE, Setup, Shop, TestDatabase, Wire, eventually_async, figure,
    long_form, settle_for,
};
use blows::Blow;
pub use commits::proxied;
use webhooks::Webhooks;

/// POSTs in flight at once.
const IN_FLIGHT: i64 = 8;
/// As many as one death may leave in doubt: those in flight, and as many more as answers after 60 ms allow.
const SLOTS: i64 = IN_FLIGHT + IN_FLIGHT * 30 / 60;

const SETUP: Setup<'static> = Setup {
    sim: &["--latency", "60ms", "--speed", "6000"],
    sender: "rate = \"unlimited\"\nin_flight = 8",
    engine: "speed = 600\nfailures_in_a_row = 1000",
    polling: "interval = \"1s\"\nper_second = 0.3\ngive_up_after = \"12m\"",
};

/// The seed of an ordinary run: a change is judged by the rounds that the one before it passed.
const ORDINARY_SEED: u64 = 13_443_116_543_720_396_682;
/// The people of a blast that lasts longer than all rounds.
const ENDLESS: u32 = 1_000;
/// With fewer queued beside it, a further blast is sent.
const QUEUED_AT_LEAST: i64 = 150;

#[tokio::test]
async fn whatever_befalls_the_engine_nobody_is_messaged_twice_and_nobody_is_lost() {
    let mut trial = Trial::begin(Wire::Wsapme, seed()).await;
    let endless = trial.begin_endless_blast().await;

    for number in 0..rounds().unwrap_or(9) {
        let round = trial.plan(number);
        println!("round {number}: {round}");
        trial.play(&round).await;
    }

    trial.end(&endless).await;
}

/// The seed of this run, which it prints.
fn seed() -> u64 {
    let seed = std::env::var("BLASTDECK_CHAOS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| if long_form() { rand::random() } else { ORDINARY_SEED });
    figure(&format!("BLASTDECK_CHAOS_SEED={seed}"));
    seed
}

/// How many rounds were asked for; `None`: those of an ordinary run.
fn rounds() -> Option<usize> {
    let rounds = std::env::var("BLASTDECK_CHAOS_ROUNDS").ok().and_then(|rounds| rounds.parse().ok());
    rounds.or_else(|| long_form().then_some(200))
}

/// The blows that were asked for, such as `Failover,Kill`; `None`: all of them.
fn only() -> Option<Vec<String>> {
    let only = std::env::var("BLASTDECK_CHAOS_BLOWS").ok()?;
    Some(only.split(',').map(str::to_owned).collect())
}

#[tokio::test]
async fn a_round_has_people_left_to_send_to_however_fast_the_machine() {
    let mut trial = Trial::begin(Wire::Wsapme, ORDINARY_SEED).await;
    trial.have_work().await;
    trial.start_engines(1).await;
    eventually_async("everybody was sent to", async || trial.shop.count("queued").await == 0).await;

    trial.until_more_posts(10).await;

    for engine in trial.engines.drain(..) {
        engine.stop().await;
    }
}

/// What befalls it in one round.
struct Round {
    blows: Vec<Blow>,
    /// The last engine is killed instead of stopped.
    ends_in_a_kill: bool,
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{}", self.blows, if self.ends_in_a_kill { ", killed at the end" } else { "" })
    }
}

/// A shop on a Postgres of its own, reached through the proxy. Fields are dropped in this order.
struct Trial {
    engines: Vec<Engine>,
    /// Where statuses arrive, over Meta's wire.
    webhooks: Option<Webhooks>,
    shop: Shop,
    proxy: Proxy,
    cluster: Cluster,
    clock: Clock,
    dice: Dice,
    order: Vec<Blow>,
    people: u32,
    in_doubt: i64,
    unanswered: i64,
    /// How many more may be in doubt after this round.
    allowed: i64,
    lost_times: Vec<LostTime>,
    /// What only stood in the configuration for a while.
    added_senders: Vec<String>,
}

impl Trial {
    async fn begin(wire: Wire, seed: u64) -> Self {
        let (cluster, address) = Cluster::start().await;
        let proxy = Proxy::start(address.socket()).await;
        let database = TestDatabase::private(proxy.url("blastdeck"), &address).await;
        let shop = Shop::open_over(wire, database, SETUP);
        let webhooks = match wire {
            Wire::Wsapme => None,
            Wire::Meta => Some(Webhooks::to_nobody_yet(&shop).await),
        };
        Self {
            engines: Vec::new(),
            webhooks,
            shop,
            proxy,
            clock: Clock::new(cluster.dir.path()),
            cluster,
            dice: Dice(seed),
            order: Vec::new(),
            people: 0,
            in_doubt: 0,
            unanswered: 0,
            allowed: 0,
            lost_times: Vec::new(),
            added_senders: Vec::new(),
        }
    }

    /// Every blow once before any comes again. In every third round two come together, so that nine rounds have all.
    fn plan(&mut self, number: usize) -> Round {
        let mut blows = vec![self.draw()];
        if number % 3 == 1 {
            blows.push(self.draw());
        }
        Round { blows, ends_in_a_kill: self.dice.up_to(2) == 0 }
    }

    fn draw(&mut self) -> Blow {
        if self.order.is_empty() {
            self.order = Blow::ALL.to_vec();
            self.order.extend(self.webhooks.as_ref().map(|_| Blow::Receiver));
            if let Some(only) = only() {
                self.order.retain(|blow| only.contains(&format!("{blow:?}")));
            }
            self.dice.shuffle(&mut self.order);
        }
        self.order.pop().unwrap()
    }

    async fn play(&mut self, round: &Round) {
        self.have_work().await;
        self.allowed = 0;
        self.receive().await;
        self.start_engines(1).await;
        let posts = 1 + self.dice.up_to(30);
        self.until_more_posts(posts).await;
        for blow in &round.blows {
            self.dice.moment(60).await;
            self.strike(*blow).await;
        }
        // It goes on by itself.
        self.until_more_posts(10).await;
        if round.ends_in_a_kill {
            self.kill_one().await;
        }
        for engine in self.engines.drain(..) {
            engine.stop().await;
        }
        self.end_receiver().await;
        // What a dead engine had written to the wire arrives, and is answered.
        settle_for(200).await;
        self.check().await;
    }

    /// A message every six seconds: as long as anything is left to do no standby ends by itself.
    async fn begin_endless_blast(&mut self) -> String {
        self.people += ENDLESS;
        self.shop.blast_with(0..ENDLESS, &["--gap", "1h..1h"]).await
    }

    /// A blast beside those being sent, when these come to their end.
    async fn have_work(&mut self) {
        let queued = "select count(*) from blast_recipients join blasts b on b.id = blast_id where status = 'queued' and b.gap is null";
        if self.shop.number(queued).await < QUEUED_AT_LEAST {
            self.shop.blast(self.people..self.people + 200).await;
            self.people += 200;
        }
    }

    /// Started, and up: one that finds no database at its start ends with a sentence, and that is not what is tried here.
    async fn start_engines(&mut self, how_many: usize) {
        // To the microsecond: the connection of one that was killed a moment ago may still be there.
        let now = "select (extract(epoch from clock_timestamp()) * 1000000)::bigint";
        let since = self.shop.number(now).await;
        self.engines.extend((0..how_many).map(|_| self.shop.engine_with(&self.clock.environment())));
        let wanted = i64::try_from(how_many).unwrap();
        let listening = format!(
            "select count(*) from pg_stat_activity
              where application_name = 'blastdeck' and query ilike 'listen%'
                and extract(epoch from backend_start) * 1000000 >= {since}"
        );
        let mut deadline = Deadline::after(PATIENCE);
        while self.shop.number(&listening).await < wanted {
            assert!(deadline.wait_a_moment().await, "the engines are not up: {}", self.how_it_stands().await);
        }
    }

    /// A dead engine may leave as many in doubt as it had slots.
    async fn kill_one(&mut self) {
        if self.engines.is_empty() {
            return;
        }
        let victim = self.dice.up_to(self.engines.len());
        self.engines.swap_remove(victim).kill().await;
        self.allowed += SLOTS;
    }

    /// Nothing holds up the sending for good. A fast machine may have sent to everybody meanwhile: then there are more.
    async fn until_more_posts(&mut self, more: usize) {
        let wanted = self.shop.sim.stats().await.posts + more;
        let mut deadline = Deadline::after(2 * PATIENCE);
        while self.shop.sim.stats().await.posts < wanted {
            assert!(deadline.wait_a_moment().await, "nothing is sent any more: {}", self.how_it_stands().await);
            self.have_work().await;
        }
    }

    /// For whoever examines a failure: the statuses, the leases, who is connected and waits for what, and what the engines
    /// said last.
    async fn how_it_stands(&self) -> String {
        let query = "select coalesce((select json_agg(x) from (select status, count(*) from blast_recipients group by 1) x)::text, '')
                         || coalesce((select json_agg(l)::text from sender_leases l), '')
                         || coalesce((select json_agg(s)::text from senders s), '')
                         || coalesce((select json_agg(b.state)::text from blasts b), '')
                         || (select json_agg(a)::text from (select pid, state, wait_event, now() - state_change as since, left(query, 70) as query
                                                              from pg_stat_activity where datname = current_database()) a)";
        let rows: String = sqlx::query_scalar(query).fetch_one(&self.shop.database.pool).await.unwrap();
        let log = std::fs::read_to_string(self.shop.path("engine.log")).unwrap_or_default();
        let last: Vec<&str> = log.lines().rev().take(30).collect();
        let proxied = self.proxy.connections();
        format!("{rows}\n{proxied} through the proxy\n{}", last.into_iter().rev().collect::<Vec<_>>().join("\n"))
    }

    /// All promises, and that no more are in doubt than the blows can explain.
    async fn check(&mut self) {
        self.shop.promises_but_for(&self.lost_times).await;
        let in_doubt = self.shop.count("uncertain").await + self.shop.count("sending").await;
        let posts = self.shop.sim.posts().await;
        let unanswered = posts.iter().filter(|post| matches!(post.answered.as_str(), "hangup" | "html"));
        let unanswered = i64::try_from(unanswered.count()).unwrap();
        let (more, explained) = (in_doubt - self.in_doubt, unanswered - self.unanswered + self.allowed);
        assert!(more <= explained, "{more} more are in doubt, and only {explained} can be");
        (self.in_doubt, self.unanswered) = (in_doubt, unanswered);
    }

    /// Without trouble all is sent, and nobody is left between.
    async fn end(mut self, endless: &str) {
        self.proxy.calm();
        self.faults(&[]).await;
        self.shop.ok(&["blast", "cancel", endless, "--yes"]).await;
        self.bring_back_added_senders();
        let mut open = String::new();
        // Whom the last news calls not reached is tried again, three times at most; a sender that was away while the database went back
        // in time asks first.
        for _ in 0..=4 {
            self.receive_apart().await;
            self.shop.until_idle().await;
            self.confirm_added_senders().await;
            self.until_all_news_is_applied().await;
            open = self.open_people().await;
            if open.is_empty() {
                break;
            }
        }
        assert_eq!(open, "", "nobody is forgotten");
        self.shop.promises_but_for(&self.lost_times).await;
        self.shop.ok(&["audit"]).await;
    }

    /// Who is queued or being sent to, and why.
    async fn open_people(&self) -> String {
        let query =
            "select coalesce(string_agg(concat_ws(' ', r.id, r.status, r.attempt, r.next_attempt_at, r.error_code, r.reason,
                                                  'of blast', b.id, b.state, b.state_reason, 'by', s.name, s.stopped_code, s.stopped_reason), '; '), '')
               from blast_recipients r join blasts b on b.id = r.blast_id join senders s on s.id = b.sender_id
              where r.status in ('queued', 'sending')";
        sqlx::query_scalar(query).fetch_one(&self.shop.database.pool).await.unwrap()
    }

    /// Ends the server as `pg_ctl stop -m immediate` does, and starts it again after a while.
    async fn crash_postgres(&mut self) {
        let pid = self.cluster.stop_immediately();
        // One that is still going down would count as running.
        eventually_async("the server is gone", async || test_kill_process(pid).is_err()).await;
        self.dice.moment(400).await;
        self.cluster.local.ensure_running().await.unwrap();
    }
}

/// Numbers that one seed decides.
#[derive(Clone)]
struct Dice(u64);

impl Dice {
    /// From 0 up to `end`, without it.
    fn up_to(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % end as u64).unwrap()
    }

    /// Lets a moment pass, of less than so many milliseconds.
    async fn moment(&mut self, milliseconds: usize) {
        settle_for(self.up_to(milliseconds) as u64).await;
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.up_to(last + 1));
        }
    }
}
