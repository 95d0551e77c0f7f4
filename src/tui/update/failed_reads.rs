//! What is shown and could not be read: it is read again with the next look at the blasts that the database answers, and not before,
//! since a database that is away would be asked without end.

use super::{activity, completions, views};
use crate::tui::effect::{Effect, EffectError};
use crate::tui::model::{Model, UnreadPart};

/// A part of the screen could not be read. Who is gone is not there the next time either.
pub(super) fn failed(model: &mut Model, part: UnreadPart, failure: &EffectError) {
    let is_away = matches!(failure, EffectError::Unavailable | EffectError::Unconfirmed);
    if is_away || part != UnreadPart::Preview {
        model.unread.insert(part);
    }
    completions::failed(model, failure);
}

/// The database answers: nothing counts as read that was not.
pub(super) fn read_again(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    for part in std::mem::take(&mut model.unread) {
        match part {
            UnreadPart::Views => views::forget_read(model),
            UnreadPart::Chain => model.chain.iter_mut().for_each(|chain| chain.read_at.clear()),
            UnreadPart::Preview => model.preview_asked = None,
            UnreadPart::Activity => effects.extend(activity::load_again(model)),
            // It is read as before, when the window runs out.
            UnreadPart::ActivityPage => {}
        }
    }
    effects
}
