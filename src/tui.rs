//! The dashboard: draws what Postgres holds, and performs what is typed. It never invents state, and knows no SQL.
//!
//! The event loop ([`event_loop`]) receives keys, completed effects, timers and the stop signal. [`update`] turns each into
//! a changed model and effects; [`view`] draws the model; both are pure. [`effect`] runs the effects on other tasks.

mod action;
mod availability;
mod effect;
mod event_loop;
mod feed;
mod format;
mod frame;
mod input;
mod key;
mod keymap;
mod layout;
mod model;
mod mouse;
mod msg;
mod overlay;
mod pace_words;
mod run;
mod terminal;
mod theme;
mod update;
mod view;
mod widget;

#[cfg(test)]
mod tests;

pub use keymap::{KeyBinding, Keymap, KeymapError};

use std::io;

use chrono_tz::Tz;

use crate::app::App;
use crate::domain::ids::BlastId;
use crate::domain::text;
use crate::shutdown::Shutdown;
pub use model::WelcomeFacts;
pub use terminal::discard_typed;

/// Whether real people are at the other end. Shown in the header, always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DashboardKind {
    Real,
    /// Every sender's address is a loopback one.
    Demo,
    /// Nothing can be changed.
    ReadOnly,
}

/// Which characters the dashboard draws with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    Unicode,
    /// The Linux console, whose fonts have blocks and no braille.
    Console,
    Ascii,
}

/// Which colours suit the terminal's background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// Unknown: colours that are readable on either.
    Auto,
    Dark,
    Light,
    /// No colour at all.
    Mono,
}

/// Whether to show the demo's one-line hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hints {
    Off,
    On,
}

/// How the dashboard is to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DashboardOptions {
    pub kind: DashboardKind,
    /// Who works in it, as acts are recorded.
    pub operator: String,
    /// The sender that a new blast begins with where none is chosen yet.
    pub default_sender: Option<String>,
    /// The shop's name, for the header.
    pub name: Option<String>,
    /// The zone that times are shown in.
    pub zone: Tz,
    /// The currency of amounts, in three letters (ISO 4217).
    pub currency: String,
    pub charset: Charset,
    pub palette: Palette,
    pub database: DatabaseKind,
    /// The blast to open on; absent: the newest.
    pub open: Option<BlastId>,
    pub hints: Hints,
    pub on_close: OnClose,
    pub keys: Keymap,
    /// What the first screen says of this machine.
    pub welcome: Option<WelcomeFacts>,
    /// Said when it opens.
    pub greeting: Option<String>,
    /// How this program is called from a shell for the same database: `blastdeck`, perhaps with flags, or behind a variable.
    pub program: String,
}

impl DashboardOptions {
    /// Whether there is no sender to send with yet.
    pub(crate) fn is_first_run(&self) -> bool {
        self.welcome.as_ref().is_some_and(|facts| !facts.has_sender)
    }

    /// A command line that begins with `blastdeck`, so that it does the same here when it is pasted.
    pub(crate) fn call(&self, command_line: &str) -> String {
        // A comment names files, which may have the program's name in them.
        if command_line.starts_with('#') {
            return command_line.to_owned();
        }
        command_line.replacen("blastdeck", &self.program, 1)
    }

    /// A sentence whose command lines, each in backticks, do the same here when they are pasted.
    pub(crate) fn pasteable(&self, sentence: &str) -> String {
        text::pasteable(sentence, &self.program)
    }
}

/// Whose database it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// The private one, which this program starts and ends.
    Own,
    /// One at an address that was given.
    Given,
}

/// What happens to running blasts when this window is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnClose {
    /// A standby takes over.
    BlastsContinue,
    /// The dashboard was read-only: it sent nothing.
    NoEffect,
    /// The demo ends, its database included.
    DemoEnds,
}

/// How the dashboard ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitReason {
    /// The operator left.
    Quit,
    /// The terminal is gone.
    HungUp,
    /// A signal: the token was cancelled.
    Stopped,
    /// The configuration has a sender more: it is to be opened again, with that.
    Reopen,
}

/// The terminal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TuiError {
    #[error("standard output is not a terminal; `blastdeck blast report ID` prints the numbers, `--json` for scripts")]
    NotATerminal,
    #[error("no terminal to read keys from: {0}")]
    NoTerminal(#[source] io::Error),
    #[error("the terminal failed: {0}")]
    Terminal(#[from] io::Error),
}

/// The terminal's size in columns and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size {
    pub width: u16,
    pub height: u16,
}

/// Runs the dashboard on this terminal until the operator leaves, the terminal hangs up, or `shutdown` is requested. Restores
/// the terminal before it returns, also on a panic.
pub async fn run(app: App, options: DashboardOptions, shutdown: &Shutdown) -> Result<ExitReason, TuiError> {
    run::on_terminal(app, options, shutdown).await
}
