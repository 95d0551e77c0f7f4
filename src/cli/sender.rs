//! `sender`: the senders and their health.

mod list;

use std::process::ExitCode;

use clap::Subcommand;
use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde_json::{Value, json};

use super::Global;
use super::confirm::{confirm as surely, confirm_number};
use super::context::{Context, Intent};
use super::output::{json, line, talk};
use crate::app::view::BlastFilter;
use crate::app::{ConfirmProspect, Confirmed, ForgottenCheck, HealthVerdict, SenderCheck, SenderTemplate};
use crate::domain::blast::BlastState;
use crate::domain::text::{clean, count_of, has_command, people_are};

#[derive(Debug, Subcommand)]
pub(super) enum SenderVerb {
    /// List senders with their pace, today's count and what they are waiting for.
    List,
    /// Ask the provider about a sender's health; sends nothing and starts no engine. A stop that its health shows to be over is lifted
    /// where nobody is queued but in paused blasts, which stay paused. Where others are, it stays: this says what resumes it, and ends
    /// with exit code 1.
    Check {
        /// The sender; defaults to all.
        name: Option<String>,
    },
    /// Let a stopped sender resume: the cause is fixed, or a restored database may send as it is. Also ends a pause
    /// that the provider asked for. Asks for the number of people who get their message then.
    Confirm {
        /// The sender, as named in the configuration.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        /// Start no standby: something else runs the engine.
        #[arg(long)]
        no_engine: bool,
        /// Go on although the file `forget.key` is lost for good: people who asked to be forgotten may get messages of a database that
        /// was restored from before.
        #[arg(long)]
        without_key: bool,
    },
    /// Switch the sender to the phone in this configuration; the database has it as another one.
    /// Engines that send from the other phone stop; messages in flight there become uncertain.
    Move {
        /// The sender, as named in the configuration.
        name: String,
    },
}

impl SenderVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        match self {
            Self::List => list::list(global).await,
            Self::Check { name } => check(global, name.as_deref()).await,
            Self::Move { name } => move_to(global, &name).await,
            Self::Confirm { name, yes, no_engine, without_key } => {
                let forgotten = if without_key { ForgottenCheck::Waived } else { ForgottenCheck::Required };
                confirm(global, (&name, yes, forgotten), EngineChoice::of(no_engine)).await
            }
        }
    }
}

/// Which engine sends once a stop is lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum EngineChoice {
    /// A running one, or a standby that is started now.
    Ensured,
    /// One that is run elsewhere.
    Elsewhere,
}

impl EngineChoice {
    const fn of(no_engine: bool) -> Self {
        if no_engine { Self::Elsewhere } else { Self::Ensured }
    }
}

/// Asks for the number of people who get their message once a sender is confirmed; where nobody does, of those who become uncertain.
/// Returns how many were queued when it was asked.
async fn ask(context: &Context, name: &str) -> Result<i64> {
    let ConfirmProspect { queued, queued_before, uncertain } = context.app.confirm_prospect(name).await?;
    let doubted = match uncertain {
        0 => String::new(),
        uncertain => {
            format!("; {} posted to before, and will be uncertain", count_of(uncertain, "person was", "people were"))
        }
    };
    let get = count_of(queued, "person queued in a launched blast gets", "people queued in launched blasts get");
    let name = clean(name);
    match (queued, uncertain) {
        (0, 0) => surely(&format!("Nobody is queued in a launched blast of {name}. May it send again?"), false)?,
        (0, number) => confirm_number(&format!("{name} may send again{doubted}."), number, false)?,
        (number, _) => confirm_number(&format!("{get} a message from {name}{doubted}."), number, false)?,
    }
    Ok(queued_before)
}

async fn confirm(
    global: &Global,
    (name, yes, forgotten): (&str, bool, ForgottenCheck),
    attendance: EngineChoice,
) -> Result<ExitCode> {
    let context = Context::open(global, Intent::Writes).await?;
    // A reason of the fence's own names this very command, and a report follows.
    let reason = context.app.stop_reason(name).await?.filter(|reason| !has_command(reason));
    if let Some(reason) = reason.filter(|_| !context.is_json) {
        talk(&format!("sender {name} was stopped: {reason}"));
    }
    let shown = if yes { None } else { Some(ask(&context, name).await?) };
    let confirmed = context.app.confirm_sender(name, forgotten, shown).await?;
    let Confirmed {
        uncertain,
        unknown,
        opt_outs,
        unreadable_opt_outs,
        unrecognized,
        unreadable_posts,
        has_unknown_gap,
    } = confirmed;
    if !context.is_json {
        report_forgotten(confirmed);
    }
    let name = context.app.config().sender(name).map_or(name, |sender| &sender.name);
    let outlook = outlook(&context, name, attendance).await?;
    if context.is_json {
        json(&json!({
            "name": name, "uncertain": uncertain, "unknown": unknown,
            "opt_outs": opt_outs, "unreadable_opt_outs": unreadable_opt_outs, "unrecognized": unrecognized,
            "unreadable_posts": (!has_unknown_gap).then_some(unreadable_posts),
        }))?;
    } else {
        talk(&outlook);
    }
    Ok(ExitCode::SUCCESS)
}

/// Says what a database that went back in time has forgotten.
fn report_forgotten(confirmed: Confirmed) {
    let Confirmed {
        uncertain,
        unknown,
        opt_outs,
        unreadable_opt_outs,
        unrecognized,
        unreadable_posts,
        has_unknown_gap,
    } = confirmed;
    if uncertain > 0 {
        talk(&format!("{} now uncertain: they may have the message already", people_are(uncertain)));
    }
    if unknown > 0 {
        talk(&format!(
            "{} not in this database, though this machine posted to them: who of them is to get the same message again becomes \
             uncertain first",
            people_are(unknown)
        ));
    }
    if has_unknown_gap {
        talk(
            "this machine does not know of every post that was made from this database: whoever is queued though they had the message \
             gets it again",
        );
    } else if unreadable_posts > 0 {
        let lost = count_of(unreadable_posts, "post", "posts");
        talk(&format!(
            "this machine's record of posts was damaged ({lost}): whoever of them is queued gets the message again"
        ));
    }
    if opt_outs > 0 {
        let again = count_of(opt_outs, "opt-out was forgotten, too, and is", "opt-outs were forgotten, too, and are");
        talk(&format!("{again} recorded again: `blastdeck suppress list` shows them"));
    }
    if unreadable_opt_outs > 0 {
        talk(
            "this machine's record of opt-outs was not whole: opt-outs that were recorded on this machine since the database's backup \
             may be lost, record them again with `blastdeck suppress add`",
        );
    }
    if unrecognized > 0 {
        let who = count_of(unrecognized, "person who was forgotten is", "people who were forgotten are");
        talk(&format!(
            "{who} not recognized without the file `forget.key`, and may get messages again: `blastdeck customer forget` takes them out"
        ));
    }
    if confirmed != Confirmed::default() {
        talk(
            "opt-outs that were recorded on other machines since then are forgotten: record them again with \
             `blastdeck suppress add`; whoever was forgotten there has to be forgotten again with `blastdeck customer forget`",
        );
    }
}

/// Describes what a sender does once its stop is lifted. Fails with what is missing when people are queued and no
/// engine sends to them.
async fn outlook(context: &Context, name: &str, attendance: EngineChoice) -> Result<String> {
    let Some(blast) = context.app.blast_to_send(name).await? else {
        return may_resume(context, name).await;
    };
    if attendance == EngineChoice::Elsewhere && !context.app.is_attended(blast.sender_id).await? {
        return Ok(format!("sender {name} may resume, and waits for an engine"));
    }
    if let Err(missing) = context.app.until_resumed(&blast, attendance == EngineChoice::Ensured).await? {
        return Err(eyre!("sender {name} may resume, but no engine sends for it: {missing}"));
    }
    Ok(format!("sender {name} resumes"))
}

/// A sender whose stop is lifted, and which has nobody left to send to.
async fn may_resume(context: &Context, name: &str) -> Result<String> {
    Ok(format!("sender {name} may resume: {}", queued_in_paused(context, name).await?))
}

/// Who is queued in the sender's paused blasts, and how to send to them.
async fn queued_in_paused(context: &Context, name: &str) -> Result<String> {
    let paused = BlastFilter { state: Some(BlastState::Paused), ..BlastFilter::default() };
    let blasts = context.app.blasts(&paused).await?;
    let queued: Vec<_> = blasts.iter().filter(|blast| blast.sender == name && blast.counts.queued > 0).collect();
    let people = people_are(queued.iter().map(|blast| blast.counts.queued).sum());
    let sentence = match &queued[..] {
        [] => "nobody is queued in a blast that was started".to_owned(),
        [one] => format!("{people} queued in a paused blast, which `blastdeck blast resume {}` resumes", one.id),
        several => format!(
            "{people} queued in {} paused blasts: `blastdeck blast list --state paused` shows them, \
             `blastdeck blast resume` with its number resumes one",
            several.len()
        ),
    };
    Ok(context.pasteable(&sentence))
}

async fn move_to(global: &Global, name: &str) -> Result<ExitCode> {
    let context = Context::open(global, Intent::Writes).await?;
    let moved = context.app.move_sender(name).await?;
    if context.is_json {
        let before = moved.before.as_ref().map(ToString::to_string);
        json(&json!({ "name": name, "before": before, "now": moved.now.to_string(), "moved": !moved.is_unchanged() }))?;
    } else if moved.is_unchanged() {
        talk(&format!("sender {name} is {} already", moved.now));
    } else {
        let before = moved.before.map_or_else(String::new, |before| format!(", no longer {before}"));
        talk(&format!("sender {name} is {} now{before}", moved.now));
    }
    Ok(ExitCode::SUCCESS)
}

async fn check(global: &Global, name: Option<&str>) -> Result<ExitCode> {
    let context = Context::open(global, Intent::Reads).await?;
    let checks = context.app.check_senders(name).await?;
    for check in &checks {
        print_check(&context, check)?;
    }
    for check in checks.iter().filter(|check| check.is_lifted && !context.is_json) {
        talk(&may_resume(&context, &check.name).await?);
    }
    let is_bad = checks.iter().any(|check| check.verdict().is_bad());
    Ok(if is_bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print_check(context: &Context, check: &SenderCheck) -> Result<()> {
    let verdict = match check.verdict() {
        HealthVerdict::Good => "good",
        HealthVerdict::Doubtful => "doubtful",
        HealthVerdict::Unknown => "unknown",
        HealthVerdict::Bad | HealthVerdict::TokenRefused => "bad",
    };
    let (name, detail) = (&check.name, context.pasteable(&check.detail()));
    let pace = context.app.pace_of(name);
    if context.is_json {
        let list = check.templates.as_ref().map(|list| list.templates.iter().map(template_json).collect::<Vec<_>>());
        let (notes, unreadable) = (check.all_notes(), check.templates.as_ref().map(|list| list.unreadable));
        return json(&json!({
            "name": name, "verdict": verdict, "detail": detail, "pace": pace, "notes": notes,
            "templates": list, "unreadable_templates": unreadable,
        }));
    }
    line(&format!("{name}  {verdict}  {detail}"))?;
    let listed = check.templates.iter().flat_map(|list| &list.templates).map(template_line).collect::<Vec<_>>();
    let unlisted = check.templates_note.as_ref().filter(|_| listed.is_empty());
    let further = pace.iter().chain(&check.notes).chain(unlisted).chain(&listed);
    further.map(|text| format!("{:width$}  {}", "", clean(text), width = name.len())).try_for_each(|text| line(&text))
}

/// `template tour (en_US, marketing, approved, quality green): body of 2 variables, picture`.
fn template_line(template: &SenderTemplate) -> String {
    let SenderTemplate { name, language, category, status, .. } = template;
    let quality = template.rating().map(|rating| format!("quality {rating}"));
    let known = [language.clone(), category.to_lowercase(), status.to_lowercase()].into_iter().chain(quality);
    let known = known.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ");
    let parts = template.parts().join(", ");
    let parts = if parts.is_empty() { String::new() } else { format!(": {parts}") };
    format!("template {name} ({known}){parts}")
}

fn template_json(template: &SenderTemplate) -> Value {
    let SenderTemplate { name, language, category, status, quality, .. } = template;
    json!({
        "name": name, "language": language, "category": category, "status": status, "components": template.parts(),
        "quality": quality,
    })
}
