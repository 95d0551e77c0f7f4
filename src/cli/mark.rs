//! `mark`: records what an operator knows about one person.

use std::process::ExitCode;

use clap::ValueEnum;
use color_eyre::Result;
use serde_json::json;

use super::Global;
use super::confirm::confirm;
use super::context::{Context, Intent};
use super::exit::UsageError;
use super::output::{json, line};
use crate::app::view::RecipientRow;
use crate::domain::amount;
use crate::domain::ids::BlastId;
use crate::domain::recipient::Mark;

#[derive(Debug, clap::Args)]
pub(super) struct MarkVerb {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    /// The number, in any spelling.
    phone: String,
    /// What to record.
    what: MarkKind,
    /// The amount of the sale, with `closed`.
    #[arg(long, allow_hyphen_values = true)]
    amount: Option<String>,
    /// The text, with `note`; an empty one removes the note.
    #[arg(long, allow_hyphen_values = true)]
    note: Option<String>,
    /// With `undo`: do not ask, even if somebody gets a message because of it.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum MarkKind {
    Replied,
    Closed,
    OptOut,
    Note,
    /// Undo the newest mark, and only that.
    Undo,
}

impl MarkVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        self.check()?;
        let context = Context::open(global, Intent::Writes).await?;
        let mark = self.mark(&context.app.config().ui.currency)?;
        let person = context.app.recipient_by_phone(self.blast, &self.phone).await?;
        match mark {
            Some(mark) => write(&context, (self.blast, &person), mark).await?,
            None => undo(&context, &person, self.yes).await?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn check(&self) -> Result<()> {
        if self.amount.is_some() && self.what != MarkKind::Closed {
            return Err(UsageError("--amount is valid only with `closed`".to_owned()).into());
        }
        if self.note.is_some() != (self.what == MarkKind::Note) {
            return Err(UsageError("--note TEXT belongs to `note`: give both or neither".to_owned()).into());
        }
        Ok(())
    }

    /// `None`: the newest is undone.
    fn mark(&self, currency: &str) -> Result<Option<Mark>> {
        let read = |text: &String| {
            amount::parse_with_currency(text, currency).map_err(|why| UsageError(format!("--amount {why}")))
        };
        Ok(match self.what {
            MarkKind::Replied => Some(Mark::Replied),
            MarkKind::Closed => Some(Mark::Closed(self.amount.as_ref().map(read).transpose()?)),
            MarkKind::OptOut => Some(Mark::OptOut),
            MarkKind::Note => Some(Mark::Note(self.note.clone().unwrap_or_default())),
            MarkKind::Undo => None,
        })
    }
}

async fn write(context: &Context, (blast, person): (BlastId, &RecipientRow), mark: Mark) -> Result<()> {
    let sum = if let Mark::Closed(sum) = &mark { *sum } else { None };
    let done = context.app.mark_apart(person.id, mark).await?;
    if context.is_json {
        return json(&json!({
            "who": done.who, "act": done.act, "before": done.before, "after": done.after, "blast_id": blast, "recipient_id": person.id,
            "phone_number": person.phone.as_str(), "amount": sum.map(amount::as_kept), "amount_before": done.amount_before.map(amount::as_kept),
            "replaced_orders": done.replaced, "later_message": done.later_message,
        }));
    }
    let money = |sum| amount::in_currency(sum, &context.app.config().ui.currency);
    let replaced = done.amount_before.filter(|before| sum != Some(*before));
    let replaced = replaced.map_or_else(String::new, |before| format!(" in place of {}", money(before)));
    let amount = sum.map_or_else(String::new, |sum| format!(" with {}{replaced}", money(sum)));
    let change = if done.before == done.after { String::new() } else { format!(", {} -> {}", done.before, done.after) };
    let also = [done.replaced_in_words(), done.later_in_words()].concat();
    line(&format!("{}: {}{amount}{change}{also}", done.who, done.act))
}

async fn undo(context: &Context, person: &RecipientRow, sure: bool) -> Result<()> {
    let marks = context.app.newest_marks(&[person.id]).await?;
    let done = match context.app.ask_about_marks(&[person.id]).await? {
        Some(question) => {
            confirm(&question, sure)?;
            context.app.undo_marks(&[person.id], &marks).await?
        }
        None => context.app.undo_person(person.id).await?,
    };
    if context.is_json {
        return json(&json!({ "undone": done.sentence, "still_suppressed": done.still_suppressed }));
    }
    line(&context.pasteable(&done.sentence))
}
