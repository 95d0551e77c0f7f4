//! Whom a filter finds, and for whom the message cannot be made: they are kept with the draft as the rows are that a list was made
//! without, and counted beside whom the filter leaves out.

use std::collections::BTreeMap;

use crate::app::{App, AppError};
use crate::domain::content::BlastContent;
use crate::domain::ids::BlastId;
use crate::domain::phone::is_united_states;
use crate::domain::rejected_rows::{LeftOutRow, RejectedReason, RejectedRows, RowDigest};
use crate::import::Reason;
use crate::store::draft;
use crate::store::view::BlastRow;
use crate::store::view::segment::SegmentPerson;

use super::{FoundAudience, values_of};

/// The most people who are named.
const NAMED_MAX: usize = 100;

/// Somebody of them, and why.
pub(super) struct UnmadePerson {
    pub person: SegmentPerson,
    pub why: String,
}

/// Why the message does not come out for somebody, or is not delivered to their country, as it is said of the rows of a list.
pub(super) fn obstacle(person: &SegmentPerson, content: &BlastContent, is_marketing: bool) -> Option<String> {
    let variables = values_of(person.name.as_deref(), person.variables.clone());
    let reason = match content.render(&variables) {
        Err(error) => Reason::from(error),
        Ok(_) if is_marketing && is_united_states(person.phone.digits()) => Reason::UnitedStates,
        Ok(_) => return None,
    };
    Some(reason.in_general())
}

/// Parts those whom the message can be made for from the others.
pub(super) fn parted(
    people: Vec<SegmentPerson>,
    content: &BlastContent,
    is_marketing: bool,
) -> (Vec<SegmentPerson>, Vec<UnmadePerson>) {
    let (mut made, mut unmade) = (Vec::new(), Vec::new());
    for person in people {
        match obstacle(&person, content, is_marketing) {
            Some(why) => unmade.push(UnmadePerson { person, why }),
            None => made.push(person),
        }
    }
    (made, unmade)
}

/// As they are kept; `None` where there is nobody.
pub(super) fn kept(unmade: &[UnmadePerson]) -> Option<RejectedRows> {
    let mut counts = BTreeMap::<&str, u64>::new();
    for one in unmade {
        *counts.entry(&one.why).or_default() += 1;
    }
    let reason = |(reason, rows): (&str, u64)| RejectedReason { reason: reason.to_owned(), rows };
    let mut reasons: Vec<_> = counts.into_iter().map(reason).collect();
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.rows));
    let row = |(row, UnmadePerson { person, why }): (u64, &UnmadePerson)| LeftOutRow {
        row,
        column: "variables".to_owned(),
        value: person.phone.as_str().to_owned(),
        name: person.name.clone(),
        reason: why.clone(),
        is_cell: false,
        digest: RowDigest::default(),
        phone: Some(person.phone.clone()),
    };
    let rows = (1..).zip(unmade.iter().take(NAMED_MAX)).map(row).collect();
    let kept = RejectedRows { total: unmade.len() as u64, reasons, rows, ..RejectedRows::default() };
    (!unmade.is_empty()).then(|| kept.to_keep())
}

/// Whether as many are counted for each reason.
fn has_same_counts(one: Option<&RejectedRows>, other: Option<&RejectedRows>) -> bool {
    let counts = |kept: Option<&RejectedRows>| -> BTreeMap<String, u64> {
        let reasons = kept.into_iter().flat_map(|kept| &kept.reasons);
        reasons.map(|reason| (reason.reason.clone(), reason.rows)).collect()
    };
    counts(one) == counts(other)
}

impl App {
    /// The rows that a blast was made without, or, where its people are found and nothing may be written, those who are found.
    pub(in crate::app) async fn left_out_rows(
        &self,
        id: BlastId,
        found: Option<&FoundAudience>,
    ) -> Result<Option<RejectedRows>, AppError> {
        match found {
            Some(found) => Ok(found.unmade.clone()),
            None => Ok(draft::left_out(self.pool(), id).await?),
        }
    }

    /// The rows that the list of a blast was read without, as far as they are kept. A blast whose people a filter names has no list.
    pub async fn rows_left_out_of(&self, id: BlastId) -> Result<RejectedRows, AppError> {
        let row = self.blast_row(id).await?;
        if row.origin.segment.is_some() {
            return Ok(RejectedRows::default());
        }
        Ok(draft::left_out(self.pool(), id).await?.unwrap_or_default())
    }

    /// Keeps with a draft whose people are the same for whom its message cannot be made by now. Its version stays: to whom it goes is as
    /// whoever launches it saw.
    pub(super) async fn keep_unmade(&self, row: &BlastRow, unmade: &[UnmadePerson]) -> Result<(), AppError> {
        let (before, now) = (draft::left_out(self.pool(), row.id).await?, kept(unmade));
        if has_same_counts(before.as_ref(), now.as_ref()) {
            return Ok(());
        }
        Ok(draft::keep_left_out(self.pool(), (row.id, row.version), now.as_ref()).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::RecipientId;
    use crate::domain::phone::Phone;
    use crate::store::view::segment::ExclusionColumn;

    fn person(n: i64, variables: serde_json::Value) -> SegmentPerson {
        SegmentPerson {
            id: RecipientId(n),
            phone: Phone::from_database(format!("+6010000000{n}")),
            name: None,
            variables: Some(variables),
            external_id: None,
            left_out: ExclusionColumn(None),
        }
    }

    #[test]
    fn whom_the_message_cannot_be_made_for_is_counted_by_reason_as_a_list_counts_its_rows() {
        let content = BlastContent::parse("{greeting}, still in {city}?", None).unwrap();
        let people = vec![
            person(1, serde_json::json!({ "greeting": "Hi", "city": "Ipoh" })),
            person(2, serde_json::json!({ "city": "Ipoh" })),
            person(3, serde_json::json!({ "greeting": "Hi" })),
            person(4, serde_json::json!({ "greeting": "Hi" })),
        ];

        let (made, unmade) = parted(people, &content, false);
        let rows = kept(&unmade).unwrap();

        assert_eq!((made.len(), rows.total, rows.rows.len()), (1, 3, 3));
        assert_eq!(rows.in_words(4), "2 without city, 1 without greeting");
        assert!(has_same_counts(Some(&rows), kept(&unmade).as_ref()) && !has_same_counts(Some(&rows), None));
        assert!(kept(&[]).is_none() && has_same_counts(None, None));
    }
}
