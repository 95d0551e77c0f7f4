//! A number may be messaged again, and with it those by which WhatsApp knows the same person.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::app::put_back::{LiftedIn, PutBack};
use crate::app::{App, AppError};
use crate::domain::act::Act;
use crate::domain::ids::BlastId;
use crate::domain::phone::Phone;
use crate::store::alias;
use crate::store::suppression::{self, TakenOut};

/// What lifting an opt-out came to, before it is committed.
struct LiftedPerson {
    /// Every number that it was lifted for.
    phones: Vec<Phone>,
    taken_out: Vec<TakenOut>,
    back: PutBack,
    /// Where an opt-out at another number held them back.
    held_elsewhere: Vec<BlastId>,
}

impl App {
    /// Allows a number again: in future blasts, and wherever this took it out of one that is not over. `None` if it was not
    /// suppressed.
    pub async fn unsuppress(&self, business: &str, phone: &Phone) -> Result<Option<PutBack>, AppError> {
        let mut tx = self.begin().await?;
        // Where nothing was done nothing is committed: a request that is refused has no effect.
        let Some(lifted) = self.lift_for(&mut tx, business, phone).await? else { return Ok(None) };
        let LiftedPerson { phones, mut back, held_elsewhere, .. } = lifted;
        for phone in &phones {
            self.log_suppress(&mut tx, Act::Unsuppress, (business, phone)).await?;
        }
        let lifted: Vec<_> = phones.into_iter().map(|phone| (business.to_owned(), phone)).collect();
        let drafts = self.drafts_with_again(&mut tx, &lifted, &[]).await?;
        back.goes_on_in(&mut tx, held_elsewhere.into_iter().chain(drafts)).await?;
        self.commit_lifted(tx, &lifted).await?;
        self.notify_all(back.changed.iter().copied()).await;
        Ok(Some(back))
    }

    /// Asks before a number is allowed again where a message goes out by it: it is tried, and rolled back.
    pub async fn ask_about_unsuppress(&self, business: &str, phone: &Phone) -> Result<Option<String>, AppError> {
        let mut tx = self.begin().await?;
        let Some(lifted) = self.lift_for(&mut tx, business, phone).await? else { return Ok(None) };
        let LiftedPerson { phones, taken_out, back, held_elsewhere } = lifted;
        let is_sent = |id: &BlastId| taken_out.iter().any(|one| one.blast == *id && one.is_awaited);
        let mut blasts: BTreeSet<BlastId> = back.queued().filter(is_sent).collect();
        blasts.extend(held_elsewhere);
        let lifted: Vec<_> = phones.into_iter().map(|phone| (business.to_owned(), phone)).collect();
        blasts.extend(self.next_times_with_again(&mut tx, &lifted).await?.into_iter().map(|again| again.blast));
        let blasts: Vec<String> = blasts.into_iter().map(|id| format!("blast {id}")).collect();
        Ok(match &blasts[..] {
            [] => None,
            [one] => Some(format!("allow {phone} again? Then they get the message of {one}.")),
            several => Some(format!("allow {phone} again? Then they get the messages of {}.", several.join(", "))),
        })
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
