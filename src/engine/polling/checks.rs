//! Status checks that a program ordered: a whole blast is asked about once, whatever the age of its messages, and the job says how
//! far it is. It shares the budget with everything else that is asked.

use std::sync::Arc;

use chrono::DateTime;
use tokio::time::sleep;

use super::{HELD_CHECK_EVERY, PAGE, Poller};
use crate::domain::ids::RecipientId;
use crate::store::StoreError;
use crate::store::job::{self, OpenCheck};
use crate::store::poll::PollQuery;

impl Poller {
    /// Makes one check after the other, as soon as it is ordered.
    pub(super) async fn follow_checks(self: Arc<Self>) {
        let mut orders = self.context.notifier.orders();
        loop {
            orders.borrow_and_update();
            let checked = match job::next_check(&self.context.pool, self.context.sender.id).await {
                Ok(Some(check)) => self.check(&check).await,
                Ok(None) => match orders.changed().await {
                    Ok(()) => continue,
                    Err(_) => return,
                },
                Err(error) => Err(error),
            };
            if let Err(error) = checked {
                tracing::debug!(%error, "a status check goes on later");
                sleep(HELD_CHECK_EVERY).await;
            }
        }
    }

    /// Goes on where the check is, also one that another engine began.
    async fn check(self: &Arc<Self>, check: &OpenCheck) -> Result<(), StoreError> {
        let pool = &self.context.pool;
        let turns = tokio::sync::Mutex::default();
        let begin = (check.asked_at.unwrap_or(DateTime::UNIX_EPOCH), check.asked_id.unwrap_or(RecipientId(0)));
        let mut page = PollQuery { blast: check.blast_id, after: begin, until: check.created_at, limit: PAGE };
        loop {
            self.hold_while_stopped().await?;
            let people = self.page(page).await?;
            let Some(last) = people.last() else {
                return job::finish_check(pool, check.id).await;
            };
            page.after = (last.since, last.id);
            let asked = i64::try_from(people.len()).unwrap_or(PAGE);
            let unanswered = self.ask_all(&turns, people).await.len();
            let answered = asked - i64::try_from(unanswered).unwrap_or(asked);
            job::advance(pool, check.id, (asked, answered), page.after).await?;
        }
    }
}
