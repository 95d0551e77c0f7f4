//! `w`: writes the report of the selected blast to a file.

use crate::tui::effect::{Effect, WriteRequest};
use crate::tui::model::{Model, Notice};

pub fn write(model: &mut Model) -> Vec<Effect> {
    let Some(blast) = model.blast().map(|blast| blast.id) else { return Vec::new() };
    model.say(Notice::done("writing the report"));
    vec![Effect::Write(WriteRequest::Report(blast))]
}
