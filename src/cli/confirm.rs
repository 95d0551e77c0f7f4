//! Confirms what starts messages or deletes things: asks on a terminal; elsewhere a flag must say yes.

use std::io::{BufRead, IsTerminal};

use color_eyre::Result;

use super::exit::RefusedError;
use super::output::talk;
use crate::domain::text;

/// Asks; `y` is yes, all else is a refusal. `sure` skips the question.
pub(super) fn confirm(question: &str, sure: bool) -> Result<()> {
    if sure || ask(question, "[y/N]")?.eq_ignore_ascii_case("y") {
        return Ok(());
    }
    Err(RefusedError("nothing was done: it was not confirmed".to_owned()).into())
}

/// The same for what sends nothing and scripts do without a flag: asks on a terminal alone.
pub(super) fn confirm_on_terminal(question: &str, sure: bool) -> Result<()> {
    if std::io::stdin().is_terminal() { confirm(question, sure) } else { Ok(()) }
}

/// Asks for a number of people; any other answer is a refusal.
pub(super) fn confirm_number(question: &str, number: i64, sure: bool) -> Result<()> {
    if sure {
        return Ok(());
    }
    let answer = ask(question, &format!("Type {}, then press enter", text::number(number)))?;
    if answer.replace(',', "") == number.to_string() {
        return Ok(());
    }
    Err(RefusedError(format!("{answer:?} is not {}: nothing was done", text::number(number))).into())
}

fn ask(question: &str, how: &str) -> Result<String> {
    if !std::io::stdin().is_terminal() {
        let why = format!("{question} This needs a confirmation: run it on a terminal, or add --yes");
        return Err(RefusedError(why).into());
    }
    talk(&format!("{question} {how}"));
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(answer.trim().to_owned())
}
