//! Command lines in sentences, each in backticks, as in `blastdeck doctor`.

/// How a command line begins that nobody has completed.
const BARE: &str = "`blastdeck";

/// A sentence whose command lines call this program as it was called, so that they do the same when they are pasted. Those that were made
/// so before stay as they are. So do those that name their machine: it has paths of its own, which it alone knows, and another one may have
/// its name.
pub fn pasteable(sentence: &str, program: &str) -> String {
    let called = format!("`{program}");
    let flags = called.strip_prefix(BARE);
    let mut parts = sentence.split(BARE);
    let mut said = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_complete = flags.is_some_and(|flags| part.starts_with(flags)) || names_machine(&said);
        said.push_str(if is_complete { BARE } else { &called });
        said.push_str(part);
    }
    said
}

/// Whether a sentence has a command line of this program, completed or not.
pub fn has_command(sentence: &str) -> bool {
    sentence.split('`').skip(1).step_by(2).any(|command| command.contains("blastdeck "))
}

/// The name of this machine, as sentences have it.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Whether the words before a command line name the machine that it is for: `confirm on till-2 with …`.
fn names_machine(said: &str) -> bool {
    let machine = said.strip_suffix(" with ").and_then(|said| said.rsplit_once(" on "));
    machine.is_some_and(|(_, machine)| !machine.is_empty() && !machine.contains(char::is_whitespace))
}

#[cfg(test)]
mod tests {
    use super::{has_command, pasteable};

    #[test]
    fn each_command_line_of_a_sentence_is_completed_once() {
        let program = "blastdeck --config /etc/rehearsal.toml";
        let once = pasteable("`blastdeck inbox list` says why, `blastdeck doctor` more; blastdeck is a name", program);

        let said = format!("`{program} inbox list` says why, `{program} doctor` more; blastdeck is a name");
        assert_eq!((once.as_str(), pasteable(&once, program)), (said.as_str(), once.clone()));
    }

    #[test]
    fn a_command_line_that_names_its_machine_stays_as_that_machine_wrote_it() {
        let own = "BLASTDECK_STATE_DIR='/srv/a' blastdeck --config '/etc/a.toml'";
        for (program, written) in [
            ("BLASTDECK_STATE_DIR='/srv/b' blastdeck", "blastdeck"),
            ("BLASTDECK_STATE_DIR='/srv/b' blastdeck", own),
            ("blastdeck --config '/etc/b.toml'", "blastdeck --config '/etc/a.toml'"),
            (own, own),
            ("blastdeck", own),
        ] {
            let sentence = format!(
                "it knows 9; confirm on till with `{written} sender confirm a`, or S on the blast. Besides, till-2 says: confirm on till-2 \
                 with `blastdeck sender confirm a`"
            );

            assert_eq!(pasteable(&sentence, program), sentence, "for {program}");
        }
    }

    #[test]
    fn a_sentence_has_a_command_line_whoever_completed_it() {
        for sentence in
            ["see `blastdeck doctor`", "see `BLASTDECK_STATE_DIR='/srv/a' blastdeck --config '/etc/a.toml' doctor`"]
        {
            assert!(has_command(sentence), "{sentence}");
        }
        assert!(!has_command("blastdeck waits for `sales`"));
    }
}
