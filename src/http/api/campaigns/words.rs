//! What is wrong with a campaign, as its clients call things: said by what is a blast's.

use super::super::super::problem::Problem;

/// A word of blasts, and the campaigns' one.
const WORDS: [(&str, &str); 8] = [
    ("phone_number", "phoneNumber"),
    ("external_id", "customerId"),
    ("scheduled_for", "scheduledFor"),
    ("rate_limit", "rateLimit"),
    ("expect_recipients", "expectRecipients"),
    (
        "only `rate`, `gap`, `send_window` and `weekdays` can change",
        "only `rateLimit`, `sendWindowStart` and `sendWindowEnd` can change",
    ),
    ("`POST /api/blasts/{id}/send`", "`POST /api/whatsapp/campaigns/{id}/send`"),
    ("`POST /api/blasts` makes", "`POST /api/whatsapp/campaigns` makes"),
];

/// What stands before the word in our own sentences. Behind anything else it is part of a name that somebody gave.
const BEFORE: [&str; 12] =
    ["the", "this", "that", "a", "no", "another", "one", "its", "same", "new", "newest", "earlier"];

/// The same in the campaigns' words.
pub(super) fn own_words(problem: Problem) -> Problem {
    problem.reworded(own_word)
}

/// The same of a campaign, whose name stays as it was given.
pub(super) fn own_words_of(name: &str) -> impl Fn(Problem) -> Problem {
    move |problem| problem.reworded(|said| own_word_beside(name, said))
}

/// In place of a name while what is said beside it is put in other words. Nobody can write it into one.
const NAME: &str = "\u{0}";

fn own_word_beside(name: &str, said: &str) -> String {
    if !name.contains("blast") {
        return own_word(said);
    }
    own_word(&said.replace(name, NAME)).replace(NAME, name)
}

/// A sentence or a name in the campaigns' words.
pub(super) fn own_word(said: &str) -> String {
    let said = WORDS.iter().fold(said.to_owned(), |said, (word, own)| said.replace(word, own));
    // What stands between backticks is to be typed, or was.
    let part = |(n, part): (usize, &str)| if n % 2 == 0 { of_campaigns(part) } else { part.to_owned() };
    said.split('`').enumerate().map(part).collect::<Vec<_>>().join("`")
}

fn of_campaigns(text: &str) -> String {
    let mut parts = text.split("blast ");
    let mut said = parts.next().unwrap_or_default().to_owned();
    for behind in parts {
        let before = said.strip_suffix(' ').and_then(|before| before.rsplit(' ').next()).unwrap_or_default();
        let is_ours = behind.starts_with(|c: char| c.is_ascii_digit())
            || BEFORE.iter().any(|word| before.eq_ignore_ascii_case(word));
        said.push_str(if is_ours { "campaign " } else { "blast " });
        said.push_str(behind);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::{own_word, own_word_beside};

    #[test]
    fn what_is_said_of_a_blast_is_said_of_a_campaign() {
        for (said, own) in [
            ("the blast is sending: it was not paused", "the campaign is sending: it was not paused"),
            ("row 1: phone_number: not a phone number", "row 1: phoneNumber: not a phone number"),
            ("`POST /api/blasts` makes a new one to send", "`POST /api/whatsapp/campaigns` makes a new one to send"),
            ("blast 7 is no longer a draft", "campaign 7 is no longer a draft"),
            ("`POST /api/blasts/7/pause` stops it", "`POST /api/blasts/7/pause` stops it"),
            (
                "somebody changed this blast since: there is no blast 8",
                "somebody changed this campaign since: there is no campaign 8",
            ),
            (
                "there is no sender `the blast shop`: the configuration has big blast shops, sales",
                "there is no sender `the blast shop`: the configuration has big blast shops, sales",
            ),
            ("`blastdeck blast undo 7` takes it back", "`blastdeck blast undo 7` takes it back"),
            (
                "once started, only `rate`, `gap`, `send_window` and `weekdays` can change",
                "once started, only `rateLimit`, `sendWindowStart` and `sendWindowEnd` can change",
            ),
        ] {
            assert_eq!(own_word(said), own);
        }
    }

    #[test]
    fn the_name_of_a_campaign_stays_whatever_is_in_it() {
        for (name, said, own) in [
            (
                "Raya blast 2026",
                "nobody is left to send to in Raya blast 2026: this blast is over",
                "nobody is left to send to in Raya blast 2026: this campaign is over",
            ),
            (
                "The blast of May",
                "The blast of May is not finished: the blast has no template",
                "The blast of May is not finished: the campaign has no template",
            ),
            ("Raya", "blast 7 is no longer a draft", "campaign 7 is no longer a draft"),
        ] {
            assert_eq!(own_word_beside(name, said), own);
        }
    }
}
