//! `audit`: recount and compare.

use std::process::ExitCode;

use color_eyre::Result;
use serde_json::json;

use super::Global;
use super::context::{Context, Touch};
use super::output::{json, line, talk};
use crate::domain::ids::BlastId;

/// The exit code for a difference.
pub(super) const DIFFERENCE: u8 = 4;

#[derive(Debug, clap::Args)]
pub(super) struct Audit {
    /// Only this blast.
    blast: Option<BlastId>,
}

impl Audit {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        let context = Context::open(global, Touch::Reads).await?;
        let differences = context.app.audit(self.blast).await?;
        let torn = context.app.audit_history(self.blast).await?;
        if context.is_json {
            json(&json!({ "counters": differences, "history": torn }))?;
        } else {
            for d in &differences {
                line(&format!("blast {} {}: counted {}, recounted {}", d.blast_id, d.status, d.counted, d.recounted))?;
            }
            for blast in &torn {
                line(&format!("blast {blast}: somebody's newest history is not their status"))?;
            }
        }
        if differences.is_empty() && torn.is_empty() {
            talk("clean: the counters equal a recount");
            return Ok(ExitCode::SUCCESS);
        }
        Ok(ExitCode::from(DIFFERENCE))
    }
}
