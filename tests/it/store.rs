//! The store against a real Postgres: evidence that is odd, late or doubled, rows that are locked, leases that are taken
//! over, counters whoever writes.

mod amounts_of_two;
mod armed_changes;
mod attempt_lookups;
mod attempts;
mod away;
mod broken_off;
mod by_hand;
mod counters;
mod deleted;
mod due_with_a_stop;
mod early_starts;
mod evidence;
mod fence;
mod forgetting;
mod in_flight;
mod known;
mod leases;
mod marks;
mod named_acts;
mod no_undo;
mod opt_outs;
mod orders;
mod other_attempts;
mod pauses;
mod plans;
mod recent;
mod sent_once_back;
mod spellings;
mod stopped_again;
mod taken_back;
mod undo;

use blastdeck::domain::engine_role::EngineRole;
use blastdeck::domain::ids::{BlastId, MessageId, RecipientId, SenderId};
use blastdeck::domain::recipient::{AttemptOutcome, Evidence, StampedEvidence};
use blastdeck::domain::retry::CodeRetry;
use blastdeck::domain::retry::RetryRules;
use blastdeck::store::claim::{Claim, ClaimRequest, Claimed, claim};
use blastdeck::store::evidence::{AttemptAnswer, EntryOutcome, EvidenceEntry, EvidenceSource, record};
use blastdeck::store::lease::{self, Lease, LeaseRequest};
use chrono::{TimeDelta, Utc};
use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};

use crate::support::{TestDatabase, WAITING_FOR_A_LOCK, broken_invariants, database, eventually_async};

const SENDER: SenderId = SenderId(1);
const BLAST: BlastId = BlastId(1);

/// A sender with a blast that is being sent, its people numbered from 1.
struct Scene {
    database: TestDatabase,
    lease: Lease,
}

impl Scene {
    /// Everybody queued, the lease taken.
    async fn queued(people: u32) -> Self {
        let database = database().await;
        execute(
            &database.pool,
            &format!(
                "insert into senders (name, provider, business, rehearsal) values ('sales', 'wsapme', 'kedai', true);
                 insert into blasts (blast_tag, sender_id, message, state, total_recipients)
                 values ('Raya', 1, 'Hi', 'sending', {people});
                 insert into blast_recipients (blast_id, phone_number, name)
                 select 1, '+60100' || lpad(n::text, 6, '0'), 'Person ' || n from generate_series(1, {people}) as n"
            ),
        )
        .await;
        let lease = acquire(&database.pool, "first").await.unwrap();
        Self { database, lease }
    }

    /// Everybody claimed, their POSTs in flight.
    async fn sending(people: u32) -> Self {
        let scene = Self::queued(people).await;
        assert_eq!(scene.claim(people).await.len(), people as usize);
        scene
    }

    async fn claim(&self, people: u32) -> Vec<Claimed> {
        let want = ClaimRequest {
            blast: BLAST,
            people: people.into(),
            after: None,
            patience: std::time::Duration::MAX,
            oldest: None,
        };
        loop {
            match claim(self.pool(), self.lease, want).await {
                Ok(Claim::People(people)) => return people,
                // Another claim had somebody of it meanwhile: an engine claims again as well.
                Err(error) if error.is_transient() => {}
                refused => panic!("{refused:?}"),
            }
        }
    }

    fn pool(&self) -> &PgPool {
        &self.database.pool
    }

    async fn record(&self, entries: &[EvidenceEntry]) -> Vec<EntryOutcome> {
        record(self.pool(), entries, &RetryRules::default()).await.unwrap()
    }

    /// Status by status, in the order of people.
    async fn statuses(&self) -> Vec<String> {
        sqlx::query_scalar("select current_status(r)::text from blast_recipients r order by id")
            .fetch_all(self.pool())
            .await
            .unwrap()
    }

    async fn number(&self, query: &str) -> i64 {
        sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_one(self.pool()).await.unwrap()
    }

    async fn execute(&self, statements: &str) {
        execute(self.pool(), statements).await;
    }

    /// Commits once another session waits for a row of it: that one's snapshot is older.
    async fn until_waited_for(&self) {
        eventually_async("another session waits", async || self.number(WAITING_FOR_A_LOCK).await > 0).await;
    }

    async fn commit_once_waited_for(&self, tx: Transaction<'static, Postgres>) {
        self.until_waited_for().await;
        tx.commit().await.unwrap();
    }

    /// As if each of those in flight had been claimed alone.
    async fn claims_one_by_one(&self) {
        self.execute(
            "alter table claims disable trigger all;
             insert into claims (blast_id, sender_id, attempt_number, epoch, claimed_at, first_id, last_id, recipients)
             select blast_id, sender_id, attempt_number, epoch, claimed_at, p.id, p.id, array[p.id] from claims, unnest(recipients) p (id);
             delete from claims where first_id <> last_id;
             alter table claims enable trigger all",
        )
        .await;
    }

    /// As nobody does but a test.
    async fn change_claims(&self, update: &str) {
        let disabled = "alter table claims disable trigger refuse_change";
        self.execute(&format!("{disabled}; {update}; {}", disabled.replace("disable", "enable"))).await;
    }

    /// As a database does that goes back in time.
    async fn forget_claims(&self) {
        self.execute(
            "insert into blast_count_deltas (blast_id, status, people)
             select f.blast_id, v.status, v.sign * count(*) from in_flight f
              cross join (values ('sending'::recipient_status, -1), ('queued', 1)) as v (status, sign) group by 1, 2, v.sign;
             alter table claims disable trigger all;
             delete from claims;
             alter table claims enable trigger all",
        )
        .await;
    }

    #[track_caller]
    fn invariants(&self) -> impl Future<Output = ()> + '_ {
        let caller = std::panic::Location::caller();
        async move {
            let broken = broken_invariants(self.pool()).await;
            assert!(broken.is_empty(), "{caller}: {broken:#?}");
        }
    }
}

async fn execute(pool: &PgPool, statements: &str) {
    sqlx::raw_sql(AssertSqlSafe(statements.to_owned())).execute(pool).await.unwrap();
}

fn asking(holder: &str) -> LeaseRequest<'_> {
    let (host, role, token) = ("here", EngineRole::Engine, "00000000");
    LeaseRequest { holder, host, role, token, valid: TimeDelta::seconds(15), dead: None }
}

/// The sender's lease for a holder, as if nothing had to be verified first.
async fn acquire(pool: &PgPool, holder: &str) -> Option<Lease> {
    acquire_as(pool, asking(holder)).await
}

async fn acquire_as(pool: &PgPool, asking: LeaseRequest<'_>) -> Option<Lease> {
    let acquiring = lease::acquire(pool, SENDER, asking).await.unwrap()?;
    Some(acquiring.sweep_and_commit().await.unwrap())
}

/// Evidence about a person's first attempt, with the answer it came in.
fn entry(person: i64, evidence: Evidence, body: &[u8]) -> EvidenceEntry {
    let (outcome, message_id) = match &evidence {
        Evidence::Accepted { message_id, .. } => (AttemptOutcome::Accepted, message_id.clone()),
        Evidence::Rejected { .. } => (AttemptOutcome::Rejected, None),
        _ => (AttemptOutcome::Unknown, None),
    };
    EvidenceEntry {
        blast: BLAST,
        recipient: RecipientId(person),
        stamped: StampedEvidence { attempt: 1, at: Utc::now(), evidence },
        source: EvidenceSource::Send,
        by: None,
        metadata: None,
        answer: Some(AttemptAnswer {
            sender: SENDER,
            epoch: 1,
            claimed_at: Utc::now(),
            outcome,
            message_id,
            http_status: Some(200),
            error_code: None,
            body: body.to_vec().into(),
            text: Some("Hi".to_owned()),
            known_as: None,
            flagged: None,
        }),
        jitter: 0.5,
        retry_after: None,
        retry: CodeRetry::ByClass,
        snapshot: None,
    }
}

fn accepted(person: i64, id: &str) -> EvidenceEntry {
    let message_id = MessageId::new(id);
    entry(person, Evidence::Accepted { message_id, provider_status: None, message_timestamp: None }, id.as_bytes())
}
