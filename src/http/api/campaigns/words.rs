//! What is wrong with a campaign, as its clients call things: said by what is a blast's.

use super::super::super::problem::Problem;

/// A word of blasts, and the campaigns' one.
const WORDS: [(&str, &str); 8] = [
    ("blast ", "campaign "),
    ("phone_number", "phoneNumber"),
    ("external_id", "customerId"),
    ("scheduled_for", "scheduledFor"),
    ("rate_limit", "rateLimit"),
    ("expect_recipients", "expectRecipients"),
    ("`POST /api/blasts/{id}/send`", "`POST /api/whatsapp/campaigns/{id}/send`"),
    ("`POST /api/blasts` makes", "`POST /api/whatsapp/campaigns` makes"),
];

/// The same in the campaigns' words.
pub(super) fn own_words(problem: Problem) -> Problem {
    problem.reworded(own_word)
}

/// A sentence or a name in the campaigns' words.
pub(super) fn own_word(said: &str) -> String {
    WORDS.iter().fold(said.to_owned(), |said, (word, own)| said.replace(word, own))
}

#[cfg(test)]
mod tests {
    use super::own_word;

    #[test]
    fn what_is_said_of_a_blast_is_said_of_a_campaign() {
        for (said, own) in [
            ("the blast is sending: it was not paused", "the campaign is sending: it was not paused"),
            ("row 1: phone_number: not a phone number", "row 1: phoneNumber: not a phone number"),
            ("`POST /api/blasts` makes a new one to send", "`POST /api/whatsapp/campaigns` makes a new one to send"),
            ("blast 7 is no longer a draft", "campaign 7 is no longer a draft"),
            ("`POST /api/blasts/7/pause` stops it", "`POST /api/blasts/7/pause` stops it"),
        ] {
            assert_eq!(own_word(said), own);
        }
    }
}
