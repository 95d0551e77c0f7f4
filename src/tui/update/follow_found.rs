//! A follow-up to exactly those people who were found: whom it would reach, and making its draft.

use super::{completions, follow_ups, overlays};
use crate::app::{FoundFollowUp, FoundPreview, StepAlike};
use crate::domain::step::StepSince;
use crate::tui::effect::{Effect, EffectResult, ReadRequest, WriteRequest};
use crate::tui::model::{FollowFoundOverlay, Model, Notice, Overlay};

pub fn open(model: &mut Model, from: FoundFollowUp) -> Vec<Effect> {
    let listed = model.recipients.total;
    let cart_age = model.found_cart_age();
    let page =
        FollowFoundOverlay { from: from.clone(), loaded: None, is_being_made: false, scroll: 0, listed, cart_age };
    overlays::open(model, Overlay::FollowFound(page));
    vec![Effect::Read(ReadRequest::FoundFollowUp(from))]
}

/// Counts once more whom the open page is about.
pub fn count_again(model: &Model) -> Option<Effect> {
    let Some(Overlay::FollowFound(page)) = model.overlays.last() else { return None };
    let is_wanted = page.loaded.is_some() && !page.is_being_made;
    is_wanted.then(|| Effect::Read(ReadRequest::FoundFollowUpAgain(page.from.clone())))
}

pub fn loaded(model: &mut Model, preview: EffectResult<FoundPreview>) {
    let Some(Overlay::FollowFound(page)) = model.overlays.last_mut() else { return };
    match preview {
        Ok(preview) if preview.blast == page.from.blast && preview.count.from == page.from.from => {
            page.loaded = Some(preview);
        }
        Ok(_) => {}
        Err(failure) if page.loaded.is_some() => completions::failed(model, &failure),
        Err(failure) => {
            model.overlays.pop();
            model.refuse_failed(&failure);
        }
    }
}

/// `enter`: makes the draft, once.
pub fn make(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::FollowFound(page)) = model.overlays.last_mut() else { return Vec::new() };
    let why_not = match &page.loaded {
        None => Some("still counting them"),
        Some(_) if page.is_being_made => Some("it is being made"),
        Some(_) => None,
    };
    if let Some(why_not) = why_not {
        model.refuse(why_not);
        return Vec::new();
    }
    page.is_being_made = true;
    let from = page.from.clone();
    model.say(Notice::done("making the draft"));
    vec![Effect::Write(WriteRequest::FollowFound(from))]
}

/// `a`: a step of the blast for whoever has had a cart so long from now on.
pub fn later(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::FollowFound(page)) = model.overlays.last_mut() else { return Vec::new() };
    let Some(after) = page.cart_age else { return Vec::new() };
    if std::mem::replace(&mut page.is_being_made, true) {
        model.refuse("it is being made");
        return Vec::new();
    }
    let step = StepAlike { blast: page.from.blast, since: StepSince::Cart, after };
    follow_ups::add_step(model, WriteRequest::AddStep(step))
}

/// It was refused: it may be tried again.
pub fn not_made(model: &mut Model, from: &FoundFollowUp) {
    for overlay in &mut model.overlays {
        if let Overlay::FollowFound(page) = overlay
            && page.from == *from
        {
            page.is_being_made = false;
        }
    }
}
