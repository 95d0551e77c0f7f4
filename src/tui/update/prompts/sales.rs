//! A sale that is asked about first, and its amount.

use crate::domain::ids::RecipientId;
use crate::domain::recipient::Mark;
use crate::tui::effect::WriteRequest;
use crate::tui::format::brief;
use crate::tui::model::{AmountPrompt, Model, PricedSale, Prompt};
use crate::tui::widget::TextField;

/// Whoever typed `c` and an amount had forgotten that several are marked.
pub(super) const fn closes_several(act: &WriteRequest) -> bool {
    matches!(act, WriteRequest::MarkSeveral { mark: Mark::Closed(_), .. })
}

/// Whoever typed `c` and an amount did not expect to be asked.
pub(super) const fn closes_one(act: &WriteRequest) -> bool {
    matches!(act, WriteRequest::Mark { mark: Mark::Closed(_), .. })
}

/// Whom it closes without an amount.
pub(super) const fn closed_one(act: &WriteRequest) -> Option<RecipientId> {
    match act {
        WriteRequest::Mark { person, mark: Mark::Closed(None) } => Some(*person),
        _ => None,
    }
}

/// Opens the field for the amount of somebody who is being closed.
pub(super) fn take_amount(model: &mut Model, person: RecipientId) {
    let who = model.name_of(person).map(|who| brief(&who)).unwrap_or_default();
    let field = TextField::default();
    model.prompt = Some(Prompt::Amount(AmountPrompt { person, who, field, sale: PricedSale::New, trouble: None }));
}
