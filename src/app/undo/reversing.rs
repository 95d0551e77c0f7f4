//! What taking acts back comes to, before it is committed. It is tried as well, and rolled back, for whoever is asked first.

use sqlx::PgConnection;

use super::partly::LeftAsTheyAre;
use super::{Undo, sends};
use crate::app::returning::{LiftedIn, PutBack};
use crate::app::segment::NextTimeAgain;
use crate::app::{App, AppError, StillSuppressed};
use crate::domain::ids::{ActionId, BlastId, OrderId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::recipient::Undone;
use crate::store::action::LoggedAction;
use crate::store::person::PersonRow;
use crate::store::{self, suppression};

/// What taking acts back came to.
pub(super) struct Reversal {
    /// Whose acts they are.
    pub(super) own: Vec<RecipientId>,
    pub(super) undos: Vec<Undo>,
    pub(super) left: LeftAsTheyAre,
    pub(super) still_suppressed: Vec<StillSuppressed>,
    /// Where else their people are back.
    pub(super) elsewhere: PutBack,
    /// The opt-outs that are lifted, by business and number.
    pub(super) lifted: Vec<(String, Phone)>,
    /// Where an opt-out at another number held them back.
    pub(super) held_elsewhere: Vec<BlastId>,
}

impl App {
    /// Takes acts on different people back. What they suppressed is gone before the people are changed: whoever is suppressed still stays
    /// where they are out. `cancelled`: the order that went with them.
    pub(super) async fn reverse(
        &self,
        tx: &mut PgConnection,
        acts: Vec<LoggedAction>,
        cancelled: Option<OrderId>,
    ) -> Result<Reversal, AppError> {
        let phones = sends::opted_out_numbers(&mut *tx, &acts).await?;
        let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
        let ids: Vec<ActionId> = acts.iter().map(|act| act.id).collect();
        let own: Vec<RecipientId> = acts.iter().filter_map(|act| act.recipient_id).collect();
        let taken_out = match phones[..] {
            [] => Vec::new(),
            _ => self.hold_taken_out(&mut *tx, &phones, (&ids, &own)).await?,
        };
        let held = self.hold_undos(&mut *tx, acts).await?;
        self.close_acts(&mut *tx, &held).await?;
        let (lifted, held_elsewhere) = sends::lift(&mut *tx, &phones, &ids).await?;
        let of_opt_outs = held.iter().filter(|undo| undo.undone == Undone::OptOut).map(|undo| &undo.person);
        let of_opt_outs: Vec<&PersonRow> = of_opt_outs.collect();
        let still_suppressed = self.still_suppressed(&mut *tx, &of_opt_outs).await?;
        let businesses = of_opt_outs.iter().map(|person| person.business.clone());
        let lifted_in = LiftedIn::new(lifted.iter().map(|(business, _)| business.clone()).chain(businesses));
        let (undos, left) = self.record_undos(&mut *tx, held, &still_suppressed).await?;
        self.log_undos(&mut *tx, &undos, cancelled).await?;
        let elsewhere = self.put_back(&mut *tx, &taken_out, &lifted_in).await?;
        Ok(Reversal { own, undos, left, still_suppressed, elsewhere, lifted, held_elsewhere })
    }

    /// Who would be at the next time of what repeats once these acts are taken back.
    pub(super) async fn next_times_once_reversed(
        &self,
        tx: &mut PgConnection,
        acts: Vec<LoggedAction>,
    ) -> Result<Vec<NextTimeAgain>, AppError> {
        if !suppression::is_any_repeat_awaited(&mut *tx).await? {
            return Ok(Vec::new());
        }
        let mut tried = store::savepoint(tx).await?;
        let again = match self.reverse(&mut tried, acts, None).await {
            Ok(reversal) => self.next_times_with_again(&mut tried, &reversal.lifted).await,
            Err(AppError::Store(error)) => Err(error.into()),
            // It would be refused, and says why itself.
            Err(_) => Ok(Vec::new()),
        };
        tried.rollback().await?;
        again
    }
}
