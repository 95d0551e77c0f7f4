//! A shop with some blasts and people, and a dashboard whose effects are completed by hand.

mod screen;

pub use screen::{buffer, drawn, lines};

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use rust_decimal::Decimal;

use crate::app::view::{Anchor, BlastView, Estimate, RecipientDetails, RecipientRow, SenderUsage, SenderView, Total};
use crate::app::{Marked, TokenSource};
use crate::domain::blast::{BlastOrigin, BlastState, FirstPeople};
use crate::domain::funnel::Counts;
use crate::domain::ids::{ActionId, BlastId, RecipientId, SenderId};
use crate::domain::pace::LimitColumns;
use crate::domain::status::Status;
use crate::domain::waiting::Waiting;
use crate::tui::effect::{Completion, Effect, ListPart, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{Model, PageRequest, Shown};
use crate::tui::msg::{Msg, TimedMsg};
use crate::tui::update::{is_known, update};
use crate::tui::{Charset, DashboardKind, DashboardOptions, DatabaseKind, Hints, OnClose, Palette, Size};

pub const RAYA: BlastId = BlastId(7);
pub const DRAFT: BlastId = BlastId(8);
pub const WIDE: Size = Size { width: 120, height: 29 };
pub const STACKED: Size = Size { width: 80, height: 24 };

/// 14:02 in Kuala Lumpur.
pub fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 6, 2, 0).unwrap()
}

/// A time of that day in Kuala Lumpur.
pub fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, hour, minute, 0).unwrap() - TimeDelta::hours(8)
}

/// The same of the day after.
pub fn tomorrow(hour: u32, minute: u32) -> DateTime<Utc> {
    at(hour, minute) + TimeDelta::days(1)
}

pub fn options() -> DashboardOptions {
    DashboardOptions {
        kind: DashboardKind::Real,
        operator: "aina".to_owned(),
        default_sender: None,
        name: Some("Kedai Aina".to_owned()),
        zone: chrono_tz::Asia::Kuala_Lumpur,
        currency: "MYR".to_owned(),
        charset: Charset::Unicode,
        palette: Palette::Auto,
        database: DatabaseKind::Given,
        keys: crate::tui::Keymap::default(),
        open: None,
        hints: Hints::Off,
        on_close: OnClose::BlastsContinue,
        welcome: None,
        greeting: None,
        program: "blastdeck".to_owned(),
    }
}

pub fn blast(id: i64, tag: &str, state: BlastState, (month, day): (u32, u32)) -> BlastView {
    let date = Utc.with_ymd_and_hms(2026, month, day, 4, 0, 0).unwrap();
    BlastView {
        id: BlastId(id),
        tag: tag.to_owned(),
        follow_up_stage: "Initial".to_owned(),
        state,
        version: 3,
        sender_id: SenderId(1),
        sender: "sales".to_owned(),
        rehearsal: false,
        total_recipients: 100,
        counts: Counts::default(),
        opted_out_later: 0,
        template: None,
        message: "Salam {name}".to_owned(),
        limits: LimitColumns::default(),
        send_after: None,
        armed_at: None,
        asks_after: None,
        scheduled_for: None,
        scheduled_local: None,
        state_reason: None,
        state_by: None,
        waiting: None,
        nobody_due: None,
        mend: None,
        estimate: Estimate::default(),
        blast_date: date,
        launched_at: None,
        completed_at: None,
        created_at: date,
        external_id: None,
        description: None,
        follows: None,
        unfinished: None,
        first: FirstPeople::default(),
        origin: BlastOrigin::default(),
        retry_next_day: false,
        updated_at: date,
        unasked: Total::Exactly(0),
    }
}

pub fn raya() -> BlastView {
    BlastView {
        total_recipients: 287,
        counts: Counts {
            queued: 140,
            sending: 1,
            uncertain: 1,
            failed: 3,
            sent: 6,
            delivered: 48,
            read: 67,
            replied: 15,
            closed: 6,
            amount: Decimal::new(124_000, 2),
            ..Counts::default()
        },
        waiting: Some(Waiting::Gap {
            gap: "20-60 s".to_owned(),
            next: Some(at(14, 2) + TimeDelta::seconds(41)),
            slowed: 0,
        }),
        estimate: Estimate { done_at: Some(at(15, 36)), per_hour: Some(90) },
        ..blast(RAYA.0, "Raya promo", BlastState::Sending, (11, 20))
    }
}

fn done(id: i64, tag: &str, date: (u32, u32), ringgit: i64) -> BlastView {
    let counts = Counts { closed: 100, amount: Decimal::from(ringgit), ..Counts::default() };
    BlastView { counts, ..blast(id, tag, BlastState::Completed, date) }
}

pub fn draft() -> BlastView {
    let counts = Counts { queued: 289, ..Counts::default() };
    BlastView { total_recipients: 289, counts, ..blast(DRAFT.0, "Raya last call", BlastState::Draft, (11, 20)) }
}

pub fn blasts() -> Vec<BlastView> {
    let paused = Counts { queued: 20, closed: 80, amount: Decimal::from(310), ..Counts::default() };
    vec![
        raya(),
        done(6, "Deepavali", (11, 13), 4_905),
        BlastView { counts: paused, ..blast(5, "Follow-up 1", BlastState::Paused, (11, 15)) },
        done(4, "Hari Sukan", (10, 3), 2_130),
        done(3, "Launch", (1, 18), 1_775),
        draft(),
    ]
}

pub fn senders() -> Vec<SenderView> {
    vec![SenderView {
        id: SenderId(1),
        name: "sales".to_owned(),
        provider: "wsapme".to_owned(),
        business: "kedai".to_owned(),
        rehearsal: false,
        unheard_since: None,
        quality: None,
        stopped: None,
        lease: None,
        waiting: None,
        queued_answers: 0,
        usage: SenderUsage {
            today: 146,
            daily_cap: Some(500),
            per_hour: Some(90),
            rate: "20/min".parse().unwrap(),
            gap: Some("20s..60s".parse().unwrap()),
            zone: Some(chrono_tz::Asia::Kuala_Lumpur),
            region: "MY".parse().ok(),
        },
        token: Some(TokenSource::Variable("WSAPME_TOKEN".to_owned())),
    }]
}

pub fn person(id: i64, name: &str, status: Status, changed: DateTime<Utc>) -> RecipientRow {
    RecipientRow {
        id: RecipientId(id),
        blast_id: RAYA,
        phone: serde_json::from_value(serde_json::json!(format!("+6010012{id:04}"))).unwrap(),
        name: Some(name.to_owned()),
        status,
        attempt: 1,
        message_id: None,
        sent_at: None,
        delivered_at: None,
        read_at: None,
        replied_at: None,
        closed_at: None,
        failed_at: None,
        opted_out_at: None,
        changed_at: changed,
        amount: None,
        note: None,
        error_code: None,
        error_message: None,
        reason: None,
        provider_status: None,
        external_id: None,
        opt_out: None,
    }
}

pub fn people() -> Vec<RecipientRow> {
    vec![
        RecipientRow {
            sent_at: Some(at(12, 31)),
            delivered_at: Some(at(12, 31)),
            read_at: Some(at(13, 41)),
            replied_at: Some(at(13, 58)),
            ..person(1, "Siti Aminah", Status::Replied, at(13, 58))
        },
        RecipientRow {
            closed_at: Some(at(13, 57)),
            amount: Some(Decimal::new(12_000, 2)),
            note: Some("2 boxes, Fri".to_owned()),
            ..person(2, "Tan Mei Ling", Status::Closed, at(13, 57))
        },
        person(3, "Kavitha", Status::Delivered, at(13, 56)),
        RecipientRow {
            error_message: Some("refused".to_owned()),
            ..person(4, "Lim Ah Kow", Status::Failed, at(13, 55))
        },
        person(5, "Aishah", Status::Uncertain, at(13, 54)),
    ]
}

/// So many people, each changed a minute before the one above.
pub fn crowd(from: i64, count: i64) -> Vec<RecipientRow> {
    (from..from + count)
        .map(|n| person(n, &format!("Person {n}"), Status::Read, at(13, 59) - TimeDelta::minutes(n)))
        .collect()
}

/// A dashboard whose effects are answered by hand.
pub struct TestDashboard {
    pub model: Model,
    pub now: DateTime<Utc>,
    pub effects: Vec<Effect>,
}

impl TestDashboard {
    pub fn empty(size: Size) -> Self {
        Self { model: Model::new(options(), size, noon()), now: noon(), effects: Vec::new() }
    }

    /// Everything read: the blasts, the senders, and the first people of the first blast.
    pub fn new(size: Size) -> Self {
        Self::with(size, people())
    }

    pub fn with(size: Size, people: Vec<RecipientRow>) -> Self {
        let mut dashboard = Self::empty(size);
        dashboard.answer(Completion::Blasts(Ok(blasts()))).answer(Completion::Senders(Ok(senders())));
        dashboard.list(people).dispatch(Msg::Drawn).effects.clear();
        dashboard
    }

    pub fn dispatch(&mut self, msg: Msg) -> &mut Self {
        self.effects.extend(update(&mut self.model, TimedMsg { at: self.now, msg }));
        self
    }

    /// Applies an answer also where the event loop would leave it out, which must come to the same.
    pub fn answer(&mut self, answer: Completion) -> &mut Self {
        let before = is_known(&self.model, &answer).then(|| (self.screen(), self.other_than_pages()));
        self.dispatch(Msg::Completed(answer)).sees();
        if let Some(before) = before {
            assert_eq!((self.screen(), self.other_than_pages()), before, "it was said to be known");
        }
        self
    }

    /// A list that is read again has its next page read again.
    fn other_than_pages(&self) -> usize {
        use ListPart::{NextPage, PreviousPage};
        let is_page = |of: &Effect| matches!(of, Effect::Read(ReadRequest::List { part: NextPage | PreviousPage, .. }));
        self.effects.iter().filter(|effect| !is_page(effect)).count()
    }

    /// Answers the list that was asked for last.
    pub fn list(&mut self, rows: Vec<RecipientRow>) -> &mut Self {
        self.list_as_asked(self.model.recipients.ticket, rows)
    }

    pub fn list_as_asked(&mut self, ticket: u64, rows: Vec<RecipientRow>) -> &mut Self {
        let asked = PageRequest { anchor: Anchor::Start, limit: 60 };
        self.answer(Completion::List { ticket, part: ListPart::Reload, asked, rows: Ok(rows), newest: None })
    }

    pub fn key(&mut self, key: Key) -> &mut Self {
        self.dispatch(Msg::Key(key)).sees()
    }

    /// Whoever types sees what is asked.
    fn sees(&mut self) -> &mut Self {
        self.model.question_shown = Shown::Yes;
        self
    }

    pub fn keys(&mut self, keys: &str) -> &mut Self {
        let named = [('\n', Key::Enter), ('↑', Key::Up), ('↓', Key::Down)];
        for c in keys.chars() {
            self.key(named.iter().find(|(name, _)| *name == c).map_or(Key::Char(c), |(_, key)| *key));
        }
        self
    }

    /// What was asked for since the last time.
    pub fn taken(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    pub fn acts(&mut self) -> Vec<WriteRequest> {
        let act = |effect| if let Effect::Write(act) = effect { Some(act) } else { None };
        self.taken().into_iter().filter_map(act).collect()
    }

    pub fn cursor(&self) -> Option<i64> {
        self.model.recipients.cursor().map(|id| id.0)
    }

    pub fn said(&self) -> &str {
        self.model.notice.as_ref().map_or("", |notice| notice.text.as_str())
    }

    /// The screen as lines, without trailing spaces.
    pub fn screen(&self) -> Vec<String> {
        drawn(&self.model)
    }

    pub fn line(&self, row: usize) -> String {
        self.screen().swap_remove(row)
    }
}

pub fn marked(id: i64, who: &str, before: Status, after: Status) -> Completion {
    let marked = Marked {
        action: ActionId(1),
        recipient: RecipientId(id),
        who: who.to_owned(),
        before,
        after,
        act: "replied".to_owned(),
        amount_before: None,
        amount_by: None,
        replaced: Vec::new(),
        later_message: None,
        command_line: format!("blastdeck mark 7 +60100120{id:03} replied"),
    };
    let request = WriteRequest::Mark { person: RecipientId(id), mark: crate::domain::recipient::Mark::Replied };
    Completion::Written { request, outcome: Ok(WriteOutcome::Marked(Box::new(marked))) }
}

pub fn details_of(row: RecipientRow) -> RecipientDetails {
    RecipientDetails {
        row,
        blast_tag: "Raya promo".to_owned(),
        follow_up_stage: "Initial".to_owned(),
        claimed_at: Some(at(13, 54)),
        message_text: Some("Salam Aishah, promo Raya: diskaun 20%".to_owned()),
        history: Vec::new(),
        answers: Vec::new(),
        elsewhere: Vec::new(),
        words: None,
        template_text: None,
        is_template: false,
        advice: None,
        replies: Vec::new(),
        session_answers: Vec::new(),
        due_at: None,
        session: None,
    }
}
