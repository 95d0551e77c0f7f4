//! `audit`: recounts, compares and, on request, repairs the counters.

use std::process::ExitCode;

use color_eyre::Result;
use serde_json::json;

use super::Global;
use super::context::{Context, Intent};
use super::output::{json, line, talk};
use crate::app::{CountDifference, OrderDifference, TakenTwice};
use crate::domain::ids::BlastId;

/// The exit code for a difference.
pub(super) const DIFFERENCE: u8 = 4;

#[derive(Debug, clap::Args)]
pub(super) struct AuditArgs {
    /// Only this blast.
    blast: Option<BlastId>,
    /// Overwrite counters that differ with the recount. People and their history are not touched.
    #[arg(long)]
    repair: bool,
}

impl AuditArgs {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        let touch = if self.repair { Intent::Writes } else { Intent::Reads };
        let context = Context::open(global, touch).await?;
        if let Some(blast) = self.blast {
            context.app.state(blast).await?;
        }
        let repaired = if self.repair { context.app.repair(self.blast).await? } else { Vec::new() };
        let differences = context.app.audit(self.blast).await?;
        let orders = context.app.audit_orders(self.blast).await?;
        let torn = context.app.audit_history(self.blast).await?;
        let twice = context.app.audit_attempts(self.blast).await?;
        if context.is_json {
            json(
                &json!({ "counters": differences, "history": torn, "orders": orders, "repaired": repaired, "twice": twice }),
            )?;
        } else {
            repaired.iter().try_for_each(|was| line(&format!("{}, repaired", sentence(was))))?;
            differences.iter().try_for_each(|is| line(&sentence(is)))?;
            orders.iter().try_for_each(|is| line(&of_order(is)))?;
            for blast in &torn {
                line(&format!("blast {blast}: somebody's latest history entry differs from their status"))?;
            }
            twice.iter().try_for_each(|is| line(&of_attempts(is)))?;
        }
        if differences.is_empty() && torn.is_empty() && orders.is_empty() && twice.is_empty() {
            talk("clean: the counters match a recount, and the provider took no message twice unasked");
            return Ok(ExitCode::SUCCESS);
        }
        if !differences.is_empty() {
            talk("`blastdeck audit --repair` repairs the counters");
        }
        Ok(ExitCode::from(DIFFERENCE))
    }
}

fn of_order(difference: &OrderDifference) -> String {
    let OrderDifference { order_id, recipient_id, what, written, recounted } = difference;
    let whose = match (order_id, recipient_id) {
        (Some(order), _) => format!("order {order}"),
        (None, recipient) => format!("recipient {}", recipient.map_or_else(String::new, |id| id.to_string())),
    };
    let or_nothing = |sum: &Option<String>| sum.clone().unwrap_or_else(|| "nothing".to_owned());
    format!("{whose}, {what}: written {}, recounted {}", or_nothing(written), or_nothing(recounted))
}

fn of_attempts(twice: &TakenTwice) -> String {
    let TakenTwice { blast_id, recipient_id, first, second } = twice;
    format!(
        "blast {blast_id}, recipient {recipient_id}: the provider took attempts {first} and {second}, and nothing asked for the second"
    )
}

fn sentence(difference: &CountDifference) -> String {
    let CountDifference { blast_id, status, counted, recounted, .. } = difference;
    let money = if difference.counted_amount == difference.recounted_amount {
        String::new()
    } else {
        format!("; money {}, recounted {}", difference.counted_amount, difference.recounted_amount)
    };
    let held = if difference.counted_held == difference.recounted_held {
        String::new()
    } else {
        format!("; held by Meta {}, recounted {}", difference.counted_held, difference.recounted_held)
    };
    format!("blast {blast_id} {status}: counted {counted}, recounted {recounted}{money}{held}")
}
