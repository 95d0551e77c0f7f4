//! A number may be messaged again, and with it those by which WhatsApp knows the same person.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::app::returning::{LiftedIn, PutBack};
use crate::app::{App, AppError};
use crate::domain::act::Act;
use crate::domain::ids::BlastId;
use crate::domain::phone::Phone;
use crate::store::alias;
use crate::store::suppression::{self, TakenOut, WaitingNumber};

/// What lifting an opt-out came to, before it is committed.
struct LiftedPerson {
    /// Every number that it was lifted for.
    phones: Vec<Phone>,
    taken_out: Vec<TakenOut>,
    back: PutBack,
    /// Where it held them back at another number of theirs.
    held_elsewhere: Vec<WaitingNumber>,
}

/// What somebody is asked before a number is allowed again.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct AskedLift {
    /// `None` where nothing goes out by it.
    pub question: Option<String>,
    /// Which messages go to which numbers, as the question names them.
    sends: Vec<(BlastId, Phone)>,
}

impl App {
    /// Allows a number again: in future blasts, and wherever this took it out of one that is not over. `None` if it was not
    /// suppressed.
    pub async fn unsuppress(&self, business: &str, phone: &Phone) -> Result<Option<PutBack>, AppError> {
        self.lift_opt_out(business, phone, None).await
    }

    /// The same as somebody was asked ([`App::ask_about_unsuppress`]): refused where a message goes out by it that the question did not
    /// name, as after a resume while it stood.
    pub async fn unsuppress_as_asked(
        &self,
        business: &str,
        phone: &Phone,
        asked: &AskedLift,
    ) -> Result<Option<PutBack>, AppError> {
        self.lift_opt_out(business, phone, Some(asked)).await
    }

    async fn lift_opt_out(
        &self,
        business: &str,
        phone: &Phone,
        asked: Option<&AskedLift>,
    ) -> Result<Option<PutBack>, AppError> {
        let mut tx = self.begin_about(&[phone.as_str()]).await?;
        // Where nothing was done nothing is committed: a request that is refused has no effect.
        let Some(lifted) = self.lift_for(&mut tx, business, phone).await? else {
            return Ok(self.lift_remembered(tx, business, phone).await?.then(PutBack::default));
        };
        if let Some(asked) = asked
            && self.sends_by(&mut tx, business, &lifted).await?.iter().any(|one| !asked.sends.contains(one))
        {
            return Err(AppError::Refused(
                "a message goes out by that now: nothing was changed; repeat it to be asked anew".to_owned(),
            ));
        }
        let LiftedPerson { phones, mut back, held_elsewhere, .. } = lifted;
        for phone in &phones {
            self.log_suppress(&mut tx, Act::Unsuppress, (business, phone)).await?;
        }
        let lifted: Vec<_> = phones.into_iter().map(|phone| (business.to_owned(), phone)).collect();
        let again = self.drafts_with_again(&mut tx, &lifted, &[]).await?;
        back.goes_on_in(self, &mut tx, held_elsewhere.into_iter().map(|one| one.blast), again).await?;
        self.commit_lifted(tx, &lifted).await?;
        self.notify_all(back.changed.iter().copied()).await;
        Ok(Some(back))
    }

    /// Asks before a number is allowed again where a message goes out by it: it is tried, and rolled back.
    pub async fn ask_about_unsuppress(&self, business: &str, phone: &Phone) -> Result<AskedLift, AppError> {
        let mut tx = self.begin().await?;
        let Some(lifted) = self.lift_for(&mut tx, business, phone).await? else { return Ok(AskedLift::default()) };
        let sends = self.sends_by(&mut tx, business, &lifted).await?;
        Ok(AskedLift { question: question(phone, &sends), sends })
    }

    /// Which messages go to which numbers now that this is lifted, without anybody's further yes.
    async fn sends_by(
        &self,
        tx: &mut PgConnection,
        business: &str,
        LiftedPerson { phones, taken_out, back, held_elsewhere }: &LiftedPerson,
    ) -> Result<Vec<(BlastId, Phone)>, AppError> {
        let queued: BTreeSet<BlastId> = back.queued().collect();
        let is_sent = |one: &&TakenOut| one.is_awaited && queued.contains(&one.blast);
        let number = |one: &TakenOut| (one.blast, Phone::from_database(one.phone_number.clone()));
        let mut sends: Vec<(BlastId, Phone)> = taken_out.iter().filter(is_sent).map(number).collect();
        sends.extend(held_elsewhere.iter().map(|one| (one.blast, one.phone.clone())));
        let lifted: Vec<_> = phones.iter().map(|phone| (business.to_owned(), phone.clone())).collect();
        for again in self.next_times_with_again(tx, &lifted).await? {
            sends.extend(again.numbers.into_iter().map(|number| (again.blast, number)));
        }
        Ok(sends)
    }

    /// The other numbers of whoever has this one that are suppressed for a business, `*` for any: a filter and a follow-up leave them out
    /// because of these.
    pub async fn suppressed_other_numbers(&self, business: &str, phone: &Phone) -> Result<Vec<Phone>, AppError> {
        Ok(suppression::suppressed_other_numbers(self.pool(), business, phone).await?)
    }

    async fn lift_for(
        &self,
        tx: &mut PgConnection,
        business: &str,
        phone: &Phone,
    ) -> Result<Option<LiftedPerson>, AppError> {
        let others = alias::of(&mut *tx, phone.as_str()).await?.into_iter().map(Phone::from_database);
        let all: Vec<Phone> = std::iter::once(phone.clone()).chain(others).collect();
        let numbers: Vec<&str> = all.iter().map(Phone::as_str).collect();
        let taken_out = self.hold_taken_out(&mut *tx, &numbers, (&[], &[])).await?;
        let mut phones = Vec::new();
        for one in all {
            if suppression::remove(&mut *tx, business, one.as_str()).await? {
                phones.push(one);
            } else if phones.is_empty() {
                return Ok(None);
            }
        }
        let back = self.put_back(&mut *tx, &taken_out, &LiftedIn::new([business.to_owned()])).await?;
        let mut held_elsewhere = Vec::new();
        for one in &phones {
            held_elsewhere.extend(suppression::queued_at_other_numbers(&mut *tx, business, one).await?);
        }
        Ok(Some(LiftedPerson { phones, taken_out, back, held_elsewhere }))
    }
}

/// Whether a number is to be allowed again, by which messages of these blasts go to these numbers; `None` where none does.
fn question(phone: &Phone, sent: &[(BlastId, Phone)]) -> Option<String> {
    let blasts: BTreeSet<BlastId> = sent.iter().map(|(blast, _)| *blast).collect();
    let blasts: Vec<String> = blasts.into_iter().map(|id| format!("blast {id}")).collect();
    let (messages, goes) = match &blasts[..] {
        [] => return None,
        [one] => (format!("the message of {one}"), "It goes"),
        several => (format!("the messages of {}", several.join(", ")), "They go"),
    };
    let is_other = sent.iter().any(|(_, number)| number.key() != phone.key());
    let numbers: BTreeSet<String> = sent.iter().map(|(_, number)| number.to_string()).collect();
    let to = match (is_other, &numbers.into_iter().collect::<Vec<_>>()[..]) {
        (false, _) | (_, []) => String::new(),
        (true, [one]) => format!(" {goes} to {one}, another number of theirs."),
        (true, [others @ .., last]) => format!(" {goes} to {} and {last}, which are one person's.", others.join(", ")),
    };
    Some(format!("allow {phone} again? Then they get {messages}.{to}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_names_the_numbers_where_messages_go_to_another_one() {
        let [own, other] = ["+60100000003", "+60100000004"].map(|number| Phone::from_database(number.to_owned()));
        let asks = |sent: &[(i64, &Phone)]| {
            let sent: Vec<_> = sent.iter().map(|(blast, phone)| (BlastId(*blast), (*phone).clone())).collect();
            question(&own, &sent)
        };
        let asked = |then: &str| Some(format!("allow {own} again? Then they get {then}"));

        assert_eq!(asks(&[]), None);
        assert_eq!(asks(&[(2, &own)]), asked("the message of blast 2."));
        assert_eq!(
            asks(&[(2, &other)]),
            asked(&format!("the message of blast 2. It goes to {other}, another number of theirs."))
        );
        assert_eq!(
            asks(&[(7, &own), (2, &own), (2, &other)]),
            asked(&format!("the messages of blast 2, blast 7. They go to {own} and {other}, which are one person's."))
        );
    }
}
