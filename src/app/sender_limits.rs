//! The limits of senders as this configuration has them, also of one that cannot send by it now.

use super::App;
use crate::domain::pace::Limits;
use crate::store::view::SenderRow;

impl App {
    /// The limits of a sender: those that it sends by, else what the configuration says of it where that cannot be used now, as where its
    /// token cannot be read, or it is another phone in the database. `None` where it is not configured here.
    pub(super) fn sender_limits(&self, row: &SenderRow) -> Option<Limits> {
        let used = self.sender(row.id).map(|configured| configured.limits);
        used.or_else(|| Some(self.config().sender(&row.name)?.limits(self.speed())))
    }
}
