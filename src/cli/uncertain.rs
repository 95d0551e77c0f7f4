//! `uncertain`: people whose message may or may not have been sent.

use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use color_eyre::Result;
use serde_json::json;

use super::Global;
use super::blast::people::{Listing, list};
use super::confirm::{confirm, confirm_number};
use super::context::{Context, Intent};
use super::exit::{RefusedError, UsageError};
use super::output::{json, line, talk};
use crate::app::AppError;
use crate::app::view::{Anchor, BeforeResend, BlastFilter, BlastView, Order, RecipientQuery};
use crate::domain::blast::BlastState;
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::recipient::Resolution;
use crate::domain::status::Status;
use crate::domain::text::{clean, count_of, number};

/// How many people are read at once.
const PAGE: u32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum UncertainVerb {
    /// List the uncertain people of a blast; without one, the blasts that have any.
    List {
        /// The blast's id, as in `blast list`.
        blast: Option<BlastId>,
    },
    /// Resolve one person: open the chat on the phone, and check whether the message is there.
    Resolve {
        /// The blast's id, as in `blast list`.
        blast: BlastId,
        /// The number, in any spelling; `all` for every uncertain person in the blast.
        phone: String,
        /// What became of the message.
        answer: ResolutionArg,
        /// The attempt that the answer is about, as `attempts` in `uncertain list --json`; refused once there was another one.
        #[arg(long)]
        attempt: Option<i32>,
        /// Do not ask, as `all` and `resend` otherwise do.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ResolutionArg {
    /// The message is there: count it as sent.
    Sent,
    /// The message is not there: send it again.
    Resend,
    /// The message is not there: leave the person out.
    Drop,
}

/// What one person is answered for.
#[derive(Clone, Copy)]
struct AnswerForOne {
    answer: ResolutionArg,
    attempt: Option<i32>,
    sure: bool,
}

/// The blasts with somebody uncertain, newest first.
async fn blasts(global: &Global) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    let blasts = context.app.blasts(&BlastFilter::default()).await?;
    let doubted: Vec<_> = blasts.iter().filter(|blast| blast.counts.uncertain > 0).collect();
    for blast in &doubted {
        let (id, people) = (blast.id, blast.counts.uncertain);
        if context.is_json {
            json(
                &json!({ "blast": id, "blast_id": id, "tag": blast.tag, "follow_up_stage": blast.follow_up_stage, "uncertain": people }),
            )?;
        } else {
            line(&format!("{id:>4}  {:>6} uncertain  {}", number(people), blast.name()))?;
        }
    }
    if !context.is_json && doubted.is_empty() {
        talk("nobody is uncertain");
    }
    Ok(())
}

impl UncertainVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        match self {
            Self::List { blast: None } => blasts(global).await?,
            Self::List { blast: Some(blast) } => {
                let context = Context::open(global, Intent::Reads).await?;
                let doubted = context.app.blast(blast).await?;
                let uncertain = doubted.counts.uncertain;
                if uncertain == 0 && !context.is_json {
                    talk(&format!("nobody is uncertain in blast {blast}"));
                    return Ok(ExitCode::SUCCESS);
                }
                list(&context, blast, &Filter::status(Status::Uncertain), Listing::ALL).await?;
                if uncertain > 0 && !context.is_json {
                    ask_to_resolve(&context, &doubted).await?;
                }
            }
            Self::Resolve { blast, phone, answer, attempt, yes } if phone.eq_ignore_ascii_case("all") => {
                if attempt.is_some() {
                    let why = "`--attempt` is about one person: write their number in place of `all`";
                    return Err(UsageError(why.to_owned()).into());
                }
                resolve_all(global, blast, answer, yes).await?;
            }
            Self::Resolve { blast, phone, answer, attempt, yes } => {
                resolve(global, (blast, phone.as_str()), AnswerForOne { answer, attempt, sure: yes }).await?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl ResolutionArg {
    const fn resolution(self) -> Resolution {
        match self {
            Self::Sent => Resolution::Sent,
            Self::Resend => Resolution::Resend,
            Self::Drop => Resolution::Drop,
        }
    }

    /// What one answer for so many people means, as a sentence.
    fn consequence(self, people: i64) -> String {
        let (one, many) = match self {
            Self::Sent => ("uncertain person counts as sent", "uncertain people count as sent"),
            Self::Resend => (
                "uncertain person gets the message again; if they already have it, they get it twice",
                "uncertain people get the message again; those who already have it get it twice",
            ),
            Self::Drop => ("uncertain person is left out", "uncertain people are left out"),
        };
        format!("{}.", count_of(people, one, many))
    }
}

/// Says what is to be done, and what is known of those who may have the message once more: nobody in a blast that was cancelled.
async fn ask_to_resolve(context: &Context, blast: &BlastView) -> Result<()> {
    let may_resend = blast.state != BlastState::Cancelled;
    if may_resend {
        let people: Vec<_> = uncertain_people(context, blast.id).await?.into_iter().map(|(person, _)| person).collect();
        if let Some(known) = known_of_all(context, &people).await?.of_several() {
            talk(&known);
        }
    }
    let (id, answers) = (blast.id, if may_resend { "resend, or drop" } else { "drop" });
    talk(&format!(
        "look into each chat on the phone, then: `blastdeck uncertain resolve {id} NUMBER sent`, or {answers}"
    ));
    Ok(())
}

/// Resolves everybody with one answer. Each resolution is a separate act, and can be undone.
async fn resolve_all(global: &Global, blast: BlastId, answer: ResolutionArg, sure: bool) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    let mut asked_about = uncertain_people(&context, blast).await?;
    let mut people = i64::try_from(asked_about.len()).unwrap_or(i64::MAX);
    if people == 0 {
        // A blast that does not exist is no refusal: it is not found.
        context.app.blast_without_unasked(blast).await?;
        return Err(RefusedError(format!("nobody is uncertain in blast {blast}")).into());
    }
    let (mut known, mut left_aside) = (None, 0);
    if answer == ResolutionArg::Resend {
        let asked: Vec<_> = asked_about.iter().map(|(person, _)| *person).collect();
        let before = known_of_all(&context, &asked).await?;
        // Whoever may not have it now is refused below. The number is of those who get it.
        people -= before.get_nothing();
        known = before.of_several();
        if people <= 0 {
            let why = known.unwrap_or_default();
            return Err(RefusedError(format!(
                "none of the uncertain people in blast {blast} may have the message again now: {why}"
            ))
            .into());
        }
        left_aside = before.not_now.len();
        asked_about.retain(|(person, _)| !before.not_now.contains(person));
    }
    if let Some(known) = known.as_ref().filter(|_| sure) {
        talk(known);
    }
    let known = known.filter(|_| !sure).map(|known| format!(" {known}")).unwrap_or_default();
    confirm_number(&format!("{}{known}", answer.consequence(people)), people, sure)?;
    let (mut done, mut refused) = (0, Vec::new());
    for (person, attempt) in asked_about {
        match context.app.resolve(person, Some(attempt), answer.resolution()).await {
            Ok(_) => done += 1,
            Err(AppError::Refused(why) | AppError::NotFound(why)) => refused.push(why),
            Err(error) => return Err(error.into()),
        }
    }
    for why in &refused {
        talk(why);
    }
    let refused = refused.len() + left_aside;
    if context.is_json {
        return json(&json!({ "resolved": done, "refused": refused }));
    }
    line(&format!("{done} resolved, {refused} refused"))
}

/// Who is uncertain now, and by which attempt: an answer is about that, and not about what becomes uncertain while it is typed.
async fn uncertain_people(context: &Context, blast: BlastId) -> Result<Vec<(RecipientId, i32)>> {
    let (mut people, mut anchor) = (Vec::new(), Anchor::Start);
    loop {
        let filter = Filter::status(Status::Uncertain);
        let query = RecipientQuery { blast, filter, order: Order::Row, as_of: None, anchor, limit: PAGE };
        let window = context.app.recipients(&query).await?;
        let Some(last) = window.last() else { return Ok(people) };
        anchor = Anchor::After(last.place());
        people.extend(window.iter().map(|person| (person.id, person.attempt)));
    }
}

/// What is known of those whose message is to go once more.
async fn known_of_all(context: &Context, people: &[RecipientId]) -> Result<BeforeResend> {
    let mut known = BeforeResend::default();
    for some in people.chunks(PAGE as usize) {
        let some = context.app.before_resend(some).await?;
        known.wrote += some.wrote;
        known.cancelled += some.cancelled;
        known.opted_out += some.opted_out;
        known.had_same_message += some.had_same_message;
        known.settled += some.settled;
        known.too_soon += some.too_soon;
        known.wait = known.wait.max(some.wait);
        known.not_now.extend(some.not_now);
    }
    Ok(known)
}

/// Asks before sending again: only that may deliver the message twice.
async fn resolve(global: &Global, (blast, phone): (BlastId, &str), decision: AnswerForOne) -> Result<()> {
    let AnswerForOne { answer, attempt, sure } = decision;
    let context = Context::open(global, Intent::Writes).await?;
    let person = context.app.recipient_by_phone(blast, phone).await?;
    let who = person.name.clone().unwrap_or_else(|| person.phone.to_string());
    let is_resent = answer == ResolutionArg::Resend && person.status == Status::Uncertain;
    let before = if is_resent { context.app.before_resend(&[person.id]).await? } else { BeforeResend::default() };
    if before.cancelled > 0 {
        let why = format!("{}: the blast was cancelled, and nothing more of it is sent", clean(&who));
        return Err(RefusedError(why).into());
    }
    let known = before.of_one();
    let said = known.as_ref().map(|known| format!(" {known}")).unwrap_or_default();
    let question = format!("Send to {} again?{said} If it did arrive, they get it twice.", clean(&who));
    let is_sure = sure || answer != ResolutionArg::Resend || person.status != Status::Uncertain;
    confirm(&question, is_sure)?;
    if let Some(known) = known.filter(|_| sure) {
        talk(&format!("{}: {known}", clean(&who)));
    }
    // Without a word of which, the answer is about the one that was asked about.
    let attempt = attempt.unwrap_or(person.attempt);
    let done = context.app.resolve(person.id, Some(attempt), answer.resolution()).await?;
    if context.is_json {
        return json(&json!({
            "who": done.who, "before": done.before, "after": done.after, "blast_id": blast, "phone_number": person.phone.as_str(),
        }));
    }
    line(&format!("{}: {} -> {}", done.who, done.before, done.after))
}

#[cfg(test)]
mod tests {
    use super::ResolutionArg;

    #[test]
    fn one_person_and_many_are_asked_about_in_sentences_that_agree() {
        let said = |answer: ResolutionArg| [1, 1_240].map(|people| answer.consequence(people));

        assert_eq!(
            said(ResolutionArg::Sent),
            ["1 uncertain person counts as sent.", "1,240 uncertain people count as sent."]
        );
        assert_eq!(
            said(ResolutionArg::Drop),
            ["1 uncertain person is left out.", "1,240 uncertain people are left out."]
        );
    }
}
