//! What needs a person: the list, where its lines lead, and the bell when something is added to it.

use chrono::TimeDelta;

use super::lists::{self, ListRequest};
use super::{activity, overlays};
use crate::domain::blast::BlastState;
use crate::domain::status::Status;
use crate::tui::effect::{Effect, ReadRequest};
use crate::tui::model::{AttentionItem, ListScope, Model, Notice, Overlay, Pane};

/// What is found within this time of the start was there before: no bell rings for it.
const OPENING: TimeDelta = TimeDelta::seconds(5);

pub fn open(model: &mut Model) -> Vec<Effect> {
    let first = model.needs_list().first().copied();
    model.notice = None;
    model.overlays.push(Overlay::Needs(first));
    let with_steps: Vec<_> =
        model.blasts.rows().iter().filter(|blast| blast.origin.has_steps).map(|blast| blast.id).collect();
    if with_steps.is_empty() {
        model.steps.clear();
        return Vec::new();
    }
    vec![Effect::Read(ReadRequest::Steps(with_steps))]
}

/// To what needs a person, in whichever blast it is.
pub fn go_to(model: &mut Model, need: Option<AttentionItem>) -> Vec<Effect> {
    let Some(need) = need.filter(|need| model.needs_list().contains(need)) else {
        model.refuse("that does not need you any more");
        return Vec::new();
    };
    match need {
        AttentionItem::Strangers | AttentionItem::Notices => {
            model.overlays.clear();
            activity::open(model)
        }
        AttentionItem::Webhooks | AttentionItem::Nameless => {
            let flag = if need == AttentionItem::Webhooks { " --failed" } else { "" };
            let line = model.options.call(&format!("blastdeck inbox list{flag}"));
            model.say(Notice::done(format!("nothing here shows them: run `{line}`")));
            Vec::new()
        }
        AttentionItem::Paused(id) if model.blasts.get(id).is_some_and(|blast| blast.state == BlastState::Draft) => {
            let mut effects = to_blast(model, need);
            effects.extend(overlays::open_plan_of(model, id));
            effects
        }
        need => to_blast(model, need),
    }
}

fn to_blast(model: &mut Model, need: AttentionItem) -> Vec<Effect> {
    let Some(blast) = model.blast_of(need) else {
        model.refuse("no blast waits for it: once it is fixed, S on a new blast sends");
        return Vec::new();
    };
    model.overlays.clear();
    model.blasts.select(blast);
    if let AttentionItem::Uncertain(_) = need {
        model.focus = Pane::Recipients;
        return lists::load(model, ListRequest::first(ListScope::Only(Status::Uncertain)));
    }
    model.focus = Pane::Blasts;
    lists::follow_selection(model)
}

/// One bell when something new needs a person, or more people do: never again for what was there.
pub fn ring(model: &mut Model) -> Option<Effect> {
    if !model.blasts.is_loaded() {
        return None;
    }
    let needs = model.needs_by_item();
    let is_more = needs.iter().any(|(need, count)| model.needs_seen.get(need).is_none_or(|seen| seen < count));
    model.needs_seen = needs;
    let is_opening = model.now - model.opened_at < OPENING;
    (is_more && !is_opening).then_some(Effect::Bell)
}
