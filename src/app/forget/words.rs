//! Words of blasts and steps that name whoever is to be forgotten, in sentences.

use crate::domain::blast::blast_name;
use crate::domain::forgotten::WordsFate;
use crate::domain::text::count_of;
use crate::store::forget::NamingWords;

/// At most so many are named.
const NAMED_MAX: usize = 5;

/// `Raya (blast 3)`, `step 1 of Raya (blast 3)`.
fn name(words: &NamingWords) -> String {
    let blast = format!("{} (blast {})", blast_name(&words.blast_tag, &words.follow_up_stage), words.blast);
    words.step.map_or_else(|| blast.clone(), |step| format!("step {step} of {blast}"))
}

/// Why nobody is forgotten while what goes out names them: by the first that does, with what changes or ends it.
pub(super) fn sent_words(words: &[NamingWords]) -> Option<String> {
    going_out(words).or_else(|| in_flight(words))
}

fn in_flight(words: &[NamingWords]) -> Option<String> {
    let landing = words.iter().find(|words| words.fate == WordsFate::Landing)?;
    let name = name(landing);
    Some(format!("their number stands in messages of {name} that are in flight: try again once their outcome is known"))
}

fn going_out(words: &[NamingWords]) -> Option<String> {
    let sent: Vec<_> = words.iter().filter(|words| words.fate.is_sent()).collect();
    let (first, others) = sent.split_first()?;
    let more = match others.len() {
        0 => String::new(),
        n => format!(", and {} too", count_of(n, "other blast or step sends it", "other blasts and steps send it")),
    };
    Some(format!(
        "their number stands in what {} sends, which would go out without it{more}: {}",
        name(first),
        mend(first)
    ))
}

/// What changes or ends it.
fn mend(words: &NamingWords) -> String {
    let id = words.blast;
    match (words.fate, words.step) {
        (_, Some(step)) => format!("`blastdeck blast step set {id} {step}` gives it other words"),
        (WordsFate::Editable, None) => format!("`blastdeck blast edit {id}` gives it other words"),
        (WordsFate::Paused, None) => format!("`blastdeck blast undo {id}` makes it a draft, which can be edited"),
        _ => format!("try again once it is done, or end it with `blastdeck blast cancel {id}`"),
    }
}

/// What will be rewritten before it is sent: the drafts and steps, counted and named. `None`: nothing will.
pub(super) fn rewritten_words(words: &[NamingWords]) -> Option<String> {
    let drafts: Vec<_> = words.iter().filter(|words| words.fate == WordsFate::Draft).collect();
    let steps = drafts.iter().filter(|words| words.step.is_some()).count();
    let kinds = [(drafts.len() - steps, "draft", "drafts"), (steps, "step", "steps")];
    let counted = kinds.into_iter().filter(|(n, ..)| *n > 0).map(|(n, one, many)| count_of(n, one, many));
    let counted = counted.collect::<Vec<_>>().join(" and ");
    let mut named: Vec<_> = drafts.iter().take(NAMED_MAX).map(|words| name(words)).collect();
    if drafts.len() > NAMED_MAX {
        named.push(format!("and {} more", drafts.len() - NAMED_MAX));
    }
    let said = format!("their number is taken out of the words that {counted} would send: {}", named.join(", "));
    (!drafts.is_empty()).then_some(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::BlastId;

    fn words(blast: i64, step: Option<i32>, fate: WordsFate) -> NamingWords {
        let (blast_tag, follow_up_stage) = ("Raya".to_owned(), "Initial".to_owned());
        NamingWords { blast: BlastId(blast), blast_tag, follow_up_stage, step, fate }
    }

    #[test]
    fn what_goes_out_is_named_with_what_changes_or_ends_it() {
        for (step, fate, expected) in [
            (
                None,
                WordsFate::Editable,
                "Raya (blast 7) sends, which would go out without it: `blastdeck blast edit 7` gives",
            ),
            (None, WordsFate::Paused, "`blastdeck blast undo 7` makes it a draft"),
            (None, WordsFate::Fixed, "try again once it is done, or end it with `blastdeck blast cancel 7`"),
            (Some(2), WordsFate::Editable, "what step 2 of Raya (blast 7) sends, which"),
            (Some(2), WordsFate::Editable, "`blastdeck blast step set 7 2` gives it other words"),
        ] {
            let said = sent_words(&[words(3, None, WordsFate::Draft), words(7, step, fate)]).unwrap();
            assert!(said.contains(expected), "{said}");
        }
        let two = [words(7, None, WordsFate::Fixed), words(8, None, WordsFate::Editable)];
        assert!(sent_words(&two).unwrap().contains(", and 1 other blast or step sends it too: "), "{two:?}");
        assert_eq!(sent_words(&[words(3, None, WordsFate::Draft), words(4, None, WordsFate::Over)]), None);
        let landing = sent_words(&[words(3, None, WordsFate::Landing)]).unwrap();
        assert!(landing.contains("in messages of Raya (blast 3) that are in flight: try again"), "{landing}");
    }

    #[test]
    fn what_is_rewritten_is_counted_and_named() {
        let drafts =
            [words(3, None, WordsFate::Draft), words(4, None, WordsFate::Over), words(5, Some(1), WordsFate::Draft)];

        assert_eq!(
            rewritten_words(&drafts).unwrap(),
            "their number is taken out of the words that 1 draft and 1 step would send: Raya (blast 3), step 1 of Raya (blast 5)"
        );
        let many: Vec<_> = (1..=7).map(|id| words(id, None, WordsFate::Draft)).collect();
        assert!(rewritten_words(&many).unwrap().ends_with("Raya (blast 5), and 2 more"));
        assert_eq!(rewritten_words(&[words(4, None, WordsFate::Over)]), None);
    }
}
