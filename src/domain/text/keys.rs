//! Keys of the dashboard in sentences. Such a key is marked, as in `⟨p⟩ pauses it`, and written by the default of its action: the
//! dashboard puts the key there that its operator gave it (`[ui.keys]`), everybody else reads the default.

/// A sentence with another word in place of every marked key for which there is one.
pub fn replace_keys(sentence: &str, word: impl Fn(&str) -> Option<String>) -> String {
    let (mut said, mut rest) = (String::with_capacity(sentence.len()), sentence);
    while let Some((before, behind)) = rest.split_once('⟨') {
        said.push_str(before);
        let replaced = behind.split_once('⟩').and_then(|(key, rest)| Some((word(key)?, rest)));
        let (word, behind) = replaced.unwrap_or_else(|| ("⟨".to_owned(), behind));
        said.push_str(&word);
        rest = behind;
    }
    said + rest
}

/// A sentence with its keys as they are by default.
pub fn default_keys(sentence: &str) -> String {
    let is_key = |key: &str| key.chars().count() == 1;
    replace_keys(sentence, |key| is_key(key).then(|| key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_a_key_loses_its_marks() {
        for (sentence, expected) in [
            ("it has started: ⟨p⟩ pauses it", "it has started: p pauses it"),
            ("⟨!⟩ lists it, and there ⟨S⟩ resumes it", "! lists it, and there S resumes it"),
            ("⟨Siti⟩ bought; ⟨ and ⟩⟨", "⟨Siti⟩ bought; ⟨ and ⟩⟨"),
            ("nothing", "nothing"),
        ] {
            assert_eq!(default_keys(sentence), expected);
        }
    }
}
