//! `blast new`: creates a draft from a message and a list of people.

mod once;

use std::fs::File;
use std::io::Read;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;
use color_eyre::Result;
use serde_json::json;

use super::gap_arg::GapArg;
use super::message::MessageArgs;
use super::taken;
use super::template::TemplateArgs;
use crate::app::{App, AppError, GetNothing, NewDraft, RepeatOrder, SegmentDraft};
use crate::cli::Global;
use crate::cli::column_args::ColumnArgs;
use crate::cli::context::{Context, Intent};
use crate::cli::exit::{RefusedError, UsageError};
use crate::cli::output::{json, line, talk};
use crate::domain::blast::PersonClocks;
use crate::domain::content::BlastContent;
use crate::domain::ids::BlastId;
use crate::domain::message::Message;
use crate::domain::pace::{Hours, Rate, Weekdays};
use crate::domain::recurrence::Recurrence;
use crate::domain::start_at::TypedStart;
use crate::domain::template::TemplateMessage;
use crate::domain::text::{clean, clean_name};
use crate::domain::zone;
use crate::import::{ImportError, Imported, RejectedTo, TableSource};

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("text").required(true))]
#[command(group = clap::ArgGroup::new("people").required(true))]
pub(in crate::cli) struct NewArgs {
    /// The sender, as named in the configuration.
    #[arg(long)]
    sender: String,
    #[command(flatten)]
    message: MessageArgs,
    #[command(flatten)]
    template: TemplateArgs,
    /// The list of people: a CSV file or an Excel workbook (.xlsx), or - for standard input.
    #[arg(long, value_name = "FILE", group = "people")]
    recipients: Option<PathBuf>,
    /// The sheet of the workbook; by default the first that is not hidden.
    #[arg(long, value_name = "NAME", requires = "recipients")]
    sheet: Option<String>,
    #[command(flatten)]
    columns: ColumnArgs,
    /// The people of earlier blasts whom a filter finds, such as 'blast:7 stuck:read -has:reply older:48h'; also of several
    /// (blast:7,9). The terms are those of the dashboard's filter. Leaves out who opted out, bought since, or had another message
    /// within the business's frequency cap. The filter is read again until the draft is sent.
    #[arg(long, value_name = "FILTER", allow_hyphen_values = true, group = "people")]
    from: Option<String>,
    /// The blast's name. Defaults to the list's file name; with --from, or a list on standard input, to `Blast`.
    #[arg(long, aliases = ["name", "blast-name"], value_parser = short_text)]
    tag: Option<String>,
    /// The follow-up stage.
    #[arg(long, default_value = "Initial", value_parser = short_text)]
    stage: String,
    /// The maximum rate: 20/min, 80/s. Can only tighten the sender's own.
    #[arg(long, allow_hyphen_values = true)]
    rate: Option<Rate>,
    /// The random pause between two messages, such as 20s..60s; none for the sender's own.
    #[arg(long, allow_hyphen_values = true)]
    gap: Option<GapArg>,
    /// The hours for sending, such as 09:00-21:00, 9-21 or 9am-9pm; 21:00-09:00 goes over midnight.
    #[arg(long)]
    window: Option<Hours>,
    /// The days for sending, such as mon-fri.
    #[arg(long)]
    weekdays: Option<Weekdays>,
    /// The time zone of the hours, such as Asia/Kuala_Lumpur.
    #[arg(long, value_parser = zone::parse)]
    timezone: Option<Tz>,
    /// When it starts by itself once it is sent, such as 2026-12-01T09:00, 21:20 or "tomorrow 09:00" in its time zone, or with an offset.
    #[arg(long, value_name = "TIME")]
    at: Option<TypedStart>,
    /// Each person gets it at this time of their own zone, such as 10:00: by the list's column timezone, else by their country, where that
    /// has one zone.
    #[arg(long, value_name = "TIME", value_parser = clock)]
    local_time: Option<NaiveTime>,
    /// The hours and days for sending hold by each person's own zone, not by the blast's.
    #[arg(long)]
    window_local: bool,
    /// By which rule it repeats, in its time zone: every mon 09:00, every month last 18:00, every hour, five fields of cron
    /// (0 9 * * mon-fri, 0 9 1,15 * *, 30 18 L * *, 0 9 15W * *, 0 9 * * 1#1, 0 9 * * 5L), or @hourly, @daily, @weekly, @monthly, @yearly;
    /// docs/SCHEDULES.md has all that a field may be. It is sent once, with the number of people; each of its times then makes a blast of its own.
    #[arg(long, value_name = "RULE", conflicts_with = "at")]
    repeat: Option<Recurrence>,
    /// The last day on which it repeats.
    #[arg(long, value_name = "DATE", value_parser = zone::parse_day, requires = "repeat")]
    until: Option<NaiveDate>,
    /// How many times it repeats in all.
    #[arg(long, value_name = "N", value_parser = from_one, allow_hyphen_values = true, requires = "repeat")]
    times: Option<NonZeroU32>,
    /// The most people whom one of its times goes to without asking; by default as many as are confirmed.
    #[arg(long, value_name = "N", value_parser = from_one, allow_hyphen_values = true, requires = "repeat")]
    at_most: Option<NonZeroU32>,
    /// Try again after a day, three times in all, those whom Meta skipped because they had received enough marketing (131049,
    /// 130472).
    #[arg(long)]
    retry_next_day: bool,
    /// Sends to so many people first, then waits until the blast is resumed.
    #[arg(long, value_name = "N", value_parser = from_one, allow_hyphen_values = true)]
    first: Option<NonZeroU32>,
    /// A name of your own for this draft, such as nightly-2026-12-01. Run again with it within two days, the command makes no second
    /// draft and prints the id of the first.
    #[arg(long, value_name = "KEY", value_parser = short_text)]
    idempotency_key: Option<String>,
}

/// A time of day.
fn clock(text: &str) -> Result<NaiveTime, String> {
    NaiveTime::parse_from_str(text, "%H:%M").map_err(|_| "write hours and minutes such as 10:00".to_owned())
}

/// A number of people or times.
pub(super) fn from_one(text: &str) -> Result<NonZeroU32, String> {
    text.trim().parse().map_err(|_| "write a whole number from 1".to_owned())
}

fn is_standard_input(path: Option<&Path>) -> bool {
    path == Some(Path::new("-"))
}

/// A name of 1 to 255 characters without control characters.
pub(in crate::cli) fn short_text(text: &str) -> Result<String, String> {
    let text = clean_name(text).trim().to_owned();
    let fits = !text.is_empty() && text.chars().count() <= 255;
    fits.then_some(text).ok_or_else(|| "write 1 to 255 characters".to_owned())
}

impl NewArgs {
    /// What no flag alone can be refused for.
    fn check(&self) -> Result<()> {
        if self.window_local && self.window.is_none() && self.weekdays.is_none() {
            return Err(UsageError("--window-local is about --window or --weekdays: give one".to_owned()).into());
        }
        if self.recipients.is_none() {
            self.columns.without_list()?;
        }
        if is_standard_input(self.message.message_file.as_deref()) && is_standard_input(self.recipients.as_deref()) {
            let why = "--message-file - and --recipients -: standard input is one file, give one of them another";
            return Err(UsageError(why.to_owned()).into());
        }
        Ok(())
    }

    pub(super) async fn run(self, global: &Global) -> Result<()> {
        self.check()?;
        let template = self.template.read()?;
        let message = self.message.read()?;
        let once = self.once(&(&message, &template));
        // The list of a draft that is made already is not needed.
        let list = || self.recipients.as_deref().map(open).transpose();
        let opened = if once.is_none() { list()? } else { None };
        let context = Context::open(global, Intent::Writes).await?;
        if let Some(once) = &once
            && let Some(made) = context.app.made_before(&once.key, once.hash).await?
        {
            return once::made_before(&context, made);
        }
        if let Some(why) = context.app.why_no_next_day(&self.sender).filter(|_| self.retry_next_day) {
            return Err(UsageError(format!("--retry-next-day: {why}")).into());
        }
        let source = if once.is_some() { list()? } else { opened };
        let (content, is_marketing) = self.content(&context, message, template).await?;
        let draft = NewDraft {
            sender: self.sender.clone(),
            tag: self.tag.clone().unwrap_or_else(|| default_tag(self.recipients.as_deref())),
            follow_up_stage: self.stage.clone(),
            content,
            is_marketing,
            rate: self.rate,
            gap: self.gap.and_then(|gap| gap.0),
            window: self.window,
            weekdays: self.weekdays,
            timezone: self.timezone,
            retry_next_day: self.retry_next_day,
            first: self.first,
            external_id: None,
            description: None,
            start: self.at.map(|typed| context.app.start_of(&self.sender, self.timezone, typed)),
            segment: None,
            clocks: PersonClocks { local_time: self.local_time, window_local: self.window_local },
            repeat: self.repeat_order(),
        };
        let Some(imported) = self.create_once(&context, once, draft, source).await? else { return Ok(()) };
        // The draft is made, whatever comes of this.
        if let Ok(Some(binds)) = context.app.unheeded_limit(imported.blast).await {
            let sender = &self.sender;
            talk(&format!("sender {sender} goes no faster than its own {binds}: that limit binds, not the blast's"));
        }
        self.say_start(&context, imported.blast).await;
        if context.is_json {
            let reasons =
                imported.rejected.reasons.iter().map(|reason| json!({ "reason": reason.reason, "rows": reason.rows }));
            return json(&json!({
                "corrected": taken::corrected_json(&imported), "id": imported.blast, "taken": imported.taken, "rejected": imported.rejected.total, "unusual_lengths": imported.unusual_lengths,
                "reasons": reasons.collect::<Vec<_>>(), "rejected_file": imported.rejected_file,
                "unclear_opt_outs": imported.unclear_opt_outs, "local": imported.local,
            }));
        }
        line(&imported.blast.to_string())
    }

    /// What is sent, and whether that is a marketing template.
    async fn content(
        &self,
        context: &Context,
        message: Option<Message>,
        template: Option<TemplateMessage>,
    ) -> Result<(BlastContent, bool)> {
        match (message, template) {
            (Some(message), _) => Ok((BlastContent::Text(message), false)),
            (None, Some(template)) => {
                let fitted = self.template.fit(&context.app, &self.sender, template).await?;
                Ok((BlastContent::Template(Box::new(fitted.message)), fitted.is_marketing))
            }
            (None, None) => Err(UsageError("give a --message or a --template".to_owned()).into()),
        }
    }

    /// Reads back when it starts: the date that was understood, and that it needs a yes first.
    async fn say_start(&self, context: &Context, blast: BlastId) {
        let made = if self.at.is_some() { context.app.blast_without_unasked(blast).await.ok() } else { None };
        if let Some((at, made)) = made.and_then(|made| Some((made.scheduled_for?, made))) {
            let start = context.start(at, context.app.clocks_of(&made));
            let send = context.pasteable(&format!("`blastdeck blast send {blast}`"));
            talk(&format!("it starts {start}, once you have sent it: {send}"));
        }
    }

    fn repeat_order(&self) -> Option<RepeatOrder> {
        let rule = self.repeat.clone()?;
        Some(RepeatOrder { rule, until: self.until, times: self.times, at_most: self.at_most })
    }

    /// From a list, or from whom the filter finds.
    async fn create(
        &self,
        context: &Context,
        app: &App,
        draft: NewDraft,
        list: Option<Box<dyn Read + Send>>,
    ) -> Result<Imported> {
        if let (Some(source), Some(path)) = (list, &self.recipients) {
            let source = TableSource::from(source).of_sheet(self.sheet.clone()).by_columns(self.columns.chosen());
            let source = if path == Path::new("-") { source } else { source.of_file(path) };
            let imported = app.create(draft, source, RejectedTo::beside(path)).await.map_err(refusal_of(path))?;
            is_made(context, imported.blast);
            taken::report(&imported);
            taken::say_who_gets_nothing(context, imported.blast, Some(GetNothing::default())).await;
            return Ok(imported);
        }
        let from = self.from.clone().unwrap_or_default();
        let imported = app.create_from_segment(SegmentDraft { draft, from, follows: None }).await?;
        is_made(context, imported.blast);
        taken::found(&imported);
        Ok(imported)
    }
}

/// Keeps that the draft is there, whatever comes of what is said of it.
fn is_made(context: &Context, draft: BlastId) {
    context.done(format!("blast {draft} is a draft now, and only this could not be printed"));
}

pub(in crate::cli) fn open(path: &Path) -> Result<Box<dyn Read + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    let file = File::open(path).map_err(|error| UsageError(format!("{}: {error}", path.display())))?;
    if file.metadata().is_ok_and(|about| about.is_dir()) {
        return Err(UsageError(format!("{} is a directory: name a file", path.display())).into());
    }
    Ok(Box::new(file))
}

/// The list's file name without its extension.
fn default_tag(path: Option<&Path>) -> String {
    let stem = path.and_then(Path::file_stem).unwrap_or_default().to_string_lossy();
    let tag = clean_name(&stem).trim().to_owned();
    if tag.is_empty() || tag == "-" { "Blast".to_owned() } else { tag }
}

/// The same as [`refusal`], with the file's name before what is wrong with it.
pub(in crate::cli) fn refusal_of(file: &Path) -> impl FnOnce(ImportError) -> color_eyre::Report {
    move |error| {
        if !error.is_of_file() || file == Path::new("-") {
            return refusal(error);
        }
        let about = format!("{}: {error}", clean(&file.display().to_string()));
        match error {
            ImportError::Read(_) => color_eyre::eyre::eyre!("{about}"),
            _ => RefusedError(about).into(),
        }
    }
}

/// Maps what is wrong with a list to a refusal: nothing changed.
pub(in crate::cli) fn refusal(error: ImportError) -> color_eyre::Report {
    match error {
        ImportError::Store(error) => AppError::from(error).into(),
        ImportError::Read(_) | ImportError::Broken | ImportError::RejectedFile { .. } => error.into(),
        ImportError::Sender(why) => AppError::NotFound(why).into(),
        ImportError::Repeated => AppError::Repeated.into(),
        ImportError::Start(why) => UsageError(format!("--at: {why}")).into(),
        ImportError::Repeat(why) => UsageError(format!("--repeat: {why}")).into(),
        late @ ImportError::LastDay(_) => UsageError(format!("--until: {late}")).into(),
        other => RefusedError(other.to_string()).into(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        new: NewArgs,
    }

    #[test]
    fn the_name_of_a_blast_may_be_given_as_its_name() {
        for option in ["--tag", "--name", "--blast-name"] {
            let args = ["new", "--sender", "sales", "--message", "Hi", "--recipients", "people.csv", option, "Raya"];

            assert_eq!(Command::parse_from(args).new.tag.as_deref(), Some("Raya"), "{option}");
        }
    }

    #[test]
    fn a_filter_may_begin_with_what_it_leaves_out() {
        let filter = "-has:reply blast:1";

        let args = Command::parse_from(["new", "--sender", "sales", "--message", "Hi", "--from", filter]);

        assert_eq!(args.new.from.as_deref(), Some(filter));
    }
}
