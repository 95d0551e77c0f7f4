//! `blast`: creates, sends, follows and reports blasts. One verb per file.

mod add_remove;
mod command;
mod edit;
pub(super) mod export;
mod follow_up;
mod gap_arg;
mod list;
mod message;
pub(super) mod new;
pub(super) mod people;
mod plan;
mod refusal;
mod report;
mod retry;
pub(super) mod schedule;
mod send;
mod show;
mod step;
pub(super) mod taken;
mod taking_back;
mod template;
mod wait;

use std::process::ExitCode;

use clap::Subcommand;
use color_eyre::Result;

use super::Global;
use crate::domain::ids::BlastId;

#[derive(Debug, Subcommand)]
pub(super) enum BlastVerb {
    /// Create a draft from a message and a list of people, and print its id. Nothing is sent.
    New(Box<new::NewArgs>),
    /// Create a draft to the people of a blast who are stuck at a stage, and print its id. Leaves out who opted out, bought
    /// since, or is in a follow-up of it already. Nothing is sent.
    FollowUp(Box<follow_up::FollowUpArgs>),
    /// Change a draft, or what is scheduled until it starts: its message or template, name, pace and start. Its people stay. Of a
    /// blast that has started, its rate, gap, window and weekdays.
    Edit(Box<edit::EditArgs>),
    /// Add people to a draft, or to what is scheduled until it starts: numbers, or a list.
    Add(add_remove::AddPeopleArgs),
    /// Take people out of a draft, or of what is scheduled until it starts.
    Remove(add_remove::RemovePeopleArgs),
    /// List blasts by the day they are of, newest first: those to come stand above what was made last.
    List(list::ListArgs),
    /// Show one blast: its state, its counts, and what it is waiting for.
    Show {
        /// The blast's id, as in `blast list`.
        blast: BlastId,
    },
    /// Show what sending would do: to whom, how fast, until when, and what they read. Nothing is sent.
    Plan {
        /// The blast's id, as in `blast list`.
        blast: BlastId,
        /// List whom its filter leaves out, or the rows that its list was read without, and why.
        #[arg(long)]
        left_out: bool,
    },
    /// Send a draft. Asks for the number of people first.
    Send(send::LaunchArgs),
    /// Pause sending; takes effect within one message.
    Pause {
        /// The blast's id, as in `blast list`.
        blast: BlastId,
    },
    /// Take back a launch that has not begun: within its ten seconds, or while it waits for its hours, its stopped sender or its start time.
    /// It does not matter who launched it. A scheduled blast becomes a draft again, even if it is paused; one that was sent before its time
    /// is scheduled again.
    Undo {
        /// The blast's id, as in `blast list`.
        blast: BlastId,
    },
    /// Resume after a pause. Asks for the number of people left first.
    Resume(send::SendArgs),
    /// Cancel for good: people who are still queued are left out.
    Cancel(command::ConfirmArgs),
    /// Delete a draft or a finished blast, with its people.
    Delete(command::ConfirmArgs),
    /// Send again to people who failed and are known not to have received the message.
    Retry(retry::RetryArgs),
    /// Print the funnel, and where people are stuck.
    Report(report::ReportArgs),
    /// Wait until a blast is done, then show it. Exit code 5 where it is not, and somebody has to do something or the time is up: it is a
    /// draft, paused or cancelled, or has needed a person for 30 seconds.
    Wait(wait::WaitArgs),
    /// List the people of a blast.
    Recipients(people::RecipientsArgs),
    /// Blasts that repeat: list, show, pause, resume, skip and end them.
    #[command(subcommand)]
    Schedule(schedule::ScheduleVerb),
    /// Follow-ups of a blast that make themselves: add, list, change, pause and remove them.
    #[command(subcommand)]
    Step(step::StepVerb),
    /// Export the people of a blast, what they wrote, or their history.
    Export(export::BlastExportArgs),
}

impl BlastVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        match self {
            Self::New(verb) => verb.run(global).await?,
            Self::FollowUp(verb) => verb.run(global).await?,
            Self::Edit(verb) => verb.run(global).await?,
            Self::Add(verb) => verb.run(global).await?,
            Self::Remove(verb) => verb.run(global).await?,
            Self::List(verb) => verb.run(global).await?,
            Self::Show { blast } => show::show(global, blast).await?,
            Self::Plan { blast, left_out: true } => plan::left_out(global, blast).await?,
            Self::Plan { blast, left_out: false } => plan::plan(global, blast).await?,
            Self::Send(verb) => verb.run(global).await?,
            Self::Resume(verb) => Box::pin(verb.run(global, send::StartKind::Resume)).await?,
            Self::Pause { blast } => command::pause(global, blast).await?,
            Self::Undo { blast } => command::undo(global, blast).await?,
            Self::Cancel(sure) => sure.cancel(global).await?,
            Self::Delete(sure) => sure.delete(global).await?,
            Self::Retry(verb) => verb.run(global).await?,
            Self::Report(verb) => verb.run(global).await?,
            Self::Wait(verb) => verb.run(global).await?,
            Self::Recipients(verb) => verb.run(global).await?,
            Self::Schedule(verb) => verb.run(global).await?,
            Self::Step(verb) => verb.run(global).await?,
            Self::Export(verb) => verb.run(global).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
