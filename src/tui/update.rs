//! The only place where the model changes: a message in, effects out. Pure: the same message on the same model always
//! gives the same.

mod acts;
mod answers;
mod find;
mod keys;
mod lists;
mod pages;
mod perform;
mod prompts;

pub use acts::is_new;

use super::effect::{Effect, ListPart};
use super::model::{Model, Shown};
use super::msg::{Msg, TimedMsg};

/// Takes one message.
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
        Msg::Refresh => lists::look(model),
        Msg::Database(state) => {
            model.database = state;
            Vec::new()
        }
        Msg::Deadline => acts::time_came(model),
        Msg::Continued => vec![Effect::Repaint, Effect::ReacquireLeases],
        Msg::Drawn => {
            if model.recipients.awaiting.is_none() {
                model.recipients.shown = Shown::Yes;
            }
            Vec::new()
        }
        Msg::Answer(answer) => answers::told(model, answer),
    };
    effects.extend(lists::next_page(model));
    effects
}

/// What is asked at the start.
pub fn start(model: &mut Model) -> Vec<Effect> {
    let mut effects = vec![Effect::Away];
    effects.extend(lists::look(model));
    effects
}

/// ListRequest lists ask for so many rows: what is visible and two screens more.
fn window_limit(model: &Model, part: ListPart) -> u32 {
    let height = u32::try_from(model.layout().people_rows()).unwrap_or(u32::MAX);
    let screens = if part == ListPart::Reload { 3 } else { 2 };
    height.saturating_mul(screens).clamp(20, 1_000)
}
