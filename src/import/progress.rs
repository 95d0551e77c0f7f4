//! How far the reading of a list is, for whoever waits for it, and the wish to stop it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::ImportError;

/// Shared by the thread that reads a list and whoever watches it.
#[derive(Debug, Default)]
pub struct ImportProgress {
    rows: AtomicU64,
    is_stopped: AtomicBool,
}

impl ImportProgress {
    /// How many rows were read so far.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// Ends the import with [`ImportError::Stopped`], unless its last row was read already.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// One row more was read.
    pub(super) fn count(&self, rows: u64) -> Result<(), ImportError> {
        if self.is_stopped.load(Ordering::Relaxed) {
            return Err(ImportError::Stopped);
        }
        self.rows.store(rows, Ordering::Relaxed);
        Ok(())
    }
}
