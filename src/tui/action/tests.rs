//! Invariants of the table.

use super::{ACTIONS, Danger, Key, KeyScope, PaletteListing};

const SCOPES: [KeyScope; 15] = [
    KeyScope::Everywhere,
    KeyScope::Moving,
    KeyScope::Blasts,
    KeyScope::Funnel,
    KeyScope::Recipients,
    KeyScope::Activity,
    KeyScope::Details,
    KeyScope::Customer,
    KeyScope::Plan,
    KeyScope::FollowUp,
    KeyScope::Answer,
    KeyScope::StepMessage,
    KeyScope::Form,
    KeyScope::Needs,
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
        assert!(!action.keys.is_empty() || action.listing == PaletteListing::Listed, "{}", action.title);
        assert!(!action.scopes.is_empty() && !action.title.is_empty());
    }
}

#[test]
fn whatever_starts_messages_or_destroys_says_that_it_asks() {
    for key in ['S', 'T', 'X', 'b'] {
        let mut of_key = ACTIONS.iter().filter(|action| action.keys.contains(&Key::Char(key))).peekable();
        assert!(of_key.peek().is_some() && of_key.all(|action| action.danger == Danger::Asks), "{key}");
    }
}

#[test]
fn no_action_exists_only_as_a_combination_that_a_multiplexer_takes() {
    for action in ACTIONS {
        let taken = [Key::Ctrl('a'), Key::Ctrl('b'), Key::Ctrl('s'), Key::Ctrl('q')];
        assert!(action.keys.iter().all(|key| !taken.contains(key)), "{}", action.title);
    }
}
