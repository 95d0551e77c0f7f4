//! Where a key goes: to the open prompt, to the field of an overlay, or by the keymap to an action. Keys for a list that
//! is still being read wait for it.

use chrono::TimeDelta;

use super::key_outcome::KeyOutcome;
use super::{
    answer, blast_filter, discarded_text, find, form, help, idle_form_keys, leave, overlays, palette, plan, prompts,
    step_message, undrawn_keys, welcome,
};
use crate::tui::action::{self, Danger, UiAction};
use crate::tui::availability;
use crate::tui::effect::Effect;
use crate::tui::input::PASTE_MAX;
use crate::tui::key::Key;
use crate::tui::model::{ConfirmBy, ConfirmPrompt, DroppedKeys, HELD_MAX, HeldInput, Model, Notice, Overlay, Prompt};
use crate::tui::overlay;

/// The operator is recorded as present at most this often.
const TOUCH_EVERY: TimeDelta = TimeDelta::minutes(1);

/// Keys that come sooner after each other are typed in one go, without a look at the screen.
pub const ONE_GO: TimeDelta = TimeDelta::seconds(1);

/// A search begins anew after a shorter pause, which no paste or script makes: what follows is not meant for the list before.
const SEARCH_APART: TimeDelta = TimeDelta::milliseconds(250);

/// What leaves or helps, also while a list is being read.
const NEVER_WAIT: [&str; 2] = ["back-at-the-root-quit", "all-keys"];

/// What is said to be looked at while the database does not answer, and a list does not come.
const NEEDS: &str = "what-needs-a-person";

pub(super) const FIND: &str = "find-a-person";
const CANCEL: &str = "cancel-it-or-delete-a-draft";
const SALE: &str = "they-bought-an-amount-may-follow";

/// So long a refusal stands whatever is pressed; after it the next key ends it, whose answer it is not.
const READ_WITHIN: TimeDelta = TimeDelta::seconds(5);

/// A key was pressed.
pub fn typed(model: &mut Model, key: Key) -> Vec<Effect> {
    let is_find = action_of(model, key).is_some_and(|action| action.id() == FIND);
    let is_in_one_go = model.now - model.last_key < if is_find { SEARCH_APART } else { ONE_GO };
    let mut effects = touch_last_seen(model);
    if is_in_one_go && is_dropped(model, key) {
        return effects;
    }
    model.dropping = None;
    let is_read = model.now - model.said_at >= READ_WITHIN;
    model.notice.take_if(|notice| notice.until_next_key || is_read && notice.is_answer_to_a_key());
    if waits(model, key) {
        hold(model, HeldInput::Key(key));
    } else {
        effects.extend(route(model, key));
    }
    effects
}

fn hold(model: &mut Model, input: HeldInput) {
    if model.held.len() < HELD_MAX {
        model.held.push_back(input);
    } else {
        refuse_further(model);
    }
}

/// As many wait as can. Nor is what waits of the last number used: its end would be missing.
fn refuse_further(model: &mut Model) {
    let is_find = |held: &HeldInput| match held {
        HeldInput::Key(key) => action_of(model, *key).is_some_and(|action| action.id() == FIND),
        HeldInput::Paste(_) => false,
    };
    let whole = model.held.iter().rposition(is_find).unwrap_or(model.held.len());
    let keys = model.held.len() - whole + 1;
    model.held.truncate(whole);
    drop_from(model, format!("{whole} keys wait for the list"), keys);
}

/// Once some of what was typed in one go was dropped, so is the rest: what it was meant for never came.
fn is_dropped(model: &mut Model, key: Key) -> bool {
    !never_waits(model, key) && drops_another(model)
}

fn drops_another(model: &mut Model) -> bool {
    let Some(dropping) = &mut model.dropping else { return false };
    dropping.keys += 1;
    say_dropped(model);
    true
}

fn drop_from(model: &mut Model, why: String, keys: usize) {
    model.dropping = Some(DroppedKeys { why, keys });
    say_dropped(model);
}

fn say_dropped(model: &mut Model) {
    let Some(DroppedKeys { why, keys }) = &model.dropping else { return };
    if why.is_empty() {
        return;
    }
    let sign = if why.contains(':') { ';' } else { ':' };
    let text = format!("{why}{sign} {}", unused(*keys));
    model.refuse(text);
}

/// Forgets the keys that waited for a list, and the rest of what is typed in one go with them. Says why, if any did.
pub fn drop_held(model: &mut Model, why: String) {
    let keys = std::mem::take(&mut model.held).len();
    if keys > 0 {
        drop_from(model, why, keys);
    }
}

fn touch_last_seen(model: &mut Model) -> Vec<Effect> {
    model.last_key = model.now;
    model.since = None;
    model.wants_form = false;
    model.mine.clear();
    if model.seen_at.is_none_or(|seen| model.now - seen < TOUCH_EVERY) {
        return Vec::new();
    }
    model.seen_at = Some(model.now);
    vec![Effect::TouchLastSeen]
}

/// Whether a key is meant for a list that is not here yet. What leaves, helps or pauses never waits.
fn waits(model: &Model, key: Key) -> bool {
    if waits_for_elsewhere(model) {
        return !matches!(key, Key::Esc | Key::Ctrl(_));
    }
    !never_waits(model, key) && is_behind(model)
}

/// Whether what comes now comes behind something that waits, or is meant for a list that is not here yet.
fn is_behind(model: &Model) -> bool {
    let meant_for_list = model.overlays.is_empty() && model.prompt.is_none();
    !model.held.is_empty() || (meant_for_list && model.awaits_list())
}

fn never_waits(model: &Model, key: Key) -> bool {
    let is_away = model.away_since().is_some();
    let never = |action: &UiAction| {
        let id = action.id();
        action.danger == Danger::Pauses || NEVER_WAIT.contains(&id.as_str()) || is_away && id == NEEDS
    };
    matches!(key, Key::Esc | Key::Ctrl(_)) || action_of(model, key).is_some_and(never)
}

/// `tab` was pressed while finding, before it was known who matches elsewhere.
fn waits_for_elsewhere(model: &Model) -> bool {
    matches!(&model.prompt, Some(Prompt::Find(find)) if find.wants_elsewhere)
}

/// The list is here: handles the keys that waited for it, until one of them waits for another. A field takes all that was typed
/// into it, as it does live. A question is answered by whoever has read it: keys that were typed before it was asked are dropped.
pub fn release(model: &mut Model) -> Vec<Effect> {
    let mut effects = Vec::new();
    while takes_held(model) {
        let Some(next) = model.held.pop_front() else { break };
        effects.extend(match next {
            HeldInput::Key(key) => route(model, key),
            HeldInput::Paste(text) => taken_paste(model, &text),
        });
        ask_alone(model);
    }
    let newest = model.recipients.ticket;
    effects.retain(|effect| !effect.is_of_list_before(newest));
    effects
}

fn takes_held(model: &Model) -> bool {
    let is_here = !model.recipients.is_awaited() && !model.awaits_list();
    !waits_for_elsewhere(model) && (is_here || model.prompt.is_some())
}

/// A question says how many keys that were typed before it are not its answer.
pub fn ask_alone(model: &mut Model) {
    if !matches!(model.prompt, Some(Prompt::Confirm(_))) {
        return;
    }
    let unused = discard(model);
    if let (Some(Prompt::Confirm(ask)), Some(unused)) = (&mut model.prompt, unused) {
        ask.question = format!("({unused}) {}", ask.question);
        // The question says it already.
        model.dropping = Some(DroppedKeys { why: String::new(), keys: 0 });
    }
}

/// Forgets the keys that waited for a list. Says how many, if any did.
pub fn discard(model: &mut Model) -> Option<String> {
    let keys = std::mem::take(&mut model.held).len();
    (keys > 0).then(|| unused(keys))
}

fn unused(keys: usize) -> String {
    if keys == 1 {
        "the key typed meanwhile was not used".to_owned()
    } else {
        format!("the {keys} keys typed meanwhile were not used")
    }
}

fn route(model: &mut Model, key: Key) -> Vec<Effect> {
    if key != Key::Enter {
        overlays::forget_answered(model);
    }
    if key != Key::Ctrl('c') && action_of(model, key).is_none_or(|action| action.id() != NEVER_WAIT[0]) {
        leave::stay(model);
    }
    let effects = match offer(model, key) {
        KeyOutcome::Handled(effects) => effects,
        KeyOutcome::PassOn(mut effects) => {
            effects.extend(by_keymap(model, key));
            effects
        }
    };
    overlay::clamp(model);
    effects
}

/// Offers a key to whatever is open.
fn offer(model: &mut Model, key: Key) -> KeyOutcome {
    if matches!(key, Key::Ctrl('c' | 'l' | 'z')) {
        return KeyOutcome::UNUSED;
    }
    if let Some(refused) = undrawn_keys::key(model, key) {
        return refused;
    }
    if let Some(prompt) = model.prompt.take() {
        let unkept = discarded_text::words(&prompt).filter(|_| key == Key::Esc);
        let outcome = prompts::key(model, prompt, key);
        if let Some(words) = unkept.filter(|_| model.prompt.is_none()) {
            model.say(Notice::done(words));
        }
        return outcome;
    }
    match model.overlays.last() {
        Some(Overlay::Commands(_)) => palette::key(model, key),
        Some(Overlay::Answer(_)) => answer::key(model, key),
        Some(Overlay::StepMessage(_)) => step_message::key(model, key),
        Some(Overlay::Form) => form::key(model, key),
        Some(Overlay::NewSender) => welcome::key(model, key),
        Some(Overlay::Welcome(_)) => idle_form_keys::key(model, key),
        Some(Overlay::Plan(_)) => plan::key(model, key),
        Some(Overlay::Help(_)) => help::key(model, key),
        _ => KeyOutcome::UNUSED,
    }
}

fn action_of(model: &Model, key: Key) -> Option<&'static UiAction> {
    model.options.keys.lookup(key, action::scopes(model))
}

fn by_keymap(model: &mut Model, key: Key) -> Vec<Effect> {
    if let Some(action) = action_of(model, key) {
        return action.run(model);
    }
    let why = model.options.keys.why_nothing(key);
    // Before what is long, and may be cut.
    let stop = stop_of_launch(model, key).map(|stop| format!("{stop}; ")).unwrap_or_default();
    let sale = action::ACTIONS.iter().find(|action| action.id() == SALE);
    let is_sale = sale.is_some_and(|sale| model.options.keys.keys(sale).contains(&key)) && model.overlays.is_empty();
    // The amount that follows would go from pane to pane.
    let refuse = if is_sale { prompts::refuse_digits } else { Model::refuse };
    refuse(model, format!("{stop}{why}"));
    Vec::new()
}

/// Who would cancel a blast elsewhere means to stop the launch that counts down: which key does that here.
fn stop_of_launch(model: &Model, key: Key) -> Option<String> {
    let (blast, _) = model.announced()?;
    let keys = &model.options.keys;
    let cancels = action::ACTIONS.iter().any(|action| action.id() == CANCEL && keys.keys(action).contains(&key));
    let is_ours = blast.state_by.as_ref().is_none_or(|by| by.name() == model.options.operator);
    let is_paused = model.to_pause().is_some_and(|paused| paused.id == blast.id);
    let stops = match (is_ours, is_paused) {
        (true, _) => format!("{} stops", keys.undo()),
        // Another operator's is nobody's act to undo here, but anybody may pause it.
        (false, true) => format!("{} pauses", keys.pause()),
        (false, false) => format!("{} asks, then stops", keys.undo()),
    };
    cancels.then(|| format!("{stops} {}", model.distinct_name(blast)))
}

/// A paste goes into the open field, else it opens *find*; it never acts. Behind keys that wait for a list it waits as they do: its field
/// may be one that they open.
pub fn pasted(model: &mut Model, text: &str) -> Vec<Effect> {
    let is_in_one_go = model.now - model.last_key < SEARCH_APART;
    let mut effects = touch_last_seen(model);
    leave::stay(model);
    if is_in_one_go && drops_another(model) {
        return effects;
    }
    model.dropping = None;
    if text.len() > PASTE_MAX {
        model.refuse("too much was pasted, and nothing of it is taken: save a list as a CSV file, and give its name under People");
        return effects;
    }
    // Terminals send what the enter key sends between the lines of a paste.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    if waits_for_elsewhere(model) || is_behind(model) {
        hold(model, HeldInput::Paste(text));
    } else {
        effects.extend(taken_paste(model, &text));
    }
    effects
}

fn taken_paste(model: &mut Model, text: &str) -> Vec<Effect> {
    if let Some(why) = model.not_drawn() {
        model.say(Notice::too_small(why));
        return Vec::new();
    }
    if model.prompt.is_none() && model.overlays.last() == Some(&Overlay::Form) {
        return form::pasted(model, text);
    }
    if model.prompt.is_none() && model.overlays.last() == Some(&Overlay::NewSender) {
        welcome::pasted(model, text);
        return Vec::new();
    }
    if model.prompt.is_none() && matches!(model.overlays.last(), Some(Overlay::StepMessage(_))) {
        step_message::pasted(model, text);
        return Vec::new();
    }
    // What seeks or sets one thing takes the first line; a text is taken whole, in one line.
    let line = text.trim().lines().next().unwrap_or_default().to_owned();
    let words = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    match (&mut model.prompt, model.overlays.last_mut()) {
        (Some(Prompt::Find(find)), _) => {
            find.field.insert(&line);
            return find::changed(model);
        }
        (Some(Prompt::BlastFilter(filter)), _) => {
            filter.field.insert(&line);
            blast_filter::changed(model);
        }
        (Some(Prompt::Note(note)), _) => note.field.insert(&words),
        (Some(Prompt::Items(items)), _) => items.field.insert(&words),
        (Some(Prompt::OwnNumber(own)), _) => own.field.insert(&line),
        (Some(Prompt::Pace(pace)), _) => pace.field_mut().insert(&line),
        (Some(Prompt::Amount(_)), _) => prompts::paste_amount(model, text),
        (Some(Prompt::Confirm(ConfirmPrompt { by: ConfirmBy::Yes | ConfirmBy::YesThenNumber(_), .. })), _) => {
            model.refuse("a paste answers nothing: y is yes, any other key no");
        }
        (Some(Prompt::Refused(refused)), _) => {
            let why = format!("{}; the paste was not used", refused.why);
            model.refuse(why);
        }
        (Some(Prompt::Confirm(_)), _) | (None, Some(Overlay::Plan(_))) => {
            model.refuse("a number is typed here, not pasted");
        }
        (None, Some(Overlay::Commands(commands))) => commands.field.insert(&line),
        (None, Some(Overlay::Answer(_))) => answer::pasted(model, &words),
        (None, Some(Overlay::Help(_))) => help::pasted(model, &line),
        (None, Some(Overlay::Welcome(_))) => model.refuse("nothing is typed here: enter chooses a line"),
        (None, _) => match availability::no_blast(model) {
            Some(why) => model.refuse(why),
            None => return find::open_with(model, &line),
        },
    }
    Vec::new()
}
