//! What is known of uncertain people before their message goes once more.

use chrono::TimeDelta;
use sqlx::{FromRow, PgPool};

use crate::domain::ids::RecipientId;
use crate::domain::recipient::{ShownAttempts, wait_words};
use crate::domain::text::number;
use crate::store::StoreError;
use crate::store::settings::interval;

/// What is known of uncertain people whose message is to go once more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BeforeResend {
    /// How many of them had the message of their blast by another one, too.
    pub had_same_message: i64,
    /// How many of them have written since it was tried.
    pub wrote: i64,
    /// How many of them are in a blast that was cancelled: nothing more is sent there.
    pub cancelled: i64,
    /// How many of the others opted out: nothing goes to them.
    pub opted_out: i64,
    /// How many of the others are not uncertain any more.
    pub settled: i64,
    /// How many of the others were tried so lately that an answer may still come.
    pub too_soon: i64,
    /// After how long the last of those may be sent to; zero where nobody was tried so lately.
    pub wait: TimeDelta,
    /// Who is settled, too soon or in a cancelled blast: a resend of them is refused.
    pub not_now: Vec<RecipientId>,
    /// Of which attempt it is known.
    pub attempts: ShownAttempts,
}

impl BeforeResend {
    /// How many of them get nothing now.
    pub const fn get_nothing(&self) -> i64 {
        self.cancelled + self.opted_out + self.settled + self.too_soon
    }

    /// Of several people: `2 of them wrote since, maybe in answer to it.`
    pub fn of_several(&self) -> Option<String> {
        let wrote =
            (self.wrote > 0).then(|| format!("{} of them wrote since, maybe in answer to it.", number(self.wrote)));
        let had = self.had_same_message;
        let had = (had > 0).then(|| format!("{} of them had this very message from another blast, too.", number(had)));
        let out = self.opted_out;
        let gets = if out == 1 { "gets" } else { "get" };
        let out = (out > 0).then(|| format!("{} of them opted out and {gets} nothing.", number(out)));
        let is_or_are = if self.settled == 1 { "is" } else { "are" };
        let settled =
            (self.settled > 0).then(|| format!("{} of them {is_or_are} settled by now.", number(self.settled)));
        let (is_or_are, gets) = if self.cancelled == 1 { ("is", "gets") } else { ("are", "get") };
        let cancelled = (self.cancelled > 0).then(|| {
            format!("{} of them {is_or_are} in a blast that was cancelled and {gets} nothing.", number(self.cancelled))
        });
        joined([cancelled, out, settled, self.too_soon_in_words(), wrote, had])
    }

    fn too_soon_in_words(&self) -> Option<String> {
        let until = match self.too_soon {
            _ if self.wait.is_zero() => String::new(),
            1 => format!("; you can send again in {}", wait_words(self.wait)),
            _ => format!("; you can send to all of them again in {}", wait_words(self.wait)),
        };
        let said =
            || format!("{} of them may not be sent to yet: an answer may still come{until}.", number(self.too_soon));
        (self.too_soon > 0).then(said)
    }

    /// Of one person.
    pub fn of_one(&self) -> Option<String> {
        let wrote = (self.wrote > 0).then(|| "They wrote since, maybe in answer to it.".to_owned());
        let had = (self.had_same_message > 0).then(|| "They had this very message from another blast, too.".to_owned());
        let out = (self.opted_out > 0).then(|| "They opted out: nothing goes to them.".to_owned());
        let cancelled = (self.cancelled > 0).then(|| "Their blast was cancelled: nothing more is sent.".to_owned());
        joined([cancelled, out, wrote, had])
    }
}

fn joined<const N: usize>(parts: [Option<String>; N]) -> Option<String> {
    let said: Vec<_> = parts.into_iter().flatten().collect();
    (!said.is_empty()).then(|| said.join(" "))
}

/// Somebody, and what is known of them.
#[derive(FromRow)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of the database")]
struct ResendRow {
    id: RecipientId,
    attempt: i32,
    wrote: bool,
    had_same_message: bool,
    is_cancelled: bool,
    is_opted_out: bool,
    is_uncertain: bool,
    /// Until an answer can come no more; not above 0 where that is so now.
    wait_millis: i64,
}

/// What is known of these people before their message goes once more; that is refused less than `resend_after` after it was tried.
pub async fn before_resend(
    pool: &PgPool,
    people: &[RecipientId],
    resend_after: TimeDelta,
) -> Result<BeforeResend, StoreError> {
    let known = sqlx::query_as(
        "select r.id, r.attempt,
                -- Since it was tried they may have answered it, whichever message their words were taken to be about.
                exists (select from replies p join senders w on w.id = p.sender_id
                         where person_key(p.phone_number) = person_key(r.phone_number)
                           and (p.recipient_id = r.id or p.undecided_attempt is not null
                                or p.at >= r.claimed_at and w.business = s.business)) as wrote,
                exists (select from blast_recipients x
                          join blasts other on other.id = x.blast_id and other.deleted_at is null
                                           and other.message = own.message and other.template is not distinct from own.template
                         where person_key(x.phone_number) = person_key(r.phone_number) and x.id <> r.id
                           and x.sent_at is not null) as had_same_message,
                own.state = 'cancelled' as is_cancelled,
                exists (select from suppressions o
                         where person_key(o.phone_number) = person_key(r.phone_number) and o.business in (s.business, '*')) as is_opted_out,
                r.status = 'uncertain' as is_uncertain,
                coalesce(ceil(extract(epoch from r.claimed_at + $2 - now()) * 1000), 0)::bigint as wait_millis
           from blast_recipients r join blasts own on own.id = r.blast_id join senders s on s.id = own.sender_id
          where r.id = any($1)",
    );
    let ids = people.iter().map(|id| id.0).collect::<Vec<_>>();
    let rows: Vec<ResendRow> = known.bind(ids).bind(interval(resend_after)?).fetch_all(pool).await?;
    // Whoever is gone is settled too.
    let gone = i64::try_from(people.len().saturating_sub(rows.len())).unwrap_or(i64::MAX);
    let attempts = rows.iter().map(|row| (row.id, row.attempt)).collect();
    let mut known = BeforeResend { settled: gone, attempts, ..BeforeResend::default() };
    for row in rows {
        known.wrote += i64::from(row.wrote);
        known.had_same_message += i64::from(row.had_same_message);
        match row {
            ResendRow { is_cancelled: true, .. } => known.cancelled += 1,
            ResendRow { is_opted_out: true, .. } => {
                known.opted_out += 1;
                continue;
            }
            ResendRow { is_uncertain: false, .. } => known.settled += 1,
            ResendRow { wait_millis: 1.., .. } => {
                known.too_soon += 1;
                known.wait = known.wait.max(TimeDelta::milliseconds(row.wait_millis));
            }
            _ => continue,
        }
        known.not_now.push(row.id);
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_too_early_reads_how_long_to_wait_for_all_of_them() {
        let said = |too_soon, wait| BeforeResend { too_soon, wait, ..BeforeResend::default() }.of_several();
        let yet = |people: &str, until: &str| {
            Some(format!("{people} of them may not be sent to yet: an answer may still come{until}."))
        };

        let (short, long) = (TimeDelta::milliseconds(2_400), TimeDelta::minutes(12));
        assert_eq!(said(3, short), yet("3", "; you can send to all of them again in 3 seconds"));
        assert_eq!(said(1, long), yet("1", "; you can send again in 12 minutes"));
        assert_eq!(said(0, TimeDelta::zero()), None);
    }
}
