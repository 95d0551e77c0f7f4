//! Blasts that leave people out for an answer that was taken back: nothing queues them again, so whatever takes it back says so and
//! how to write to them.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use sqlx::PgConnection;

use super::Undo;
use crate::app::segment::draft_to_them;
use crate::app::{App, AppError};
use crate::domain::blast::{blast_name, is_initial};
use crate::domain::filter::segment::SegmentReader;
use crate::domain::ids::BlastId;
use crate::domain::recipient::Undone;
use crate::domain::text::people;
use crate::store::answered::{self, LaunchedWithout, LeftOutStill};
use crate::store::person::PersonRow;
use crate::store::view::segment::{self, OnlyPeople, SegmentQuery};

/// The people of answers and opt-outs that were taken back.
pub(super) fn of_answers(undos: &[Undo]) -> Vec<&PersonRow> {
    let of_answers =
        undos.iter().filter(|undo| matches!(undo.undone, Undone::Replied | Undone::Closed(_) | Undone::OptOut));
    of_answers.map(|undo| &undo.person).collect()
}

impl App {
    /// `; still left out of Raya promo, Follow-up 1 (blast 13): …`, behind what was taken back; nothing where nobody is.
    pub(in crate::app) async fn left_out_in_words(
        &self,
        tx: &mut PgConnection,
        people: &[&PersonRow],
    ) -> Result<String, AppError> {
        if people.is_empty() {
            return Ok(String::new());
        }
        let ids: Vec<_> = people.iter().map(|person| person.id).collect();
        let mut left_out = answered::left_out_still(tx, &ids).await?;
        for without in answered::launched_without(tx, &ids).await? {
            let person = people.iter().find(|person| person.id == without.recipient);
            let Some(person) = person else { continue };
            if self.would_take(tx, &without, person).await? {
                left_out.push(without.left_out);
            }
        }
        let visible = self.visible_blasts(tx, left_out.iter().map(|one| one.blast).collect()).await?;
        left_out.retain(|one| visible.contains(&one.blast));
        left_out.sort_by_key(|one| one.blast);
        worded(self, tx, &left_out).await
    }

    /// Whether the filter of a blast names somebody, now that nothing says their answer any more.
    async fn would_take(
        &self,
        tx: &mut PgConnection,
        without: &LaunchedWithout,
        person: &PersonRow,
    ) -> Result<bool, AppError> {
        let zone = without.timezone.as_deref().and_then(|zone| zone.parse().ok());
        let own = || self.config().sender(&without.left_out.sender).map(|sender| sender.timezone);
        let zone = zone.or_else(own).unwrap_or(Tz::UTC);
        let follows = without.is_follow_up.then_some(person.blast_id);
        let reader = SegmentReader { now: without.launched_at, zone, blast: follows };
        // It was read when it was launched.
        let Ok(segment) = reader.read(&without.segment) else { return Ok(false) };
        let query = SegmentQuery {
            segment: &segment,
            business: &person.business,
            capped: None,
            follows,
            step: None,
            only: Some(OnlyPeople::Row(person.id)),
            draft: Some(without.left_out.blast),
        };
        Ok(segment::takes_anybody(tx, query).await?)
    }
}

async fn worded(app: &App, tx: &mut PgConnection, left_out: &[LeftOutStill]) -> Result<String, AppError> {
    let Some(newest) = left_out.last() else { return Ok(String::new()) };
    let blasts: BTreeSet<BlastId> = left_out.iter().map(|one| one.blast).collect();
    let which = if blasts.len() == 1 {
        format!("{} (blast {})", blast_name(&newest.blast_tag, &newest.follow_up_stage), newest.blast)
    } else {
        let ids: Vec<_> = blasts.iter().map(BlastId::to_string).collect();
        let all = if left_out.iter().any(|one| is_initial(&one.follow_up_stage)) { "blasts" } else { "follow-ups" };
        format!("{all} {}", ids.join(", "))
    };
    let phones: BTreeSet<&str> = left_out.iter().map(|one| &*one.phone_number).collect();
    if phones.len() > 1 {
        let several = format!("; {} of them still left out of {which}", people(phones.len()));
        // Where a filter named its people, they are not among them.
        if newest.found_in != newest.blast {
            return Ok(several);
        }
        let newest = newest.blast;
        return Ok(format!("{several}: `blastdeck blast recipients {newest} --search status:skipped` lists them"));
    }
    let filter = app.filter_of_person(tx, newest.found_in, &newest.phone_number).await?;
    let mend = draft_to_them(tx, (&newest.sender, newest.blast), &filter).await?;
    Ok(format!("; still left out of {which}: {mend}"))
}
