//! Digits that are typed among the blasts: where they find no blast, people are looked for.

use super::support::{TestDashboard, WIDE, person};
use crate::app::view::{ElsewhereRow, RecipientRow};
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::recipient::Mark;
use crate::domain::status::Status;
use crate::tui::effect::{Completion, WriteRequest};
use crate::tui::model::{Overlay, Prompt};
use crate::tui::tests::support::at;

const HARI_SUKAN: BlastId = BlastId(4);

fn there(id: i64) -> ElsewhereRow {
    let person = RecipientRow { blast_id: HARI_SUKAN, ..person(id, "Farid", Status::Read, at(12, 0)) };
    ElsewhereRow { person, tag: "Hari Sukan".to_owned(), follow_up_stage: "Initial".to_owned(), is_same_message: false }
}

/// Nobody of this blast is found, and these in all of them.
fn found(dashboard: &mut TestDashboard, rows: Vec<ElsewhereRow>) {
    dashboard.list(Vec::new());
    let Some(Prompt::Find(find)) = &dashboard.model.prompt else { panic!("{:?}", dashboard.model.prompt) };
    dashboard.answer(Completion::Elsewhere { ticket: find.ticket, rows: Ok(rows) });
}

#[test]
fn the_line_says_where_people_are_found_once_no_blast_is() {
    let mut dashboard = TestDashboard::new(WIDE);

    dashboard.keys("1/zaid");
    assert!(dashboard.line(27).contains("no blast; tab looks for people in all blasts"), "{}", dashboard.line(27));
    dashboard.key(crate::tui::key::Key::Esc).keys("/0179");

    assert!(dashboard.line(27).contains("no blast; enter or tab looks for people"), "{}", dashboard.line(27));
}

#[test]
fn enter_on_digits_finds_the_person_in_whichever_blast_and_the_keys_after_it_are_theirs() {
    let mut dashboard = TestDashboard::new(WIDE);

    dashboard.keys("1/0179\nr");
    assert!(dashboard.acts().is_empty());
    found(&mut dashboard, vec![there(179)]);
    assert_eq!(dashboard.model.blast().unwrap().id, HARI_SUKAN);
    dashboard.list(vec![there(179).person]);

    assert_eq!(dashboard.acts(), [WriteRequest::Mark { person: RecipientId(179), mark: Mark::Replied }]);
    assert!(dashboard.model.prompt.is_none());
    assert!(dashboard.model.blasts.filter().is_none(), "the list of blasts is as it was");
}

#[test]
fn whose_number_ends_in_the_digits_is_meant_and_not_whoever_merely_has_them() {
    let mut dashboard = TestDashboard::new(WIDE);
    let mut other = there(7);
    other.person.phone = serde_json::from_value(serde_json::json!("+60117900123")).unwrap();

    dashboard.keys("1/179\n");
    found(&mut dashboard, vec![other, there(179)]);

    assert_eq!(dashboard.model.recipients.target, crate::tui::model::CursorTarget::Person(RecipientId(179)));
}

#[test]
fn several_are_chosen_from_and_nobody_leaves_no_field_that_takes_further_keys() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1/farid");
    dashboard.key(crate::tui::key::Key::Tab);
    found(&mut dashboard, vec![there(179), there(180)]);
    assert!(matches!(dashboard.model.overlays[..], [Overlay::Elsewhere(_)]), "{:?}", dashboard.model.overlays);

    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1/0179\nr");
    found(&mut dashboard, Vec::new());

    assert!(dashboard.model.prompt.is_none() && dashboard.acts().is_empty());
    let said = dashboard.said();
    assert!(said.starts_with("neither a blast nor a person is found by 0179: the key typed meanwhile"), "{said}");
}
