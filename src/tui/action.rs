//! Every action of the dashboard, in one table: its name, keys, where it works, how dangerous it is, when it cannot be
//! done and why. Keymap, footer, help and commands are all read from here.

mod when;

use std::fmt;

use super::key::Key;
use super::model::Model;

/// Everything that a key can ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verb {
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    End,
    Previous,
    Next,
    Open,
    Send,
    Cancel,
    These,
    Details,
    Replied,
    Closed,
    Stop,
    TakeBack,
    Note,
    Mark,
    Choose,
    Confirm,
    Find,
    Undo,
    Pause,
    NeedsYou,
    Blasts,
    Funnel,
    Recipients,
    NextPane,
    PreviousPane,
    Zoom,
    Commands,
    Log,
    Help,
    Repaint,
    Suspend,
    Back,
    Quit,
    Interrupt,
}

/// Where an action works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyScope {
    Everywhere,
    /// Wherever there are lines to move over.
    Moving,
    Blasts,
    Funnel,
    Recipients,
    Details,
    Plan,
    /// A list of lines that can be chosen from: found people, commands.
    List,
}

impl fmt::Display for KeyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Everywhere => "Everywhere",
            Self::Moving => "Moving",
            Self::Blasts => "Blasts",
            Self::Funnel => "Funnel",
            Self::Recipients => "Recipients",
            Self::Details => "Details",
            Self::Plan => "Plan",
            Self::List => "Lists",
        })
    }
}

/// What an action can do to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Danger {
    /// Changes nothing but the screen.
    Calm,
    /// Writes a mark that can be taken back, or holds a blast up.
    Mark,
    /// Starts messages or destroys something: always asks.
    Asks,
}

/// One line of the table.
pub struct Action {
    pub verb: Verb,
    /// What it does, for help and commands.
    pub title: &'static str,
    pub keys: &'static [Key],
    pub scopes: &'static [KeyScope],
    pub danger: Danger,
    /// Its word in the footer and how early it is dropped where there is no room: higher is dropped first.
    pub footer: Option<(&'static str, u8)>,
    /// Why it cannot be done now; `None` when it can.
    pub why_not: fn(&Model) -> Option<String>,
}

use Key::{BackTab, Char, Ctrl, Enter, Esc, Left, PageDown, PageUp, Right, Tab};
use KeyScope::{Blasts, Details, Everywhere, Funnel, List, Moving, Plan, Recipients};

const fn can(_: &Model) -> Option<String> {
    None
}

const fn moves(verb: Verb, title: &'static str, keys: &'static [Key]) -> Action {
    Action { verb, title, keys, scopes: &[Moving], danger: Danger::Calm, footer: None, why_not: can }
}

const fn shows(verb: Verb, title: &'static str, keys: &'static [Key], scopes: &'static [KeyScope]) -> Action {
    Action { verb, title, keys, scopes, danger: Danger::Calm, footer: None, why_not: can }
}

const fn marks(verb: Verb, title: &'static str, keys: &'static [Key], scopes: &'static [KeyScope]) -> Action {
    Action { verb, title, keys, scopes, danger: Danger::Mark, footer: None, why_not: can }
}

impl Action {
    const fn footer(mut self, word: &'static str, dropped: u8) -> Self {
        self.footer = Some((word, dropped));
        self
    }

    const fn unless(mut self, why_not: fn(&Model) -> Option<String>) -> Self {
        self.why_not = why_not;
        self
    }

    const fn asks(mut self) -> Self {
        self.danger = Danger::Asks;
        self
    }
}

/// The table. The order is the footer's and the help's.
pub const ACTIONS: &[Action] = &[
    shows(Verb::Open, "open this blast", &[Enter], &[Blasts]).unless(when::no_blast).footer("open", 1),
    marks(Verb::Send, "send it, or go on with it", &[Char('S')], &[Blasts])
        .asks()
        .unless(when::cannot_send)
        .footer("send", 3),
    marks(Verb::Cancel, "cancel it, or delete a draft", &[Char('X')], &[Blasts])
        .asks()
        .unless(when::cannot_cancel)
        .footer("cancel", 4),
    shows(Verb::These, "the people who are stuck here", &[Enter], &[Funnel])
        .unless(when::no_blast)
        .footer("these people", 1),
    marks(Verb::Replied, "they replied", &[Char('r')], &[Recipients, Details])
        .unless(when::cannot_mark)
        .footer("replied", 1),
    marks(Verb::Closed, "they bought; an amount may follow", &[Char('c')], &[Recipients, Details])
        .unless(when::cannot_mark)
        .footer("closed", 1),
    marks(Verb::Stop, "never message them again", &[Char('b')], &[Recipients, Details])
        .asks()
        .unless(when::cannot_mark)
        .footer("stop", 3),
    marks(Verb::TakeBack, "take back this person's last mark", &[Char('U')], &[Recipients, Details])
        .unless(when::cannot_mark)
        .footer("take back", 4),
    marks(Verb::Note, "write a note about them", &[Char('e')], &[Recipients, Details])
        .unless(when::cannot_mark)
        .footer("note", 5),
    marks(Verb::Mark, "mark this person and step on", &[Char(' ')], &[Recipients])
        .unless(when::nobody)
        .footer("mark", 8),
    shows(Verb::Choose, "choose this line", &[Enter], &[List]).footer("choose", 1),
    shows(Verb::Choose, "choose this answer", &[Enter], &[Details]).unless(when::nothing_to_answer).footer("answer", 2),
    shows(Verb::Confirm, "send, once the number is typed", &[Enter], &[Plan]).footer("send", 1),
    moves(Verb::Up, "up", &[Key::Up, Char('k')]),
    moves(Verb::Down, "down", &[Key::Down, Char('j')]),
    moves(Verb::PageUp, "a screen up", &[PageUp, Ctrl('u')]),
    moves(Verb::PageDown, "a screen down", &[PageDown, Ctrl('d')]),
    moves(Verb::Top, "to the top, and newer changes", &[Char('g'), Key::Home]),
    moves(Verb::End, "to the end", &[Char('G'), Key::End]),
    moves(Verb::Previous, "previous stage, person, sample", &[Char('[')]),
    moves(Verb::Next, "next stage, person, sample", &[Char(']')]).footer("stage", 7),
    shows(Verb::Find, "find a person", &[Char('/')], &[Everywhere]).unless(when::no_blast).footer("find", 2),
    shows(Verb::Details, "this person in full", &[Enter], &[Recipients]).unless(when::nobody).footer("details", 2),
    marks(Verb::Pause, "pause this blast at once", &[Char('p')], &[Everywhere])
        .unless(when::cannot_pause)
        .footer("pause", 6),
    marks(Verb::Undo, "undo my last act", &[Char('u')], &[Everywhere]).unless(when::read_only),
    shows(Verb::NeedsYou, "what needs a person", &[Char('!')], &[Everywhere]),
    shows(Verb::Blasts, "to the blasts", &[Char('1')], &[Everywhere]),
    shows(Verb::Funnel, "to the funnel", &[Char('2')], &[Everywhere]),
    shows(Verb::Recipients, "to the recipients", &[Char('3')], &[Everywhere]),
    shows(Verb::NextPane, "next pane", &[Tab, Right, Char('l')], &[Everywhere]),
    shows(Verb::PreviousPane, "pane before", &[BackTab, Left, Char('h')], &[Everywhere]),
    shows(Verb::Zoom, "this pane alone, or all", &[Char('z')], &[Everywhere]),
    shows(Verb::Commands, "commands by name", &[Char(':')], &[Everywhere]),
    shows(Verb::Log, "log: the command line of every act", &[], &[Everywhere]),
    shows(Verb::Repaint, "paint the screen again", &[Ctrl('l')], &[Everywhere]),
    shows(Verb::Suspend, "suspend", &[Ctrl('z')], &[Everywhere]),
    shows(Verb::Back, "back", &[Esc], &[Everywhere]),
    shows(Verb::Quit, "back; at the root, quit", &[Char('q')], &[Everywhere]),
    shows(Verb::Interrupt, "leave a field; twice quits", &[Ctrl('c')], &[Everywhere]),
    shows(Verb::Help, "all keys", &[Char('?')], &[Everywhere]).footer("all", 0),
];

/// The action of a verb in one of these scopes.
pub fn action(verb: Verb, scopes: &[KeyScope]) -> Option<&'static Action> {
    let of_verb = || ACTIONS.iter().filter(move |action| action.verb == verb);
    of_verb().find(|action| action.scopes.iter().any(|scope| scopes.contains(scope))).or_else(|| of_verb().next())
}

#[cfg(test)]
mod tests {
    use super::{ACTIONS, Danger, Key, KeyScope, Verb};

    const SCOPES: [KeyScope; 8] = [
        KeyScope::Everywhere,
        KeyScope::Moving,
        KeyScope::Blasts,
        KeyScope::Funnel,
        KeyScope::Recipients,
        KeyScope::Details,
        KeyScope::Plan,
        KeyScope::List,
    ];

    #[test]
    fn no_key_means_two_things_in_one_scope() {
        for scope in SCOPES {
            let keys: Vec<Key> = ACTIONS
                .iter()
                .filter(|action| action.scopes.contains(&scope))
                .flat_map(|action| action.keys)
                .copied()
                .collect();
            for (i, key) in keys.iter().enumerate() {
                assert!(!keys[i + 1..].contains(key), "{key} twice in {scope}");
            }
        }
    }

    #[test]
    fn capitals_that_send_or_destroy_have_no_lower_case_twin() {
        for capital in ['S', 'T', 'X', 'M'] {
            let twin = Key::Char(capital.to_ascii_lowercase());
            assert!(ACTIONS.iter().all(|action| !action.keys.contains(&twin)), "{twin} is bound");
        }
    }

    #[test]
    fn every_action_can_be_reached_by_a_key_or_by_its_name() {
        for action in ACTIONS {
            assert!(!action.keys.is_empty() || action.verb == Verb::Log, "{:?}", action.verb);
            assert!(!action.scopes.is_empty() && !action.title.is_empty());
        }
    }

    #[test]
    fn whatever_starts_messages_or_destroys_says_that_it_asks() {
        for verb in [Verb::Send, Verb::Cancel, Verb::Stop] {
            assert!(ACTIONS.iter().filter(|action| action.verb == verb).all(|action| action.danger == Danger::Asks));
        }
    }

    #[test]
    fn no_action_exists_only_as_a_combination_that_a_multiplexer_takes() {
        for action in ACTIONS {
            let taken = [Key::Ctrl('a'), Key::Ctrl('b'), Key::Ctrl('s'), Key::Ctrl('q')];
            assert!(action.keys.iter().all(|key| !taken.contains(key)), "{:?}", action.verb);
        }
    }
}
