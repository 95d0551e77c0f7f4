//! Confirms what starts messages or deletes things: asks on a terminal; elsewhere a flag must say yes.

use std::io::{BufRead, IsTerminal};

use color_eyre::Result;

use super::exit::RefusedError;
use super::output::talk;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Confirmation {
    Yes,
    No,
}

/// Asks a question: `y` is yes, anything else is no. `sure` skips it.
pub(super) fn confirm(question: &str, sure: bool) -> Result<Confirmation> {
    if sure {
        return Ok(Confirmation::Yes);
    }
    let answer = ask(&format!("{question} y, anything else is no"))?;
    if answer.eq_ignore_ascii_case("y") {
        return Ok(Confirmation::Yes);
    }
    talk("cancelled: nothing was done");
    Ok(Confirmation::No)
}

/// Asks the operator to type the number of people; any other answer is no.
pub(super) fn confirm_number(question: &str, number: i64, sure: bool) -> Result<Confirmation> {
    if sure {
        return Ok(Confirmation::Yes);
    }
    let answer = ask(&format!("{question} Type {number} and enter"))?;
    if answer == number.to_string() {
        return Ok(Confirmation::Yes);
    }
    talk(&format!("{answer:?} is not {number}: nothing is sent"));
    Ok(Confirmation::No)
}

fn ask(question: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        return Err(RefusedError("this needs a confirmation: run it on a terminal, or add --yes".to_owned()).into());
    }
    talk(question);
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
