//! The keys of an open prompt: while one is open, no others work.

use super::keys::FooterKey;
use crate::tui::model::{CloseBefore, ConfirmBy, ItemsPrompt, ItemsTarget, PaceLine, PricedSale, Prompt};

/// Digits are of the amount, also those that show a pane elsewhere.
const NO_KEY_OF_AN_AMOUNT: &str = "any key but an amount's";

/// `currency` is that of amounts.
pub fn of(prompt: &Prompt, currency: &str) -> Vec<FooterKey> {
    let keys: &[(&str, &'static str)] = match prompt {
        Prompt::Find(_) => &[("enter", "keeps this list"), ("tab", "other blasts"), ("esc", "back")],
        Prompt::BlastFilter(_) => &[("enter", "keeps this list"), ("esc", "as it was"), ("tab", "people")],
        Prompt::Amount(amount) => match (amount.sale, amount.is_refused()) {
            (PricedSale::New, true) => {
                &[("backspace", "corrects it"), ("esc", "no amount"), ("any other key", "is ignored")]
            }
            (PricedSale::Earlier(_), true) => {
                &[("backspace", "corrects it"), ("esc", "as it was"), ("any other key", "is ignored")]
            }
            // More is to be typed, or less.
            (PricedSale::New, false) if !amount.can_be_kept(currency) => {
                &[("esc", "no amount"), ("backspace", "corrects it")]
            }
            (PricedSale::Earlier(_), false) if !amount.can_be_kept(currency) => {
                &[("esc", "as it was"), ("backspace", "corrects it")]
            }
            (PricedSale::New, false) if amount.field.is_empty() => {
                &[("enter", "keeps it"), ("esc", "no amount"), ("tab", "items"), (NO_KEY_OF_AN_AMOUNT, "acts")]
            }
            (PricedSale::New, false) => {
                &[("enter", "keeps it"), ("esc", "no amount"), (NO_KEY_OF_AN_AMOUNT, "keeps it, then acts")]
            }
            (PricedSale::Earlier(_), false) if amount.field.is_empty() => {
                &[("enter", "keeps it"), ("esc", "as it was"), ("tab", "items"), (NO_KEY_OF_AN_AMOUNT, "acts")]
            }
            (PricedSale::Earlier(_), false) => {
                &[("enter", "keeps it"), ("esc", "as it was"), (NO_KEY_OF_AN_AMOUNT, "keeps it, then acts")]
            }
        },
        Prompt::Items(ItemsPrompt { of: ItemsTarget::NewOrder { close: CloseBefore::ByKey, .. }, .. }) => {
            &[("enter", "writes it"), ("esc", "no order: they stay closed")]
        }
        Prompt::Items(ItemsPrompt { of: ItemsTarget::Tags | ItemsTarget::Note, .. }) => {
            &[("enter", "keeps it"), ("esc", "as it was")]
        }
        Prompt::Items(_) => &[("enter", "writes it"), ("esc", "nothing is written")],
        Prompt::Note(_) => &[("enter", "keeps it"), ("esc", "as it was")],
        Prompt::OwnNumber(_) => &[("enter", "asks, then sends one"), ("esc", "sends nothing")],
        Prompt::Pace(pace) if pace.line == PaceLine::Hours => {
            &[("enter", "changes it"), ("esc", "as it was"), ("tab", "its pace")]
        }
        Prompt::Pace(_) => &[("enter", "changes it"), ("esc", "as it was"), ("tab", "its hours")],
        Prompt::Refused(_) => &[("enter", "continues")],
        Prompt::Confirm(ask) => match ask.by {
            ConfirmBy::Yes | ConfirmBy::YesThenNumber(_) => &[("y", "yes"), ("any other key", "no")],
            ConfirmBy::Number { .. } => &[("0-9", "the number"), ("enter", "yes"), ("any other key", "no")],
            ConfirmBy::NumberOncePaused { .. } => &[("0-9", "the number"), ("any other key", "no")],
        },
    };
    let key = |(at, (key, word)): (usize, &(&str, &'static str))| FooterKey {
        key: (*key).to_owned(),
        word,
        dropped: u8::try_from(at).unwrap_or(u8::MAX),
    };
    keys.iter().enumerate().map(key).collect()
}
