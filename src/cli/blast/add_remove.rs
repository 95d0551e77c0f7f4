//! `blast add` and `blast remove`: the people of a draft.

use std::collections::HashSet;
use std::path::PathBuf;

use color_eyre::Result;
use serde_json::json;

use super::new::open;
use super::taken::{report, report_typed, say_who_gets_nothing, typed_number, who_gets_nothing};
use crate::app::view::BlastView;
use crate::app::{AppError, InvalidPlace, PeopleSource, WrittenPerson};
use crate::cli::Global;
use crate::cli::column_args::ColumnArgs;
use crate::cli::confirm::confirm;
use crate::cli::context::{Context, Intent};
use crate::cli::exit::UsageError;
use crate::cli::output::{json, line, talk};
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::message::RenderError;
use crate::domain::phone::Phone;
use crate::domain::text::{clean, count_of, number, people};
use crate::import::{Reason, ReasonCount, RejectedTo, TableSource};

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct AddPeopleArgs {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    /// The numbers, in any spelling.
    #[arg(value_name = "PHONE", required_unless_present = "recipients", conflicts_with = "recipients")]
    phones: Vec<String>,
    /// The name of the one person who is added.
    #[arg(long, conflicts_with = "recipients")]
    name: Option<String>,
    /// A list of people, as `blast new` reads it: a CSV file or an Excel workbook (.xlsx), or - for standard input.
    #[arg(long, value_name = "FILE")]
    recipients: Option<PathBuf>,
    /// The sheet of the workbook; by default the first that is not hidden.
    #[arg(long, value_name = "NAME", requires = "recipients")]
    sheet: Option<String>,
    #[command(flatten)]
    columns: ColumnArgs,
    /// Do not ask where the blast is scheduled or repeats.
    #[arg(long)]
    yes: bool,
}

impl AddPeopleArgs {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        if self.name.is_some() && self.phones.len() > 1 {
            return Err(UsageError("--name is the name of one person: give one number with it".to_owned()).into());
        }
        let source = self.source()?;
        let context = Context::open(global, Intent::Writes).await?;
        let blast = context.app.blast_without_unasked(self.blast).await?;
        let starts = self.confirm_scheduled(&context, &blast)?;
        let without = who_gets_nothing(&context, self.blast).await;
        let rejected = self.recipients.as_deref().map_or(RejectedTo::Nowhere, RejectedTo::beside);
        context.app.expect_rejected_file(&rejected).await;
        let added = context.app.add_people_as_seen((self.blast, blast.state), source, rejected).await;
        let added = added.map_err(|error| self.refused(error))?;
        if let Some(file) = &added.rejected_file {
            context.app.note_rejected_file(file).await.unwrap_or_else(|why| talk(&why));
        }
        context.done(format!(
            "{} added to blast {}, and only this could not be printed",
            were(added.taken),
            self.blast
        ));
        if self.recipients.is_some() {
            report(&added);
        } else {
            report_typed(&added, &self.phones);
        }
        say_who_gets_nothing(&context, self.blast, without).await;
        let total = total_now(&context, self.blast).await;
        if context.is_json {
            let reason = |reason: &ReasonCount| json!({ "reason": reason.reason, "rows": reason.rows });
            let reasons: Vec<_> = added.rejected.reasons.iter().map(reason).collect();
            return json(&json!({
                "id": self.blast, "taken": added.taken, "rejected": added.rejected.total, "reasons": reasons,
                "rejected_file": added.rejected_file, "removed": added.members_out,
                "unclear_opt_outs": added.unclear_opt_outs, "local": added.local, "total_recipients": total,
            }));
        }
        let starts = starts.map_or_else(String::new, |starts| format!(", which {starts}"));
        match total {
            Some(total) => line(&format!("{} in blast {} now{starts}", people(total), self.blast)),
            None => line(&format!("{} added to blast {}{starts}", were(added.taken), self.blast)),
        }
    }

    /// When it starts by itself, or goes out next, which somebody confirmed for fewer people.
    fn confirm_scheduled(&self, context: &Context, blast: &BlastView) -> Result<Option<String>> {
        let is_scheduled = blast.state == BlastState::Scheduled;
        let Some(at) = blast.scheduled_for.filter(|_| is_scheduled) else { return Ok(None) };
        let (name, starts) = (blast.clean_name(), context.start(at, context.app.clocks_of(blast)));
        let (queued, repeat) = (blast.counts.queued, &blast.origin.repeat);
        let confirmed = people(queued);
        if repeat.rule.is_none() {
            let question = format!(
                "{name} is scheduled for {confirmed} and starts {starts} by itself: whoever is added gets it then. Add them?"
            );
            confirm(&question, self.yes)?;
            return Ok(Some(format!("starts {starts}")));
        }
        // A time of it that would go to more than were confirmed waits for somebody: whoever is added then gets nothing unasked.
        if let Some(at_most) = repeat.at_most.map(i64::from).filter(|at_most| queued >= *at_most) {
            let at_most = number(at_most);
            return Ok(Some(format!("goes out next {starts}, and waits for you then if it is to more than {at_most}")));
        }
        let question = format!(
            "{name} repeats, to {confirmed}, and goes out next {starts}: whoever is added gets it from then on. Add them?"
        );
        confirm(&question, self.yes)?;
        Ok(Some(format!("goes out next {starts}")))
    }

    /// Why nobody is added: a refusal where what a file holds, or who is in the blast, forbids it, and with the option that gives a name.
    fn refused(&self, error: AppError) -> AppError {
        let AppError::InvalidAt { why, places } = error else { return error };
        let are_all = |reason: String| !places.is_empty() && places.iter().all(|place| place.why.ends_with(&reason));
        if self.recipients.is_some() {
            return AppError::Refused(why);
        }
        // Numbers that were typed have neither rows nor columns.
        let typed: Option<Vec<String>> = places.iter().map(|place| self.typed(place)).collect();
        let why = typed.filter(|typed| !typed.is_empty()).map_or(why, |typed| typed.join("; "));
        if are_all(Reason::Member.to_string()) {
            return AppError::Refused(why);
        }
        let is_nameless = are_all(RenderError::Missing { name: "name".to_owned() }.to_string());
        let why = if is_nameless { format!("{why}; --name gives the name of one person") } else { why };
        AppError::InvalidAt { why, places }
    }

    /// `+60100000305: in the blast already`, of a number that was typed.
    fn typed(&self, InvalidPlace { row, why, .. }: &InvalidPlace) -> Option<String> {
        let (_, reason) = why.split_once(": ")?;
        Some(format!("{}: {reason}", typed_number(&self.phones, (*row)?)?))
    }

    fn source(&self) -> Result<PeopleSource> {
        if let Some(path) = &self.recipients {
            let source = TableSource::from(open(path)?).of_sheet(self.sheet.clone());
            return Ok(PeopleSource::Table(source.by_columns(self.columns.chosen())));
        }
        self.columns.without_list()?;
        let person = |phone: &String| json!({ "phone_number": phone, "name": self.name });
        Ok(PeopleSource::Named(self.phones.iter().map(person).map(WrittenPerson::from).collect()))
    }
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct RemovePeopleArgs {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    /// The numbers, in any spelling.
    #[arg(value_name = "PHONE", required = true)]
    phones: Vec<String>,
}

impl RemovePeopleArgs {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let context = Context::open(global, Intent::Writes).await?;
        let region = context.app.region_of(context.app.require_blast(self.blast).await?);
        let (mut phones, mut wrong) = (Vec::new(), Vec::new());
        for text in &self.phones {
            match Phone::parse(text, region) {
                Ok(phone) => phones.push(phone),
                Err(error) => wrong.push(format!("`{}`: {error}", clean(text))),
            }
        }
        if !wrong.is_empty() {
            return Err(UsageError(wrong.join("; ")).into());
        }
        let asked = phones.iter().map(Phone::key).collect::<HashSet<_>>().len() as u64;
        let removed = context.app.remove_people(self.blast, &phones).await?;
        if removed == 0 {
            return Err(AppError::NotFound(match &phones[..] {
                [only] => format!("{only} is not in blast {}", self.blast),
                _ => format!("none of these numbers is in blast {}", self.blast),
            })
            .into());
        }
        let taken_out = people(removed);
        context.done(format!("{taken_out} taken out of blast {}, and only this could not be printed", self.blast));
        let total = total_now(&context, self.blast).await;
        if context.is_json {
            return json(&json!({ "id": self.blast, "removed": removed, "total_recipients": total }));
        }
        if let absent @ 1.. = asked.saturating_sub(removed) {
            let were = count_of(absent, "number was", "numbers were");
            talk(&format!("{were} not in blast {}", self.blast));
        }
        match total {
            Some(total) => line(&format!("{taken_out} taken out, {} in blast {} now", people(total), self.blast)),
            None => line(&format!("{taken_out} taken out of blast {}", self.blast)),
        }
    }
}

/// How many people are in a draft after a change of them, which stands also where that cannot be read.
async fn total_now(context: &Context, blast: BlastId) -> Option<i64> {
    let read = context.app.blast_without_unasked(blast).await;
    let read =
        read.inspect_err(|error| tracing::warn!(%error, blast = blast.0, "how many are in it now could not be read"));
    read.ok().map(|blast| blast.total_recipients)
}

/// `1 person was`, `3 people were`.
fn were(number: u64) -> String {
    count_of(number, "person was", "people were")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct AddCommand {
        #[command(flatten)]
        add: AddPeopleArgs,
    }

    #[test]
    fn whoever_is_in_already_is_a_refusal_and_a_name_that_is_missing_has_an_option() {
        let add = AddCommand::parse_from(["add", "9", "+60123456789"]).add;
        let refused = |reason: String| {
            let place = InvalidPlace { field: "recipients".to_owned(), row: Some(1), why: format!("phone: {reason}") };
            add.refused(AppError::InvalidAt { why: reason, places: vec![place] })
        };

        assert!(matches!(refused(Reason::Member.to_string()), AppError::Refused(_)));
        let nameless = refused(RenderError::Missing { name: "name".to_owned() }.to_string());
        assert!(
            matches!(&nameless, AppError::InvalidAt { why, .. } if why.ends_with("; --name gives the name of one person"))
        );
        let short = refused("too short".to_owned());
        assert!(matches!(&short, AppError::InvalidAt { why, .. } if why == "+60123456789: too short"), "{short:?}");
    }
}
