//! The words of the reasons, for whoever describes them to programs.

use super::Waiting;

impl Waiting {
    /// The word of every reason, which does not change.
    pub const REASONS: [&'static str; 25] = [
        "armed",
        "scheduled",
        "not_made",
        "no_engine",
        "token_refused",
        "phone_in_use",
        "silent",
        "gap",
        "rate",
        "first_people",
        "answers",
        "slow_database",
        "daily_cap",
        "people_limit",
        "window",
        "throttled",
        "provider",
        "backoff",
        "pair_gap",
        "own_time",
        "sender_stopped",
        "uncertain",
        "clock",
        "database",
        "unreadable",
    ];
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_word_of_a_reason_is_listed_and_explained() {
        let unknown = serde_json::from_value::<Waiting>(json!({ "reason": "x" })).unwrap_err().to_string();
        let words: Vec<&str> = unknown.split('`').skip(3).step_by(2).collect();
        let explained = include_str!("../../../docs/API.md");

        assert_eq!(words, Waiting::REASONS, "{unknown}");
        for word in words {
            assert!(explained.contains(&format!("`{word}`")), "docs/API.md does not say what `{word}` is");
        }
    }
}
