//! The only place where the model changes: a message in, effects out. Pure: the same message on the same model always has
//! the same result.

pub mod blast_acts;
pub mod clipboard;
mod completions;
pub mod find;
mod key_outcome;
mod keys;
pub mod leave;
mod lists;
pub mod marks;
pub mod moves;
pub mod overlays;
mod palette;
pub mod prompts;
mod senders;
mod written;

use super::effect::{Effect, ReadRequest};
use super::model::{Model, Shown};
use super::msg::{Msg, TimedMsg};

/// Applies one message.
pub fn update(model: &mut Model, message: TimedMsg) -> Vec<Effect> {
    model.now = message.at;
    let mut effects = match message.msg {
        Msg::Key(key) => keys::typed(model, key),
        Msg::Paste(text) => keys::pasted(model, &text),
        Msg::Resized(size) => {
            model.size = size;
            let height = model.layout().people_rows();
            model.recipients.reveal(height);
            Vec::new()
        }
        Msg::Refresh => lists::refresh(model),
        Msg::Database(state) => {
            model.database = state;
            Vec::new()
        }
        Msg::Deadline => written::time_came(model),
        Msg::Continued => vec![Effect::Repaint, Effect::ReacquireLeases],
        Msg::Drawn => {
            if model.recipients.awaiting.is_none() {
                model.recipients.shown = Shown::Yes;
            }
            Vec::new()
        }
        Msg::Completed(completion) => completions::completed(model, completion),
    };
    effects.extend(lists::next_page(model));
    effects
}

/// What is read at the start.
pub fn start(model: &mut Model) -> Vec<Effect> {
    let mut effects = vec![Effect::Read(ReadRequest::Away)];
    effects.extend(lists::refresh(model));
    effects
}
