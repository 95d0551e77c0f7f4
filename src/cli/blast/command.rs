//! `blast pause|undo|cancel|delete`: stops a blast, or removes it.

use color_eyre::Result;
use serde_json::json;

use super::refusal::{named, named_of};
use super::schedule;
use crate::app::AppError;
use crate::app::view::BlastView;
use crate::cli::Global;
use crate::cli::confirm::confirm;
use crate::cli::context::{Context, Intent};
use crate::cli::output::{json, talk};
use crate::domain::amount::in_currency;
use crate::domain::blast::{BlastCommand, transition};
use crate::domain::ids::BlastId;
use crate::domain::text::{people, people_are};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct ConfirmArgs {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

pub(super) async fn pause(global: &Global, id: BlastId) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    let blast = match context.app.pause(id).await {
        Err(refused) => return Err(named_of(&context.app, id, refused).await.into()),
        Ok(blast) => blast,
    };
    if context.is_json {
        return json(&json!({ "id": blast.id, "state": blast.state }));
    }
    talk(&match blast.origin.repeat.rule {
        Some(_) => schedule::paused_words(&context, id).await?,
        None if blast.launched_at.is_none() => format!(
            "{} is paused; `blastdeck blast resume {id}` has it start at its time, `blastdeck blast undo {id}` makes it a draft again",
            blast.name()
        ),
        None => format!("{} is paused; `blastdeck blast resume {id}` resumes it", blast.name()),
    });
    Ok(())
}

/// Takes back a launch of which nothing was sent.
pub(super) async fn undo(global: &Global, id: BlastId) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    let undone = context.app.undo_launch_of(id).await.map_err(|refusal| as_commands(refusal, id))?;
    if context.is_json {
        return json(&json!({ "id": id, "state": context.app.blast(id).await?.state }));
    }
    talk(&undone.sentence);
    Ok(())
}

/// A refusal about a blast that names commands where the dashboard has keys.
fn as_commands(refusal: AppError, blast: BlastId) -> AppError {
    let keys = [("⟨p⟩", "pause"), ("⟨S⟩", "resume"), ("⟨X⟩", "cancel"), ("⟨e⟩ on it", "edit"), ("⟨e⟩", "edit")];
    let command =
        |why: String, (key, verb): (&str, &str)| why.replace(key, &format!("`blastdeck blast {verb} {blast}`"));
    refusal.reworded(|why| keys.into_iter().fold(why, command))
}

impl ConfirmArgs {
    pub(super) const fn blast(&self) -> BlastId {
        self.blast
    }

    pub(super) async fn cancel(self, global: &Global) -> Result<()> {
        let context = Context::open(global, Intent::Writes).await?;
        let blast = context.app.blast(self.blast).await?;
        let (id, queued, repeats) = (self.blast, blast.counts.queued, blast.origin.repeat.rule.is_some());
        // A cancel that was interrupted has been confirmed already.
        let is_cancelling = context.app.is_cancelling(id).await?;
        if !is_cancelling {
            allowed(&blast, BlastCommand::Cancel)?;
            let question = if repeats {
                format!("End {} for good, with all its times to come?", blast.name())
            } else {
                format!(
                    "Cancel {} for good? {} still queued and will get no message.",
                    blast.name(),
                    people_are(queued)
                )
            };
            confirm(&question, self.yes)?;
        }
        let shown = context.app.at_version(id, blast.version);
        let left_out = if self.yes || is_cancelling {
            context.app.cancel(id).await
        } else if repeats {
            shown.cancel(id).await
        } else {
            shown.cancel_at_most(id, queued).await
        };
        let left_out = left_out.map_err(|refused| named(refused, &blast))?;
        if context.is_json {
            return json(&json!({ "id": self.blast, "state": "cancelled", "left_out": left_out }));
        }
        talk(&if repeats {
            format!("{} is ended: no more times", blast.name())
        } else {
            format!("{} is cancelled; {} left out", blast.name(), people_are(left_out))
        });
        Ok(())
    }

    pub(super) async fn delete(self, global: &Global) -> Result<()> {
        let context = Context::open(global, Intent::Writes).await?;
        let id = self.blast;
        // A deleted blast has no name any more, and a delete that was interrupted has been confirmed already.
        let mut app = context.app.clone();
        let name = if context.app.is_deleting(id).await? {
            format!("blast {id}")
        } else {
            let blast = context.app.blast(id).await?;
            allowed(&blast, BlastCommand::Delete)?;
            let people = people(blast.total_recipients);
            let sales = match blast.counts.amount {
                sum if sum.is_zero() => String::new(),
                sum => format!(" and {} of sales", in_currency(sum, &context.app.config().ui.currency)),
            };
            let name = format!("{} (blast {id})", blast.name());
            let drafts = left_empty(&context.app.drafts_that_follow(id).await?);
            confirm(&format!("{drafts}Delete {name}, {people} with their history{sales}?"), self.yes)?;
            if !self.yes {
                app = app.at_version(id, blast.version);
            }
            name
        };
        app.delete(id).await?;
        if context.is_json {
            return json(&json!({ "id": id, "deleted": true }));
        }
        talk(&format!("{name} is deleted"));
        Ok(())
    }
}

/// What becomes of drafts that follow a blast when it is deleted.
fn left_empty(drafts: &[BlastId]) -> String {
    let ids = drafts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    match drafts {
        [] => String::new(),
        [_] => format!("Draft {ids} follows it, and finds nobody from then on. "),
        _ => format!("Drafts {ids} follow it, and find nobody from then on. "),
    }
}

/// Refuses before asking, so that no confirmed command is refused.
fn allowed(blast: &BlastView, command: BlastCommand) -> Result<()> {
    transition(blast.state, command).map_err(|refused| named(AppError::Refused(refused.to_string()), blast))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_commands_in_place_of_keys() {
        let keys = AppError::Refused("c has started: ⟨p⟩ pauses it, then ⟨X⟩ cancels the rest".to_owned());
        let commands =
            "c has started: `blastdeck blast pause 75` pauses it, then `blastdeck blast cancel 75` cancels the rest";
        assert_eq!(as_commands(keys, BlastId(75)).to_string(), commands);
    }
}
