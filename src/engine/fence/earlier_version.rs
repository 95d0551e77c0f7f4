//! What the version before this one's memory remembered of a database.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::domain::ids::SenderId;
use crate::engine::machine_memory::{Remembered, Standing};
use crate::store::fence::DatabaseIdentity;

/// Its file's name hangs on how the database was reached: each is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct OldMemory {
    likeness: Option<DatabaseIdentity>,
    renewals: BTreeMap<i64, i64>,
}

/// What it remembered of a sender, which is at this epoch now: it kept none, so that nobody knows by it who was the last to send.
pub(super) fn memory(runs: &Path, (sender, epoch): (SenderId, i64), likeness: &DatabaseIdentity) -> Option<Remembered> {
    let directories = fs::read_dir(runs).into_iter().flatten().flatten();
    let memories = directories.filter_map(|directory| {
        let text = fs::read(directory.path().join("memory.json")).ok()?;
        serde_json::from_slice::<OldMemory>(&text).ok()
    });
    let same = memories.filter(|memory| memory.likeness.as_ref().is_some_and(|of| of == likeness));
    let renewals = same.filter_map(|memory| memory.renewals.get(&sender.0).copied()).max()?;
    let standing = Standing { likeness: likeness.clone(), epoch, renewals, server_started_at: None };
    Some(Remembered { standing, witnesses: Vec::new() })
}
