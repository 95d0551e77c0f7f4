//! `blast`: make, send, follow and report blasts. One verb a file.

mod command;
mod list;
mod new;
pub(super) mod people;
mod report;
mod retry;
mod send;
mod show;

use std::process::ExitCode;

use clap::Subcommand;
use color_eyre::Result;

use super::Global;
use crate::domain::ids::BlastId;

#[derive(Debug, Subcommand)]
pub(super) enum BlastVerb {
    /// Make a draft from a message and a list of people; prints its id. Nothing is sent.
    New(Box<new::NewArgs>),
    /// Blasts, newest first.
    List(list::ListArgs),
    /// One blast: its state, counts, and what it waits for.
    Show { blast: BlastId },
    /// What sending it would do: who, how fast, until when, and what they read. Nothing is sent.
    Plan { blast: BlastId },
    /// Send a draft. Asks for the number of people first.
    Send(send::SendArgs),
    /// Stop sending for now; takes effect within one message.
    Pause { blast: BlastId },
    /// Go on after a pause. Asks for the number of people left first.
    Resume(send::SendArgs),
    /// Stop for good: whoever is still queued is left out.
    Cancel(command::ConfirmArgs),
    /// Remove a draft or a finished blast, with its people.
    Delete(command::ConfirmArgs),
    /// Send again to who failed and is known never to have had the message.
    Retry(retry::RetryArgs),
    /// The funnel, and where people are stuck.
    Report(report::ReportArgs),
    /// The people of a blast.
    Recipients(people::RecipientsArgs),
}

impl BlastVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        match self {
            Self::New(verb) => verb.run(global).await?,
            Self::List(verb) => verb.run(global).await?,
            Self::Show { blast } => show::show(global, blast).await?,
            Self::Plan { blast } => show::plan(global, blast).await?,
            Self::Send(verb) => verb.run(global, send::StartKind::Launch).await?,
            Self::Resume(verb) => verb.run(global, send::StartKind::Resume).await?,
            Self::Pause { blast } => command::pause(global, blast).await?,
            Self::Cancel(sure) => sure.cancel(global).await?,
            Self::Delete(sure) => sure.delete(global).await?,
            Self::Retry(verb) => verb.run(global).await?,
            Self::Report(verb) => verb.run(global).await?,
            Self::Recipients(verb) => verb.run(global).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
