//! Where opt-outs took people out of blasts.

use sqlx::PgConnection;

use crate::domain::blast::BlastState;
use crate::domain::ids::{ActionId, BlastId, RecipientId};
use crate::store::StoreError;

/// Somebody who has an opt-out on record in a blast: it keeps them out, or it came after they had the message.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the database")]
pub struct TakenOut {
    pub id: RecipientId,
    pub blast: BlastId,
    /// The sender's name.
    pub sender: String,
    pub business: String,
    pub phone_number: String,
    pub attempt: i32,
    /// Nothing goes to them there.
    pub is_out: bool,
    pub state: BlastState,
    /// Somebody started or resumed the blast since, and confirmed the number of its people without them. Not where it only came to the
    /// time that was confirmed before; never of a pattern, each of whose times asks where it goes to more people than were confirmed.
    pub is_confirmed_without: bool,
    /// A mark that is taken back, or one of the given acts, noted it, perhaps of another of the numbers. A row and the act that changed it
    /// have the same time.
    pub is_undone: bool,
    /// They have not had the message, and the blast goes out without anybody's further yes. Not of one that repeats with a filter, which
    /// alone says whether its next time has them.
    pub is_awaited: bool,
}

impl TakenOut {
    /// Whether they are back once nothing suppresses them: not where somebody has confirmed a number without them since. What a report
    /// of a blast that is over says stays, unless a mistake is taken back.
    pub fn may_return(&self) -> bool {
        !self.is_confirmed_without && (!self.is_out || !self.state.is_over() || self.is_undone)
    }
}

/// Where these numbers have an opt-out on record, by id: `undone` are the acts that are about to be taken back.
pub async fn taken_out(
    tx: &mut PgConnection,
    phones: &[&str],
    undone: &[ActionId],
) -> Result<Vec<TakenOut>, StoreError> {
    let taken_out = sqlx::query_as(
        "select r.id, r.blast_id as blast, s.name as sender, s.business, r.phone_number, r.attempt, r.status = 'opted_out' as is_out,
                b.state::text as state,
                r.status = 'opted_out' and b.state in ('scheduled', 'sending', 'paused') and b.repeat_rule is null
                and (coalesce(b.launched_at > r.opted_out_at, false)
                     and not exists (select from operator_actions l
                                      where l.blast_id = b.id and l.action = 'launch'
                                        and l.undone_at is null and l.at <= r.opted_out_at)
                     or exists (select from operator_actions l
                                 where l.blast_id = b.id and l.action in ('launch', 'resume')
                                   and l.undone_at is null and l.at > r.opted_out_at)) as is_confirmed_without,
                m.is_undone,
                r.standing = 'opted_out' and b.state in ('sending', 'scheduled')
                and (b.repeat_rule is null or b.segment is null) as is_awaited
           from (select distinct person_key(phone) as person from unnest($1::text[]) as phone) p
           join blast_recipients r on person_key(r.phone_number) = p.person and r.opted_out_at is not null
           join blasts b on b.id = r.blast_id and b.deleted_at is null
           join senders s on s.id = b.sender_id
          cross join lateral (
                select exists (select from operator_actions a
                                where a.at = r.opted_out_at and a.action = 'opt-out'
                                  and person_key(a.phone_number) in (select person_key(phone) from unnest($1::text[]) as phone)
                                  and (a.undone_at is not null or a.id = any($2)))
                       and not exists (select from operator_actions own
                                        where own.recipient_id = r.id and own.action = 'opt-out'
                                          and own.undone_at is null and not own.id = any($2)) as is_undone) m
          order by r.id",
    );
    Ok(taken_out.bind(phones).bind(undone).fetch_all(tx).await?)
}
