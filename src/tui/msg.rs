//! The messages of an update. Each carries its time: updates have no clock.

use chrono::{DateTime, Utc};

use super::Size;
use super::effect::Completion;
use super::key::Key;
use super::mouse::MouseEvent;
use crate::app::{DatabaseState, EngineChange};

/// A message and when it came.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedMsg {
    pub at: DateTime<Utc>,
    pub msg: Msg,
}

/// Something happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Msg {
    Key(Key),
    Paste(String),
    Mouse(MouseEvent),
    Resized(Size),
    /// Something changed in the database.
    News,
    /// Something may have changed in the database, or it has been a while.
    Refresh,
    Database(DatabaseState),
    /// The engine of this process sends no more.
    Retired(EngineChange),
    /// A time shown on the screen has come.
    Deadline,
    /// The process was continued after a stop.
    Continued,
    /// A frame with the model as it is now was written.
    Drawn,
    Completed(Completion),
}
