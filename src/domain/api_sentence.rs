//! What sentences tell a person at a terminal to type, as a program asks for it: the method and path of the call.

use super::text::{default_keys, shell_unquoted};

/// What names a key of the dashboard, an option of a command or a column of its output, or leaves the rest to whoever sits there, and
/// what a program reads in its place.
const WORDS: [(&str, &str); 38] = [
    ("as in 20s..60s, or none", "as in 20s..60s, or null"),
    (", or u in the dashboard", ""),
    (", or enter in the dashboard", ""),
    (", or open the dashboard", ""),
    (", or S on the blast", ""),
    ("; without `--yes` it asks for the number of people first", ""),
    ("U takes that back first", "`PATCH /api/recipients/{id}` with the status `undo` takes that back first"),
    (
        "U on a person takes back their last mark",
        "a PATCH of a person, at `/api/recipients/` and their id, with the status `undo` takes back their last mark",
    ),
    (
        "U takes back a person's mark",
        "a PATCH of a person, at `/api/recipients/` and their id, with the status `undo` takes back their mark",
    ),
    ("u does not restore a mark that was taken back", "this does not restore a mark that was taken back"),
    ("u does not restore marks that were taken back", "this does not restore marks that were taken back"),
    ("X deletes the draft", "`DELETE /api/blasts/{id}` removes the draft"),
    (
        "d on it makes a draft to those it left out",
        "`POST /api/blasts` with `from` `status:skipped` makes a draft to those it left out",
    ),
    ("e on it changes it again", "`PATCH /api/blasts/{id}` changes it again"),
    ("e gives it its hours again", "`PATCH /api/blasts/{id}` gives it its hours again"),
    ("f on its people, then a, adds it again", "`POST /api/blasts/{id}/steps` adds it again"),
    ("! lists it, and there S resumes it", "`PATCH /api/blasts/{id}/steps/{number}` resumes it"),
    ("! lists it, and there p pauses it", "`PATCH /api/blasts/{id}/steps/{number}` pauses it"),
    ("! lists it, and there X removes it", "`DELETE /api/blasts/{id}/steps/{number}` removes it"),
    (
        "# on their page changes it again: vip adds a tag, -vip takes it away",
        "`PATCH /api/whatsapp/customers/{id}` adds tags and takes them away",
    ),
    ("it is done now", "it is completed now"),
    ("S resumes it", "`POST /api/blasts/{id}/resume` resumes it"),
    ("p pauses it, then X cancels the rest", "`POST /api/blasts/{id}/cancel` cancels the rest"),
    ("p pauses it", "`POST /api/blasts/{id}/pause` pauses it"),
    ("Name its business with --business:", "Write its `business`, one of"),
    ("write the number in the first column of ", "write the id that it has in "),
    ("write its component into --template-file", "write its component into `components`"),
    ("resume it with `blast resume`", "`POST /api/blasts/{id}/resume` resumes it"),
    ("send it with `blast send`", "`POST /api/blasts/{id}/send` sends it"),
    ("make a new blast to send again", "`POST /api/blasts` makes a new one to send"),
    (": it is over", ": it is over, and `POST /api/blasts` makes a new one"),
    (
        "only a draft, or what is scheduled, can be edited",
        "only a draft, or what is scheduled, can be edited, and `POST /api/blasts` makes another one",
    ),
    ("only rate, gap, window and weekdays can change", "only `rate`, `gap`, `send_window` and `weekdays` can change"),
    ("delete it if it is not wanted", "`DELETE /api/blasts/{id}` removes it"),
    ("cancel it first, then delete it", "`POST /api/blasts/{id}/cancel` comes first"),
    ("the status is received now", "the status is delivered now"),
    ("is received already", "is delivered already"),
    ("the blast is done", "the blast is completed"),
];

/// A sentence for a program: calls in place of commands and keys. Commands that have no call, such as those that change how this
/// machine sends, stay as they are.
pub fn for_programs(sentence: &str) -> String {
    let sentence = default_keys(sentence);
    let parts: Vec<&str> = sentence.split('`').collect();
    let translated = parts.iter().enumerate().map(|(at, part)| {
        let translated =
            command(at, part).and_then(call).or_else(|| item(&parts, at)).or_else(|| confirmation(at, part));
        translated.unwrap_or_else(|| (*part).to_owned())
    });
    let called = translated.collect::<Vec<_>>().join("`");
    let called = WORDS.iter().fold(called, |said, (key, call)| said.replace(key, call));
    called.split("; ").map(without_item).collect::<Vec<_>>().join("; ")
}

/// An item that a sentence says how to write, without the quotes that a shell needs: a program sends it as it is.
fn item(parts: &[&str], at: usize) -> Option<String> {
    // Of several all but the last stand before a comma.
    let before = parts.get(..at)?.iter().rev().step_by(2).find(|before| **before != ", ")?;
    let is_to_be_written = at % 2 == 1 && (before.ends_with(": write ") || *before == " or ");
    shell_unquoted(parts.get(at).filter(|_| is_to_be_written)?)
}

/// What follows a price that is missing is an item as a command takes it.
fn without_item(said: &str) -> String {
    match said.split_once(": write it, as ") {
        Some((said, _)) => format!("{said}: write it as \"12.50\""),
        None => said.to_owned(),
    }
}

/// The command line in a part of a sentence that is cut at its backticks.
fn command(at: usize, part: &str) -> Option<&str> {
    part.strip_prefix("blastdeck ").filter(|_| at % 2 == 1)
}

/// The command line that confirms a sender, without the paths of the machine that it is for: who reads it as a program is on none.
fn confirmation(at: usize, part: &str) -> Option<String> {
    let (program, sender) = part.rsplit_once(" sender confirm ").filter(|_| at % 2 == 1)?;
    program.contains("blastdeck").then(|| format!("blastdeck sender confirm {sender}"))
}

/// The call that does what a command does, where there is one.
fn call(command: &str) -> Option<String> {
    let words: Vec<_> = command.split_whitespace().map(|word| word.trim_matches('\'')).collect();
    let (verb, rest) = words.split_at_checked(2)?;
    let id = || rest.first().map_or_else(|| "{id}".to_owned(), |id| (*id).to_owned());
    Some(match (verb[0], verb[1]) {
        ("blast", verb) => blast_call(verb, rest, command)?,
        ("uncertain", "list") => format!("GET /api/blasts/{}/uncertain", id()),
        ("uncertain", "resolve") => "POST /api/recipients/{id}/resolve".to_owned(),
        ("token", "list") => "GET /api/tokens".to_owned(),
        ("token", "revoke") => format!("DELETE /api/tokens/{}", id()),
        ("share", "list") => "GET /api/shares".to_owned(),
        ("share", "revoke") => format!("DELETE /api/shares/{}", id()),
        ("catalog", "list") => "GET /api/whatsapp/catalogs".to_owned(),
        ("catalog", "show") => "GET /api/whatsapp/products".to_owned(),
        ("catalog", "import") => "POST /api/whatsapp/catalogs".to_owned(),
        ("cart", "list") => "GET /api/whatsapp/carts".to_owned(),
        ("cart", "set") => format!("PATCH /api/whatsapp/carts/{}", id()),
        ("cart", "abandon") => format!("POST /api/whatsapp/carts/{}/abandon", id()),
        ("cart", "add") => "POST /api/whatsapp/carts".to_owned(),
        ("order", "show") => format!("GET /api/whatsapp/orders/{}", id()),
        ("order", "list") => "GET /api/whatsapp/orders".to_owned(),
        ("order", "cancel" | "edit") => format!("PATCH /api/whatsapp/orders/{}", id()),
        ("order", "add") => "POST /api/whatsapp/orders".to_owned(),
        ("customer", "find") => "GET /api/whatsapp/customers".to_owned(),
        ("customer", "show") => "GET /api/whatsapp/customers/{id}".to_owned(),
        ("customer", "merge") => "POST /api/whatsapp/customers/{id}/merge".to_owned(),
        ("customer", "unmerge") => "POST /api/whatsapp/customers/{id}/unmerge".to_owned(),
        ("mark", _) => "PATCH /api/recipients/{id}".to_owned(),
        ("suppress", "list") => "GET /api/suppressions".to_owned(),
        ("suppress", "remove") => "DELETE /api/suppressions".to_owned(),
        ("suppress", "add") => "POST /api/suppressions".to_owned(),
        _ => return None,
    })
}

/// The call of a verb of blasts, with what stands behind it.
fn blast_call(verb: &str, rest: &[&str], command: &str) -> Option<String> {
    let id = || rest.first().map_or_else(|| "{id}".to_owned(), |id| (*id).to_owned());
    Some(match verb {
        "schedule" => schedule_call(rest)?,
        "step" if rest.first() == Some(&"set") => match rest {
            [_, blast, number, ..] => format!("PATCH /api/blasts/{blast}/steps/{number}"),
            _ => "PATCH /api/blasts/{id}/steps/{number}".to_owned(),
        },
        "step" => format!("GET /api/blasts/{}/steps", rest.get(1).copied().unwrap_or("{id}")),
        "new" => match quoted_behind(command, "--from ") {
            Some(from) => format!("POST /api/blasts` with the `from` `{from}"),
            None => "POST /api/blasts".to_owned(),
        },
        "list" => "GET /api/blasts".to_owned(),
        verb @ ("pause" | "undo" | "retry" | "resume" | "cancel" | "send") => {
            format!("POST /api/blasts/{}/{verb}", id())
        }
        "edit" if command.ends_with("--clear window,weekdays") => {
            format!("PATCH /api/blasts/{}` with null as `send_window` and `weekdays", id())
        }
        "edit" if command.ends_with("--clear at") => {
            format!("PATCH /api/blasts/{}` with null as `scheduled_for", id())
        }
        "edit" if command.ends_with("--at TIME") => {
            format!("PATCH /api/blasts/{}` with a time as `scheduled_for", id())
        }
        "edit" => format!("PATCH /api/blasts/{}", id()),
        "remove" => format!("DELETE /api/blasts/{}/recipients", id()),
        "report" => format!("GET /api/blasts/{}/report", id()),
        "show" => format!("GET /api/blasts/{}", id()),
        "recipients" => match rest.get(1..) {
            Some(["--search", terms]) => format!("GET /api/blasts/{}/recipients?q={terms}", id()),
            _ => format!("GET /api/blasts/{}/recipients", id()),
        },
        _ => return None,
    })
}

/// What stands in single quotes behind a flag.
fn quoted_behind<'a>(command: &'a str, flag: &str) -> Option<&'a str> {
    let (_, behind) = command.split_once(flag)?;
    behind.strip_prefix('\'')?.split_once('\'').map(|(quoted, _)| quoted)
}

/// The call of a verb of repeating blasts.
fn schedule_call(words: &[&str]) -> Option<String> {
    let (verb, rest) = words.split_first()?;
    let id = rest.first().copied().unwrap_or("{id}");
    Some(match *verb {
        "list" => "GET /api/schedules".to_owned(),
        "show" => format!("GET /api/schedules/{id}"),
        "skip" => format!("POST /api/schedules/{id}/skip"),
        verb @ ("pause" | "resume") => format!("POST /api/blasts/{id}/{verb}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn a_command_or_key_is_the_call_that_does_it() {
        for (said, expected) in [
            ("there is no blast 7: see `blastdeck blast list`", "there is no blast 7: see `GET /api/blasts`"),
            ("`blastdeck blast pause 7` stops it, or u in the dashboard", "`POST /api/blasts/7/pause` stops it"),
            (
                "`blastdeck blast recipients 7 --search status:skipped` lists",
                "`GET /api/blasts/7/recipients?q=status:skipped` lists",
            ),
            (
                "`blastdeck blast new --sender sales --from 'blast:7 phone:60123456789' --message 'TEXT'` makes a draft",
                "`POST /api/blasts` with the `from` `blast:7 phone:60123456789` makes a draft",
            ),
            ("see `blastdeck blast schedule list`", "see `GET /api/schedules`"),
            (
                "confirm on till with `BLASTDECK_STATE_DIR='/srv/a' blastdeck --config '/etc/a.toml' sender confirm sales`, or S on the blast",
                "confirm on till with `blastdeck sender confirm sales`",
            ),
            ("see `blastdeck blast step list 7`", "see `GET /api/blasts/7/steps`"),
            ("`blastdeck blast step set 7 2` changes it again", "`PATCH /api/blasts/7/steps/2` changes it again"),
            ("`blastdeck blast schedule skip 7` leaves it out", "`POST /api/schedules/7/skip` leaves it out"),
            ("`blastdeck token revoke till` ends it", "`DELETE /api/tokens/till` ends it"),
            (
                "resolve that first (`blastdeck uncertain resolve`, or enter in the dashboard)",
                "resolve that first (`POST /api/recipients/{id}/resolve`)",
            ),
            (
                "`blastdeck suppress remove +60123456789 --business 'kedai'` lifts it",
                "`DELETE /api/suppressions` lifts it",
            ),
            ("run `blastdeck engine`, or open the dashboard", "run `blastdeck engine`"),
            (
                "no catalogue of this business has a price of `teh`: write it, as 'teh*1@12.50'",
                "no catalogue of this business has a price of `teh`: write it as \"12.50\"",
            ),
            ("whose is it? Name its business with --business: a, b", "whose is it? Write its `business`, one of a, b"),
            (
                "the blast is done: it is over",
                "the blast is completed: it is over, and `POST /api/blasts` makes a new one",
            ),
            (
                "`x` is not an id: write the number in the first column of `blastdeck blast list`",
                "`x` is not an id: write the id that it has in `GET /api/blasts`",
            ),
            ("the status is received now, not uncertain", "the status is delivered now, not uncertain"),
            (
                "your last act was to pause Raya: it is done now; U on a person takes back their last mark",
                "your last act was to pause Raya: it is completed now; a PATCH of a person, at `/api/recipients/` and their id, with the \
                 status `undo` takes back their last mark",
            ),
            (
                "it is launched, and p pauses it; e gives it its hours again (09:00-21:00)",
                "it is launched, and `POST /api/blasts/{id}/pause` pauses it; `PATCH /api/blasts/{id}` gives it its hours again \
                 (09:00-21:00)",
            ),
            ("! lists it, and there p pauses it", "`PATCH /api/blasts/{id}/steps/{number}` pauses it"),
            ("nothing to type", "nothing to type"),
        ] {
            assert_eq!(for_programs(said), expected);
        }
    }

    #[test]
    fn a_product_is_named_without_the_quotes_of_a_shell() {
        for (said, expected) in [
            (
                r"`teh` is in two catalogues: write `'Aina'\''s Kedai/teh'` or `menu/teh`",
                "`teh` is in two catalogues: write `Aina's Kedai/teh` or `menu/teh`",
            ),
            (
                "`teh` is in two catalogues: write `menu/teh` or `'Kedai Aina/teh'`",
                "`teh` is in two catalogues: write `menu/teh` or `Kedai Aina/teh`",
            ),
            (
                "`teh` is in 3 catalogues: write `menu/teh`, `'Kedai Aina/teh'` or `'Kedai Siti/teh'`",
                "`teh` is in 3 catalogues: write `menu/teh`, `Kedai Aina/teh` or `Kedai Siti/teh`",
            ),
            ("no catalogue has `'teh'`: look", "no catalogue has `'teh'`: look"),
        ] {
            assert_eq!(for_programs(said), expected);
        }
    }

    #[test]
    fn an_edit_is_the_call_with_the_fields_that_it_changes() {
        for (said, expected) in [
            (
                "`blastdeck blast edit 7 --clear window,weekdays` has it send at any hour; without `--yes` it asks for the number of \
                 people first",
                "`PATCH /api/blasts/7` with null as `send_window` and `weekdays` has it send at any hour",
            ),
            (
                "`blastdeck blast edit 7 --at TIME` gives it another one, `blastdeck blast edit 7 --clear at` takes it away",
                "`PATCH /api/blasts/7` with a time as `scheduled_for` gives it another one, `PATCH /api/blasts/7` with null as \
                 `scheduled_for` takes it away",
            ),
        ] {
            assert_eq!(for_programs(said), expected);
        }
    }

    /// What has no call is run on the machine that sends.
    #[test]
    fn every_command_that_a_use_case_names_has_a_call_or_is_for_the_machine() {
        const MACHINE: [&str; 13] = [
            "engine",
            "serve",
            "sender",
            "hook",
            "db",
            "inbox",
            "doctor",
            "mark",
            "replies",
            "catalog sync",
            "customer key",
            "customer note",
            "list ls",
        ];
        let mut unknown = BTreeSet::new();
        for layer in ["app", "domain", "engine", "import", "provider"] {
            for text in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(layer)) {
                let said = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                for named in said.flat_map(|line| line.split('`')).filter_map(|part| part.strip_prefix("blastdeck ")) {
                    let verb = named.split_whitespace().next().unwrap_or_default();
                    // Program text that looks for the prefix names none.
                    let is_named = verb.starts_with(|first: char| first.is_ascii_lowercase());
                    let is_local = MACHINE.iter().any(|machine| {
                        *machine == verb || named.starts_with(&format!("{machine} ")) || *machine == named
                    });
                    if is_named && call(named).is_none() && !is_local {
                        unknown.insert(named.to_owned());
                    }
                }
            }
        }
        assert!(unknown.is_empty(), "{unknown:?} are named to programs, and are no calls of theirs");
    }

    fn sources(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut texts = Vec::new();
        for path in entries {
            if path.is_dir() {
                texts.extend(sources(&path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                texts.push(std::fs::read_to_string(path).unwrap());
            }
        }
        texts
    }
}
