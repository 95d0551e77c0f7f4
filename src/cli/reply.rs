//! `reply`: answers somebody who wrote, and prints what became of it.

use std::process::ExitCode;
use std::time::Duration;

use clap::ArgAction;
use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::Global;
use super::context::{Context, Intent, hand_over};
use super::exit::unread_report;
use super::output::{json, line, talk};
use crate::app::{AnswerOutcome, AnswerRequest, QueuedAnswer, RepeatedAnswer, SessionAnswer};
use crate::domain::ids::BlastId;
use crate::domain::pace::parse_span;
use crate::domain::text::clean;

#[derive(Debug, clap::Args)]
pub(super) struct ReplyVerb {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    /// The number, in any spelling.
    phone: String,
    /// The text, as they read it.
    #[arg(allow_hyphen_values = true)]
    text: String,
    /// Send it even if they already have this text.
    #[arg(long)]
    again: bool,
    /// How long to wait for what becomes of it.
    #[arg(long, default_value = "30s", value_name = "SPAN", value_parser = span, allow_hyphen_values = true)]
    wait: Duration,
    /// Do not wait: print what is known as soon as it is queued.
    #[arg(long, conflicts_with = "wait", action = ArgAction::SetTrue)]
    no_wait: bool,
    /// Start no standby: something else runs the engine.
    #[arg(long)]
    no_engine: bool,
}

/// How often its outcome is read.
const POLL_EVERY: Duration = Duration::from_millis(100);

fn span(text: &str) -> Result<Duration, String> {
    parse_span(text).map_err(|_| "write a span such as 30s or 2m".to_owned())
}

impl ReplyVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        let context = Context::open(global, Intent::Writes).await?;
        let request = AnswerRequest {
            blast: self.blast,
            phone: self.phone.clone(),
            text: self.text.clone(),
            repeat: if self.again { RepeatedAnswer::SendAgain } else { RepeatedAnswer::Refuse },
        };
        let queued = context.app.answer(&request).await?;
        if !self.no_engine {
            hand_on(&context, queued.id).await.map_err(unread_report(in_words(&queued)))?;
        }
        let patience = if self.no_wait { Duration::ZERO } else { self.wait };
        let answer = outcome(&context, queued.id, patience).await.map_err(unread_report(in_words(&queued)))?;
        if context.is_json {
            json(&as_json(&queued, &answer))?;
        }
        report(&context, &queued, &answer)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// That an answer is queued. Asked for once more it would be sent twice.
fn in_words(queued: &QueuedAnswer) -> String {
    format!("the answer to {} is queued (blast {})", clean(&queued.who), queued.id)
}

/// Sees to it that an engine sends it.
async fn hand_on(context: &Context, id: BlastId) -> Result<()> {
    let blast = context.app.blast(id).await?;
    hand_over(&context.app, &blast).await
}

/// The answer once its outcome is known, or as it is when the patience is over.
async fn outcome(context: &Context, id: BlastId, patience: Duration) -> Result<SessionAnswer> {
    let deadline = Instant::now() + patience;
    loop {
        let answer = context.app.session_answer(id).await?;
        if AnswerOutcome::of(answer.status) != AnswerOutcome::Open || Instant::now() >= deadline {
            return Ok(answer);
        }
        sleep(POLL_EVERY).await;
    }
}

/// Says what became of it; a failure where nobody has it, or nobody knows.
fn report(context: &Context, queued: &QueuedAnswer, answer: &SessionAnswer) -> Result<()> {
    let (id, who) = (queued.id, clean(&queued.who));
    match AnswerOutcome::of(answer.status) {
        AnswerOutcome::Accepted if context.is_json => Ok(()),
        AnswerOutcome::Accepted => {
            let message_id = answer.message_id.as_ref().map_or("-", |id| id.as_str());
            line(&format!("{who}: {}, {}, message id {message_id}", answer.status, context.when(answer.sent_at)))
        }
        AnswerOutcome::Open => {
            let until = context.when(Some(queued.until));
            let mend = context.pasteable(&format!(
                "`blastdeck blast show {id}` says what it waits for, and `blastdeck blast cancel {id}` takes it back"
            ));
            talk(&format!("{who}: the answer is queued (blast {id}), and can be sent until {until}; {mend}"));
            Ok(())
        }
        AnswerOutcome::Failed | AnswerOutcome::LeftOut => Err(eyre!("{who} was not answered: {}", why(answer))),
        AnswerOutcome::Uncertain => {
            let mend = context.pasteable(&format!("`blastdeck uncertain resolve {id} all resend` sends it again"));
            Err(eyre!(
                "it is not known whether {who} has the answer: {}. It is not sent again by itself; a webhook settles it. If \
                 they say that they do not have it, {mend}",
                why(answer)
            ))
        }
    }
}

fn why(answer: &SessionAnswer) -> String {
    let code = answer.error_code.as_deref().filter(|code| !code.is_empty());
    let words = answer.error_message.as_deref().or(answer.reason.as_deref()).unwrap_or("no reason is known");
    let advice = answer.advice.map(|advice| format!(": {advice}")).unwrap_or_default();
    code.map_or_else(|| words.to_owned(), |code| format!("{words} ({code}){advice}"))
}

fn as_json(queued: &QueuedAnswer, answer: &SessionAnswer) -> Value {
    json!({
        "id": queued.id, "outcome": word(AnswerOutcome::of(answer.status)), "status": answer.status,
        "message_id": answer.message_id, "sent_at": answer.sent_at, "open_until": queued.until,
        "error_code": answer.error_code, "error_message": answer.error_message, "reason": answer.reason,
    })
}

const fn word(outcome: AnswerOutcome) -> &'static str {
    match outcome {
        AnswerOutcome::Open => "queued",
        AnswerOutcome::Accepted => "accepted",
        AnswerOutcome::Failed => "failed",
        AnswerOutcome::Uncertain => "uncertain",
        AnswerOutcome::LeftOut => "left_out",
    }
}
