//! `o` and `O`: another order of blasts or people, and the same from its other end.

use super::lists::{self, ListRequest};
use crate::app::view::{Anchor, SORTED_MAX};
use crate::tui::effect::Effect;
use crate::tui::format::number;
use crate::tui::model::{CursorTarget, ListOrder, Model, Notice, Pane};

/// `o`.
pub fn next(model: &mut Model) -> Vec<Effect> {
    if model.focus == Pane::Blasts {
        model.blasts.sort_by_next();
        return said(model);
    }
    let (scope, order) = (model.recipients.scope.clone(), model.recipients.order);
    model.recipients.wanted_order = match order {
        order if !lists::is_too_long(model, &scope) => order.next(),
        _ if lists::asks_more(&scope) => {
            let most = number(SORTED_MAX);
            model.refuse(format!(
                "of more than {most} people, those found are in the order of the list; ⟨O⟩ reverses them"
            ));
            return Vec::new();
        }
        ListOrder::Row => ListOrder::NewestChange,
        _ => ListOrder::Row,
    };
    again(model)
}

/// `O`.
pub fn reverse(model: &mut Model) -> Vec<Effect> {
    if model.focus == Pane::Blasts {
        model.blasts.reverse();
        return said(model);
    }
    model.recipients.direction = model.recipients.direction.other();
    again(model)
}

fn said(model: &mut Model) -> Vec<Effect> {
    let words = model.blasts.sorting().words();
    model.say(Notice::done(format!("blasts: {words}")));
    Vec::new()
}

/// The same people in their new order, from its beginning.
fn again(model: &mut Model) -> Vec<Effect> {
    let scope = model.recipients.scope.clone();
    let effects = lists::load(model, ListRequest { scope, anchor: Anchor::Start, target: CursorTarget::First });
    let words = model.recipients.order.words(model.recipients.direction);
    let hint = if model.recipients.order == ListOrder::Row { "⟨o⟩ ⟨O⟩ sort" } else { "⟨O⟩ reverses" };
    model.say(Notice::done(words).hint(hint));
    effects
}
