//! Which keys perform which actions: the table's own, and what `[ui.keys]` puts in their place. The rules that keep a slip of the
//! finger harmless hold for every binding.

use std::collections::BTreeMap;
use std::fmt;

use super::action::{ACTIONS, Danger, KeyScope, PaletteListing, UiAction};
use super::key::Key;
use crate::domain::text::{clean, nearest, replace_keys};

/// The keys of every action. Those that are not remapped have the table's.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keymap {
    remapped: BTreeMap<String, Vec<Key>>,
}

/// One entry of `[ui.keys]`: an action by its id, and the names of its keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyBinding {
    pub action: String,
    pub keys: Vec<String>,
}

/// Why an entry of `[ui.keys]` cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct KeymapError {
    /// The entry.
    pub action: String,
    /// What is wrong, and what would be right.
    pub text: String,
}

/// Keys that mean the same wherever something is typed or asked.
const FIXED: [Key; 9] = [
    Key::Enter,
    Key::Esc,
    Key::Backspace,
    Key::Delete,
    Key::Ctrl('c'),
    Key::Ctrl('l'),
    Key::Ctrl('z'),
    Key::Ctrl('m'),
    Key::Ctrl('i'),
];

/// Combinations that line editing, flow control or a terminal multiplexer takes.
const TAKEN: [char; 8] = ['a', 'b', 'e', 'k', 'q', 's', 'w', 'h'];

impl Keymap {
    /// The table's keys with these entries in place of some; every problem at once.
    pub fn new(bindings: &[KeyBinding]) -> Result<Self, Vec<KeymapError>> {
        let mut keymap = Self::default();
        let mut errors = Vec::new();
        for binding in bindings {
            match read(binding) {
                Ok((action, keys)) => _ = keymap.remapped.insert(action.id(), keys),
                Err(text) => errors.push(KeymapError { action: binding.action.clone(), text }),
            }
        }
        errors.extend(keymap.conflicts());
        if errors.is_empty() { Ok(keymap) } else { Err(errors) }
    }

    /// The keys of an action, the one that is shown first.
    pub fn keys<'a>(&'a self, action: &'a UiAction) -> &'a [Key] {
        if self.remapped.is_empty() {
            return action.keys;
        }
        self.remapped.get(&action.id()).map_or(action.keys, Vec::as_slice)
    }

    /// The names of an action's keys: `up k`.
    pub fn names(&self, action: &UiAction) -> String {
        let names: Vec<String> = self.keys(action).iter().map(ToString::to_string).collect();
        names.join(" ")
    }

    /// The action of a key in the nearest of these scopes.
    pub fn lookup(&self, key: Key, scopes: &[KeyScope]) -> Option<&'static UiAction> {
        let bound = |scope: &KeyScope| {
            ACTIONS.iter().find(|action| action.scopes.contains(scope) && self.keys(action).contains(&key))
        };
        scopes.iter().find_map(bound)
    }

    /// Why a key does nothing here: where it would do something, if anywhere.
    pub fn why_nothing(&self, key: Key) -> String {
        let bound: Vec<_> = ACTIONS.iter().filter(|action| self.keys(action).contains(&key)).collect();
        match &bound[..] {
            [] => self.why_unbound(key),
            [action] => format!("{key} ({}) works in {}", action.title, action.places()),
            several => {
                let places = several.iter().map(|action| format!("{} ({})", action.places(), action.title));
                format!("{key} works in {}", places.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// Of a key without any action: where its own was moved to, if it was.
    fn why_unbound(&self, key: Key) -> String {
        let moved = |action: &&UiAction| action.keys.contains(&key) && self.remapped.contains_key(&action.id());
        let Some(action) = ACTIONS.iter().find(moved) else {
            return format!("{key} does nothing: {} shows every key", self.of("all-keys"));
        };
        match self.keys(action).first() {
            Some(now) => format!("{key} ({}) is {now} now, by [ui.keys] of the configuration", action.title),
            None => format!("{key} ({}) has no key, by [ui.keys] of the configuration", action.title),
        }
    }

    /// The key that performs an action, for sentences that name it; the action's title where it has none.
    pub fn of(&self, id: &str) -> String {
        let action = ACTIONS.iter().find(|action| action.id() == id);
        let key = action.and_then(|action| self.keys(action).first());
        key.map_or_else(|| action.map_or(id, |action| action.title).to_owned(), ToString::to_string)
    }

    /// A sentence with its marked keys as this operator has them. An action is marked by its default key, of the nearest of these
    /// scopes that has it, else of the first; or by its id.
    pub fn in_sentence(&self, sentence: &str, scopes: &[KeyScope]) -> String {
        replace_keys(sentence, |marked| {
            let is_marked = |action: &UiAction| action.keys.iter().any(|key| key.to_string() == marked);
            let nearest = scopes
                .iter()
                .find_map(|scope| ACTIONS.iter().find(|action| action.scopes.contains(scope) && is_marked(action)));
            let by_id = || ACTIONS.iter().find(|action| action.id() == marked);
            let action = nearest.or_else(|| ACTIONS.iter().find(|action| is_marked(action))).or_else(by_id)?;
            Some(self.of(&action.id()))
        })
    }

    /// What takes the operator's last act back, also a launch that has not begun.
    pub fn undo(&self) -> String {
        self.of("undo-my-last-act")
    }

    /// What goes to whatever needs a person.
    pub fn needs(&self) -> String {
        self.of("what-needs-a-person")
    }

    pub fn pause(&self) -> String {
        self.of("pause-this-blast-at-once")
    }

    /// Two actions on one key where both could be meant, and lower-case twins of what sends or destroys.
    fn conflicts(&self) -> Vec<KeymapError> {
        let mut errors = Vec::new();
        for action in ACTIONS.iter().filter(|action| self.remapped.contains_key(&action.id())) {
            let id = action.id();
            for key in self.keys(action) {
                let others = ACTIONS.iter().filter(|other| other.title != action.title);
                // In a pane the table itself has a key do what is nearest there, as `/` among the blasts: they may move together.
                let is_shared = |other: &UiAction| action.keys.iter().any(|key| other.keys.contains(key));
                let conflicts =
                    |other: &&UiAction| meet(action, other) && self.keys(other).contains(key) && !is_shared(other);
                if let Some(other) = others.clone().find(conflicts) {
                    errors.push(error(
                        &id,
                        format!("`{key}` is the key of \"{}\": give that another one too", other.title),
                    ));
                }
                if let Some(twin) = others.clone().find(|other| self.is_twin(action, other, *key)) {
                    let both =
                        format!("`{key}` differs from the key of \"{}\" by shift alone, and one of them", twin.title);
                    errors.push(error(&id, format!("{both} sends or destroys: choose another letter")));
                }
            }
        }
        errors
    }

    /// Whether a slip of Caps Lock would turn one action into the other, and that matters.
    fn is_twin(&self, action: &UiAction, other: &UiAction, key: Key) -> bool {
        let other_case = |c: char| if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
        let Key::Char(c) = key else { return false };
        if !c.is_ascii_alphabetic() {
            return false;
        }
        (is_capital(action) || is_capital(other)) && self.keys(other).contains(&Key::Char(other_case(c)))
    }
}

/// Whether the action sends or destroys, and so is a capital.
fn is_capital(action: &UiAction) -> bool {
    let capital = |key: &Key| matches!(key, Key::Char(c) if c.is_ascii_uppercase());
    action.danger == Danger::Asks && action.keys.iter().any(capital)
}

/// Whether two actions can be meant by one key at one place.
fn meet(one: &UiAction, other: &UiAction) -> bool {
    let anywhere =
        |action: &UiAction| action.scopes.iter().any(|scope| matches!(scope, KeyScope::Everywhere | KeyScope::Moving));
    anywhere(one) || anywhere(other) || one.scopes.iter().any(|scope| other.scopes.contains(scope))
}

fn read(binding: &KeyBinding) -> Result<(&'static UiAction, Vec<Key>), String> {
    let action = ACTIONS.iter().find(|action| action.id() == binding.action).ok_or_else(|| unknown(&binding.action))?;
    if !action.is_remappable() {
        return Err("its keys stay what they are: fields and questions need them".to_owned());
    }
    let mut keys = Vec::new();
    for name in &binding.keys {
        let key = name.parse().map_err(|why| format!("`{}` is not a key: {why}", clean(name)))?;
        allowed(action, key).map_err(|why| format!("`{key}` {why}"))?;
        keys.push(key);
    }
    if keys.is_empty() && action.listing == PaletteListing::KeysOnly {
        return Err("it needs a key: nothing else reaches it".to_owned());
    }
    Ok((action, keys))
}

fn unknown(id: &str) -> String {
    let ids: Vec<String> = ACTIONS.iter().map(UiAction::id).collect();
    match nearest(id, ids.iter().map(String::as_str)) {
        Some(meant) => format!("there is no such action: did you mean `{meant}`?"),
        None => "there is no such action: docs/KEYS.md names them all".to_owned(),
    }
}

/// Whether an action may have a key at all; if not, why.
fn allowed(action: &UiAction, key: Key) -> Result<(), &'static str> {
    match key {
        key if FIXED.contains(&key) => Err("stays what it is: fields and questions need it"),
        Key::Ctrl(c) if TAKEN.contains(&c) => Err("belongs to line editing, flow control or screen"),
        Key::Char('0'..='9') if action.danger != Danger::Harmless => {
            Err("is a digit, and no digit changes anything: choose a letter")
        }
        Key::Char(c) if is_capital(action) && !c.is_ascii_uppercase() => {
            Err("is not a capital letter: what sends or destroys needs one")
        }
        Key::Char(_) => Ok(()),
        _ if is_capital(action) => Err("is not a capital letter: what sends or destroys needs one"),
        _ => Ok(()),
    }
}

fn error(id: &str, text: String) -> KeymapError {
    KeymapError { action: id.to_owned(), text }
}

/// What works in a form although it works everywhere: to leave it, and to read what the keys are.
const LEAVES_OR_HELPS: [&str; 3] = ["back", "back-at-the-root-quit", "all-keys"];

impl UiAction {
    /// Whether its key works while a form is open: no other reaches the dashboard behind it.
    pub fn is_of_forms(&self) -> bool {
        !self.scopes.contains(&KeyScope::Everywhere) || LEAVES_OR_HELPS.contains(&self.id().as_str())
    }

    /// Whether it only moves a cursor.
    pub fn moves_the_cursor(&self) -> bool {
        self.scopes == [KeyScope::Moving]
    }

    /// Whether `[ui.keys]` may give it other keys.
    pub fn is_remappable(&self) -> bool {
        !self.keys.iter().any(|key| FIXED.contains(key))
    }

    /// Its name in `[ui.keys]`: the words of its title.
    pub fn id(&self) -> String {
        let words = self.title.split(|c: char| !c.is_ascii_alphanumeric() && c != '\'').filter(|word| !word.is_empty());
        words.map(|word| word.replace('\'', "").to_ascii_lowercase()).collect::<Vec<_>>().join("-")
    }
}

impl fmt::Debug for UiAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UiAction").field("title", &self.title).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(action: &str, keys: &[&str]) -> KeyBinding {
        KeyBinding { action: action.to_owned(), keys: keys.iter().map(ToString::to_string).collect() }
    }

    fn says(action: &str, keys: &[&str]) -> String {
        let errors = Keymap::new(&[binding(action, keys)]).unwrap_err();
        assert!(errors.iter().all(|error| error.action == action), "{errors:?}");
        errors[0].to_string()
    }

    #[test]
    fn every_action_has_a_name_of_its_own() {
        let mut ids: Vec<String> = ACTIONS.iter().map(UiAction::id).collect();
        ids.sort_unstable();
        let count = ids.len();
        ids.dedup();

        assert_eq!(ids.len(), count, "two actions have one title");
        assert!(ids.iter().all(|id| !id.is_empty()));
    }

    #[test]
    fn a_remapped_key_performs_its_action_and_the_old_one_does_nothing() {
        let keymap = Keymap::new(&[binding("find-a-person", &["ctrl-f", "F"])]).unwrap();
        let scopes = [KeyScope::Everywhere];

        assert_eq!(keymap.lookup(Key::Ctrl('f'), &scopes).unwrap().title, "find a person");
        assert!(keymap.lookup(Key::Char('/'), &scopes).is_none());
        assert_eq!(keymap.of("find-a-person"), "ctrl-f");
        assert!(keymap.why_nothing(Key::Char('/')).ends_with("works in Blasts"));
        assert!(
            Keymap::new(&[binding("find-a-person", &["/", "F"])]).is_ok(),
            "a key that the table shares stays shared"
        );
        assert!(says("to-the-blasts", &["/"]).contains("is the key of"));
    }

    #[test]
    fn a_key_that_does_nothing_here_names_every_place_where_it_works_with_what_it_does_there() {
        let said = Keymap::default().why_nothing(Key::Char(' '));

        assert_eq!(
            said,
            "space works in Blasts (mark this blast to compare, and step on), Recipients (mark this person and step on)"
        );
    }

    #[test]
    fn what_sends_or_destroys_stays_a_capital_without_a_twin() {
        assert!(says("send-or-resume", &["s"]).contains("capital"));
        assert!(says("send-or-resume", &["1"]).contains("digit"));
        assert!(says("send-or-resume", &["ctrl-g"]).contains("capital"));
        assert!(says("send-or-resume", &["J"]).contains("shift alone"));
        assert!(says("they-replied", &["x"]).contains("shift alone"));
        assert!(
            Keymap::new(&[binding("send-or-resume", &["Q"]), binding("back-at-the-root-quit", &["ctrl-q"])]).is_err()
        );
    }

    #[test]
    fn two_actions_never_share_a_key_and_no_digit_changes_anything() {
        assert!(says("they-replied", &["e"]).contains("write a note"));
        assert!(says("they-replied", &["p"]).contains("pause"));
        assert!(says("they-replied", &["7"]).contains("digit"));
        assert!(says("they-replied", &["enter"]).contains("stays what it is"));
        assert!(says("this-person-in-full", &["i"]).contains("stay what they are"));
        assert!(says("they-repleid", &["i"]).contains("did you mean `they-replied`?"));
        assert!(says("they-replied", &["ctr-r"]).contains("is not a key"));
        assert!(says("commands-by-name", &[]).contains("needs a key"));
        let swapped = [binding("they-replied", &["e"]), binding("write-a-note-about-them", &["r"])];
        assert!(Keymap::new(&swapped).is_ok(), "two may change places");
        let both =
            ["find-a-person", "list-only-some-blasts-by-name-state-or-day"].map(|action| binding(action, &["ctrl-f"]));
        assert!(Keymap::new(&both).is_ok(), "what has one key by the table may move together");
    }

    #[test]
    fn a_key_that_was_moved_says_where_its_action_is_now() {
        let binding = |keys: &[&str]| KeyBinding {
            action: "they-replied".to_owned(),
            keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        };
        let moved = Keymap::new(&[binding(&["R"])]).unwrap();
        let taken = Keymap::new(&[binding(&[])]).unwrap();

        assert_eq!(moved.why_nothing(Key::Char('r')), "r (they replied) is R now, by [ui.keys] of the configuration");
        assert!(taken.why_nothing(Key::Char('r')).contains("has no key"));
    }
}
