//! Whether a blast can start, and why not.

use super::super::answered::AnsweredSince;
use super::super::segment::FoundAudience;
use super::super::template::{TemplateCheck, number_of};
use super::super::{App, AppError};
use crate::domain::blast::{BlastCommand, BlastState, blast_name, transition};
use crate::domain::content::{BlastContent, ContentError};
use crate::domain::ids::SenderId;
use crate::domain::message::MessageError;
use crate::domain::phone::is_united_states;
use crate::domain::text::{number, people};
use crate::provider::meta::preflight::NumberHealth;
use crate::store::plan;
use crate::store::suppression;
use crate::store::view::{self, BlastRow};

/// Whether a blast can start, and to how many.
pub(in crate::app) struct Readiness {
    pub people: i64,
    /// Queued, but opted out.
    pub suppressed: i64,
    /// Queued in a follow-up, but not stuck any more.
    pub answered: AnsweredSince,
    pub obstacles: Vec<String>,
    pub template: TemplateCheck,
    /// What Meta says of the sender's number.
    pub number: Option<NumberHealth>,
}

impl App {
    /// The part of the plan that a launch checks again.
    pub(in crate::app) async fn readiness(&self, blast: &BlastRow) -> Result<Readiness, AppError> {
        self.readiness_of(blast, None).await
    }

    /// The same of one as it would be with whom its filter has found: nobody of them opted out.
    pub(super) async fn readiness_of(
        &self,
        blast: &BlastRow,
        found: Option<&FoundAudience>,
    ) -> Result<Readiness, AppError> {
        let suppressed = if found.is_some() { 0 } else { suppression::count_in(self.pool(), blast.id).await? };
        let answered = self.answered_since(blast).await?;
        let left_out = suppressed + answered.people();
        // Who opted out since the blast was read is counted with them.
        let people = (blast.counts.queued - left_out).max(0);
        let mut obstacles = self.obstacles(blast, left_out);
        if people == 0 {
            obstacles.extend(self.deleted_source(blast).await?);
        }
        let (mut template, mut number) = (TemplateCheck::default(), None);
        if obstacles.is_empty()
            && let Some(sender) = self.sender(blast.sender_id)
            && let Ok(content) = BlastContent::parse(&blast.message, blast.template.as_ref())
        {
            (template, number) = tokio::join!(self.template_check(sender, &content), number_of(sender));
            obstacles.extend(template.obstacle.clone());
            let refusal = number.as_ref().and_then(NumberHealth::refusal);
            obstacles.extend(refusal.map(|why| format!("sender {} sends nothing now: {why}", sender.name)));
            obstacles.extend(self.unknown_zones(blast).await?);
            obstacles.extend(self.crowded_times(blast).await?);
            obstacles.extend(self.product_obstacles(blast, &content).await?);
            if template.is_marketing() && blast.state == BlastState::Draft {
                obstacles.extend(self.undeliverable(blast).await?);
            }
        }
        obstacles.extend(self.lost_in_steps(blast).await?);
        obstacles.extend(self.missed(blast));
        Ok(Readiness { people, suppressed, answered, obstacles, template, number })
    }

    /// Numbers that no marketing is delivered to, in a draft that was made when Meta could not say what its template is.
    async fn undeliverable(&self, blast: &BlastRow) -> Result<Option<String>, AppError> {
        let areas = plan::queued_areas(self.pool(), blast.id).await?;
        let is_american = |area: &str| is_united_states(&format!("{}5550100", area.trim_start_matches('+')));
        let people: i64 = areas.iter().filter(|(area, _)| is_american(area)).map(|(_, people)| people).sum();
        let what = if people == 1 { "1 number" } else { &format!("{} numbers", number(people)) };
        Ok((people > 0).then(|| {
            format!(
                "Meta delivers no marketing to the United States (131049), and {} has {what} there: make it again from its \
                 list, and they are left out",
                blast_name(&blast.tag, &blast.follow_up_stage)
            )
        }))
    }

    /// Why it cannot be launched or resumed now, each with what to do about it.
    fn obstacles(&self, blast: &BlastRow, left_out: i64) -> Vec<String> {
        let mut obstacles = Vec::new();
        let name = blast_name(&blast.tag, &blast.follow_up_stage);
        if !matches!(blast.state, BlastState::Draft | BlastState::Scheduled | BlastState::Paused) {
            return obstacles;
        }
        let finds_anew = blast.origin.repeat.rule.is_some() && blast.origin.segment.is_some();
        let (queued, open) = (blast.counts.queued - left_out, blast.counts.open() - left_out);
        if !finds_anew && queued == 0 && (open == 0 || blast.state == BlastState::Draft) {
            let doubted = match blast.counts.uncertain {
                0 => String::new(),
                uncertain => {
                    format!(": {} in it may have it already, decide about them first", people(uncertain))
                }
            };
            obstacles.push(format!("nobody is left to send to in {name}{doubted}"));
        }
        if let Some(why) = self.unusable(blast.sender_id) {
            obstacles.push(why);
        } else if self.sender(blast.sender_id).is_none() {
            obstacles.push(format!(
                "sender {} is not in the configuration that this program started with: add it under [[senders]], or start \
                 this program again if it has been added since",
                blast.sender
            ));
        }
        if let Some(unreadable) = blast.limits.unreadable() {
            obstacles.push(format!("{name} is not sent: {unreadable}. Fix that in its row of the table blasts"));
        }
        let content = BlastContent::parse(&blast.message, blast.template.as_ref());
        if let (Some(why), true) = (&blast.unfinished, content.is_ok()) {
            obstacles.push(format!("{name} is not finished: {why}"));
        }
        match content {
            Err(ContentError::Message(MessageError::Empty)) if self.sends_templates(blast.sender_id) => {
                obstacles.push(format!("{name} has no template yet: choose one of its sender's"));
            }
            Err(error) => obstacles.push(format!("the message cannot be used: {error}")),
            Ok(BlastContent::Template(_)) if !self.sends_templates(blast.sender_id) => {
                obstacles.push(format!("{name} sends a template, which only a sender of provider meta can"));
            }
            Ok(_) => {}
        }
        obstacles
    }

    /// Why nothing is sent of a blast that is over, or of an answer to somebody: no new blast would send that again.
    pub(super) async fn why_over(&self, row: &BlastRow) -> Result<Option<String>, AppError> {
        let Some(why) = over_words(row) else { return Ok(None) };
        if !view::blasts::is_answer(self.pool(), row.id).await? {
            return Ok(Some(why));
        }
        let state = row.origin.repeat.state_in_words(row.state);
        Ok(Some(format!("it is an answer to one person, and is {state}: another one is sent by answering them again")))
    }

    /// Whether a sender can send templates, as far as it is known here.
    pub(in crate::app) fn sends_templates(&self, sender: SenderId) -> bool {
        self.sender(sender).is_none_or(|configured| configured.provider.sends_templates())
    }
}

/// Why nothing is sent of a blast that is over; `None` of any other.
fn over_words(row: &BlastRow) -> Option<String> {
    let refused = transition(row.state, BlastCommand::Launch).err().filter(|_| row.state.is_over())?;
    let refused = format!("the blast is {}: {}", row.origin.repeat.state_in_words(row.state), refused.mend);
    Some(match &row.state_reason {
        Some(why) => format!("{refused} ({why})"),
        None => refused,
    })
}
