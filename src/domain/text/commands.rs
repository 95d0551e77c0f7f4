//! Command lines in sentences, each in backticks, as in `blastdeck doctor`.

/// A sentence whose command lines call this program as it was called, so that they do the same when they are pasted. Those that were made
/// so before stay as they are, and those for another machine, which has paths of its own, have none.
pub fn pasteable(sentence: &str, program: &str) -> String {
    pasteable_on(&host(), sentence, program)
}

/// What separates what several machines say in one sentence.
pub const NEXT_MACHINE: &str = ". Besides, ";

/// Who says something that this machine did not, where both have one name: its paths are not these.
pub const NAMESAKE: &str = "another machine of the same name";

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
        let is_here = machine_before(&said).is_none_or(|machine| machine == host && !is_of_namesake(&said));
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

/// Whether the words at the end are another machine's of this one's name.
fn is_of_namesake(said: &str) -> bool {
    let last = said.rsplit(NEXT_MACHINE).next().unwrap_or_default();
    last.strip_prefix(NAMESAKE).is_some_and(|words| words.starts_with(" says: "))
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

    #[test]
    fn a_command_line_for_another_machine_of_the_same_name_has_no_paths_of_this_one() {
        let confirm = "confirm on till with `blastdeck sender confirm a`, or S on the blast";
        let sentence = format!(
            "it knows none; {confirm}. Besides, another machine of the same name says: it knows 20; {confirm}. Besides, till says: {confirm}"
        );
        let program = "BLASTDECK_STATE_DIR='/srv/b' blastdeck";

        let said = pasteable_on("till", &sentence, program);

        let own = confirm.replace("`blastdeck", &format!("`{program}"));
        let expected = format!(
            "it knows none; {own}. Besides, another machine of the same name says: it knows 20; {confirm}. Besides, till says: {own}"
        );
        assert_eq!((said.as_str(), pasteable_on("till", &said, program)), (expected.as_str(), expected.clone()));
    }
}
