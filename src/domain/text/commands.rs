//! Command lines in sentences, each in backticks, as in `blastdeck doctor`.

/// A sentence whose command lines call this program as it was called, so that they do the same when they are pasted. Those that were made
/// so before stay as they are, and so do those for another machine, which has paths of its own.
pub fn pasteable(sentence: &str, program: &str) -> String {
    pasteable_on(&host(), sentence, program)
}

/// The name of this machine, as sentences have it.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn pasteable_on(host: &str, sentence: &str, program: &str) -> String {
    let (bare, called) = ("`blastdeck", format!("`{program}"));
    let sentence = sentence.replace(&called, bare);
    let mut parts = sentence.split(bare);
    let mut said = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let is_here = machine_before(&said).is_none_or(|machine| machine == host);
        said.push_str(if is_here { &called } else { bare });
        said.push_str(part);
    }
    said
}

/// The machine that a command line is for, by the words before it: `confirm on till-2 with …`.
fn machine_before(said: &str) -> Option<&str> {
    let (_, machine) = said.strip_suffix(" with ")?.rsplit_once(" on ")?;
    (!machine.is_empty() && !machine.contains(char::is_whitespace)).then_some(machine)
}

#[cfg(test)]
mod tests {
    use super::{pasteable, pasteable_on};

    #[test]
    fn each_command_line_of_a_sentence_is_completed_once() {
        let program = "blastdeck --config /etc/rehearsal.toml";
        let once = pasteable("`blastdeck inbox list` says why, `blastdeck doctor` more; blastdeck is a name", program);

        let said = format!("`{program} inbox list` says why, `{program} doctor` more; blastdeck is a name");
        assert_eq!((once.as_str(), pasteable(&once, program)), (said.as_str(), once.clone()));
    }

    #[test]
    fn a_command_line_for_another_machine_has_no_paths_of_this_one() {
        let sentence = "confirm on till-2 with `blastdeck sender confirm a`. Besides: confirm on till-1 with `blastdeck sender confirm a`";

        let said = pasteable_on("till-1", sentence, "blastdeck --config /etc/shop.toml");

        let expected = "confirm on till-2 with `blastdeck sender confirm a`. Besides: confirm on till-1 with \
                        `blastdeck --config /etc/shop.toml sender confirm a`";
        assert_eq!(said, expected);
    }
}
