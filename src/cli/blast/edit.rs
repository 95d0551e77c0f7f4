//! `blast edit`: changes a draft, or what is scheduled; of what has started, its pace and hours.

use chrono::{TimeDelta, Utc};
use chrono_tz::Tz;
use clap::ValueEnum;
use color_eyre::Result;
use serde_json::json;

use super::gap_arg::GapArg;
use super::message::MessageArgs;
use super::new::short_text;
use super::refusal::{named, with_name};
use super::step::content;
use super::template::TemplateArgs;
use crate::app::view::BlastView;
use crate::app::{AppError, DraftEdit, why_fixed};
use crate::cli::Global;
use crate::cli::confirm::confirm_number;
use crate::cli::context::{Context, Intent};
use crate::cli::exit::{RefusedError, UsageError};
use crate::cli::output::{json, talk};
use crate::domain::blast::BlastState;
use crate::domain::field_change::FieldChange;
use crate::domain::ids::BlastId;
use crate::domain::pace::{Gap, Hours, Rate, Weekdays};
use crate::domain::start_at::TypedStart;
use crate::domain::text::people;
use crate::domain::waiting::Waiting;
use crate::domain::zone;

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("text"))]
pub(in crate::cli) struct EditArgs {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    #[command(flatten)]
    message: MessageArgs,
    #[command(flatten)]
    template: TemplateArgs,
    /// The blast's name.
    #[arg(long, aliases = ["name", "blast-name"], value_parser = short_text)]
    tag: Option<String>,
    /// The follow-up stage.
    #[arg(long, value_parser = short_text)]
    stage: Option<String>,
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
    /// The time zone of the hours, such as Asia/Kuala_Lumpur. A start that was given without an offset keeps its local time.
    #[arg(long, value_parser = zone::parse)]
    timezone: Option<Tz>,
    /// When it starts by itself once it is sent, such as 2026-12-01T09:00, 21:20 or "tomorrow 09:00" in its time zone, or with an offset.
    #[arg(long, value_name = "TIME")]
    at: Option<TypedStart>,
    /// What is taken away: a limit, so that the sender's own holds; the time zone, until it has started; or the start of a draft. Several
    /// with commas between them.
    #[arg(long, value_name = "FIELD", value_enum, value_delimiter = ',')]
    clear: Vec<ClearableField>,
    /// Do not ask, where a blast that waits for its hours sends at once after the change.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ClearableField {
    Rate,
    Gap,
    Window,
    Weekdays,
    Timezone,
    At,
}

impl EditArgs {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        let id = self.blast;
        let (fields, start) = (self.fields()?, self.change(self.at, ClearableField::At)?);
        let context = Context::open(global, Intent::Writes).await?;
        let before = context.app.blast(id).await?;
        let zone = self.timezone.unwrap_or_else(|| context.app.clocks_of(&before));
        let start = start.map(|typed| typed.read_at(zone, Utc::now()));
        let content = content(&context, id, (&self.message, &self.template)).await?;
        let edit = DraftEdit { content, start, ..fields };
        if edit == DraftEdit::default() {
            let why = "nothing to change: give --message, --template, --tag, --at or another option of --help";
            return Err(UsageError(why.to_owned()).into());
        }
        self.refuse_fixed(&before)?;
        let shown = self.confirm_sending(&context, &before, &edit)?;
        let seen = (before.version, TimeDelta::zero());
        let is_changed = context.app.edit_armed(id, seen, edit, shown).await;
        let is_changed = is_changed.map_err(|refused| by_option(named(refused, &before)))?;
        let blast = context.app.blast(id).await?;
        self.say(&context, &blast, is_changed)
    }

    /// What came of it.
    fn say(&self, context: &Context, blast: &BlastView, is_changed: bool) -> Result<()> {
        let id = blast.id;
        if context.is_json {
            let (state, version) = (blast.state, blast.version);
            return json(&json!({ "id": id, "state": state, "version": version, "changed": is_changed }));
        }
        if !is_changed {
            talk(&format!("nothing to change: {} is that way already", blast.name()));
            return Ok(());
        }
        let starts = self.starts(context, blast);
        if let Some(Waiting::NoEngine) = blast.waiting {
            let mend = context.app.mend_of(blast, &Waiting::NoEngine).unwrap_or_default();
            talk(&format!("{}; {}", Waiting::NoEngine, context.pasteable(&mend)));
        }
        talk(&format!("{} is changed{starts}; {}", blast.name(), what_next(id, blast.state)));
        Ok(())
    }

    /// When it starts by itself; of a draft where that was changed.
    fn starts(&self, context: &Context, blast: &BlastView) -> String {
        let start = |at| context.start(at, context.app.clocks_of(blast));
        match (blast.state, blast.send_after, blast.scheduled_for) {
            (BlastState::Scheduled, Some(at), _) => format!("; it starts by itself, {}", start(at)),
            (BlastState::Draft, _, Some(at)) if self.at.is_some() || self.timezone.is_some() => {
                format!("; it starts {}, once you have sent it", start(at))
            }
            _ => String::new(),
        }
    }

    /// `--clear` of what cannot change once the blast has started is refused also where it has none: who gave it meant something else.
    fn refuse_fixed(&self, blast: &BlastView) -> Result<()> {
        let is_fixed = |field: &ClearableField| matches!(field, ClearableField::Timezone | ClearableField::At);
        match why_fixed(blast) {
            Some(why) if self.clear.iter().any(is_fixed) => {
                Err(RefusedError(with_name(why, &blast.clean_name())).into())
            }
            _ => Ok(()),
        }
    }

    /// Asks before other hours have a blast send at once. Returns the number that was typed, if one was.
    fn confirm_sending(&self, context: &Context, blast: &BlastView, edit: &DraftEdit) -> Result<Option<i64>> {
        if !edit.opens_hours(blast, context.app.known_clocks_of(blast), Utc::now()) {
            return Ok(None);
        }
        let (who, hours) = (people(blast.counts.queued), self.hours_in_words());
        let question =
            format!("{} is waiting for its hours; {hours} it starts at once, and sends to {who}.", blast.name());
        confirm_number(&question, blast.counts.queued, self.yes)?;
        Ok((!self.yes).then_some(blast.counts.queued))
    }

    /// `with the hours 09:00-21:00 and without days of its own`: what it makes of the hours and days.
    fn hours_in_words(&self) -> String {
        let hours = self.window.as_ref().map(|hours| format!("with the hours {hours}"));
        let days = self.weekdays.as_ref().map(|days| format!("with the days {days}"));
        let without = |field, what: &str| self.clear.contains(&field).then(|| format!("without {what} of its own"));
        let hours = hours.or_else(|| without(ClearableField::Window, "hours"));
        let days = days.or_else(|| without(ClearableField::Weekdays, "days"));
        hours.into_iter().chain(days).collect::<Vec<_>>().join(" and ")
    }

    /// All but the content and the start.
    fn fields(&self) -> Result<DraftEdit> {
        Ok(DraftEdit {
            tag: self.tag.clone(),
            follow_up_stage: self.stage.clone(),
            rate: self.change(self.rate, ClearableField::Rate)?,
            gap: self.gap_change()?,
            window: self.change(self.window, ClearableField::Window)?,
            weekdays: self.change(self.weekdays, ClearableField::Weekdays)?,
            timezone: self.change(self.timezone, ClearableField::Timezone)?,
            ..DraftEdit::default()
        })
    }

    /// `--gap none` is what `--clear gap` is.
    fn gap_change(&self) -> Result<FieldChange<Gap>> {
        match self.gap {
            Some(GapArg(None)) => Ok(FieldChange::Clear),
            Some(GapArg(gap)) => self.change(gap, ClearableField::Gap),
            None => self.change(None, ClearableField::Gap),
        }
    }

    fn change<T>(&self, given: Option<T>, field: ClearableField) -> Result<FieldChange<T>> {
        match (given, self.clear.contains(&field)) {
            (Some(_), true) => {
                let name = field.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default();
                Err(UsageError(format!("--{name} and --clear {name} exclude each other: give one")).into())
            }
            (Some(value), false) => Ok(FieldChange::Set(value)),
            (None, true) => Ok(FieldChange::Clear),
            (None, false) => Ok(FieldChange::Keep),
        }
    }
}

/// Where to see what the change does: of what is being sent, what has become of it.
fn what_next(id: BlastId, state: BlastState) -> String {
    match state {
        BlastState::Sending => format!("`blastdeck blast show {id}` shows how it goes on"),
        _ => format!("`blastdeck blast plan {id}` shows what sending does"),
    }
}

/// What is wrong with a field is said of its option.
fn by_option(error: AppError) -> color_eyre::Report {
    let AppError::InvalidAt { why, places } = &error else { return error.into() };
    let option = match places.first().map(|place| place.field.as_str()) {
        Some("scheduled_for") => "--at",
        Some("message") => "--message",
        Some("template") => "--template",
        _ => return error.into(),
    };
    UsageError(format!("{option}: {why}")).into()
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct EditCommand {
        #[command(flatten)]
        edit: EditArgs,
    }

    #[test]
    fn of_a_blast_that_is_being_sent_the_change_names_what_shows_how_it_goes_on() {
        let next = |state| what_next(BlastId(5), state);

        assert_eq!(next(BlastState::Sending), "`blastdeck blast show 5` shows how it goes on");
        for state in [BlastState::Draft, BlastState::Scheduled, BlastState::Paused] {
            assert_eq!(next(state), "`blastdeck blast plan 5` shows what sending does");
        }
    }

    #[test]
    fn the_question_about_other_hours_says_which_they_are() {
        let words =
            |options: &[&str]| EditCommand::parse_from([&["edit", "81"][..], options].concat()).edit.hours_in_words();

        assert_eq!(words(&["--window", "09:00-21:00"]), "with the hours 09:00-21:00");
        assert_eq!(words(&["--clear", "window,weekdays"]), "without hours of its own and without days of its own");
        assert_eq!(
            words(&["--clear", "window", "--weekdays", "mon-fri"]),
            format!("without hours of its own and with the days {}", "mon-fri".parse::<Weekdays>().unwrap())
        );
    }
}
