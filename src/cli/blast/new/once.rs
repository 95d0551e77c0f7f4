//! `--idempotency-key`: a draft that is made once, however often the command is run.

use std::fmt::Debug;
use std::fs;
use std::io::Read;
use std::path;

use color_eyre::{Report, Result};
use serde_json::json;

use super::NewArgs;
use crate::app::{AppError, NewDraft};
use crate::cli::context::Context;
use crate::cli::once::Once;
use crate::cli::output::{json, line, talk};
use crate::domain::ids::BlastId;
use crate::import::Imported;

impl NewArgs {
    /// What makes this command one that has its effect once: its key, and a hash of what it was given. A time such as `tomorrow 09:00`
    /// is taken as it is typed, and a list by its place.
    pub(super) fn once(&self, content: &impl Debug) -> Option<Once> {
        let key = self.idempotency_key.clone()?;
        let mut typed = format!("{self:#?} {content:#?}");
        if let Some(path) = &self.recipients {
            let place = fs::canonicalize(path).or_else(|_| path::absolute(path)).unwrap_or_else(|_| path.clone());
            typed = typed.replace(&format!("\"{}\"", path.display()), &format!("\"{}\"", place.display()));
        }
        Some(Once::new(key, &typed))
    }

    /// `None`: another run with the same key was quicker, and the id of its draft is printed.
    pub(super) async fn create_once(
        &self,
        context: &Context,
        once: Option<Once>,
        draft: NewDraft,
        list: Option<Box<dyn Read + Send>>,
    ) -> Result<Option<Imported>> {
        let Some(Once { key, hash }) = once else {
            return Ok(Some(self.create(context, &context.app, draft, list).await?));
        };
        match self.create(context, &context.app.once(&key, hash).await?, draft, list).await {
            Err(error) if is_repeated(&error) => match context.app.made_before(&key, hash).await? {
                Some(made) => made_before(context, made).map(|()| None),
                None => Err(error),
            },
            imported => imported.map(Some),
        }
    }
}

/// Prints the draft that this command made when it was run before.
pub(super) fn made_before(context: &Context, blast: BlastId) -> Result<()> {
    talk(&format!("blast {blast} was made with this idempotency key before: nothing is made now"));
    if context.is_json { json(&json!({ "id": blast, "made_before": true })) } else { line(&blast.to_string()) }
}

fn is_repeated(error: &Report) -> bool {
    matches!(error.downcast_ref(), Some(AppError::Repeated))
}
