//! What some of a blast's people read: shown with its plan, and sent to oneself.

use super::super::{App, AppError};
use super::Sample;
use crate::app::template::TemplateCheck;
use crate::domain::content::BlastContent;
use crate::domain::ids::RecipientId;
use crate::engine::variables;
use crate::store::draft::RecipientValues;
use crate::store::plan::{self, SampleKind, SamplePerson};
use crate::store::view::BlastRow;

impl App {
    pub(super) async fn samples(
        &self,
        blast: &BlastRow,
        business: &str,
        (template, left_out): (&TemplateCheck, &[RecipientId]),
    ) -> Result<Vec<Sample>, AppError> {
        let Ok(content) = BlastContent::parse(&blast.message, blast.template.as_ref()) else { return Ok(Vec::new()) };
        let people = self.sample_people((blast, &content), business, left_out).await?;
        let sample = |SamplePerson { why, person, list_row }: SamplePerson| {
            let RecipientValues { id, phone_number, name, variables: values } = person;
            let text = template.preview(content.render(&variables(name.as_deref(), values.as_ref())).ok()?);
            let is_nameless = name.as_ref().is_none_or(|name| name.trim().is_empty());
            let which = match why {
                SampleKind::First => "first",
                SampleKind::ShortestName if is_nameless => "no name",
                SampleKind::ShortestName => "shortest name",
                SampleKind::LongestName => "longest name",
                SampleKind::EmptyColumn => "empty column",
            };
            Some(Sample { which, person: id, phone: phone_number, name, row: list_row, text })
        };
        Ok(people.into_iter().filter_map(sample).collect())
    }

    /// One of those in the samples, with what their message is made from. Refused where others are samples by now, or nobody is.
    pub(in crate::app) async fn sample_person(
        &self,
        (blast, content): (&BlastRow, &BlastContent),
        person: RecipientId,
    ) -> Result<RecipientValues, AppError> {
        let business = self.business(blast.sender_id).await?;
        let people = self.sample_people((blast, content), &business, &self.answered_rows(blast).await?).await?;
        let tag = &blast.tag;
        if people.is_empty() {
            return Err(AppError::Refused(format!("nobody in {tag} gets a message")));
        }
        let sample = people.into_iter().map(|sample| sample.person).find(|sample| sample.id == person);
        let others = || AppError::Refused(format!("other people of {tag} are shown now: look at its plan again"));
        sample.ok_or_else(others)
    }

    async fn sample_people(
        &self,
        (blast, content): (&BlastRow, &BlastContent),
        business: &str,
        left_out: &[RecipientId],
    ) -> Result<Vec<SamplePerson>, AppError> {
        // Names have samples of their own.
        let columns: Vec<String> = content.columns().into_iter().filter(|column| column != "name").collect();
        Ok(plan::samples(self.pool(), blast.id, business, &columns, left_out).await?)
    }
}
