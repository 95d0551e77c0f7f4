//! What was done on a customer's page, as commands.

use crate::app::item_words;
use crate::domain::order::OrderState;
use crate::domain::text::shell_quoted;
use crate::tui::effect::{ShopAct, ShopWrite};
use crate::tui::update::tagging;

/// What does the same in a shell.
pub(super) fn command_line(ShopWrite { act, typed, .. }: &ShopWrite) -> String {
    let words = || {
        let words = typed.as_ref().and_then(|items| item_words(&items.field.text()).ok()).unwrap_or_default();
        words.iter().map(|word| shell_quoted(word)).collect::<Vec<_>>().join(" ")
    };
    match act {
        ShopAct::Order(draft) | ShopAct::OrderOfClose(draft) => {
            format!("blastdeck order add {} {} {}", draft.blast, draft.phone, words())
        }
        ShopAct::Cart(draft) => format!("blastdeck cart add {} {} {}", draft.blast, draft.phone, words()),
        ShopAct::EditOrder(id, _) => format!("blastdeck order edit {id} {}", words()),
        ShopAct::EditCart(id, _) => format!("blastdeck cart set {id} {}", words()),
        ShopAct::MoveOrder(id, state) => format!("blastdeck order {} {id}", verb(*state)),
        ShopAct::OrderCart(id) => format!("blastdeck cart order {id}"),
        ShopAct::AbandonCart(id) => format!("blastdeck cart abandon {id}"),
        ShopAct::Tag { phone, add, remove } => tagging::command_lines(phone, (add, remove)),
        ShopAct::Note { phone, note } => {
            format!("blastdeck customer note {} {}", phone.as_str(), shell_quoted(note))
        }
    }
}

const fn verb(state: OrderState) -> &'static str {
    match state {
        OrderState::New | OrderState::Confirmed => "confirm",
        OrderState::Paid => "pay",
        OrderState::Fulfilled => "fulfil",
        OrderState::Cancelled => "cancel",
    }
}
