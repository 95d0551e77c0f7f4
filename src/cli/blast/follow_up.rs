//! `blast follow-up`: a draft to those who are stuck at a stage, with the blast's own message or another one.

use chrono::TimeDelta;
use color_eyre::Result;
use serde_json::json;

use super::message::MessageArgs;
use super::new::short_text;
use super::taken::{found, stuck};
use super::template::TemplateArgs;
use crate::app::{FollowUp, SegmentDraft};
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::cli::exit::UsageError;
use crate::cli::output::{json, line};
use crate::domain::content::BlastContent;
use crate::domain::filter;
use crate::domain::ids::BlastId;
use crate::domain::pace::parse_span;
use crate::domain::status::Status;
use crate::domain::step::StepSince;

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("text"))]
#[command(group = clap::ArgGroup::new("whom").args(["stuck_at", "from"]).required(true))]
pub(in crate::cli) struct FollowUpArgs {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    /// The stage that they reached and no further: sent, received, read or replied; or cart, for whoever has one and ordered nothing
    /// since.
    #[arg(long, value_name = "STAGE", value_parser = stage)]
    stuck_at: Option<StepSince>,
    /// Those of its people whom a filter finds, such as 'stuck:read -has:reply older:48h', in place of a stage and an age. Also
    /// leaves out who had another message within the business's frequency cap; the filter is read again until the draft is sent.
    #[arg(long, value_name = "FILTER", allow_hyphen_values = true, conflicts_with = "older_than")]
    from: Option<String>,
    /// The least time that they have been stuck, such as 24h. Default: 24h for a cart, else none.
    #[arg(long, value_name = "TIME", value_parser = span, allow_hyphen_values = true)]
    older_than: Option<TimeDelta>,
    #[command(flatten)]
    message: MessageArgs,
    #[command(flatten)]
    template: TemplateArgs,
    /// The follow-up stage; the next of the blast's follow-ups by default.
    #[arg(long, value_parser = short_text)]
    stage: Option<String>,
}

fn stage(word: &str) -> Result<StepSince, String> {
    let stage = StepSince::parse(word).filter(|stage| *stage != StepSince::Stage(Status::Closed));
    stage.ok_or_else(|| "write sent, received, read, replied or cart".to_owned())
}

pub(super) fn span(text: &str) -> Result<TimeDelta, String> {
    let span = parse_span(text).map_err(|error| error.to_string())?;
    TimeDelta::from_std(span).map_err(|_| "write a time such as 24h".to_owned())
}

impl FollowUpArgs {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let context = Context::open(global, Intent::Writes).await?;
        let mut draft = context.app.draft_alike(self.blast).await?;
        let template = self.template.read()?;
        if let Some(message) = self.message.read()? {
            draft.content = BlastContent::Text(message);
        } else if let Some(given) = template {
            let fitted = self.template.fit(&context.app, &draft.sender, given).await?;
            draft.is_marketing = fitted.is_marketing;
            draft.content = BlastContent::Template(Box::new(fitted.message));
        }
        if let Some(stage) = self.stage {
            draft.follow_up_stage = stage;
        }
        let of_carts = || filter::waiting_carts(self.older_than.unwrap_or(filter::CART_STUCK));
        let from = self.from.or_else(|| (self.stuck_at == Some(StepSince::Cart)).then(of_carts));
        let reported = if from.is_some() { found } else { stuck };
        let made = match (from, self.stuck_at.and_then(StepSince::stage)) {
            (Some(from), _) => {
                let follows = Some(self.blast);
                context.app.create_from_segment(SegmentDraft { draft, from, follows }).await?
            }
            (None, Some(stuck_at)) => {
                let older_than = self.older_than.unwrap_or_default();
                context.app.follow_up(FollowUp { blast: self.blast, stuck_at, older_than }, draft).await?
            }
            (None, None) => return Err(UsageError("give --stuck-at or --from".to_owned()).into()),
        };
        context.done(format!("blast {} is a draft now, and only this could not be printed", made.blast));
        if context.is_json {
            let reasons =
                made.rejected.reasons.iter().map(|reason| json!({ "reason": reason.reason, "rows": reason.rows }));
            return json(&json!({
                "id": made.blast, "taken": made.taken, "follows": self.blast, "rejected": made.rejected.total,
                "reasons": reasons.collect::<Vec<_>>(),
            }));
        }
        reported(&made);
        line(&made.blast.to_string())
    }
}
