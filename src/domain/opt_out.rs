//! Replies that mean *stop*.

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

    /// As they are compared: in lower case, without marks around them.
    pub fn words(&self) -> &[String] {
        &self.0
    }

    /// Whether a reply is one of them, in any case; inside a sentence a word means nothing.
    pub fn is_stop(&self, reply: &str) -> bool {
        let reply = plain(reply);
        self.0.contains(&reply)
    }
}

/// Without the marks and spaces around it, in lower case.
fn plain(text: &str) -> String {
    const AROUND: [char; 12] = ['.', '!', '?', ',', ';', ':', '"', '\'', '*', '_', '。', '！'];
    let text = text.trim_matches(|c: char| c.is_whitespace() || AROUND.contains(&c));
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::StopWords;

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
}
