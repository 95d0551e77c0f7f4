//! Replies that mean *stop*.

use unicode_normalization::UnicodeNormalization;

use super::text::is_invisible;

/// Replies that mean *stop*: English, Malay and Indonesian, Chinese, Tamil, Hindi, Portuguese and Spanish, Arabic, Thai.
pub const STOP_WORDS: [&str; 18] = [
    "STOP",
    "UNSUBSCRIBE",
    "STOP PROMOTIONS",
    "BERHENTI",
    "HENTI",
    "BATAL",
    "退订",
    "取消",
    "停止",
    "退訂",
    "நிறுத்து",
    "रोकें",
    "PARAR",
    "SAIR",
    "BAJA",
    "إيقاف",
    "توقف",
    "หยุด",
];

/// Words that are an opt-out when they are the whole reply.
#[derive(Debug, Clone, Default)]
pub struct StopWords(Vec<String>);

impl StopWords {
    /// From the configured words.
    pub fn new<'a>(words: impl IntoIterator<Item = &'a str>) -> Self {
        Self(words.into_iter().map(plain).filter(|word| !word.is_empty()).collect())
    }

    /// As they are compared: in lower case, without marks around them or characters that show nothing.
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// Whether a reply is one of them, in any case; inside a sentence a word means nothing.
    pub fn is_stop(&self, reply: &str) -> bool {
        // Flags and squares are marks around a word as a rule, and seldom its letters.
        let unstyled: String = reply.chars().map(unstyled).collect();
        self.0.contains(&plain(reply)) || self.0.contains(&plain(&unstyled))
    }
}

/// Whether a webhook may hold an opt-out, by its bytes alone: a message of somebody's, a wish about marketing, or Meta's code for
/// one. Statuses, which come by the thousand, hold none as a rule. `true` for whatever is in doubt.
pub fn may_hold_opt_out(provider: &str, body: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(body) else { return true };
    provider != "meta" || text.contains("131050") || text.contains("user_preferences") || has_messages(text)
}

/// A list of messages: `messages` is also the name of a field, as a value.
fn has_messages(text: &str) -> bool {
    const KEY: &str = "\"messages\"";
    text.match_indices(KEY).any(|(at, _)| text[at + KEY.len()..].trim_start().starts_with(':'))
}

/// As it is compared: in lower case, in ordinary letters, without what shows nothing, and without the marks, symbols and spaces
/// around it. A word of nothing but symbols is compared with them.
fn plain(text: &str) -> String {
    let shown = text.chars().filter(|&c| c.is_whitespace() || !is_invisible(c));
    let shown = shown.nfkc().collect::<String>().to_lowercase();
    let words = shown.trim_matches(|c: char| !c.is_alphanumeric());
    let words = if words.is_empty() { &*shown } else { words };
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Latin letters in a circle, a square or a flag's half, as ordinary ones. Every other style has a compatibility decomposition.
fn unstyled(c: char) -> char {
    const ALPHABETS: [char; 3] = ['\u{1f150}', '\u{1f170}', '\u{1f1e6}'];
    let letter =
        ALPHABETS.iter().find_map(|&a| ('A'..='Z').nth(usize::try_from(u32::from(c).checked_sub(u32::from(a))?).ok()?));
    letter.unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::{STOP_WORDS, StopWords, may_hold_opt_out};

    #[test]
    fn the_whole_reply_counts_in_any_case_and_nothing_inside_a_sentence() {
        let words = StopWords::new(["STOP", "berhenti", "退订", "Stop promotions", " "]);

        for stop in ["stop", " Stop. ", "STOP!", "Berhenti", "退订。", "stop   promotions", "*stop*"] {
            assert!(words.is_stop(stop), "{stop}");
        }
        for other in ["", "!", "please stop", "don't stop", "stopp", "stop it", "nonstop"] {
            assert!(!words.is_stop(other), "{other}");
        }
    }

    #[test]
    fn what_shows_nothing_and_what_stands_around_a_stop_word_does_not_hide_it() {
        let words = StopWords::new(STOP_WORDS);

        for stop in [
            "\u{201c}STOP\u{201d}",
            "STOP\u{fe0f}",
            "\u{200f}توقف",
            "توقف؟",
            "STOP\u{200b}",
            "ST\u{ad}OP",
            "STOP\u{ad}",
            "STOP\u{202c}",
            "STOP\0",
            "\u{2068}stop\u{2069}",
            "ＳＴＯＰ",
            "ｓｔｏｐ！",
            "stop…",
            "stop)",
            "(stop)",
            "‘stop’",
            "«stop»",
            "~stop~",
            "`stop`",
            "stop、",
            "stop।",
            "退订，",
            "【退订】",
            "stop 🙏",
            "🛑 STOP",
            "stop-",
            "stop\u{a0}promotions",
            "หยุด",
            "நிறுத்து.",
            "रोकें।",
            "STOP 🇲🇾",
            "𝐒𝐓𝐎𝐏",
            "𝓼𝓽𝓸𝓹",
            "ⓢⓣⓞⓟ",
            "🅂🅃🄾🄿",
            "🅢🅣🅞🅟",
            "🆂🆃🅾🅿",
            "🇸🇹🇴🇵",
            "ﺗﻮﻗﻒ",
        ] {
            assert!(words.is_stop(stop), "{stop:?}");
        }
    }

    #[test]
    fn a_stop_word_in_a_sentence_stops_nothing_however_it_is_marked() {
        let words = StopWords::new(STOP_WORDS);

        for other in [
            "stop by tomorrow",
            "please don't stop",
            "don\u{2019}t stop 🙏",
            "“stop” is what I said",
            "(stop) it",
            "stop-start",
            "stop 2",
            "2. stop",
            "bus stop",
            "non\u{ad}stop",
            "ｄｏｎ＇ｔ ｓｔｏｐ",
            "不要取消",
            "jangan berhenti!",
            "🙏",
            "…",
            "\u{200b}",
            "",
        ] {
            assert!(!words.is_stop(other), "{other:?}");
        }
    }

    #[test]
    fn a_word_of_symbols_is_one_when_it_is_the_whole_reply() {
        let words = StopWords::new(["🛑", " \u{200b} "]);

        assert!(words.is_stop("🛑\u{fe0f}"));
        assert!(!words.is_stop("🛑🛑") && !words.is_stop("👍") && !words.is_stop(" "));
    }

    #[test]
    fn what_may_hold_an_opt_out_is_told_by_its_bytes() {
        let meta = |body: &str| may_hold_opt_out("meta", body.as_bytes());
        let change = |value: &str| format!(r#"{{"entry":[{{"changes":[{{"field":"messages","value":{value}}}]}}]}}"#);

        assert!(meta(&change(r#"{"messages":[{"type":"text"}]}"#)));
        assert!(meta(&change("{\"messages\"\n : [{}]}")));
        assert!(meta(&change(r#"{"user_preferences":[{}]}"#)));
        assert!(meta(&change(r#"{"statuses":[{"status":"failed","errors":[{"code":131050}]}]}"#)));
        assert!(!meta(&change(r#"{"statuses":[{"status":"delivered"}]}"#)));
        assert!(!meta(r#"{"entry":[{"changes":[{"field":"account_update"}]}]}"#));
        assert!(may_hold_opt_out("meta", b"\xff") && may_hold_opt_out("wsapme", b"{}"), "in doubt");
    }
}
