//! Why a blast is not sending as fast as it can, as programs read it.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::super::calls::for_programs;
use crate::app::view::BlastView;

/// Why it is not sending as fast as it can, with the sentence.
pub(super) fn waiting(blast: &BlastView) -> Option<Value> {
    let waiting = blast.waiting.as_ref()?;
    let mut value = json!(waiting);
    let sentence = waiting.sentence(|at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true));
    value["text"] = json!(for_programs(&sentence));
    value["mend"] = json!(blast.mend.as_deref().map(for_programs));
    value["until"] = json!(waiting.until());
    Some(value)
}
