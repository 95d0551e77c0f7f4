//! Questions before messages start or things go: on a terminal they are asked, elsewhere a flag must say yes.

use std::io::{BufRead, IsTerminal};

use color_eyre::Result;

use super::exit::Refused;
use super::output::talk;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
}

/// Asks; `y` is yes, all else is no. `sure` skips the question.
pub(super) fn confirm(question: &str, sure: bool) -> Result<Answer> {
    if sure {
        return Ok(Answer::Yes);
    }
    let answer = ask(&format!("{question} y, anything else is no"))?;
    if answer.eq_ignore_ascii_case("y") {
        return Ok(Answer::Yes);
    }
    talk("nothing was done");
    Ok(Answer::No)
}

/// Asks for a number of people; any other answer is no.
pub(super) fn confirm_number(question: &str, number: i64, sure: bool) -> Result<Answer> {
    if sure {
        return Ok(Answer::Yes);
    }
    let answer = ask(&format!("{question} Type {number} and enter"))?;
    if answer == number.to_string() {
        return Ok(Answer::Yes);
    }
    talk(&format!("{answer:?} is not {number}: nothing is sent"));
    Ok(Answer::No)
}

fn ask(question: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        return Err(Refused("this needs a yes: run it on a terminal, or add --yes".to_owned()).into());
    }
    talk(question);
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
