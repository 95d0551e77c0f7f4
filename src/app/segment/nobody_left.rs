//! Why nobody is left of whom a filter finds: how many that are, and what each of them is left out for.

use super::SegmentPerson;
use super::unmade::{kept, parted};
use crate::app::{App, AppError};
use crate::domain::content::BlastContent;
use crate::domain::filter::segment::Exclusion;
use crate::domain::ids::BlastId;
use crate::domain::rejected_rows::RejectedRows;
use crate::domain::text;
use crate::store::view::BlastRow;

/// How many reasons for which the message cannot be made are named; there may be as many as it has values.
const REASONS: usize = 4;

impl App {
    /// Why nobody is in a draft that was made by itself, as it is said of it once it is over.
    pub(in crate::app) async fn why_nobody(&self, row: &BlastRow) -> Result<String, AppError> {
        let business = self.business(row.sender_id).await?;
        let Some(audience) = self.audience_of_row(row, &business).await? else {
            return Ok("nobody is left of its people".to_owned());
        };
        let found = self.people_of(&audience).await?;
        let (people, left_out): (Vec<_>, Vec<_>) = found.into_iter().partition(|person| person.left_out.0.is_none());
        let unmade = match BlastContent::parse(&row.message, row.template.as_ref()) {
            Ok(content) => {
                let is_marketing = self.is_marketing(row, &content).await;
                kept(&parted(people, &content, is_marketing).1)
            }
            Err(_) => None,
        };
        Ok(ended_words(&left_out, unmade.as_ref()))
    }
}

/// Why nobody is left. Of a follow-up of a blast's carts nobody may have given a filter: it is said as of one at a stage.
pub(super) fn nobody(left_out: &[SegmentPerson], carts_of: Option<BlastId>) -> String {
    let found = match (carts_of, left_out.len()) {
        (Some(blast), 0) => {
            return format!("nobody of blast {blast} has had a cart for so long without an order since");
        }
        (None, 0) => return "the filter finds nobody".to_owned(),
        (Some(blast), people) => format!("{} of blast {blast} had a cart for so long", text::people(people)),
        (None, people) => format!("the filter finds {}", text::people(people)),
    };
    let is_capped = by_reason(left_out).any(|(reason, _)| reason == Exclusion::FrequencyCap);
    let also = if is_capped { "; a blast that is scheduled or paused counts, too" } else { "" };
    format!("{found}, and nobody is left: {}{also}", reasons(left_out).join(", "))
}

/// How many are left out for each reason that somebody is left out for.
pub(super) fn by_reason(left_out: &[SegmentPerson]) -> impl Iterator<Item = (Exclusion, usize)> {
    let count = move |reason| left_out.iter().filter(|person| person.left_out.0 == Some(reason)).count();
    Exclusion::ALL.into_iter().map(move |reason| (reason, count(reason))).filter(|(_, people)| *people > 0)
}

fn reasons(left_out: &[SegmentPerson]) -> Vec<String> {
    by_reason(left_out).map(|(reason, people)| format!("{people} {}", reason.words())).collect()
}

/// Why a draft was over before anybody was in it. Whoever is found by now, and was not when it was made, does not count.
fn ended_words(left_out: &[SegmentPerson], unmade: Option<&RejectedRows>) -> String {
    let found = left_out.len() as u64 + unmade.map_or(0, |rows| rows.total);
    if found == 0 {
        return "its filter found nobody".to_owned();
    }
    let mut reasons = reasons(left_out);
    reasons.extend(unmade.map(|rows| rows.in_words(REASONS)));
    format!("its filter found {}, and nobody was left: {}", text::people(found), reasons.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::RecipientId;
    use crate::domain::phone::Phone;
    use crate::store::view::segment::ExclusionColumn;

    fn person(n: i64, left_out: Option<Exclusion>) -> SegmentPerson {
        SegmentPerson {
            id: RecipientId(n),
            phone: Phone::from_database(format!("+6010000000{n}")),
            name: None,
            variables: None,
            external_id: None,
            left_out: ExclusionColumn(left_out),
        }
    }

    #[test]
    fn a_draft_to_nobody_says_how_many_its_filter_found_and_what_they_are_left_out_for() {
        let content = BlastContent::parse("Still in {city}?", None).unwrap();
        let unmade = kept(&parted(vec![person(4, None)], &content, false).1);
        let cap = Some(Exclusion::FrequencyCap);
        let left_out = [person(1, cap), person(2, Some(Exclusion::OptedOut)), person(3, cap)];
        let said = "1 opted out, 2 within the frequency cap of another message";

        assert_eq!(ended_words(&left_out, None), format!("its filter found 3 people, and nobody was left: {said}"));
        assert_eq!(
            ended_words(&left_out, unmade.as_ref()),
            format!("its filter found 4 people, and nobody was left: {said}, 1 without city")
        );
        assert_eq!(ended_words(&[], None), "its filter found nobody");
    }
}
