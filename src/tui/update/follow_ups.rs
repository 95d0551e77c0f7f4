//! Follow-ups: whom one would reach, making its draft, and who came back.

use chrono::TimeDelta;

use super::{completions, follow_found, lists, lost, overlays, written};
use crate::app::view::{BlastView, FollowUpResponses};
use crate::app::{FollowUp, FollowUpPreview, FoundFollowUp, StepAlike, StepRow, StepView};
use crate::domain::ids::BlastId;
use crate::domain::pace::show_span;
use crate::domain::step::StepSince;
use crate::domain::template::TemplateMessage;
use crate::domain::text::shell_quoted;
use crate::tui::availability;
use crate::tui::effect::{Effect, EffectResult, ReadRequest, WriteRequest};
use crate::tui::format::{brief_name, counted, number};
use crate::tui::model::{ChainReading, FollowUpOverlay, Model, Notice, Overlay, Pane};

/// `f`: to those who are stuck where the person on the screen is, else at the stage of the list, else at the funnel's.
/// Where people were found: to exactly them.
pub fn open(model: &mut Model) -> Vec<Effect> {
    if let Some(from) = model.found_to_follow() {
        return follow_found::open(model, from);
    }
    let Some((blast, stuck_at)) = model.blast_to_follow().map(|blast| blast.id).zip(model.stage_to_follow()) else {
        return Vec::new();
    };
    overlays::open(model, Overlay::FollowUp(FollowUpOverlay::of(blast, stuck_at)));
    vec![Effect::Read(ReadRequest::FollowUp { blast, stuck_at })]
}

/// Counts once more whom the open page is about. Not only where their blast has changed: people get old enough without it, write, and
/// buy in other blasts.
pub fn count_again(model: &Model) -> Option<Effect> {
    let Some(Overlay::FollowUp(page)) = model.overlays.last() else { return None };
    let (blast, stuck_at) = (page.blast, page.stage);
    let is_wanted = page.loaded.is_some() && !page.is_being_made;
    is_wanted.then_some(Effect::Read(ReadRequest::FollowUpAgain { blast, stuck_at }))
}

pub fn loaded(model: &mut Model, preview: EffectResult<FollowUpPreview>) {
    let Some(Overlay::FollowUp(page)) = model.overlays.last_mut() else { return };
    match preview {
        Ok(preview) if preview.blast == page.blast && preview.stuck_at == page.stage => page.take(preview),
        Ok(_) => {}
        Err(failure) if page.loaded.is_some() => completions::failed(model, &failure),
        Err(failure) => {
            model.overlays.pop();
            model.refuse_failed(&failure);
        }
    }
}

/// Nobody gets a draft that was counted to nobody.
pub fn cannot_make(model: &Model) -> Option<String> {
    let why = match model.overlays.last() {
        Some(Overlay::FollowUp(page)) => {
            let count = page.loaded.as_ref().and_then(|loaded| loaded.ages.get(page.age));
            let (is_nobody, is_shortest) = (count.is_some_and(|count| count.gets() == 0), page.age == 0);
            let why =
                if is_shortest { "nobody would get it" } else { "nobody would get it: ⟨[⟩ chooses a shorter time" };
            is_nobody.then_some(why)
        }
        Some(Overlay::FollowFound(page)) => {
            page.loaded.as_ref().is_some_and(|loaded| loaded.count.gets() == 0).then_some("nobody would get it")
        }
        _ => None,
    };
    why.map(str::to_owned).or_else(|| availability::read_only(model))
}

/// `enter`: makes the draft, once.
pub fn make(model: &mut Model) -> Vec<Effect> {
    if let Some(Overlay::FollowFound(_)) = model.overlays.last() {
        return follow_found::make(model);
    }
    let Some(Overlay::FollowUp(page)) = model.overlays.last_mut() else { return Vec::new() };
    if page.loaded.is_none() {
        model.refuse("still counting them");
        return Vec::new();
    }
    if page.is_being_made {
        model.refuse("it is being made");
        return Vec::new();
    }
    page.is_being_made = true;
    let from = FollowUp { blast: page.blast, stuck_at: page.stage, older_than: page.older_than() };
    model.say(Notice::done("making the draft"));
    vec![Effect::Write(WriteRequest::FollowUp(from))]
}

/// A step waits until people were at a stage for some time; who was found is who they are now.
pub fn cannot_step(model: &Model) -> Option<String> {
    let why = match model.overlays.last() {
        Some(Overlay::FollowFound(page)) if page.cart_age.is_none() => Some(
            "a step is for those stuck at a stage, where ⟨f⟩ makes it, or for carts: /has:cart older:24h finds those",
        ),
        Some(Overlay::FollowUp(page)) if page.loaded.is_none() => Some("still counting them"),
        Some(Overlay::FollowUp(page)) if !page.can_be_step() => Some("a step needs a time: ⟨]⟩ chooses one"),
        _ => None,
    };
    why.map(str::to_owned).or_else(|| availability::read_only(model))
}

/// `a`: the same by itself, as a step of the blast.
pub fn later(model: &mut Model) -> Vec<Effect> {
    if let Some(Overlay::FollowFound(_)) = model.overlays.last() {
        return follow_found::later(model);
    }
    let Some(Overlay::FollowUp(page)) = model.overlays.last_mut() else { return Vec::new() };
    if std::mem::replace(&mut page.is_being_made, true) {
        model.refuse("it is being made");
        return Vec::new();
    }
    let (since, after) = (StepSince::Stage(page.stage), page.older_than());
    let step = WriteRequest::AddStep(StepAlike { blast: page.blast, since, after });
    add_step(model, step)
}

/// Adds a step, and says that it is under way.
pub(super) fn add_step(model: &mut Model, step: WriteRequest) -> Vec<Effect> {
    if let Some(words) = lost::under_way(model, &step) {
        model.say(Notice::done(words));
    }
    vec![Effect::Write(step)]
}

pub fn step_added(model: &mut Model, added: &StepView) -> Vec<Effect> {
    let step = &added.step;
    let is_its_page = |page: &Overlay| match page {
        Overlay::FollowUp(page) => page.blast == step.blast,
        Overlay::FollowFound(page) => page.from.blast == step.blast && page.cart_age.is_some(),
        _ => false,
    };
    model.overlays.retain(|page| !is_its_page(page));
    let tag = model.blasts.get(step.blast).map(brief_name).unwrap_or_default();
    let text =
        format!("{tag}: step {}, {}; each draft of it waits for your yes: ⟨!⟩ lists it", step.number, added.when);
    written::log(model, &text, &step_line(step));
    model.say(Notice::done(text));
    vec![Effect::Read(ReadRequest::Blasts)]
}

/// The command line that adds such a step. Where its template has something that no option stands for, its steps are listed.
fn step_line(step: &StepRow) -> String {
    let text = match &step.template {
        None => Some(format!("--message {}", shell_quoted(&step.message))),
        Some(template) => TemplateMessage::parse(template).ok().and_then(|template| template.arguments()),
    };
    let Some(text) = text else { return format!("blastdeck blast step list {}", step.blast) };
    let after = show_span(TimeDelta::seconds(step.after_seconds).to_std().unwrap_or_default());
    let until = step.until.map_or_else(String::new, |until| format!(" --until {}", until.label()));
    let since = step.since.label();
    format!("blastdeck blast step add {} --after {after} --since {since}{until} {text}", step.blast)
}

/// The draft is there: shows it among the blasts.
pub fn made(model: &mut Model, request: &WriteRequest, row: BlastView, people: u64) -> Vec<Effect> {
    let Some(line) = draft_line(request) else { return Vec::new() };
    let since = since_counted(model, request, i64::try_from(people).unwrap_or(i64::MAX));
    let text = format!("{}: a draft to {}{since}; nothing is sent", brief_name(&row), counted(people));
    written::log(model, &text, &line);
    let is_open = |page: &Overlay| is_page_of(page, request);
    let was_open = model.overlays.iter().any(is_open);
    // The person it was begun from is no longer what this is about.
    model.overlays.retain(|page| !(is_open(page) || was_open && matches!(page, Overlay::Details(_))));
    let id = row.id;
    model.blasts.insert(row);
    model.say(Notice::done(text).hint("⟨e⟩ changes its words, ⟨S⟩ shows its plan"));
    let mut effects = vec![Effect::Read(ReadRequest::Blasts)];
    // Whoever went on to something else meanwhile stays there.
    if was_open && model.prompt.is_none() && model.overlays.is_empty() {
        model.blasts.select(id);
        model.focus = Pane::Blasts;
        effects.extend(lists::follow_selection(model));
    }
    effects
}

/// How the people of a draft differ from those whom its page counted last: somebody got old enough, opted out or bought since.
fn since_counted(model: &Model, request: &WriteRequest, people: i64) -> String {
    let shown = model.overlays.iter().find(|page| is_page_of(page, request)).and_then(|page| match (page, request) {
        (Overlay::FollowUp(page), WriteRequest::FollowUp(from)) if page.older_than() == from.older_than => {
            Some(page.loaded.as_ref()?.ages.get(page.age)?.gets())
        }
        (Overlay::FollowFound(page), _) => Some(page.loaded.as_ref()?.count.gets()),
        _ => None,
    });
    match shown {
        Some(shown) if shown < people => format!(", up from {} when they were counted", number(shown)),
        Some(shown) if shown > people => format!(", down from {} when they were counted", number(shown)),
        _ => String::new(),
    }
}

/// The command line that makes such a draft.
fn draft_line(request: &WriteRequest) -> Option<String> {
    match request {
        WriteRequest::FollowUp(from) => {
            let age = show_span(from.older_than.to_std().unwrap_or_default());
            let (blast, stage) = (from.blast, from.stuck_at.word());
            Some(format!("blastdeck blast follow-up {blast} --stuck-at {stage} --older-than {age}"))
        }
        WriteRequest::FollowFound(FoundFollowUp { blast, from }) => {
            Some(format!("blastdeck blast follow-up {blast} --from {}", shell_quoted(from)))
        }
        _ => None,
    }
}

/// Whether a page is the one that the draft was asked for on.
fn is_page_of(page: &Overlay, request: &WriteRequest) -> bool {
    match (page, request) {
        (Overlay::FollowUp(page), WriteRequest::FollowUp(from)) => page.blast == from.blast,
        (Overlay::FollowFound(page), WriteRequest::FollowFound(from)) => page.from == *from,
        _ => false,
    }
}

/// It was refused: it may be tried again.
pub fn not_made(model: &mut Model, request: &WriteRequest) {
    if let WriteRequest::FollowFound(from) = request {
        return follow_found::not_made(model, from);
    }
    let (WriteRequest::FollowUp(FollowUp { blast, .. }) | WriteRequest::AddStep(StepAlike { blast, .. })) = request
    else {
        return;
    };
    for overlay in &mut model.overlays {
        match overlay {
            Overlay::FollowUp(page) if page.blast == *blast => page.is_being_made = false,
            Overlay::FollowFound(page) if page.from.blast == *blast => page.is_being_made = false,
            _ => {}
        }
    }
}

/// Reads who came back after the selected blast's follow-ups, where it has any and their counts changed.
pub fn read_chain(model: &mut Model) -> Option<Effect> {
    let blast = model.blast()?.id;
    let counts = model.chain_counts(blast);
    if counts.is_empty() {
        model.chain = None;
        return None;
    }
    let known = model.chain.as_ref().filter(|chain| chain.blast == blast);
    if known.is_some_and(|chain| chain.read_at == counts) {
        return None;
    }
    let came_back = known.and_then(|chain| chain.came_back);
    model.chain = Some(ChainReading { blast, read_at: counts, came_back });
    Some(Effect::Read(ReadRequest::FollowUpResponses(blast)))
}

pub fn chain_read(model: &mut Model, blast: BlastId, came_back: FollowUpResponses) {
    if let Some(chain) = model.chain.as_mut().filter(|chain| chain.blast == blast) {
        chain.came_back = Some(came_back);
    }
}
