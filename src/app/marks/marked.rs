//! What a mark came to, and the words behind it.

use rust_decimal::Decimal;

use crate::domain::blast::blast_name;
use crate::domain::ids::{ActionId, OrderId, RecipientId};
use crate::domain::recipient::Mark;
use crate::domain::status::Status;
use crate::domain::text::clean;
use crate::store::person::PersonRow;

/// A mark that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    pub action: ActionId,
    pub recipient: RecipientId,
    /// The person's name, else the number.
    pub who: String,
    pub before: Status,
    pub after: Status,
    /// What was done, as `replied`, `closed`, `opt-out`, `note`, `resolve`.
    pub act: String,
    /// The amount of their sale before.
    pub amount_before: Option<Decimal>,
    /// Who wrote that, where it was another operator.
    pub amount_by: Option<String>,
    /// Orders of theirs that no longer count, since an amount was written in their place.
    pub replaced: Vec<OrderId>,
    /// A later message of the business that they had, which a reply or a sale may be of.
    pub later_message: Option<String>,
    /// The same as a command line: `blastdeck mark 7 +60… replied`.
    pub command_line: String,
}

impl Marked {
    /// `; they had Raya, Follow-up 1 (blast 9) after this message`, behind what was done; nothing where they had no later message.
    pub fn later_in_words(&self) -> String {
        self.later_message.as_ref().map_or_else(String::new, |name| format!("; they had {name} after this message"))
    }

    /// `; order 8 no longer counts`, behind what was done; nothing where no order is concerned.
    pub fn replaced_in_words(&self) -> String {
        let ids = self.replaced.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        match self.replaced.len() {
            0 => String::new(),
            1 => format!("; order {ids} no longer counts"),
            _ => format!("; orders {ids} no longer count"),
        }
    }
}

/// Of whoever is marked as replied or closed in one blast and had a later message: that one's name.
pub(super) fn later_message(person: &PersonRow, mark: &Mark) -> Option<String> {
    let later = person.later.as_deref().filter(|_| matches!(mark, Mark::Replied | Mark::Closed(_)))?;
    Some(format!("{} (blast {})", clean(&blast_name(&later.tag, &later.stage)), later.blast))
}
