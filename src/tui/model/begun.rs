//! Texts that were begun, and neither sent nor saved when their page was left.

use std::collections::VecDeque;

use crate::app::StepKey;
use crate::domain::ids::RecipientId;

/// The most texts of a kind that are kept: nobody comes back to more of them.
const KEPT_MAX: usize = 100;

/// The texts, for when the same person is answered again, or the same step is changed again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BegunTexts {
    pub answers: KeptTexts<RecipientId>,
    pub step_messages: KeptTexts<StepKey>,
}

/// A text for each of them, the newest last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptTexts<K>(VecDeque<(K, String)>);

impl<K> Default for KeptTexts<K> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<K: Copy + PartialEq> KeptTexts<K> {
    /// Keeps a text in place of the one before; of too many the oldest is dropped.
    pub fn keep(&mut self, of: K, text: String) {
        self.take(of);
        if self.0.len() == KEPT_MAX {
            self.0.pop_front();
        }
        self.0.push_back((of, text));
    }

    /// Whether one was begun.
    pub fn has(&self, of: K) -> bool {
        self.0.iter().any(|(kept, _)| *kept == of)
    }

    /// The text that was begun, which is gone on with now.
    pub fn take(&mut self, of: K) -> Option<String> {
        let at = self.0.iter().position(|(kept, _)| *kept == of)?;
        self.0.remove(at).map(|(_, text)| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_texts_the_oldest_is_dropped_and_each_is_kept_once() {
        let mut texts = KeptTexts::default();
        for n in 0..=KEPT_MAX {
            texts.keep(n, format!("text {n}"));
        }
        texts.keep(1, "another".to_owned());

        assert_eq!(texts.take(0), None);
        assert_eq!(texts.take(1), Some("another".to_owned()));
        assert_eq!(texts.take(1), None);
        assert_eq!(texts.take(KEPT_MAX), Some(format!("text {KEPT_MAX}")));
    }
}
