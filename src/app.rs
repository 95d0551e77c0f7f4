//! The long-lived state of a process and every use case of its faces. A face holds one `App` and nothing below it.

mod activity;
mod adding;
mod answered;
mod answering;
mod audit;
mod blast_forecast;
mod bulk_acts;
mod caller;
mod carts;
mod catalogues;
mod commands;
mod concurrent;
mod copying;
mod create;
mod customer_sheet;
mod customers;
mod drafting;
mod edit;
mod edited_blast;
mod error;
mod export;
mod finding;
mod follow_up;
mod forget;
mod handover;
mod health;
mod hooks;
mod jobs;
mod last_act;
mod launching;
mod limit_keys;
mod live;
mod local_time;
mod marks;
pub mod metrics;
mod moving;
mod old_settings;
mod one_sender;
mod open;
mod opened_hours;
mod orders;
mod page_sessions;
mod people_use;
mod plan;
mod progress;
mod reads;
mod reason;
mod recurring;
mod remedies;
mod remembering;
mod replies;
pub mod report;
mod report_file;
mod resumed_sender;
mod retry;
mod returning;
mod saved_lists;
mod saved_reports;
mod schedule;
mod segment;
mod send_test;
mod sender_health;
mod sender_limits;
mod shares;
mod steps;
mod still_suppressed;
mod suppressions;
mod tagging;
mod template;
mod undo;
pub mod view;
mod webhooks;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use sqlx::PgPool;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, SenderConfig};
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::pace::Speed;
use crate::domain::sender::ProviderKind;
use crate::domain::unseen::Unseen;
use crate::engine::{ConfiguredSender, EngineContext};
use crate::store::action::Operator;
use crate::store::{self, DbTransaction};

/// How long connections may take to be closed.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

pub use crate::engine::{DatabaseState, EngineChange, ForgottenCheck, is_panic_caught};

pub use activity::{SavedFile, reply_file_name, write_new};
pub use adding::AddedSender;
pub use answering::{AnswerOutcome, AnswerRequest, QueuedAnswer, RepeatedAnswer};
pub use bulk_acts::{MarkedSeveral, Unmarked};
pub use caller::{Caller, IssuedToken, TokenRequest};
pub use carts::{CartEdit, WrittenCart};
pub use catalogues::SyncedCatalogue;
pub use concurrent::{ConcurrentBlast, sharing_lines};
pub use create::{NewDraft, RepeatOrder};
pub use customer_sheet::CustomerSheet;
pub use customers::{ApartOptOut, CustomerPage, Merged};
pub use drafting::{
    ByHand, DraftAt, DraftForm, DraftList, DraftPerson, ListToTake, OpenedDraft, SavedDraft, TakenList, variable_names,
};
pub use edit::{DraftEdit, NOT_FOR, why_fixed};
pub use error::{AppError, DraftOvertaken, InvalidPlace, SeenState, unread_after};
pub use export::{
    CartExport, Export, ExportCell, ExportEncoder, ExportFormat, ExportPage, ExportPages, ExportTable, OrderExport,
    PeopleExport, PeopleFile, RECIPIENTS, recipient,
};
pub use follow_up::{FollowUp, FollowUpPreview};
pub use forget::{
    FORGOTTEN_STAYS_COUNTED, ForgetKeyState, ForgetPreview, Forgotten, ForgottenCustomers, NOT_FORGOTTEN,
    hooks_in_words,
};
pub use handover::{Engines, STOOD_STILL};
pub use health::{ConfirmProspect, ENGINE_CONNECTIONS, SenderCheck};
pub use hooks::{HookCheck, HookTest, HookView, RotatedSecret};
pub use jobs::AddedReport;
pub use launching::Launch;
pub use live::{LiveBlast, News};
pub use local_time::ZoneShare;
pub use marks::Marked;
pub use moving::SenderMoved;
pub use open::{Access, ProcessKind, Setup, UnusableSender, migrate};
pub use orders::items::{ItemChange, ItemsEdit, items_in_brief, items_in_words};
pub use orders::pricing::SoldOut;
pub use orders::typed::{
    MINUS, all_typed, change_as_typed, item_as_typed, item_words, typed_change, typed_item, whole_quantity,
};
pub use orders::{NewOrderItem, OrderDraft, SteppedOrder, WrittenOrder};
pub use plan::{AlsoStuck, FirstShare, Plan, Sample, StartMismatch};
pub use recurring::{PlannedRepeat, ScheduleView, SkippedOccurrence, waits_with_more};
pub use replies::{Incoming, IncomingOutcome};
pub use retry::RetryCount;
pub use returning::PutBack;
pub use saved_lists::SavedList;
pub use schedule::{PlannedStart, start_after};
pub use segment::{ExcludedPerson, FoundFollowUp, FoundPreview, SegmentCount, SegmentDraft};
pub use sender_health::{HealthCheck, KnownHealth, skew_words};
pub use shares::NewShareLink;
pub use steps::{NewStep, SendsAtOnce, StepAlike, StepEdit, StepSeen, StepShown, StepStanding, StepView};
pub use still_suppressed::StillSuppressed;
pub use suppressions::{
    AskedLift, EVERY_BUSINESS, GetNothing, MissedOptOuts, OptOut, OptOutTime, SuppressOutcome, SuppressedAll,
    SuppressedList,
};
pub use tagging::{TagChange, TagPreview, TaggedCount, TaggedPeople};
pub use template::{FittedTemplate, TemplateRefusal};
pub use undo::{AskedAct, AskedMarks, NamedSends, UndoOffer, UndoOutcome};
pub use webhooks::{HandshakeRefusal, ReceivedBody, WebhookIntake, WebhookRefusal, nameless};

/// The result of a health check of a sender.
pub use crate::config::{NewSender, TokenSource, TypedToken};
pub use crate::domain::ids::SuppressionId;
/// Lists of people, and what became of them.
pub use crate::import::{
    ImportProgress, Imported, ListChanges, ListColumn, PeopleSource, Reason, ReasonCount, Rejection, Rejections,
    WrittenPerson,
};
pub(crate) use crate::import::{OptOutAnswers, text_of_cell};
pub use crate::provider::meta::preflight::{ButtonKind, FetchedTemplate as SenderTemplate, HeaderFormat, TemplateList};
pub use crate::provider::{Health, HealthVerdict};
pub use crate::store::api_request::{RequestKey, StoredRequest};
pub use crate::store::api_token::{TokenIdentity, TokenRow};
pub use crate::store::cart::{CartQuery, CartRow};
pub use crate::store::catalogue::{
    CatalogueChange, CatalogueRow, CatalogueSource, ProductQuery, ProductRow, VariantRow,
};
pub use crate::store::count::{CountDifference, TakenTwice};
pub use crate::store::customer::{
    Consent, CustomerBlast, CustomerDetails, CustomerNote, CustomerQuery, CustomerRow, CustomerTotals, SentMessage,
};
pub use crate::store::draft::CopiedPeople;
pub use crate::store::fence::Confirmed;
pub use crate::store::forget::KeptOfPerson;
pub use crate::store::hook::{DeliveryRow, DeliveryState, HookStatus, ReplayedDeliveries};
pub use crate::store::import::NewRecipient;
pub use crate::store::inbox::{InboxEntry, InboxSummary, Nameless, ReplaySelection};
pub use crate::store::job::JobRow;
pub use crate::store::order::audit::OrderDifference;
pub use crate::store::order::{OrderItemRow, OrderQuery, OrderRow, OriginalOrder};
pub use crate::store::plan::{FirstFared, PlanGroup, PlanPerson};
pub use crate::store::recurring::{OccurrenceOutcome, OccurrenceRow};
pub use crate::store::report::{SavedReport, SavedReportQuery};
pub use crate::store::saved_list::{SavedListPerson, SavedListRow};
pub use crate::store::session::SessionAnswer;
pub use crate::store::share::{ShareIdentity, ShareRow};
pub use crate::store::step::{StepBlast, StepChange, StepKey, StepRow};
pub use crate::store::suppression::{SuppressionQuery, SuppressionRow};
pub use crate::store::{EmptyDatabase, StoreError, connection};

/// The long-lived state of a process. Cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<AppInner>,
    connections: Connections,
    /// For whom it acts, unless for its operator.
    caller: Option<Arc<Caller>>,
    /// The version of a blast that a command is about: of any other one it is refused.
    seen: Option<(BlastId, i64)>,
}

/// Which connections an app's use cases run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connections {
    /// The pool that is always open.
    Usual,
    /// One more connection, for a query that must not wait behind others.
    Beside,
    /// The pool of the sending engine.
    Sending,
}

struct AppInner {
    engine: EngineContext,
    /// Connects when a query must not wait.
    beside_pool: PgPool,
    /// Connects while somebody listens for changes for a while.
    listening_pool: PgPool,
    /// Whether LISTEN works: not behind some poolers.
    has_sessions: bool,
    url: String,
    config: Arc<Config>,
    operator: String,
    /// Each sender's index in the engine's list.
    sender_index: HashMap<SenderId, usize>,
    unusable: Vec<UnusableSender>,
    access: Access,
    /// What an operator who leaves no trace has not seen of what happened, from their first look on.
    unseen_here: Mutex<Option<Unseen>>,
    stop: CancellationToken,
}

impl App {
    /// A permit to read the database, held until dropped. `None`: none became free within `patience`.
    pub async fn read_permit(&self, patience: Duration) -> Option<OwnedSemaphorePermit> {
        self.inner.engine.read_permits.acquire(patience).await
    }

    /// The same app on one more connection, for a query that somebody waits for: opened when needed, and closed when it has
    /// been idle for a while.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self { connections: Connections::Beside, ..self.clone() }
    }

    /// The same app on the connections of the sending engine, for an operator's acts: these never wait behind a read.
    #[must_use]
    pub fn acting(&self) -> Self {
        Self { connections: Connections::Sending, ..self.clone() }
    }

    /// Releases the leases and sends nothing until [`Self::resume_engine`]: called before the process is suspended. Returns when
    /// they are released, or at once when no engine runs here.
    pub async fn suspend_engine(&self) {
        self.inner.engine.suspension.suspend().await;
    }

    /// Sends again after [`Self::suspend_engine`].
    pub fn resume_engine(&self) {
        self.inner.engine.suspension.resume();
    }

    /// Grows whenever something may have changed in the database, also after a reconnect. A hint to read again.
    pub fn news(&self) -> watch::Receiver<u64> {
        self.inner.engine.notifier.hints()
    }

    /// Whether the database answers.
    pub fn database(&self) -> watch::Receiver<DatabaseState> {
        self.inner.engine.notifier.database()
    }

    /// Why the engine of this process stopped sending for good, once it has: its program or its settings are not the current
    /// ones any more.
    pub fn retirement(&self) -> watch::Receiver<Option<EngineChange>> {
        self.inner.engine.retirement.watch()
    }

    /// How old an attempt must be before its message may be sent again.
    pub fn resend_after(&self) -> TimeDelta {
        self.inner.engine.settings.retry.resend_after
    }

    /// How fast time runs: gaps, rates and retries go by it.
    pub fn speed(&self) -> Speed {
        self.inner.engine.settings.speed
    }

    /// Who acts: the caller's name; else from `BLASTDECK_OPERATOR`, else login and host.
    pub fn operator(&self) -> &str {
        self.caller.as_ref().map_or(&self.inner.operator, |caller| &caller.name)
    }

    /// The same, with the token that it acts with: by whom acts are logged.
    pub(crate) fn acting_operator(&self) -> Operator<'_> {
        Operator { name: self.operator(), token: self.caller.as_ref().and_then(|caller| caller.token) }
    }

    /// This process's holder name in leases: with another one, the sending happens elsewhere.
    pub fn holder(&self) -> &str {
        self.inner.engine.identity.name()
    }

    /// Where this process runs, as a stop for a refused token names it.
    pub fn place(&self) -> String {
        self.inner.engine.place()
    }

    pub fn shared_config(&self) -> Arc<Config> {
        self.inner.config.clone()
    }

    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// The database's address, for another process of this program.
    pub fn database_url(&self) -> &str {
        &self.inner.url
    }

    /// Senders of the configuration that cannot be used, each with the reason.
    pub fn unusable_senders(&self) -> &[UnusableSender] {
        &self.inner.unusable
    }

    /// A usable sender's id by its name.
    pub fn sender_id(&self, name: &str) -> Option<SenderId> {
        self.inner.engine.senders.iter().find(|sender| sender.name == name).map(|sender| sender.id)
    }

    /// The id of a configured sender, whether or not it can be used here.
    pub(crate) fn registered_id(&self, name: &str) -> Option<SenderId> {
        let unusable = self.inner.unusable.iter().find(|unusable| unusable.name == name);
        self.sender_id(name).or_else(|| unusable.map(|unusable| unusable.sender))
    }

    /// Whether no sender of this configuration can be used.
    pub fn has_no_sender(&self) -> bool {
        self.inner.engine.senders.is_empty()
    }

    pub fn is_read_only(&self) -> bool {
        self.inner.access == Access::ReadOnly
    }

    /// Ends every task of this app and closes its connections. A database that does not answer is not waited for.
    pub async fn close(&self) {
        self.inner.stop.cancel();
        let AppInner { engine, beside_pool, listening_pool, .. } = &*self.inner;
        let closing = [&engine.pool, beside_pool, listening_pool, &engine.sending_pool].map(PgPool::close);
        let _ = timeout(CLOSE_PATIENCE, join_all(closing)).await;
    }

    /// Who sends what names no sender: the default of this provider, the only one, or the only one that this app acts for.
    pub fn default_sender(&self, provider: ProviderKind) -> Option<&SenderConfig> {
        let Some(own) = self.only_sender() else { return self.config().default_sender(provider) };
        let is_own = |sender: &&SenderConfig| self.registered_id(&sender.name) == Some(own);
        self.config().senders.iter().find(is_own).filter(|sender| sender.provider == provider)
    }

    /// What an engine of this process works with.
    pub fn engine(&self) -> &EngineContext {
        &self.inner.engine
    }

    /// Begins a transaction on one of these connections. It takes the key of the caller's request, where there is one.
    async fn begin(&self) -> Result<DbTransaction, AppError> {
        let mut tx = store::begin(self.pool()).await?;
        self.claim_request(&mut tx).await?;
        Ok(tx)
    }

    fn pool(&self) -> &PgPool {
        match self.connections {
            Connections::Usual => &self.inner.engine.pool,
            Connections::Beside => &self.inner.beside_pool,
            Connections::Sending => &self.inner.engine.sending_pool,
        }
    }

    fn sender(&self, id: SenderId) -> Option<&ConfiguredSender> {
        self.inner.engine.senders.get(*self.inner.sender_index.get(&id)?)
    }
}
