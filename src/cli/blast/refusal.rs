//! What is refused of a blast, with its name: the rules behind a refusal know none, and several of a series may be meant.

use crate::app::view::BlastView;
use crate::app::{App, AppError};
use crate::domain::ids::BlastId;

/// A refusal that names its blast.
pub(super) fn named(refused: AppError, blast: &BlastView) -> AppError {
    let AppError::Refused(why) = refused else { return refused };
    let why = if blast.origin.repeat.rule.is_some() { of_pattern(&why) } else { why };
    AppError::Refused(with_name(why, &blast.clean_name()))
}

/// Why something is refused of a blast that repeats, with its state as lists have it: it is *ended* where another one is cancelled.
fn of_pattern(why: &str) -> String {
    let why = why.replace("cancel it first, then delete it", "end it first, then delete it");
    let states = [
        ("the blast is cancelled: ", "the blast is ended: "),
        ("the blast is done: ", "the blast is over: "),
        ("the blast is scheduled: ", "the blast repeats: "),
    ];
    let mend = |(state, listed): &(&str, &'static str)| Some((*listed, why.strip_prefix(state)?));
    match states.iter().find_map(mend) {
        Some((listed, "it is over")) => format!("{listed}it has no more times"),
        Some((listed, mend)) => format!("{listed}{mend}"),
        None => why,
    }
}

/// The same where the blast was not read before; if it cannot be read, the refusal is as it was.
pub(super) async fn named_of(app: &App, id: BlastId, refused: AppError) -> AppError {
    if !matches!(refused, AppError::Refused(_)) {
        return refused;
    }
    match app.blast(id).await {
        Ok(blast) => named(refused, &blast),
        Err(_) => refused,
    }
}

/// Why something is refused, with the blast's name in place of *the blast*.
pub(super) fn with_name(why: String, name: &str) -> String {
    let is_its_state = |rest: &&str| rest.starts_with("is ") || rest.starts_with("repeats: ");
    match why.strip_prefix("the blast ").filter(is_its_state) {
        Some(rest) => format!("{name} {rest}"),
        None => why,
    }
}

#[cfg(test)]
mod tests {
    use super::{of_pattern, with_name};

    #[test]
    fn a_refusal_names_the_blast_where_it_speaks_of_it() {
        let named = |why: &str| with_name(why.to_owned(), "Raya, Follow-up 1");

        assert_eq!(named("the blast is done: it is over"), "Raya, Follow-up 1 is done: it is over");
        assert_eq!(named("nobody is left to send to in Raya"), "nobody is left to send to in Raya");
    }

    #[test]
    fn what_repeats_is_refused_by_the_state_that_lists_have_for_it() {
        let named = |why: &str| of_pattern(&format!("the blast is {why}"));

        assert_eq!(named("cancelled: it is over"), "the blast is ended: it has no more times");
        assert_eq!(named("done: make a new blast to send again"), "the blast is over: make a new blast to send again");
        assert_eq!(named("paused: there is nothing to pause"), "the blast is paused: there is nothing to pause");
        let goes_on = "it is not paused, and starts by itself";
        assert_eq!(named(&format!("scheduled: {goes_on}")), format!("the blast repeats: {goes_on}"));
        let kept = named("scheduled: cancel it first, then delete it");
        assert_eq!(with_name(kept, "Raya"), "Raya repeats: end it first, then delete it");
    }
}
