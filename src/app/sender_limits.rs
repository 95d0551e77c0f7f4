//! The limits of senders as this configuration has them, also of one that cannot send by it now.

use sqlx::PgConnection;

use super::{App, AppError};
use crate::domain::ids::SenderId;
use crate::domain::pace::{Limits, day_start};
use crate::store::sender;
use crate::store::view::SenderRow;

impl App {
    /// The limits of a sender: those that it sends by, else what the configuration says of it where that cannot be used now, as where its
    /// token cannot be read, or it is another phone in the database. `None` where it is not configured here.
    pub(super) fn sender_limits(&self, row: &SenderRow) -> Option<Limits> {
        let used = self.sender(row.id).map(|configured| configured.limits);
        used.or_else(|| Some(self.config().sender(&row.name)?.limits(self.speed())))
    }

    /// Whether a sender has sent as much today as its daily cap allows: whatever starts now waits for its next day.
    pub(super) async fn is_cap_used_up(&self, tx: &mut PgConnection, id: SenderId) -> Result<bool, AppError> {
        let Some(configured) = self.sender(id) else { return Ok(false) };
        let Some(cap) = configured.limits.daily_cap else { return Ok(false) };
        let since = day_start(self.engine().clock.now(), configured.zone());
        Ok(sender::attempts_since(tx, id, since).await? >= i64::from(cap.get()))
    }
}
