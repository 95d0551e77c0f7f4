//! What a use case can end with, told apart by exit code and by what the operator can do.

use crate::store::StoreError;

/// An error of the engine's use cases.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A rule or a state forbids it; nothing changed. Exit code 3. The sentence names the mend.
    #[error("{0}")]
    Refused(String),
    /// What was typed means nothing, such as a number that is no phone's; nothing changed. Exit code 2.
    #[error("{0}")]
    Invalid(String),
    /// There is no such blast, person or sender. Exit code 1.
    #[error("{0}")]
    NotFound(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
