//! What happened, newest first, out of the tables that hold it: replies, opt-outs, failures and doubts, acts, changes of blasts and
//! notices. A page is cut from one index a table, whatever is older.

mod head;
mod left;
mod ordered;
mod shown;

use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgPool, Row};

use crate::domain::act::Act;
use crate::domain::blast::{BlastState, blast_name};
use crate::domain::ids::{BlastId, RecipientId, ReplyId};
use crate::domain::phone::Phone;
use crate::domain::status::Status;
use crate::store::StoreError;

pub use head::{ActivityHead, StrangerReply, head};
pub use left::LeftByUndo;
pub use ordered::ActivityOrder;
use shown::shown_act;

/// The most unread events that are counted.
pub const UNREAD_MAX: i64 = 250;

/// Which table an event is in. The order decides between events of one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActivitySource {
    Change,
    Trouble,
    Act,
    Notice,
    OptOut,
    Reply,
}

impl ActivitySource {
    const ALL: [Self; 6] = [Self::Change, Self::Trouble, Self::Act, Self::Notice, Self::OptOut, Self::Reply];
}

/// An event's place in the order, newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActivityPosition {
    /// When its row was written.
    pub at: DateTime<Utc>,
    pub source: ActivitySource,
    pub id: i64,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityRow {
    pub place: ActivityPosition,
    /// The blast that it is about; of an answer, the blast whose person was answered.
    pub blast: Option<BlastId>,
    pub tag: Option<String>,
    /// Its stage.
    pub stage: Option<String>,
    /// Whom it is about, where they are in a blast; nobody of an act on several people.
    pub recipient: Option<RecipientId>,
    pub phone: Option<Phone>,
    pub name: Option<String>,
    pub event: ActivityEvent,
}

/// What happened. Texts of others are cut at 2,000 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActivityEvent {
    Reply {
        id: ReplyId,
        /// `text`, `button`, `order`, `picture` and so on.
        kind: String,
        text: String,
        /// `wanted`, `stored`, `lost` or `dropped`; `None` without a file.
        file: Option<String>,
        /// Why the file is not here.
        no_file: Option<String>,
        /// When they wrote it, by the provider's clock: the event is where it was received.
        written_at: DateTime<Utc>,
    },
    OptOut {
        /// `person` where they said so themselves.
        source: String,
        by: Option<String>,
        reason: Option<String>,
    },
    /// Failed or uncertain.
    Trouble {
        status: Status,
        why: Option<String>,
    },
    Act {
        act: Act,
        by: String,
        /// A note, an amount, what was taken back (`closed 200`), what became of an uncertain message, the state of what was deleted.
        detail: Option<String>,
        /// How many people one act was about, where it was several.
        people: Option<i64>,
        /// The order that was written, edited or cancelled by it.
        order: Option<ActivityOrder>,
        /// Of an undo, what it left.
        left: Option<LeftByUndo>,
        /// Of one person's sale, who took it back since.
        taken_back_by: Option<String>,
        /// Of an answer, its own row: that says what became of it.
        answer: Option<RecipientId>,
    },
    Change {
        from: BlastState,
        to: BlastState,
        by: Option<String>,
        reason: Option<String>,
        /// When a launch that could be taken back for a moment starts or started.
        starts_at: Option<DateTime<Utc>>,
    },
    Notice {
        field: String,
        words: String,
        effect: Option<String>,
    },
}

impl ActivityEvent {
    /// The operator or program that did it.
    pub fn by(&self) -> Option<&str> {
        match self {
            Self::Act { by, .. } => Some(by),
            Self::OptOut { by, .. } | Self::Change { by, .. } => by.as_deref(),
            Self::Reply { .. } | Self::Trouble { .. } | Self::Notice { .. } => None,
        }
    }
}

impl ActivityRow {
    /// Everybody whose present row says something of it: whom it is about, and an answer's own.
    pub fn people(&self) -> impl Iterator<Item = RecipientId> + use<> {
        let answer = match &self.event {
            ActivityEvent::Act { answer, .. } => *answer,
            _ => None,
        };
        self.recipient.into_iter().chain(answer)
    }

    /// What people call its blast.
    pub fn blast_name(&self) -> Option<String> {
        self.tag.as_ref().map(|tag| blast_name(tag, self.stage.as_deref().unwrap_or_default()))
    }
}

impl fmt::Display for ActivitySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Change => "change",
            Self::Trouble => "trouble",
            Self::Act => "act",
            Self::Notice => "notice",
            Self::OptOut => "opt-out",
            Self::Reply => "reply",
        })
    }
}

/// Who failed or became uncertain, of a row `h`. What an operator's act led to is not shown beside that act.
macro_rules! is_trouble {
    () => {
        "h.new_status in ('failed', 'uncertain') and h.source <> 'operator'"
    };
}
use is_trouble;

/// A launch that was taken back is not shown beside the change that took it back.
macro_rules! standing_change {
    () => {
        "not exists (select 1 from operator_actions a
                      where a.at = c.at and a.blast_id = c.blast_id and a.action in ('launch', 'resume')
                        and a.undone_at is not null)"
    };
}
use standing_change;

/// Whoever opted out of several businesses at once is one event. The keyed hash of somebody who was forgotten is none.
macro_rules! first_opt_out {
    () => {
        "not exists (select 1 from suppressions o
                      where person_key(o.phone_number) = person_key(x.phone_number)
                        and o.created_at = x.created_at and o.id < x.id)
         and not starts_with(x.phone_number, 'forgotten:')"
    };
}
use first_opt_out;

const PAGE: &str = concat!(
    "with page as (
         (select 0 as source, c.id, c.at, c.blast_id, null::bigint as recipient_id, null::text as phone, null::text as name,
                 c.new_state::text as word, c.reason as text, c.by_whom, null::bigint as people, c.old_state::text as other
            from blast_changes c where (c.at, c.id) < ($1, ($2::bigint[])[1]) and ",
    standing_change!(),
    "      order by c.at desc, c.id desc limit $3)
         union all
         (select 1, h.id, h.changed_at, h.blast_id, h.recipient_id, null, null, h.new_status::text, h.metadata ->> 'why', h.by_whom,
                 null, null
            from status_history h
           where ",
    is_trouble!(),
    " and (h.changed_at, h.id) < ($1, ($2::bigint[])[2])
           order by h.changed_at desc, h.id desc limit $3)
         union all
         (select 2, a.id, a.at, a.blast_id, case when coalesce(a.detail -> 'several' -> 'people', '1') = '1' then a.recipient_id end,
                 case when coalesce(a.detail -> 'several' -> 'people', '1') = '1' then a.phone_number end,
                 case when a.detail -> 'stopped' is not null then a.detail ->> 'sender' end,
                 case when a.detail ->> 'stopped' = 'true' then 'stop-sender' when a.detail ->> 'stopped' = 'false' then 'resume-sender'
                      -- By its new hours it sends at once.
                      when a.detail -> 'hours' is not null then 'launch' else a.action end,
                 coalesce(case when a.detail -> 'stopped' is not null then left(a.detail ->> 'reason', 2000) end,
                          a.detail ->> 'note', a.detail ->> 'amount', a.detail ->> 'total', a.detail ->> 'resolution', a.detail ->> 'pace',
                          case when a.action = 'delete' then a.detail ->> 'state' end,
                          'start ' || (a.detail ->> 'start'), 'skipped ' || (a.detail ->> 'skipped'),
                          case when a.action = 'undo' then concat_ws(' ', a.detail ->> 'action',
                              -- Of several each had an amount of their own.
                              (select u.detail ->> 'amount' from operator_actions u
                                where u.id = (a.detail ->> 'of')::bigint
                                  and coalesce(a.detail -> 'several' -> 'people', '1') = '1')) end),
                 a.operator, nullif((a.detail -> 'several' ->> 'people')::bigint, 1),
                 case a.action when 'answer' then a.detail ->> 'answer' else a.detail ->> 'order' end
            from operator_actions a
           where (a.at, a.id) < ($1, ($2::bigint[])[3]) and ",
    shown_act!(),
    "      order by a.at desc, a.id desc limit $3)
         union all
         (select 3, n.id, n.received_at, null, null, null, null, n.field, left(n.words, 2000), null, null, n.effect
            from provider_notices n
           where (n.received_at, n.id) < ($1, ($2::bigint[])[4]) order by n.received_at desc, n.id desc limit $3)
         union all
         (select 4, x.id, x.created_at, null, null, x.phone_number, null, x.source, x.reason, x.created_by, null, null
            from suppressions x
           where (x.created_at, x.id) < ($1, ($2::bigint[])[5]) and ",
    first_opt_out!(),
    "      order by x.created_at desc, x.id desc limit $3)
         union all
         (select 5, p.id, p.received_at, p.blast_id, p.recipient_id, p.phone_number,
                 coalesce(nullif(p.name, ''), case when p.phone_number is null then p.user_id end), p.kind, left(p.body, 2000), null, null,
                 (select m.state from reply_media m where m.reply_id = p.id)
            from replies p
           where (p.received_at, p.id) < ($1, ($2::bigint[])[6]) order by p.received_at desc, p.id desc limit $3)
         order by at desc, source desc, id desc limit $3)
     select page.source, page.id, page.at, page.word, page.text, page.by_whom, page.people, page.other,
            coalesce(b.answers_blast, page.blast_id, o.blast_id) as blast_id, coalesce(b.blast_tag, deleted.tag) as tag,
            coalesce(b.follow_up_stage, deleted.stage) as stage,
            coalesce(b.answers_recipient, r.id, o.id, page.recipient_id) as recipient_id,
            coalesce(r.phone_number, o.phone_number, page.phone) as phone,
            -- A lift is of a number alone: whose it is stands in the blasts that they are in.
            coalesce(r.name, o.name, page.name, case when page.source = 2 and page.word = 'unsuppress' then
                (select p.name from blast_recipients p join blasts pb on pb.id = p.blast_id
                  where person_key(p.phone_number) = person_key(page.phone) and p.name is not null and pb.answer_until is null
                    and pb.deleted_at is null
                  order by p.sent_at desc nulls last, p.id desc limit 1) end) as name,
            case when page.source = 1 then coalesce(r.error_message, r.reason) end as why,
            ord.id as order_id, case when later.id is null then ord.total else later.total end as total,
            case when later.id is null then ord.currency else later.currency end as currency,
            case when page.source = 2 and page.word = 'answer'
                 then (select x.id from blast_recipients x where x.blast_id = page.other::bigint limit 1) end as answer,
            case when page.word = 'edit' then (select a.detail ->> 'state' from operator_actions a where a.id = page.id) end as order_state,
            case when page.source = 2 and page.word = 'closed' and page.people is null
                 then (select a.undone_by from operator_actions a where a.id = page.id) end as taken_back_by,
            case when page.source = 2 and page.word = 'undo' and page.people is null
                 then (select a.detail -> 'left' from operator_actions a where a.id = page.id) end as left_by_undo,
            case when page.source = 5 then (select p.at from replies p where p.id = page.id) end as written_at,
            case when page.source = 5 then (select m.reason from reply_media m where m.reply_id = page.id) end as no_file,
            -- The start of a resume within that minute is not that of the launch before it.
            case when page.source = 0 and page.word = 'sending' and b.state = 'sending' and b.send_after > page.at
                  and b.send_after <= page.at + interval '1 minute' and (select s.stopped_at <= b.send_after from senders s where s.id = b.sender_id) is not true
                  and not exists (select from blast_changes c
                                   where c.blast_id = page.blast_id and c.new_state = 'sending'
                                     and (c.at, c.id) > (page.at, page.id) and c.at <= page.at + interval '1 minute')
                 then b.send_after end as starts_at
       from page
       left join blast_recipients r on r.id = page.recipient_id
       left join lateral (
            select p.id, p.blast_id, p.phone_number, p.name from blast_recipients p join blasts pb on pb.id = p.blast_id
             where page.source = 4 and person_key(p.phone_number) = person_key(page.phone) and pb.answer_until is null
               and pb.deleted_at is null
             order by p.sent_at desc nulls last, p.id desc limit 1) o on true
       left join orders ord on ord.id = case when page.source = 2 and page.word <> 'answer' then page.other::bigint end
       -- An edit keeps what the order was before it: that is what it was at any step until then.
       left join lateral (
            select e.id, e.total, e.currency from order_edits e where e.order_id = ord.id and e.at > page.at
             order by e.id limit 1) later on true
       left join blasts b on b.id = coalesce(page.blast_id, o.blast_id)
       -- What it was called stands in the act that deleted it.
       left join lateral (
            select d.detail ->> 'tag' as tag, d.detail ->> 'stage' as stage from operator_actions d
             where d.blast_id = page.blast_id and d.action = 'delete' order by d.id desc limit 1) deleted on b.id is null
      order by page.at desc, page.source desc, page.id desc"
);

/// The events before a place, newest first; from the newest where there is none. At most `limit`, 1 to 1,000.
pub async fn page(pool: &PgPool, before: Option<ActivityPosition>, limit: u32) -> Result<Vec<ActivityRow>, StoreError> {
    let at = before.map_or_else(far, |place| place.at);
    // Of one moment, those of an earlier source come after, and of a later one before.
    let ids = ActivitySource::ALL.map(|source| match before {
        Some(place) if source == place.source => place.id,
        Some(place) if source > place.source => 0,
        _ => i64::MAX,
    });
    let rows =
        sqlx::query(PAGE).bind(at).bind(ids.to_vec()).bind(i64::from(limit.clamp(1, 1_000))).fetch_all(pool).await?;
    Ok(rows.iter().map(row).collect::<Result<_, sqlx::Error>>()?)
}

fn row(row: &sqlx::postgres::PgRow) -> Result<ActivityRow, sqlx::Error> {
    let source: i32 = row.try_get("source")?;
    let source = usize::try_from(source).ok().and_then(|source| ActivitySource::ALL.get(source).copied());
    let source = source.ok_or(sqlx::Error::RowNotFound)?;
    let id = row.try_get("id")?;
    Ok(ActivityRow {
        place: ActivityPosition { at: row.try_get("at")?, source, id },
        blast: row.try_get("blast_id")?,
        tag: row.try_get("tag")?,
        stage: row.try_get("stage")?,
        recipient: row.try_get("recipient_id")?,
        phone: row.try_get("phone")?,
        name: row.try_get("name")?,
        event: event(row, source, id)?,
    })
}

fn event(row: &sqlx::postgres::PgRow, source: ActivitySource, id: i64) -> Result<ActivityEvent, sqlx::Error> {
    let word: String = row.try_get("word")?;
    let text: Option<String> = row.try_get("text")?;
    let by: Option<String> = row.try_get("by_whom")?;
    let other: Option<String> = row.try_get("other")?;
    Ok(match source {
        ActivitySource::Change => {
            let (from, to) = (state(other.as_deref()), state(Some(&word)));
            ActivityEvent::Change { from, to, by, reason: text, starts_at: row.try_get("starts_at")? }
        }
        ActivitySource::Trouble => {
            let status = if word == Status::Failed.word() { Status::Failed } else { Status::Uncertain };
            let why: Option<String> = row.try_get("why")?;
            ActivityEvent::Trouble { status, why: text.or(why) }
        }
        ActivitySource::Act => ActivityEvent::Act {
            act: Act::from(word),
            by: by.unwrap_or_default(),
            detail: text,
            people: row.try_get("people")?,
            order: ordered::order(row)?,
            left: left::left(row)?,
            taken_back_by: row.try_get("taken_back_by")?,
            answer: row.try_get("answer")?,
        },
        ActivitySource::Notice => ActivityEvent::Notice { field: word, words: text.unwrap_or_default(), effect: other },
        ActivitySource::OptOut => ActivityEvent::OptOut { source: word, by, reason: text },
        ActivitySource::Reply => {
            let (written_at, no_file) = (row.try_get("written_at")?, row.try_get("no_file")?);
            ActivityEvent::Reply {
                id: ReplyId(id),
                kind: word,
                text: text.unwrap_or_default(),
                file: other,
                no_file,
                written_at,
            }
        }
    })
}

/// A state by its word; a state that this version does not know reads as failed.
fn state(word: Option<&str>) -> BlastState {
    let states = [
        BlastState::Draft,
        BlastState::Scheduled,
        BlastState::Sending,
        BlastState::Paused,
        BlastState::Completed,
        BlastState::Cancelled,
    ];
    states.into_iter().find(|state| Some(state.word()) == word).unwrap_or(BlastState::Failed)
}

/// Later than anything that is stored.
fn far() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::days(365 * 1_000)
}
