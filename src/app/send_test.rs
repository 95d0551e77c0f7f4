//! A message to the operator's own number, as one person of a blast would read it.

use chrono::TimeDelta;
use serde_json::json;

use super::launching::Launch;
use super::view::BlastView;
use super::{App, AppError, NewDraft};
use crate::domain::blast::{PersonClocks, TEST_STAGE};
use crate::domain::content::BlastContent;
use crate::domain::ids::{BlastId, RecipientId};
use crate::engine::variables;
use crate::import::PeopleSource;

impl App {
    /// Sends what one person of the samples of a blast's plan would read to the operator's own number (`to`, else `[ui] test_to`): a blast of its own, to
    /// nobody else. Refused where the blast has another version than was seen ([`Self::at_version`]): its words may be others by now.
    pub async fn send_test(&self, id: BlastId, person: RecipientId, to: Option<&str>) -> Result<BlastView, AppError> {
        let row = self.blast_row(id).await?;
        self.require_seen_version(id, row.version)?;
        let missing =
            || AppError::Refused("write your own number into the configuration: [ui] test_to = \"+60...\"".to_owned());
        let own = to.map(str::to_owned).or_else(|| self.config().ui.test_to.clone()).ok_or_else(missing)?;
        let content = BlastContent::parse(&row.message, row.template.as_ref());
        let content = content.map_err(|error| AppError::Refused(format!("the message cannot be used: {error}")))?;
        let person = self.sample_person((&row, &content), person).await?;
        let values = variables(person.name.as_deref(), person.variables.as_ref());
        let given = json!({ "phone_number": own, "name": person.name, "variables": values });
        let draft = NewDraft {
            sender: row.sender.clone(),
            tag: row.tag.clone(),
            follow_up_stage: TEST_STAGE.to_owned(),
            content,
            is_marketing: false,
            rate: None,
            gap: None,
            window: None,
            weekdays: None,
            timezone: None,
            start: None,
            segment: None,
            clocks: PersonClocks::default(),
            repeat: None,
            retry_next_day: false,
            first: None,
            external_id: None,
            description: Some(format!("one of blast {id}, to oneself")),
        };
        let made = self.create_for_caller(draft, PeopleSource::given([given])).await?;
        let test = self.blast(made.blast).await?;
        if test.counts.queued == 0 {
            let why = made.rejected.examples.first().map_or_else(String::new, |first| format!(": {}", first.reason));
            self.delete(made.blast).await?;
            return Err(AppError::Refused(format!("{own} cannot be sent to{why}")));
        }
        let launch = Launch { blast: test.id, version: test.version, people: 1, armed_for: TimeDelta::zero() };
        let launched = self.launch(launch).await;
        // What was launched after all, though that was not confirmed, has another version, and stays.
        if launched.is_err()
            && let Err(error) = self.at_version(test.id, test.version).delete(test.id).await
        {
            tracing::debug!(%error, blast = %test.id, "a test that could not be launched stays a draft");
        }
        launched
    }
}
