//! `blast resume` of a blast that was not paused: its sender was stopped, and all that was launched of it goes on.

use chrono::{DateTime, Utc};
use color_eyre::Result;
use color_eyre::eyre::eyre;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::super::plan::who_gets_one;
use super::super::refusal::named;
use super::super::taking_back::{Launched, distinct_name, stopped_again};
use super::{SendArgs, until_final};
use crate::app::view::BlastView;
use crate::app::{Launch, Plan};
use crate::cli::confirm::confirm_number;
use crate::cli::context::Context;
use crate::cli::output::{json, talk};
use crate::domain::text::{self, clean, shell_word};

impl SendArgs {
    pub(super) async fn resume_sender(&self, context: &Context, plan: &Plan) -> Result<()> {
        let name = distinct_name(context, &plan.blast).await;
        let (launch, people) = self.ask_for_all(context, plan).await?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let blast = context.app.resume(launch).await.map_err(|refused| named(refused, &plan.blast))?;
        let act = context.app.start_of_blast(blast.id).await.ok().flatten();
        let launched = Launched { blast: &blast, name: &name, start: act, is_stop_lifted: true };
        let until = blast.send_after.filter(|_| !self.is_sure());
        if let Some(until) = until.filter(|_| !context.is_json) {
            talk(&armed(context, &blast, until));
        }
        let attended = self.attended(context, &launched, (&mut interrupt, until)).await?;
        if context.is_json {
            return json(&json!({ "id": blast.id, "state": blast.state, "people": people }));
        }
        if until.is_some() {
            tokio::select! {
                is_final = until_final(context, &launched, (&mut interrupt, until)) => is_final?,
                stopped = stopped_again(context, &blast) => return Err(stopped?.into()),
            }
        }
        let is_attended = match attended {
            Some(is_attended) => is_attended,
            None => self.is_attended(context, &blast).await?,
        };
        let without = launched.without_it(context).await;
        if is_attended {
            talk(&format!("sender {} resumes{without}", blast.sender));
        } else {
            talk(&format!("sender {} may resume{without}, and waits for an engine", blast.sender));
        }
        Ok(())
    }

    /// Ends the resume of a paused blast whose sender is stopped: nothing begins that could be taken back, and no engine helps.
    pub(super) fn end_behind_stop(
        &self,
        context: &Context,
        plan: &Plan,
        (blast, why): (&BlastView, &str),
    ) -> Result<()> {
        let (name, id, sender) = (blast.clean_name(), blast.id, clean(&blast.sender));
        let waits = format!(
            "{name} is resumed, and waits with the others: sender {sender} is stopped: {why}; once that is mended, \
             `blastdeck blast resume {id}` or `blastdeck sender confirm {}` lets all of them go on",
            shell_word(&blast.sender)
        );
        if !self.no_engine {
            // It was to be sent.
            return Err(eyre!(waits));
        }
        if context.is_json {
            return json(&json!({ "id": id, "state": blast.state, "people": plan.people }));
        }
        talk(&waits);
        Ok(())
    }

    /// Asks for the number of all who are queued in what was launched of the sender: it goes on with this blast. The number that was asked for.
    async fn ask_for_all(&self, context: &Context, plan: &Plan) -> Result<(Launch, i64)> {
        let queued = context.app.queued_for(plan.blast.sender_id).await?;
        let others = (queued - plan.blast.counts.queued).max(0);
        let people = plan.people + others;
        let too = match others {
            0 => String::new(),
            others => format!("; {} of its other blasts too", text::people(others)),
        };
        self.check_people(people)?;
        confirm_number(&format!("{}{too}.", who_gets_one(plan)), people, self.is_sure())?;
        let (blast, version, armed_for) = (self.blast, plan.blast.version, self.armed_for());
        Ok((Launch { blast, version, people: queued, armed_for }, people))
    }
}

/// Says when its blasts go on, and how to stop it until then.
fn armed(context: &Context, blast: &BlastView, until: DateTime<Utc>) -> String {
    let (sender, starts, id) = (clean(&blast.sender), context.on_the_clock(until), blast.id);
    format!(
        "sender {sender} resumes {starts}; until then `blastdeck blast undo {id}` stops it again, as ctrl-c does here and u in the dashboard"
    )
}

/// Says of a launch behind the stop of its sender when it starts, and how to stop it until then.
pub(super) fn starts_with_sender(launched: &Launched<'_>) -> String {
    let (name, id, sender) = (launched.name, launched.blast.id, clean(&launched.blast.sender));
    format!(
        "{name} starts once sender {sender} is resumed; until then `blastdeck blast pause {id}` stops it, as u does in the dashboard"
    )
}
