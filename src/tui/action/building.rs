//! What the lines of the table add to an action.

use super::{Danger, FooterText, PaletteListing, UiAction};
use crate::tui::model::Model;

impl UiAction {
    pub(super) const fn footer(mut self, word: &'static str, rank: u8) -> Self {
        self.footer = Some((FooterText::Word(word), rank));
        self
    }

    pub(super) const fn kept_where(mut self, is_at_hand: fn(&Model) -> bool) -> Self {
        self.is_at_hand = is_at_hand;
        self
    }

    pub(super) const fn footer_here(mut self, word: fn(&Model) -> &'static str, rank: u8) -> Self {
        self.footer = Some((FooterText::Here(word), rank));
        self
    }

    pub(super) const fn pair_footer(mut self, word: fn(&Model) -> Option<&'static str>, rank: u8) -> Self {
        self.footer = Some((FooterText::Pair(word), rank));
        self
    }

    pub(super) const fn unless(mut self, why_not: fn(&Model) -> Option<String>) -> Self {
        self.why_not = why_not;
        self
    }

    pub(super) const fn refused_by(mut self, refuse: fn(&mut Model, String)) -> Self {
        self.refuse = refuse;
        self
    }

    pub(super) const fn danger(mut self, danger: Danger) -> Self {
        self.danger = danger;
        self
    }

    pub(super) const fn explained(mut self, meaning: &'static str) -> Self {
        self.explained = Some(meaning);
        self
    }

    pub(super) const fn keys_only(mut self) -> Self {
        self.listing = PaletteListing::KeysOnly;
        self
    }
}
