//! `blast step`: follow-ups that make themselves.

mod due;

use std::num::NonZeroU32;

use chrono::TimeDelta;
use clap::Subcommand;
use color_eyre::Result;
use serde_json::{Value, json};

use self::due::{confirm_lost, confirm_shown, due_already, how, talk_of_due, talk_of_text};
use super::follow_up::span;
use super::message::MessageArgs;
use super::new::{from_one, short_text};
use super::template::TemplateArgs;
use crate::app::{AppError, NewStep, StepChange, StepEdit, StepKey, StepStanding, StepView};
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::cli::exit::UsageError;
use crate::cli::output::{json, line, talk, text};
use crate::cli::table::{TextAlign, render};
use crate::domain::content::BlastContent;
use crate::domain::field_change::FieldChange;
use crate::domain::filter;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::domain::step::{StepRule, StepSince};
use crate::domain::text::{clean, number};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum StepVerb {
    /// Add a follow-up step, and print its number. After the given time it makes a draft for everyone who reached one stage but not the
    /// next, or who has a cart and has not ordered. The draft waits for your yes, unless `--auto` has it sent.
    Add(Box<AddArgs>),
    /// List the steps of a blast: for whom, when they come, and what they made.
    List {
        /// The blast's id, as in `blast list`.
        blast: BlastId,
    },
    /// Change a step: what it makes from now on. Drafts that it made stay as they are.
    Set(Box<SetArgs>),
    /// Remove a step. Drafts that it made stay.
    Remove(StepArgs),
    /// Pause a step: it makes and sends nothing until it is resumed.
    Pause(StepArgs),
    /// Resume a step.
    Resume {
        #[command(flatten)]
        step: StepArgs,
        /// Do not ask for the number of people whom it sends to at once.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct StepArgs {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    /// The step's number, as in `blast step list`.
    number: i32,
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("text").required(true))]
pub(in crate::cli) struct AddArgs {
    /// The blast's id, as in `blast list`.
    blast: BlastId,
    /// How long after the stage or the cart, such as 48h.
    #[arg(long, value_name = "TIME", value_parser = span, allow_hyphen_values = true)]
    after: TimeDelta,
    /// What it counts from: sent, received, read or replied; or cart, for whoever ordered nothing since.
    #[arg(long, value_name = "STAGE", value_parser = since, default_value = "sent")]
    since: StepSince,
    /// The stage that they have not reached: received, read, replied or closed. The next one by default; after a cart there is none.
    #[arg(long, value_name = "STAGE", value_parser = stage)]
    until: Option<Status>,
    #[command(flatten)]
    message: MessageArgs,
    #[command(flatten)]
    template: TemplateArgs,
    /// The follow-up stage of what it makes; Follow-up and its number by default, or the next number that is free.
    #[arg(long, value_parser = short_text)]
    stage: Option<String>,
    /// What it makes waits after so many people until it is resumed.
    #[arg(long, value_name = "N", value_parser = from_one, allow_hyphen_values = true)]
    first: Option<NonZeroU32>,
    /// Send what it makes without asking.
    #[arg(long, requires = "at_most")]
    auto: bool,
    /// The most people whom it sends to without asking; a draft to more waits for you.
    #[arg(long, value_name = "N", value_parser = from_one, allow_hyphen_values = true, requires = "auto")]
    at_most: Option<NonZeroU32>,
    /// Do not ask for the number of people whom it sends to at once.
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("text"))]
pub(in crate::cli) struct SetArgs {
    #[command(flatten)]
    step: StepArgs,
    /// How long after the stage or the cart, such as 48h.
    #[arg(long, value_name = "TIME", value_parser = span, allow_hyphen_values = true)]
    after: Option<TimeDelta>,
    /// What it counts from: sent, received, read or replied; or cart, for whoever ordered nothing since.
    #[arg(long, value_name = "STAGE", value_parser = since)]
    since: Option<StepSince>,
    /// The stage that they have not reached: received, read, replied or closed.
    #[arg(long, value_name = "STAGE", value_parser = stage)]
    until: Option<Status>,
    #[command(flatten)]
    message: MessageArgs,
    #[command(flatten)]
    template: TemplateArgs,
    /// The follow-up stage of what it makes.
    #[arg(long, value_parser = short_text)]
    stage: Option<String>,
    /// What it makes waits after so many people until it is resumed.
    #[arg(long, value_name = "N", value_parser = from_one, allow_hyphen_values = true)]
    first: Option<NonZeroU32>,
    /// What it makes does not wait after its first people any more.
    #[arg(long, conflicts_with = "first")]
    no_first: bool,
    /// Send what it makes without asking.
    #[arg(long, requires = "at_most")]
    auto: bool,
    /// The most people whom it sends to without asking; a draft to more waits for you.
    #[arg(long, value_name = "N", value_parser = from_one, allow_hyphen_values = true)]
    at_most: Option<NonZeroU32>,
    /// What it makes waits for your yes again.
    #[arg(long, conflicts_with_all = ["auto", "at_most"])]
    ask: bool,
    #[command(flatten)]
    sure: StepSureArgs,
}

#[derive(Debug, clap::Args)]
pub(in crate::cli) struct StepSureArgs {
    /// Do not ask for the number of people whom it sends to at once.
    #[arg(long)]
    yes: bool,
}

/// A stage of the funnel to wait for; which of them comes after which is the step's own rule.
fn stage(word: &str) -> Result<Status, String> {
    let stage = filter::status(word).ok().filter(|stage| stage.is_in_funnel());
    stage.ok_or_else(|| "write received, read, replied or closed".to_owned())
}

fn since(word: &str) -> Result<StepSince, String> {
    StepSince::parse(word).ok_or_else(|| "write sent, received, read, replied or cart".to_owned())
}

impl StepVerb {
    pub(super) async fn run(self, global: &Global) -> Result<()> {
        match self {
            Self::Add(verb) => verb.run(global).await,
            Self::List { blast } => list(global, blast).await,
            Self::Set(verb) => verb.run(global).await,
            Self::Remove(of) => of.change(global, StepChange::Remove).await,
            Self::Pause(of) => of.change(global, StepChange::Pause).await,
            Self::Resume { step, yes } => step.resume(global, yes).await,
        }
    }
}

impl StepArgs {
    const fn key(&self) -> StepKey {
        StepKey { blast: self.blast, number: self.number }
    }

    async fn change(self, global: &Global, to: StepChange) -> Result<()> {
        let context = Context::open(global, Intent::Writes).await?;
        let is_changed = context.app.change_step(self.key(), to).await?;
        if context.is_json && to == StepChange::Remove {
            return json(&json!({ "blast": self.blast, "number": self.number, "removed": true }));
        }
        if context.is_json {
            return json(&as_json(&context.app.step(self.key()).await?));
        }
        talk(&self.changed_words(to, is_changed));
        Ok(())
    }

    fn changed_words(&self, to: StepChange, is_changed: bool) -> String {
        let what = match (to, is_changed) {
            (StepChange::Pause, true) => "is paused",
            (StepChange::Pause, false) => "was paused already",
            (StepChange::Resume, true) => "goes on",
            (StepChange::Resume, false) => "was not paused",
            (StepChange::Remove, _) => "is removed; what it made stays",
        };
        format!("step {} of blast {} {what}", self.number, self.blast)
    }

    async fn resume(self, global: &Global, is_sure: bool) -> Result<()> {
        let context = Context::open(global, Intent::Writes).await?;
        let paused = context.app.step(self.key()).await?;
        let lost = paused.lost_words().filter(|_| paused.step.paused_at.is_some());
        confirm_lost(lost.as_deref().filter(|_| paused.step.at_most.is_some()), is_sure)?;
        let is_changed = if is_sure {
            context.app.change_step_seen(self.key(), StepChange::Resume, paused.seen()).await?
        } else {
            let shown = context.app.resumed_step_shown(&paused).await?;
            confirm_shown(&context, shown)?;
            context.app.resume_step_as_shown(shown).await?
        };
        let view = context.app.step(self.key()).await?;
        if let Some(lost) = lost {
            talk(&lost);
        }
        if context.is_json {
            return json(&as_json(&view));
        }
        talk(&self.changed_words(StepChange::Resume, is_changed));
        talk_of_due(&context, &view).await?;
        talk_of_text(&view);
        Ok(())
    }
}

/// What was given to be said: a message, or a template as the blast's sender has it.
pub(super) async fn content(
    context: &Context,
    blast: BlastId,
    (message, template): (&MessageArgs, &TemplateArgs),
) -> Result<Option<BlastContent>> {
    // First, so that what belongs to a template is refused beside a message.
    let given = template.read()?;
    if let Some(message) = message.read()? {
        return Ok(Some(BlastContent::Text(message)));
    }
    let Some(given) = given else { return Ok(None) };
    let sender = context.app.blast(blast).await?.sender;
    let fitted = template.fit(&context.app, &sender, given).await?;
    Ok(Some(BlastContent::Template(Box::new(fitted.message))))
}

impl AddArgs {
    async fn run(self, global: &Global) -> Result<()> {
        let rule = StepRule::new(self.after, self.since, self.until);
        let rule = rule.map_err(|error| UsageError(format!("--{}: {error}", error.field())))?;
        let context = Context::open(global, Intent::Writes).await?;
        let given = content(&context, self.blast, (&self.message, &self.template)).await?;
        let missing = || UsageError("give a --message, a --message-file or a --template".to_owned());
        let new = NewStep {
            rule,
            stage: self.stage,
            content: given.ok_or_else(missing)?,
            first: self.first,
            at_most: self.at_most,
        };
        let number = if self.auto && !self.yes {
            // Whether it may send at once is asked before it is there.
            let shown = context.app.new_step_shown(self.blast, &new).await?;
            confirm_shown(&context, shown)?;
            context.app.add_step_as_shown(new, shown).await?
        } else {
            context.app.add_step(self.blast, new).await?
        };
        let view = context.app.step(StepKey { blast: self.blast, number }).await?;
        if context.is_json {
            return json(&as_json(&view));
        }
        talk(&format!("step {number} of blast {}: {}, {}", self.blast, view.when, how(&view)));
        talk_of_due(&context, &view).await?;
        talk_of_text(&view);
        line(&number.to_string())
    }
}

impl SetArgs {
    async fn run(self, global: &Global) -> Result<()> {
        let key = self.step.key();
        let context = Context::open(global, Intent::Writes).await?;
        // Another number is no yes to sending without asking.
        if self.at_most.is_some() && !self.auto && context.app.step(key).await?.step.at_most.is_none() {
            let why = format!("--at-most: step {} waits for your yes; with --auto it sends by itself", key.number);
            return Err(UsageError(why).into());
        }
        let shown_now = context.app.step(key).await?;
        let now = &shown_now.step;
        let goes_on = now.paused_at.is_none() && !self.ask && (self.auto || now.at_most.is_some());
        let given = content(&context, key.blast, (&self.message, &self.template)).await?;
        let change = |people: Option<NonZeroU32>, clears: bool| match people {
            Some(people) => FieldChange::Set(people),
            None if clears => FieldChange::Clear,
            None => FieldChange::Keep,
        };
        let lost = shown_now.lost_words().filter(|_| goes_on && given.is_none());
        let mut edit = StepEdit {
            after: self.after,
            since: self.since,
            until: self.until,
            stage: self.stage,
            content: given,
            first: change(self.first, self.no_first),
            at_most: change(self.at_most, self.ask),
            change: None,
            sends_lost: false,
        };
        if edit == StepEdit::default() {
            let why = "nothing to change: give --after, --message, --stage or another option of --help";
            return Err(UsageError(why.to_owned()).into());
        }
        confirm_lost(lost.as_deref(), self.sure.yes)?;
        edit.sends_lost = lost.is_some();
        if !goes_on || self.sure.yes {
            context.app.set_step(key, edit).await.map_err(by_option)?;
        } else {
            // Whether it may send at once is asked before it is changed.
            let shown = context.app.edited_step_shown(key, &edit).await.map_err(by_option)?;
            confirm_shown(&context, shown)?;
            context.app.set_step_as_shown(edit, shown).await.map_err(by_option)?;
        }
        if let Some(lost) = lost {
            talk(&lost);
        }
        let view = context.app.step(key).await?;
        if context.is_json {
            return json(&as_json(&view));
        }
        talk(&format!("step {} of blast {}: {}, {}", key.number, key.blast, view.when, how(&view)));
        talk_of_due(&context, &view).await?;
        talk_of_text(&view);
        Ok(())
    }
}

/// A rule that is none is what was typed.
fn by_option(error: AppError) -> color_eyre::Report {
    match error {
        AppError::InvalidAt { places, why } if places.iter().any(|place| place.field != "message") => {
            UsageError(format!("--{}: {why}", places.first().map_or("after", |place| place.field.as_str()))).into()
        }
        other => other.into(),
    }
}

/// As the API has it.
pub(super) fn as_json(view: &StepView) -> Value {
    let StepView { step, when, waits, comes_at, blasts, .. } = view;
    let message = step.template.is_none().then_some(&step.message);
    json!({
        "blast": step.blast, "number": step.number, "when": when, "after_seconds": step.after_seconds, "since": step.since,
        "until": step.until, "stage": step.stage, "message": message, "template": step.template,
        "first": step.first_people, "at_most": step.at_most, "paused": step.paused_at.is_some(), "waits": waits,
        "comes_at": comes_at, "blasts": blasts,
    })
}

async fn list(global: &Global, blast: BlastId) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    let steps = context.app.steps(blast).await?;
    if context.is_json {
        return steps.iter().try_for_each(|view| json(&as_json(view)));
    }
    let header = ["step", "when", "stage", "sent", "comes", "made"].map(|name| (name, TextAlign::Left));
    let mut rows = Vec::with_capacity(steps.len());
    for view in &steps {
        let step = &view.step;
        let made = number(i64::try_from(view.blasts.len()).unwrap_or(i64::MAX));
        let comes = format!("{}{}", comes(&context, view), due_already(&context, view).await?);
        rows.push(vec![step.number.to_string(), view.when.clone(), step.stage.clone(), how(view), comes, made]);
    }
    text(&render(&header, &rows))?;
    for view in &steps {
        talk_of_text(view);
    }
    Ok(())
}

/// When it comes first or again, or what it waits for.
fn comes(context: &Context, view: &StepView) -> String {
    match view.standing() {
        StepStanding::SendsNext(draft) => format!("goes by itself next: blast {draft}"),
        StepStanding::AsksPaused(draft) => format!("paused; asks you: blast {draft}"),
        StepStanding::Asks(draft) => format!("asks you: blast {draft}"),
        StepStanding::Over => "no more: its blast is over".to_owned(),
        StepStanding::Paused => "paused".to_owned(),
        StepStanding::BlastPaused => "not while its blast is paused".to_owned(),
        StepStanding::ComesAt(at) => context.when(Some(at)),
        StepStanding::AsDue => "as people are due".to_owned(),
    }
}

/// The steps of a blast, a line each.
pub(super) fn lines(context: &Context, steps: &[StepView]) -> String {
    let line = |view: &StepView| {
        let (step, comes) = (&view.step, comes(context, view));
        format!("  step {:<4} {}, {}: {}; {comes}\n", step.number, view.when, how(view), clean(&step.stage))
    };
    steps.iter().map(line).collect()
}
