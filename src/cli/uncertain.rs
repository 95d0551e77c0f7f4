//! `uncertain`: people of whom nobody knows whether the message went.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use color_eyre::Result;
use serde_json::json;

use super::Global;
use super::blast::people::{Listing, list};
use super::context::{Context, Touch};
use super::output::{json, line};
use crate::domain::filter::Filter;
use crate::domain::ids::BlastId;
use crate::domain::recipient::{Mark, Resolution};
use crate::domain::status::Status;

#[derive(Debug, Subcommand)]
pub(super) enum UncertainVerb {
    /// Who is uncertain in a blast.
    List { blast: BlastId },
    /// Say what became of one: open the chat on the phone, and look whether the message is there.
    Resolve {
        blast: BlastId,
        /// The number, in any spelling.
        phone: String,
        answer: Answer,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum Answer {
    /// It is there: counts as sent.
    Sent,
    /// It is not there: send once more.
    Resend,
    /// It is not there: leave them out.
    Drop,
}

impl UncertainVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        match self {
            Self::List { blast } => {
                let context = Context::open(global, Touch::Reads).await?;
                context.app.blast(blast).await?;
                list(&context, blast, &Filter::status(Status::Uncertain), Listing::ALL).await?;
            }
            Self::Resolve { blast, phone, answer } => resolve(global, blast, &phone, answer).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn resolve(global: &Global, blast: BlastId, phone: &str, answer: Answer) -> Result<()> {
    let context = Context::open(global, Touch::Writes).await?;
    let person = context.app.recipient_by_phone(blast, phone).await?;
    let resolution = match answer {
        Answer::Sent => Resolution::Sent,
        Answer::Resend => Resolution::Resend,
        Answer::Drop => Resolution::Drop,
    };
    let done = context.app.mark(person.id, Mark::Resolve(resolution)).await?;
    if context.is_json {
        return json(&json!({ "who": done.who, "before": done.before, "after": done.after }));
    }
    line(&format!("{}: {} -> {}", done.who, done.before, done.after))
}
