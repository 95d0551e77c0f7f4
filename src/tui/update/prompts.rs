//! The keys of the open prompt. What is not an answer is no.

mod sales;

use rust_decimal::Decimal;

use self::sales::{closed_one, closes_one, closes_several, take_amount};
use super::key_outcome::KeyOutcome;
use super::keys::FIND;
use super::{blast_acts, blast_filter, customer, find, form, lost, pace, plan, selection};
use crate::domain::amount::{self, AmountError};
use crate::domain::ids::RecipientId;
use crate::domain::recipient::Mark;
use crate::tui::action;
use crate::tui::effect::{Effect, WriteRequest};
use crate::tui::format::{number, symbol};
use crate::tui::key::Key;
use crate::tui::model::{
    AmountPrompt, ConfirmBy, ConfirmPrompt, Model, NotePrompt, Notice, PricedSale, Prompt, RefusedKeys, RefusedPrompt,
    Shown,
};
use crate::tui::widget::{EditOutcome, TextField};

/// Signs that belong to what is typed for an amount, whether it is one then or not.
const SIGNS: &str = "-+*'%=()$";

/// The actions that open a field of text: what is typed next is no key of a pane.
const FIELDS: [&str; 3] = [FIND, "list-only-some-blasts-by-name-state-or-day", "commands-by-name"];
const PAUSE: &str = "pause-this-blast-at-once";
const UNDO: &str = "undo-my-last-act";

/// Said of a digit for a text that was refused: whoever typed it may have meant it for something else.
const NOT_TAKEN: &str = "not valid: backspace corrects it, esc leaves it";

/// A key while a prompt is open. The prompt was taken out of the model; to keep it, it is put back.
pub fn key(model: &mut Model, prompt: Prompt, key: Key) -> KeyOutcome {
    match prompt {
        Prompt::Find(find) => KeyOutcome::Handled(find::key(model, find, key)),
        Prompt::BlastFilter(filter) => KeyOutcome::Handled(blast_filter::key(model, filter, key)),
        Prompt::Amount(amount) => amount_key(model, amount, key),
        Prompt::Note(note) => KeyOutcome::Handled(note_key(model, note, key)),
        Prompt::Items(items) => KeyOutcome::Handled(customer::items_key(model, items, key)),
        Prompt::OwnNumber(own) => KeyOutcome::Handled(plan::own_number_key(model, own, key)),
        Prompt::Pace(typed) => KeyOutcome::Handled(pace::key(model, typed, key)),
        // Whoever goes on to the next person, or pauses what sends, has answered no; what they type is no key of a pane.
        Prompt::Confirm(ask) if opens_field(model, key) => {
            // Nothing is lost where something was to be taken back: it stands.
            if !ask.then.iter().any(WriteRequest::is_undo) {
                lost::say(model, &format!("{} answered no", ask.question));
            }
            KeyOutcome::PassOn(Vec::new())
        }
        Prompt::Confirm(ask) if pauses_as_asked(model, &ask, key) => KeyOutcome::Handled(yes(model, ask.then)),
        Prompt::Confirm(_) if pauses(model, key) => KeyOutcome::PassOn(Vec::new()),
        Prompt::Confirm(confirm) => KeyOutcome::Handled(confirm_key(model, confirm, key)),
        Prompt::Refused(refused) => refused_key(model, refused, key),
    }
}

/// Whether a key belongs to a field of digits. No such key may reach the keymap while digits are being typed.
pub const fn is_of_digits(key: Key) -> bool {
    matches!(key, Key::Char('0'..='9' | ',' | '.') | Key::Backspace)
}

/// Whether a key edits or moves in a field of digits without adding to it.
const fn edits(key: Key) -> bool {
    let edits = matches!(key, Key::Delete | Key::Left | Key::Right | Key::Home | Key::End);
    edits || matches!(key, Key::Ctrl('a' | 'b' | 'd' | 'e' | 'f' | 'h' | 'k' | 'u' | 'w'))
}

/// Digits are typed into the amount. Esc leaves the field without it; enter keeps it, and so does any other key that does something
/// below, which then acts: what is typed after such a key is never taken for more of the amount. A key that does nothing there is
/// refused, and leaves the field open. A text that is not an amount is never dropped: once it is refused it stays as it is until
/// something of it is deleted. A space never acts: before the amount it is left out, within it it stays in sight, and is refused
/// with the rest.
fn amount_key(model: &mut Model, mut amount: AmountPrompt, key: Key) -> KeyOutcome {
    if key == Key::Esc {
        return KeyOutcome::DONE;
    }
    if key == Key::Tab && amount.field.is_empty() {
        customer::items_of_sale(model, amount);
        return KeyOutcome::DONE;
    }
    if amount.field.is_empty() && key == Key::Char(' ') {
        // Left out.
    } else if is_of_digits(key) || key == Key::Char(' ') || edits(key) || is_of_amount(model, &amount, key) {
        edit_amount(&mut amount, key);
    } else if key != Key::Enter && !acts_below(model, key) {
        refuse_in_amount(&mut amount, key);
    } else {
        match kept(&amount, &model.options.currency).map(|effects| selection::kept(model, effects)) {
            Ok(effects) if key == Key::Enter => {
                say_unchanged(model, &amount);
                return KeyOutcome::Handled(effects);
            }
            Ok(effects) => {
                let written = |effect: &Effect| match effect {
                    Effect::Write(request) => request.amount_of(amount.person),
                    _ => None,
                };
                if let Some(sum) = effects.iter().find_map(written) {
                    model.unwritten.keep(amount.person, sum);
                }
                return KeyOutcome::PassOn(effects);
            }
            Err(why) => amount.trouble = Some(why.hint()),
        }
    }
    model.prompt = Some(Prompt::Amount(amount));
    KeyOutcome::DONE
}

/// Says that an amount stays where enter was typed in place of another one.
fn say_unchanged(model: &mut Model, amount: &AmountPrompt) {
    let PricedSale::Earlier(seen) = amount.sale else { return };
    if amount.field.is_empty() {
        let stays = match seen {
            Some(sum) => format!("{}: {} stays", amount.who, amount::in_currency(sum, &model.options.currency)),
            None => format!("{} stays closed without an amount", amount.who),
        };
        model.say(Notice::done(stays));
    }
}

fn edit_amount(amount: &mut AmountPrompt, key: Key) {
    if amount.is_refused() && !edits(key) && key != Key::Backspace {
        amount.trouble = Some(NOT_TAKEN.to_owned());
    } else if amount.field.key(key) == EditOutcome::Changed || edits(key) {
        // Whoever moves in it mends it.
        amount.trouble = None;
    }
}

/// Whether a key does something in the pane or on the page that the amount is typed over.
fn acts_below(model: &Model, key: Key) -> bool {
    model.options.keys.lookup(key, action::scopes(model)).is_some()
}

/// Whether a key is that of an action in the pane or on the page below.
fn is_key_of(model: &Model, key: Key, action: &str) -> bool {
    let found = model.options.keys.lookup(key, action::scopes(model));
    found.is_some_and(|found| found.id() == action)
}

fn opens_field(model: &Model, key: Key) -> bool {
    FIELDS.into_iter().any(|action| is_key_of(model, key, action))
}

/// Whether it is what `u` asks about first: that it undoes an act, or pauses what cannot be taken back any more.
const fn is_asked_by_undo(request: &WriteRequest) -> bool {
    matches!(request, WriteRequest::UndoMyAct(_) | WriteRequest::Pause(_))
}

/// Whether a key is a yes to a question whether to pause: its own key.
fn pauses_as_asked(model: &Model, ask: &ConfirmPrompt, key: Key) -> bool {
    let asks = ask.by == ConfirmBy::Yes && matches!(ask.then[..], [WriteRequest::Pause(_)]);
    asks && model.question_shown != Shown::NotYet && is_key_of(model, key, PAUSE)
}

/// Whether a key stops messages: no question stands before that.
fn pauses(model: &Model, key: Key) -> bool {
    is_key_of(model, key, PAUSE) && (model.to_pause().is_some() || model.chosen_step().is_some())
}

/// The character stays in sight and is refused with the rest: left out, what is typed next would be read as more of the amount.
fn refuse_in_amount(amount: &mut AmountPrompt, key: Key) {
    if !matches!(key, Key::Char(_)) {
        // Nothing of it would be in sight.
        return;
    }
    let was_refused = amount.is_refused();
    edit_amount(amount, key);
    if !was_refused {
        amount.trouble = Some(format!("{key} is not part of an amount"));
    }
}

/// Whether a key that is no digit belongs to what is typed: a currency before or behind the amount, a sign, the k of `35k`. It stays in
/// sight, and is read or refused with the rest. A small letter acts as everywhere, but for the first of the currency's sign (whoever was
/// closed has replied) and those that go on from a letter, a sign or a blank.
fn is_of_amount(model: &Model, amount: &AmountPrompt, key: Key) -> bool {
    let Key::Char(c) = key else { return false };
    if !c.is_ascii_lowercase() {
        return c.is_ascii_uppercase() || SIGNS.contains(c) || !c.is_ascii();
    }
    let currency = &model.options.currency;
    match amount.field.text().chars().last() {
        None => symbol(currency) != currency && symbol(currency).starts_with(c.to_ascii_uppercase()),
        // For a nought and a one.
        Some('0'..='9' | ',' | '.') => matches!(c, 'k' | 'm' | 'o' | 'l'),
        Some(_) => true,
    }
}

/// The database has an amount that was typed before: the one that is typed now takes its place.
pub fn note_amount(model: &mut Model, person: RecipientId, known: Decimal) {
    if let Some(Prompt::Amount(amount)) = &mut model.prompt
        && amount.person == person
    {
        amount.sale = PricedSale::Earlier(Some(known));
    }
}

/// Writes the amount; nothing where none was typed.
pub fn kept(amount: &AmountPrompt, currency: &str) -> Result<Vec<Effect>, AmountError> {
    if amount.field.is_empty() {
        return Ok(Vec::new());
    }
    let (person, sum) = (amount.person, amount::parse_with_currency(&amount.field.text(), currency)?);
    Ok(vec![Effect::Write(match amount.sale {
        PricedSale::New => WriteRequest::Mark { person, mark: Mark::Closed(Some(sum)) },
        PricedSale::Earlier(seen) => WriteRequest::Amend { person, seen, amount: sum },
    })])
}

/// A pasted amount goes where something is typed, or takes the place of what was refused; anything else is refused and not taken.
pub fn paste_amount(model: &mut Model, text: &str) {
    let currency = model.options.currency.clone();
    let Some(Prompt::Amount(amount)) = &mut model.prompt else { return };
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let pasted = match (lines.next(), lines.count()) {
        (None, _) => return,
        (Some(line), 0) => amount::parse_with_currency(line, &currency).map(|_| line).map_err(|why| why.to_string()),
        (Some(_), more) => Err(format!("{} lines were pasted: paste one amount", more + 1)),
    };
    match pasted {
        Ok(line) => {
            if amount.is_refused() {
                amount.field = TextField::default();
            }
            amount.field.insert(line);
            amount.trouble = None;
        }
        Err(why) => amount.trouble = Some(why),
    }
}

/// Says why something that digits may follow is not done, and takes the digits.
pub fn refuse_digits(model: &mut Model, why: String) {
    let (takes, typed) = (RefusedKeys::Digits, TextField::default());
    refuse(model, RefusedPrompt { why, takes, of: None, typed });
}

/// Says why a field does not open, and takes what is typed for it: letters of a sentence would act otherwise.
pub fn refuse_sentence(model: &mut Model, why: String) {
    refuse_text(model, why, None);
}

/// Says why a field is gone, of a person or not, and takes whatever is still typed for it.
pub fn refuse_text(model: &mut Model, why: String, of: Option<RecipientId>) {
    let (takes, typed) = match model.prompt.take() {
        Some(Prompt::Amount(amount)) => (RefusedKeys::Amount, amount.field),
        _ => (RefusedKeys::Text, TextField::default()),
    };
    refuse(model, RefusedPrompt { why, takes, of, typed });
}

fn refuse(model: &mut Model, refused: RefusedPrompt) {
    let refused = RefusedPrompt { why: model.with_keys(&refused.why), ..refused };
    model.say(Notice { of: refused.of, ..Notice::refusal(refused.why.clone()) });
    model.prompt = Some(Prompt::Refused(refused));
}

fn refused_key(model: &mut Model, mut refused: RefusedPrompt, key: Key) -> KeyOutcome {
    let is_typed = matches!(key, Key::Char(_)) && refused.takes != RefusedKeys::Digits;
    match key {
        key if is_typed || is_of_digits(key) => {
            if is_of_digits(key) || refused.takes == RefusedKeys::Amount {
                refused.typed.key(key);
            }
            model.prompt = Some(Prompt::Refused(refused));
            KeyOutcome::DONE
        }
        // Nothing was typed for it: the key is for what is on the screen, as the refusal may say.
        Key::Enter if refused.takes == RefusedKeys::Digits && refused.typed.is_empty() => KeyOutcome::UNUSED,
        Key::Enter | Key::Esc => {
            say_typed(model, &refused);
            KeyOutcome::DONE
        }
        _ => KeyOutcome::UNUSED,
    }
}

/// Says again why an amount is not written, with what was typed: it is lost otherwise.
fn say_typed(model: &mut Model, refused: &RefusedPrompt) {
    let typed = refused.typed.text();
    if refused.takes != RefusedKeys::Amount || typed.trim().is_empty() {
        return;
    }
    let currency = &model.options.currency;
    let typed = amount::parse_with_currency(&typed, currency).map_or(typed, |sum| amount::in_currency(sum, currency));
    model.say(Notice { of: refused.of, ..Notice::refusal(format!("{}; you typed {typed}", refused.why)) });
}

fn note_key(model: &mut Model, mut note: NotePrompt, key: Key) -> Vec<Effect> {
    match key {
        Key::Enter => {
            selection::at_once(model, WriteRequest::Mark { person: note.person, mark: Mark::Note(note.field.text()) })
        }
        Key::Esc => Vec::new(),
        key => {
            if note.field.key(key) == EditOutcome::NotMine {
                model.refuse("enter keeps the note, esc leaves it as it was");
            }
            model.prompt = Some(Prompt::Note(note));
            Vec::new()
        }
    }
}

fn confirm_key(model: &mut Model, mut ask: ConfirmPrompt, key: Key) -> Vec<Effect> {
    match (&mut ask.by, key) {
        // It came with the key that asks, as where a text was pasted: nobody has read the question. It stays.
        (ConfirmBy::Yes | ConfirmBy::YesThenNumber(_), Key::Char('y')) if model.question_shown == Shown::NotYet => {
            model.prompt = Some(Prompt::Confirm(ask));
        }
        (ConfirmBy::Number { field, .. }, Key::Enter) if model.question_shown == Shown::NotYet => {
            *field = TextField::default();
            model.prompt = Some(Prompt::Confirm(ask));
        }
        (ConfirmBy::Yes, Key::Char('y')) => {
            let sale = ask.then.iter().find_map(closed_one);
            let effects = yes(model, ask.then);
            if let Some(person) = sale {
                take_amount(model, person);
            }
            return effects;
        }
        // Pressed once more by whoever takes several back: it is no answer to the question, which they have not read.
        (ConfirmBy::Yes, key) if ask.then.iter().any(is_asked_by_undo) && is_key_of(model, key, UNDO) => {
            model.prompt = Some(Prompt::Confirm(ask));
        }
        (ConfirmBy::YesThenNumber(blast), Key::Char('y')) => return blast_acts::pause_before_cancel(model, *blast),
        (ConfirmBy::YesThenNumber(_), key) if is_of_digits(key) => {
            refuse_digits(model, format!("{}; the number is asked for after y", ask.otherwise));
        }
        (ConfirmBy::Yes, key) if is_of_digits(key) && ask.then.iter().any(closes_several) => {
            let sentence = match model.recipients.marked.len() {
                1 => "somebody else is marked: esc unmarks them, then ⟨c⟩; nothing done",
                _ => "an amount is for one person: nothing done",
            };
            refuse_digits(model, sentence.to_owned());
        }
        (ConfirmBy::Yes, key) if is_of_digits(key) && ask.then.iter().any(closes_one) => {
            refuse_digits(model, "nothing done: ⟨c⟩, then y, and then the amount".to_owned());
        }
        (ConfirmBy::Number { field, .. } | ConfirmBy::NumberOncePaused { field, .. }, key) if is_of_digits(key) => {
            field.key(key);
            model.prompt = Some(Prompt::Confirm(ask));
        }
        (ConfirmBy::NumberOncePaused { .. }, Key::Enter) => model.prompt = Some(Prompt::Confirm(ask)),
        (ConfirmBy::Number { people, field, refused }, Key::Enter) => {
            let typed = std::mem::take(field).text();
            if is_number(&typed, *people) {
                return yes(model, ask.then);
            }
            *refused = Some(not_the_number(&typed, *people));
            model.prompt = Some(Prompt::Confirm(ask));
        }
        _ => {
            form::declined(model, &ask);
            let declined = blast_acts::declined(model, ask);
            model.say(declined);
        }
    }
    Vec::new()
}

fn yes(model: &mut Model, then: Vec<WriteRequest>) -> Vec<Effect> {
    model.notice = None;
    if let Some(words) = then.iter().find_map(|request| lost::under_way(model, request)) {
        model.say(Notice::done(words));
    }
    selection::unmark(model, &then);
    // Whoever was named is whom the next key is about.
    model.recipients.is_put_by_find = false;
    form::confirmed(model, &then);
    then.into_iter().map(Effect::Write).collect()
}

/// Whether what was typed is this number of people, with or without the commas that it is shown with.
pub fn is_number(typed: &str, people: i64) -> bool {
    typed == people.to_string() || typed == number(people)
}

/// `14 is not 139`, `no number was typed`.
pub fn not_the_number(typed: &str, people: i64) -> String {
    if typed.is_empty() {
        return "no number was typed".to_owned();
    }
    format!("{typed} is not {}", number(people))
}

/// Asks before something is done.
pub fn ask(model: &mut Model, question: String, by: ConfirmBy, then: Vec<WriteRequest>) -> Vec<Effect> {
    model.prompt = Some(Prompt::Confirm(ConfirmPrompt { question, by, then, otherwise: "nothing done".to_owned() }));
    Vec::new()
}
