//! Command lines in sentences, each in backticks, as in `blastdeck doctor`.

/// A sentence whose command lines call this program as it was called, so that they do the same when they are pasted. Those that were made
/// so before stay as they are.
pub fn pasteable(sentence: &str, program: &str) -> String {
    let (bare, called) = ("`blastdeck", format!("`{program}"));
    sentence.replace(&called, bare).replace(bare, &called)
}

#[cfg(test)]
mod tests {
    use super::pasteable;

    #[test]
    fn each_command_line_of_a_sentence_is_completed_once() {
        let program = "blastdeck --config /etc/rehearsal.toml";
        let once = pasteable("`blastdeck inbox list` says why, `blastdeck doctor` more; blastdeck is a name", program);

        let said = format!("`{program} inbox list` says why, `{program} doctor` more; blastdeck is a name");
        assert_eq!((once.as_str(), pasteable(&once, program)), (said.as_str(), once.clone()));
    }
}
