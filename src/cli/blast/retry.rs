//! `blast retry`: sends again to people who failed and are known not to have received the message.

use color_eyre::Result;
use serde_json::json;

use super::refusal::named_of;
use crate::app::{App, AppError, RetryCount};
use crate::cli::Global;
use crate::cli::confirm::confirm_number;
use crate::cli::context::{Context, Intent, hand_over};
use crate::cli::output::{json, talk};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
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
        let count = context.app.retryable(self.blast, self.code.as_deref()).await;
        let count = self.or_its_name(&context.app, count).await?;
        let people = count.people;
        if people == 0 {
            return Err(context.app.nobody_to_retry(self.blast, self.code.as_deref(), count).await?.into());
        }
        let others = of_others(count);
        let question = format!("This sends again to {} who failed.{others}", text::people(people));
        confirm_number(&question, people, self.yes)?;
        let code = self.code.as_deref();
        let queued = if self.yes {
            context.app.retry(self.blast, code).await
        } else {
            context.app.retry_as_shown(self.blast, code, people).await
        };
        let queued = self.or_its_name(&context.app, queued).await?;
        let blast = context.app.blast(self.blast).await?;
        if !self.no_engine && blast.state == BlastState::Sending {
            hand_over(&context.app, &blast).await?;
        }
        if context.is_json {
            return json(&json!({ "id": self.blast, "state": blast.state, "people": queued }));
        }
        if self.yes && !others.is_empty() {
            talk(others.trim_start());
        }
        let queued = format!("{} queued again", people_are(queued));
        talk(&match blast.state {
            BlastState::Paused => context
                .pasteable(&format!("{queued}; the blast is paused: `blastdeck blast resume {}` goes on", blast.id)),
            _ => queued,
        });
        Ok(())
    }

    /// What is refused of the blast names it.
    async fn or_its_name<T>(&self, app: &App, done: Result<T, AppError>) -> Result<T, AppError> {
        match done {
            Ok(done) => Ok(done),
            Err(refused) => Err(named_of(app, self.blast, refused).await),
        }
    }
}

/// Who failed as well and is not sent to again, as more sentences of the question.
fn of_others(count: RetryCount) -> String {
    let left_out = (count.left_out > 0).then(|| {
        let many = text::number(count.left_out);
        format!(" {many} more answered since, or had another message that counts in its place: not sent again.")
    });
    let named = (count.named > 0).then(|| {
        let many = text::number(count.named);
        format!(" A webhook that is here and not applied yet names {many} more: not sent again before it is.")
    });
    let without_number = (count.without_number > 0).then(|| {
        let many = text::number(count.without_number);
        format!(" {many} more would get it without the number of somebody who was forgotten since: not sent again.")
    });
    left_out.into_iter().chain(without_number).chain(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_not_sent_to_again_is_counted_with_the_reason() {
        assert_eq!(of_others(RetryCount { people: 3, ..RetryCount::default() }), "");
        assert_eq!(
            of_others(RetryCount { people: 3, left_out: 2, named: 1, without_number: 1_200 }),
            " 2 more answered since, or had another message that counts in its place: not sent again. 1,200 more would get it without \
             the number of somebody who was forgotten since: not sent again. A webhook that is here and not applied yet names 1 more: \
             not sent again before it is."
        );
    }
}
