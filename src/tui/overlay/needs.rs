//! `!`: what needs a person, in every blast, each line with its mend; below, what comes by itself.

use super::command_line::sentence;
use super::{OverlayContent, clock, wrapped};
use crate::app::view::{BlastView, SenderView};
use crate::app::{Plan, StepStanding, StepView, nameless};
use crate::domain::blast::BlastState;
use crate::domain::sender::{StopCode, UNHEARD, UNHEARD_MEND, stop_mend};
use crate::domain::status::Status;
use crate::domain::text::{clean, people as people_words, shell_word};
use crate::domain::waiting::Waiting;
use crate::tui::DatabaseKind;
use crate::tui::action::KeyScope;
use crate::tui::format::{count_of, number};
use crate::tui::model::{AttentionItem, Model, NeedsLine};
use crate::tui::theme::TextRole;
use crate::tui::update::pace::{lifts_hours, waits_for_hours};
use crate::tui::update::{senders, steps};
use crate::tui::widget::TextLine;

pub fn content(model: &Model, chosen: Option<NeedsLine>, width: u16) -> OverlayContent {
    let mut lines = Vec::new();
    let mut focus = None;
    let all = model.needs_lines();
    if model.needs_list().is_empty() {
        lines.push(TextLine::plain("  Nothing needs you."));
    }
    let mut section = None;
    for line in &all {
        let title = section_of(model, *line);
        if title != section {
            lines.extend(title.map(TextLine::rule));
            section = title;
        }
        let Some(words) = words_of(model, *line) else { continue };
        let mend = model.options.keys.in_sentence(&words.mend, &[KeyScope::Needs]);
        let (what, mend) = (model.options.pasteable(&words.what), model.options.pasteable(&mend));
        lines.extend(entry(&what, &mend, *line, chosen == Some(*line), width));
        if chosen == Some(*line) {
            lines.extend(model.chosen_step().into_iter().flat_map(|view| step_words(model, view, width)));
            focus = Some(lines.len() - 1);
        }
    }
    let there = focus.map(|_| "enter goes there".to_owned());
    let title = super::title(vec!["What needs you".to_owned(), number(model.needs())], there);
    OverlayContent { title, lines, focus }
}

/// What somebody paused part-way needs nobody, but is not forgotten where nothing else does.
fn section_of(model: &Model, line: NeedsLine) -> Option<&'static str> {
    let is_paused = |id| model.paused_by_people().any(|blast| blast.id == id);
    let is_halted = |key| model.steps.iter().any(|view| view.step.key() == key && view.step.paused_at.is_some());
    let waits_for_sender = |id| model.blasts.get(id).is_some_and(|blast| model.waits_for_sender(blast));
    match line {
        NeedsLine::Need(_) => None,
        NeedsLine::Blast(id) if is_paused(id) => Some("What was paused"),
        NeedsLine::Step(key) if is_halted(key) => Some("What was paused"),
        NeedsLine::Blast(id) if waits_for_sender(id) => Some("What waits for its sender"),
        NeedsLine::Blast(_) | NeedsLine::Step(_) => Some("What comes by itself"),
        NeedsLine::Replies => Some("What is new"),
    }
}

fn words_of(model: &Model, line: NeedsLine) -> Option<NeedWords> {
    match line {
        NeedsLine::Need(need) => words(model, need),
        NeedsLine::Blast(id) => model.blasts.get(id).map(|blast| blast_words(model, blast)),
        NeedsLine::Replies => Some(replies(model)),
        NeedsLine::Step(key) => model.steps.iter().find(|view| view.step.key() == key).map(|view| step(model, view)),
    }
}

/// A blast that starts at a time or in a moment, repeats, or goes on at a time, and when; or who paused it.
fn blast_words(model: &Model, blast: &BlastView) -> NeedWords {
    if let Some(waiting) = model.goes_on_at(blast) {
        // Its sentence about hours says itself whose clock they are by.
        let why = match &waiting {
            Waiting::Window { .. } => waiting.sentence_in(model.options.zone, |at| clock(model).long(at)),
            _ => waiting.sentence_in(model.options.zone, |at| model.time_of(blast, at)),
        };
        let (name, why) = (model.distinct_name(blast), why.replacen("waits for: ", "waits for ", 1));
        return NeedWords {
            what: format!("{name} {why}"),
            mend: format!("{}⟨p⟩ pauses it, ⟨X⟩ cancels it, enter goes there", sends_now(model, blast, &waiting)),
        };
    }
    if let Some(words) = behind_stop(model, blast) {
        return words;
    }
    if let Some(until) = blast.armed_until(model.now) {
        let mend = "⟨p⟩ pauses it, ⟨X⟩ cancels it, enter goes there".to_owned();
        return NeedWords { what: model.start_words_of(blast, &[], until), mend };
    }
    let rule = blast.origin.repeat.rule.as_deref().map(|rule| format!("{}; ", clean(rule))).unwrap_or_default();
    let at = blast.scheduled_for.or(blast.send_after).map(|at| model.time_of(blast, at));
    let (comes, keys) = match (blast.state, at) {
        (BlastState::Paused, _) if rule.is_empty() => (paused(model, blast), "⟨S⟩ resumes it, ⟨X⟩ cancels it"),
        (BlastState::Paused, _) => ("paused".to_owned(), "⟨S⟩ resumes it, ⟨X⟩ ends it for good"),
        (_, Some(at)) if rule.is_empty() => (format!("starts {at}"), "⟨S⟩ sends it now, ⟨p⟩ pauses it, ⟨X⟩ cancels it"),
        (_, Some(at)) => (
            format!("next {at}{}", next_condition(blast)),
            "⟨p⟩ pauses it, ⟨>⟩ leaves that time out, ⟨X⟩ ends it for good",
        ),
        (_, None) => ("starts as soon as it may".to_owned(), "⟨p⟩ pauses it, ⟨X⟩ cancels it"),
    };
    NeedWords { what: format!("{}: {rule}{comes}", model.distinct_name(blast)), mend: keys.to_owned() }
}

/// Behind the next time of a blast that repeats: that it waits for its sender then, or for an operator. It begins with a comma.
fn next_condition(blast: &BlastView) -> String {
    if blast.is_behind_stop() { format!(", {}", Plan::NOT_BEHIND_STOP) } else { blast.waits_at_next_time() }
}

/// Of a blast whose sender is stopped and that was sent in part, was launched, or starts at a time, once: at that time it starts only if the
/// sender is resumed by then.
fn behind_stop(model: &Model, blast: &BlastView) -> Option<NeedWords> {
    let (name, sender) = (model.distinct_name(blast), clean(&blast.sender));
    let keys = "⟨p⟩ pauses it, ⟨X⟩ cancels it";
    if blast.state == BlastState::Sending && blast.starts_with_sender(model.now) {
        let mend = format!("once sender {sender} is resumed, it starts; {keys}");
        return Some(NeedWords { what: format!("{name}: it was launched, and its sender is stopped"), mend });
    }
    if blast.state == BlastState::Sending && model.waits_for_sender(blast) {
        let mend = format!("once sender {sender} is resumed, it goes on; {keys}");
        let queued = number(blast.counts.queued);
        return Some(NeedWords { what: format!("{name}: {queued} still queued, and its sender is stopped"), mend });
    }
    let starts = blast.state == BlastState::Scheduled && blast.origin.repeat.rule.is_none();
    let at = blast.send_after.filter(|_| starts && blast.is_behind_stop())?;
    let at = model.time_of(blast, at);
    if !blast.starts_with_sender(model.now) {
        let what = format!("{name}: starts {at}, {}", Plan::NOT_BEHIND_STOP);
        return Some(NeedWords { what, mend: keys.to_owned() });
    }
    let does = if blast.asks_first(model.now) { "asks first, since that is long past" } else { "starts" };
    let mend = format!("once sender {sender} is resumed, it {does}; {keys}");
    Some(NeedWords { what: format!("{name}: its time came {at}, and its sender is stopped"), mend })
}

/// Only hours are what a key may overrule; a cap is set elsewhere.
fn sends_now(model: &Model, blast: &BlastView, waiting: &Waiting) -> String {
    match waiting {
        Waiting::DailyCap { .. } => {
            format!("daily_cap of sender {} sets it, in the configuration; ", clean(&blast.sender))
        }
        // While its start counts down the key does nothing.
        _ if waits_for_hours(blast) && blast.armed_until(model.now).is_none() => {
            format!("⟨S⟩ {}, ", lifts_hours(model, blast))
        }
        _ => String::new(),
    }
}

fn paused(model: &Model, blast: &BlastView) -> String {
    let by = blast.state_by.as_ref().map_or("you", |by| by.name());
    let by = if by == model.options.operator { "you" } else { by };
    format!("paused by {}, {} still queued", clean(by), number(blast.counts.queued))
}

/// A follow-up that makes itself: whom it is for, and when it comes. Its draft stands above.
fn step(model: &Model, view: &StepView) -> NeedWords {
    let blast = model.blasts.get(view.step.blast);
    let name = blast.map(|blast| model.distinct_name(blast)).unwrap_or_default();
    let sends = view.step.at_most.map_or_else(String::new, |most| format!(", sent by itself to at most {most}"));
    let (comes, keys) = match view.standing() {
        StepStanding::SendsNext(_) => ("its draft is sent by itself next".to_owned(), "⟨p⟩ pauses it, ⟨X⟩ removes it"),
        StepStanding::Asks(_) => ("its draft waits for you".to_owned(), "⟨p⟩ pauses it, ⟨X⟩ removes it"),
        StepStanding::AsksPaused(_) => ("paused; its draft waits for you".to_owned(), "⟨S⟩ resumes it, ⟨X⟩ removes it"),
        StepStanding::Over => ("it makes no more drafts".to_owned(), "⟨X⟩ removes it"),
        StepStanding::Paused => ("paused".to_owned(), "⟨S⟩ resumes it, ⟨X⟩ removes it"),
        StepStanding::BlastPaused => ("not while its blast is paused".to_owned(), "⟨p⟩ pauses it, ⟨X⟩ removes it"),
        StepStanding::ComesAt(at) => {
            let at = blast.map_or_else(|| clock(model).long(at), |blast| model.time_of(blast, at));
            // Whoever is due sooner waits for it.
            let daily = if view.blasts.is_empty() { "comes" } else { "makes one draft a day: comes again" };
            (format!("{daily} {at}{sends}"), "⟨p⟩ pauses it, ⟨X⟩ removes it")
        }
        StepStanding::AsDue => (format!("comes as its people are due{sends}"), "⟨p⟩ pauses it, ⟨X⟩ removes it"),
    };
    let what = format!("{name}, step {}: {}; {comes}", view.step.number, view.when);
    // Of a blast that is over nothing is made any more, paused or not.
    let keys = if view.is_over { "⟨X⟩ removes it" } else { keys };
    NeedWords { what, mend: keys.to_owned() }
}

/// What the step at the cursor says, in a few lines, and what changes that.
fn step_words(model: &Model, view: &StepView, width: u16) -> Vec<TextLine> {
    const LINES: usize = 3;
    let changes = match view.step.template {
        Some(_) => format!("`{}` changes that", steps::set_command(model, view)),
        None if view.step.sends_by_itself() => "⟨p⟩ pauses it, then ⟨e⟩ changes that".to_owned(),
        None => "⟨e⟩ changes that".to_owned(),
    };
    let changes = model.options.keys.in_sentence(&changes, &[KeyScope::Needs]);
    let draft = view.waits.and_then(|id| model.blasts.get(id));
    let is_other = draft.is_some_and(|draft| view.step.template.is_none() && draft.message != view.step.message);
    let changes = format!("{}{changes}", if is_other { "its draft says what it said before; " } else { "" });
    let says = wrapped(&format!("says: {}", clean(&view.step.message)), width.saturating_sub(5));
    let says = says.into_iter().take(LINES).map(|line| format!("    {line}"));
    let refused = steps::refused_text(model, view).map(|words| sentence(&words, 4, width));
    let lines = says.chain(refused.into_iter().flatten()).chain(sentence(&changes, 4, width));
    lines.map(TextLine::dim).collect()
}

/// What needs a person, and what to do about it.
struct NeedWords {
    what: String,
    mend: String,
}

fn entry(what: &str, mend: &str, line: NeedsLine, is_chosen: bool, width: u16) -> Vec<TextLine> {
    let meaning = match line {
        NeedsLine::Need(AttentionItem::Uncertain(_)) => TextRole::Stage(Status::Uncertain),
        NeedsLine::Need(_) => TextRole::Need,
        NeedsLine::Blast(_) | NeedsLine::Step(_) | NeedsLine::Replies => TextRole::Plain,
    };
    let what = sentence(what, 2, width).into_iter().enumerate().map(|(n, line)| match line.strip_prefix("  ") {
        Some(line) => {
            let cursor = if n == 0 && is_chosen { "> " } else { "  " };
            TextLine::of(cursor, TextRole::Accent).and(line, meaning)
        }
        // The rest of a word that is wider than a line.
        None => TextLine::of(line, meaning),
    });
    what.chain(sentence(mend, 4, width).into_iter().map(TextLine::dim)).collect()
}

fn replies(model: &Model) -> NeedWords {
    NeedWords {
        what: format!("{} to be seen", count_of(model.unseen_replies(), "reply waits", "replies wait")),
        mend: "enter shows them in Activity".to_owned(),
    }
}

fn words(model: &Model, need: AttentionItem) -> Option<NeedWords> {
    let words = |what: String, mend: String| Some(NeedWords { what, mend });
    match need {
        AttentionItem::Database => database(model),
        AttentionItem::Sender(_) => sender(model, need),
        AttentionItem::Unheard(id) => {
            let sender = model.senders.iter().find(|sender| sender.id == id)?;
            words(format!("sender {}: {UNHEARD}", sender.name), UNHEARD_MEND.to_owned())
        }
        AttentionItem::Paused(id) => {
            let blast = model.blasts.get(id)?;
            let why = model.with_name_above(blast, blast.state_reason.as_deref().unwrap_or("no reason is kept"));
            if blast.state == BlastState::Draft {
                return words(
                    format!("{}: {why}", model.distinct_name(blast)),
                    "enter shows its plan, which sends it; esc, then ⟨e⟩ changes it and ⟨X⟩ deletes it".to_owned(),
                );
            }
            words(
                format!("{} paused by itself: {why}", model.distinct_name(blast)),
                "⟨S⟩ resumes it, ⟨X⟩ cancels it, enter goes there".to_owned(),
            )
        }
        AttentionItem::Waits(id) => model.blasts.get(id).and_then(|blast| waits(model, blast)),
        AttentionItem::Uncertain(id) => model.blasts.get(id).map(|blast| uncertain(model, blast)),
        AttentionItem::Webhooks => words(
            count_of(model.weight(need), "webhook could not be applied", "webhooks could not be applied"),
            "there may be an opt-out in them: `blastdeck inbox list --failed` says why, `blastdeck inbox replay --failed` tries again"
                .to_owned(),
        ),
        AttentionItem::Nameless => words(
            nameless(model.activity.head.as_ref().map(|head| head.nameless).unwrap_or_default()),
            "it is applied once the number is known, after an hour without: `blastdeck inbox list` shows it".to_owned(),
        ),
        AttentionItem::Strangers => words(
            strangers(model, model.weight(need)),
            "nobody was marked as replied, and a stop is an opt-out all the same: enter shows what they wrote, ⟨find-a-person⟩ and their number finds them".to_owned(),
        ),
        AttentionItem::Answers => words(
            count_of(model.weight(need), "answer failed: the person did not get it", "answers failed: the people did not get them"),
            "enter shows them with the reason; ⟨a⟩ on one of them answers again".to_owned(),
        ),
        AttentionItem::Notices => words(
            count_of(model.weight(need), "notice of a provider is new", "notices of providers are new"),
            "enter shows what it says; `blastdeck notices` lists them".to_owned(),
        ),
    }
}

/// `1 reply matches no message of ours, from +60 10-000 0001`; of several, whose is the newest.
fn strangers(model: &Model, replies: i64) -> String {
    let what = count_of(replies, "reply matches no message of ours", "replies match no message of ours");
    let newest = model.activity.head.as_ref().and_then(|head| head.stranger.as_ref()?.phone.as_ref());
    let from = if replies == 1 { "from" } else { "the newest from" };
    newest.map_or_else(|| what.clone(), |phone| format!("{what}, {from} {phone}"))
}

fn database(model: &Model) -> Option<NeedWords> {
    let since = clock(model).long(model.away_since()?);
    // Launched a moment before: nobody could stop it since.
    let starts = |blast: &&BlastView| {
        blast.state == BlastState::Sending && blast.send_after.is_some_and(|at| model.away_since() <= Some(at))
    };
    let armed: Vec<String> =
        model.blasts.rows().iter().filter(starts).map(|blast| model.distinct_name(blast)).collect();
    let starts = match armed.as_slice() {
        [] => String::new(),
        [one] => format!("; {one} starts ten seconds after its engine reaches it again: ⟨p⟩ pauses it until then"),
        several => format!(
            "; {} start ten seconds after their engine reaches it again: ⟨p⟩ pauses them until then",
            several.join(", ")
        ),
    };
    let what = format!("the database has not answered since {since}: all that is shown is as old as that{starts}");
    let call = |command_line: &str| model.options.call(command_line);
    let mend = match model.options.database {
        DatabaseKind::Own => format!(
            "it is started again by itself, unless somebody ended it with `{}`: then run `{}`",
            call("blastdeck db stop"),
            call("blastdeck db start")
        ),
        DatabaseKind::Given => {
            format!("`{}` says why; once it answers, everything goes on by itself", call("blastdeck doctor"))
        }
    };
    Some(NeedWords { what, mend })
}

fn sender(model: &Model, need: AttentionItem) -> Option<NeedWords> {
    let AttentionItem::Sender(id) = need else { return None };
    let sender = model.senders.iter().find(|sender| sender.id == id)?;
    let stop = sender.stopped.as_ref()?;
    let what = format!("sender {} stopped {}: {}", sender.name, clock(model).long(stop.at), stop.reason);
    let token = if sender.is_token_refused() { model.token_mend(sender) } else { None };
    let mend = match model.blast_of(need) {
        Some(_) if let Some(token) = token => {
            let is_alone = senders::that_go_on(model, &sender.name).count() < 2;
            let holds = if is_alone { "its blast holds it back" } else { "a blast of it holds that one back" };
            format!("{token}: it then goes on by itself; ⟨p⟩ on {holds}")
        }
        Some(_) if stop.code == StopCode::Config => stop_mend(&stop.code, &sender.name),
        Some(_) => format!("fix it; then ⟨S⟩ resumes {}", going_on(model, sender)),
        None if token.is_some() => {
            format!("{}; then `blastdeck sender check {}`", token.unwrap_or_default(), shell_word(&sender.name))
        }
        None => stop_mend(&stop.code, &sender.name),
    };
    Some(NeedWords { what, mend })
}

/// What goes on once the stop of a sender is lifted. Where that is more than one blast, how much it is: the number that is asked for
/// counts it all.
fn going_on(model: &Model, sender: &SenderView) -> String {
    let blasts: Vec<_> = senders::that_go_on(model, &sender.name).collect();
    let answers = sender.queued_answers;
    if blasts.len() < 2 && answers == 0 {
        return "its blast".to_owned();
    }
    let people = blasts.iter().fold(0, |sum, blast| blast.counts.queued.saturating_add(sum));
    let blasts = count_of(i64::try_from(blasts.len()).unwrap_or(i64::MAX), "blast", "blasts");
    let of_blasts = (people > 0).then(|| format!("{} of {blasts}", people_words(people)));
    let answers = (answers > 0).then(|| count_of(answers, "answer", "answers"));
    let all = of_blasts.into_iter().chain(answers).collect::<Vec<_>>().join(" and ");
    format!("all that waits for it: {all}")
}

fn waits(model: &Model, blast: &BlastView) -> Option<NeedWords> {
    let waiting = blast.waiting.as_ref()?;
    let what = match waiting {
        Waiting::NoEngine => format!("{}: {}", model.distinct_name(blast), model.unattended(blast)),
        _ => format!(
            "{}: {}",
            model.distinct_name(blast),
            waiting.sentence_in(model.options.zone, |at| clock(model).second(at))
        ),
    };
    let mend = model.mend(blast, waiting).map(|mend| match waiting {
        Waiting::NotMade { .. } => format!("{mend}; ⟨p⟩ pauses it, ⟨>⟩ leaves that time out, ⟨X⟩ ends it for good"),
        _ => mend,
    });
    Some(NeedWords { what, mend: mend.unwrap_or_else(|| "enter goes there".to_owned()) })
}

fn uncertain(model: &Model, blast: &BlastView) -> NeedWords {
    let people = number(blast.counts.uncertain);
    let what = format!("{}: {people} uncertain, nobody knows whether their message went", model.distinct_name(blast));
    let first = match (model.is_over_meta(blast.id), blast.counts.uncertain) {
        (true, _) => "a webhook settles it, mostly within minutes",
        (false, 1) => "look at the chat on the phone",
        (false, _) => "look at their chats on the phone",
    };
    let asks = if blast.counts.uncertain == 1 {
        "then answer for them: enter"
    } else {
        "then answer: enter for one, ⟨mark-all-who-are-listed⟩ and enter for all of them"
    };
    NeedWords { what, mend: format!("{first}; {asks}") }
}
