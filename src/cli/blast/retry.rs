//! `blast retry`: sends again to people who failed and are known not to have received the message.

use color_eyre::Result;
use serde_json::json;

use crate::cli::Global;
use crate::cli::confirm::{Confirmation, confirm_number};
use crate::cli::context::{Context, Intent, hand_over};
use crate::cli::exit::RefusedError;
use crate::cli::output::{json, talk};
use crate::domain::ids::BlastId;

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RetryArgs {
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
            let why = "nobody to retry: no failed person is known not to have received the message";
            let mend = context.pasteable(&format!("`blastdeck blast report {}` has the errors", self.blast));
            return Err(RefusedError(format!("{why}; {mend}")).into());
        }
        let question = format!("This sends again to {people} people who failed.");
        if confirm_number(&question, people, self.yes)? == Confirmation::No {
            return Ok(());
        }
        let queued = context.app.retry(self.blast, self.code.as_deref()).await?;
        let blast = context.app.blast(self.blast).await?;
        if !self.no_engine {
            hand_over(&context.app, &blast).await?;
        }
        if context.is_json {
            return json(&json!({ "id": self.blast, "state": blast.state, "people": queued }));
        }
        talk(&format!("{queued} people are queued again"));
        Ok(())
    }
}
