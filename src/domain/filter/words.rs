//! A filter in words, for people to read: signs such as `<` are read the wrong way round where a span stands behind them.

use crate::domain::pace::parse_span;
use crate::domain::status::Status;

/// The same filter with the times of stages in words: `stuck:read, read more than 15m ago` for `stuck:read read<15m`; and with the stage at
/// which lists have somebody, `stuck:received`, as one types it.
pub fn in_words(filter: &str) -> String {
    let mut words = String::new();
    let mut is_sentence = false;
    for term in filter.split(' ').filter(|term| !term.is_empty()) {
        let said = time_in_words(term);
        if !words.is_empty() {
            words.push_str(if said.is_some() || is_sentence { ", " } else { " " });
        }
        is_sentence = said.is_some();
        words.push_str(&said.or_else(|| stuck_in_words(term)).unwrap_or_else(|| term.to_owned()));
    }
    words
}

/// `None`: the term is not about where somebody is stuck.
fn stuck_in_words(term: &str) -> Option<String> {
    let (head, stages) = term.split_once(':').filter(|(key, _)| key.trim_start_matches('-') == "stuck")?;
    let stages = stages.split(',').map(|stage| if stage == "delivered" { "received" } else { stage });
    Some(format!("{head}:{}", stages.collect::<Vec<_>>().join(",")))
}

/// `None`: the term is not about the time of a stage.
fn time_in_words(term: &str) -> Option<String> {
    let (not, term) = term.strip_prefix('-').map_or(("", term), |term| ("not ", term));
    let (at, sign) = term.char_indices().find(|(_, c)| matches!(c, '<' | '>'))?;
    let value = term[at + 1..].trim_start_matches('=');
    let stage = Status::from_word(&term[..at])?.label();
    if value.is_empty() || value.starts_with('"') {
        return None;
    }
    Some(match (sign, parse_span(value).is_ok()) {
        ('<', true) => format!("{not}{stage} more than {value} ago"),
        ('<', false) => format!("{not}{stage} before {value}"),
        (_, true) => format!("{not}{stage} within the last {value}"),
        (_, false) => format!("{not}{stage} since {value}"),
    })
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn the_time_of_a_stage_cannot_be_read_the_wrong_way_round() {
        for (filter, words) in [
            ("blast:7 stuck:read read<15m", "blast:7 stuck:read, read more than 15m ago"),
            ("sent<2d stuck:sent,received", "sent more than 2d ago, stuck:sent,received"),
            ("replied>48h", "replied within the last 48h"),
            ("-sent>2026-11-20", "not sent since 2026-11-20"),
            ("delivered<14:00 name:ali", "received before 14:00, name:ali"),
            ("blast:7 older:48h -status:failed", "blast:7 older:48h -status:failed"),
            ("sent<\"2026-11-20 14:00\"", "sent<\"2026-11-20 14:00\""),
            ("a<b", "a<b"),
            ("blast:7 stuck:delivered", "blast:7 stuck:received"),
            ("-stuck:sent,delivered delivered<15m", "-stuck:sent,received, received more than 15m ago"),
            ("stuck:cart", "stuck:cart"),
        ] {
            assert_eq!(in_words(filter), words);
        }
    }
}
