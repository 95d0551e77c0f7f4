//! `customer forget`: counts what it will do, asks, does it, and names what it cannot reach.

use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde_json::json;

use super::read;
use crate::app::{FORGOTTEN_STAYS_COUNTED, Forgotten, NOT_FORGOTTEN, hooks_in_words};
use crate::cli::confirm::confirm;
use crate::cli::context::Context;
use crate::cli::exit::RefusedError;
use crate::cli::output::{json, line, talk};
use crate::domain::text::clean;

pub(super) async fn run(context: &Context, phone: &str, sure: bool) -> Result<()> {
    let phone = read(context, phone)?;
    let preview = context.app.forget_preview(&phone).await?;
    if let Some(why) = preview.refusal {
        return Err(RefusedError(context.pasteable(&why)).into());
    }
    if !context.is_json {
        talk(&preview.in_words());
        talk(FORGOTTEN_STAYS_COUNTED);
        talk(NOT_FORGOTTEN);
        if let Some(hooks) = hooks_in_words(&preview.hooks) {
            talk(&hooks);
        }
    }
    confirm("Forget them?", sure)?;
    let done = context.app.forget(&phone).await?;
    if context.is_json {
        json(&json!({
            "forgotten": true, "numbers": done.numbers, "kept": done.kept, "not_touched": NOT_FORGOTTEN,
            "files_elsewhere": done.files_elsewhere, "rejected_files": done.rejected_files, "hooks": done.hooks,
            "left_here": done.left_here,
        }))?;
    } else {
        said(&done)?;
    }
    refuse_left_here(&done)?;
    if !context.is_json {
        talk("the key that blocks importing them again: `blastdeck customer key`");
    }
    Ok(())
}

/// Fails, in JSON too, where a file of this machine has them still: they are forgotten, so it is no refusal, which changes nothing.
fn refuse_left_here(done: &Forgotten) -> Result<()> {
    let Some(why) = &done.left_here else { return Ok(()) };
    let again = "the database has forgotten them, but a file of this machine could not be cleared";
    Err(eyre!("{again} ({why}): fix that and run this again"))
}

fn said(done: &Forgotten) -> Result<()> {
    line("forgotten")?;
    if !done.files_elsewhere.is_empty() {
        talk(&format!(
            "files that they sent are on the disk of {}: delete them there",
            done.files_elsewhere.join(", ")
        ));
    }
    if !done.rejected_files.is_empty() {
        talk("files of rejected rows that are out of reach and may name them: delete them, or the rows in them");
        done.rejected_files.iter().for_each(|file| talk(&format!("  {}", clean(file))));
    }
    if let Some(hooks) = hooks_in_words(&done.hooks) {
        talk(&hooks);
    }
    Ok(())
}

/// Shows where the key is.
pub(super) async fn key(context: &Context) -> Result<()> {
    let state = context.app.forget_key_state().await?;
    if context.is_json {
        return json(&json!({ "file": state.path, "id": state.id, "missing": state.missing }));
    }
    match (&state.id, &state.missing) {
        (_, Some(missing)) => {
            line(missing)?;
            talk(&format!("{}; lists are refused here until then", context.app.bring_key()));
        }
        (Some(id), None) => line(&format!("{} (key {id})", state.path.display()))?,
        (None, None) => line(&format!("nobody was forgotten yet: the key will be {}", state.path.display()))?,
    }
    if state.id.is_some() {
        talk(
            "every machine that takes lists for this database needs this file; keep it out of backups of the database",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{AppError, KeptOfPerson};

    #[test]
    fn a_file_that_could_not_be_cleared_is_a_failure_and_no_refusal() {
        let done = |left_here: Option<&str>| Forgotten {
            numbers: 1,
            kept: KeptOfPerson::default(),
            files_elsewhere: Vec::new(),
            rejected_files: Vec::new(),
            hooks: Vec::new(),
            left_here: left_here.map(str::to_owned),
        };

        refuse_left_here(&done(None)).unwrap();
        let failed = refuse_left_here(&done(Some("opt-outs.log: no space left"))).unwrap_err();
        assert!(failed.to_string().contains("no space left"), "{failed}");
        assert!(failed.downcast_ref::<RefusedError>().is_none() && failed.downcast_ref::<AppError>().is_none());
    }
}
