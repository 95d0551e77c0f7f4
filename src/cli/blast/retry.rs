//! `blast retry`: sends again to people who failed and are known not to have received the message.

use color_eyre::{Report, Result};
use serde_json::json;

use crate::cli::Global;
use crate::cli::confirm::confirm_number;
use crate::cli::context::{Context, Intent, hand_over};
use crate::cli::exit::RefusedError;
use crate::cli::output::{json, talk};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::retry::OperatorRetry;
use crate::domain::text::{self, people_are};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RetryArgs {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    /// Only people who failed with this code.
    #[arg(long)]
    code: Option<String>,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Start no standby: something else runs the engine.
    #[arg(long)]
    no_engine: bool,
}

impl RetryArgs {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let context = Context::open(global, Intent::Writes).await?;
        let people = context.app.retryable(self.blast, self.code.as_deref()).await?;
        if people == 0 {
            return Err(self.nobody(&context).await?);
        }
        let question = format!("This sends again to {} who failed.", text::people(people));
        confirm_number(&question, people, self.yes)?;
        let queued = context.app.retry(self.blast, self.code.as_deref()).await?;
        let blast = context.app.blast(self.blast).await?;
        if !self.no_engine && blast.state == BlastState::Sending {
            hand_over(&context.app, &blast).await?;
        }
        if context.is_json {
            return json(&json!({ "id": self.blast, "state": blast.state, "people": queued }));
        }
        let queued = format!("{} queued again", people_are(queued));
        talk(&match blast.state {
            BlastState::Paused => context
                .pasteable(&format!("{queued}; the blast is paused: `blastdeck blast resume {}` goes on", blast.id)),
            _ => queued,
        });
        Ok(())
    }

    /// Why nobody can be sent to again.
    async fn nobody(&self, context: &Context) -> Result<Report> {
        let errors = context.app.errors(self.blast).await?;
        let is_failed = |code: &str| errors.iter().any(|error| error.code == code);
        let why = match self.code.as_deref() {
            _ if errors.is_empty() => return Ok(RefusedError("nobody has failed in this blast".to_owned()).into()),
            Some(code) if !is_failed(code) => format!("nobody failed with the code `{code}`"),
            Some(code) if OperatorRetry::of(code) == OperatorRetry::NextDay => {
                let day = context.app.next_day_retry(self.blast, code).await?;
                match day {
                    Some(from) => format!(
                        "nobody who failed with the code `{code}` may have another message yet: Meta asks to wait a day, the \
                         first may from {} on",
                        context.moment(from)
                    ),
                    None => format!("nobody who failed with the code `{code}` can be retried"),
                }
            }
            Some(code) => format!(
                "nobody to retry: no person who failed with the code `{code}` is known not to have received the message"
            ),
            None => "nobody to retry: no failed person is known not to have received the message".to_owned(),
        };
        let mend = context.pasteable(&format!("`blastdeck blast report {}` has the errors", self.blast));
        Ok(RefusedError(format!("{why}; {mend}")).into())
    }
}
