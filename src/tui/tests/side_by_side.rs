//! Pages on wide screens: what belongs together stands beside one another, and not far below.

use super::form::opened;
use super::late::wants_draft;
use super::plans::{plan_of, planned};
use super::support::{TestDashboard, WIDE, details_of, people};
use crate::app::view::RecipientDetails;
use crate::app::{DraftPerson, Plan, Sample};
use crate::domain::message::Variables;
use crate::domain::status::Status;
use crate::tui::Size;
use crate::tui::effect::Completion;
use crate::tui::key::Key;

const LARGE: Size = Size { width: 200, height: 50 };

/// The two halves of the line that has these words.
fn halves(dashboard: &TestDashboard, words: &str) -> (String, String) {
    let screen = dashboard.screen();
    let line = screen.iter().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words}: {screen:#?}"));
    let (left, right) = line.split_once('│').unwrap_or((line, ""));
    (left.to_owned(), right.to_owned())
}

fn with_samples(plan: Plan) -> Plan {
    let [first] = &plan.samples[..] else { panic!("one sample") };
    let sample = |which, name: &str, text: &str| Sample {
        which,
        name: Some(name.to_owned()),
        text: text.to_owned(),
        ..first.clone()
    };
    let samples = vec![
        first.clone(),
        sample("shortest name", "Li", "Salam Li, tinggal 2 hari lagi!"),
        sample("longest name", "Muhammad", "Salam Muhammad, tinggal 2 hari lagi!"),
    ];
    Plan { samples, ..plan }
}

#[test]
fn a_plan_shows_all_that_its_samples_read_beside_it_and_marks_whose_would_be_sent_to_me() {
    let mut dashboard = planned(with_samples);
    let narrow = dashboard.screen().join("\n");
    assert!(narrow.contains("Salam Raj") && !narrow.contains("Salam Li"), "{narrow}");

    dashboard.model.size = LARGE;

    let (left, right) = halves(&dashboard, "What they read");
    assert!(left.contains("289 people get one message each") && right.contains("[ ] 1 of 3, first"), "{left}|{right}");
    for text in ["Salam Raj, ", "Salam Li, ", "Salam Muhammad, "] {
        assert!(halves(&dashboard, text).1.contains(text), "{:#?}", dashboard.screen());
    }
    dashboard.keys("]");
    assert!(halves(&dashboard, "2 of 3").1.contains("[ ] 2 of 3"), "{:#?}", dashboard.screen());
    assert!(halves(&dashboard, "people: ").0.contains("people: "), "{:#?}", dashboard.screen());
}

#[test]
fn samples_for_which_there_is_no_room_are_shown_one_at_a_time() {
    let long = |plan| {
        let plan = with_samples(plan);
        let samples = plan.samples.iter().map(|sample| Sample { text: "Salam semua! ".repeat(150), ..sample.clone() });
        Plan { samples: samples.collect(), ..plan }
    };
    let mut dashboard = planned(long);
    dashboard.model.size = LARGE;

    let screen = dashboard.screen().join("\n");
    assert_eq!(screen.matches("What they read").count(), 1, "{screen}");
    dashboard.keys("]");
    assert!(halves(&dashboard, "2 of 3").1.contains("[ ] 2 of 3"), "{:#?}", dashboard.screen());
}

#[test]
fn a_plan_without_a_sample_has_the_whole_width() {
    let mut dashboard = planned(|plan| Plan { samples: Vec::new(), ..plan });
    dashboard.model.size = LARGE;

    assert!(!halves(&dashboard, "289 people get").0.contains('│'));
    assert_eq!(plan_of(super::support::draft(), 1).samples.len(), 1);
}

#[test]
fn what_was_said_word_for_word_stands_beside_what_happened() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("3\n").taken();
    let person = people().into_iter().find(|person| person.status != Status::Uncertain).unwrap();
    let details: RecipientDetails = details_of(person);
    dashboard.answer(Completion::Person(Box::new(Ok(details))));
    dashboard.model.size = LARGE;

    let screen = dashboard.screen();
    let message = screen.iter().position(|line| line.contains("Message as sent")).unwrap();
    let happened = screen.iter().position(|line| line.contains("What happened")).unwrap();
    assert!(message < happened, "{screen:#?}");
    assert!(halves(&dashboard, "Salam Aishah").1.contains("Salam Aishah"), "{screen:#?}");
    assert!(halves(&dashboard, "as a command").0.contains("as a command"), "{screen:#?}");
}

#[test]
fn the_shorter_column_stays_at_its_end_while_the_longer_one_goes_on() {
    let mut dashboard = TestDashboard::new(LARGE);
    dashboard.keys("3\n");
    let lines: Vec<_> = (1..=90).map(|line| format!("line {line}")).collect();
    let long = RecipientDetails { message_text: Some(lines.join("\n")), ..details_of(people().swap_remove(0)) };
    dashboard.answer(Completion::Person(Box::new(Ok(long))));
    assert!(halves(&dashboard, "What happened").1.contains("line"), "{:#?}", dashboard.screen());

    let shows =
        |dashboard: &TestDashboard, end: &str| dashboard.screen().iter().any(|line| line.trim_end().ends_with(end));
    assert!(shows(&dashboard, " line 1"));

    dashboard.key(Key::PageDown);
    assert!(shows(&dashboard, " line 60") && !shows(&dashboard, " line 1"), "{:#?}", dashboard.screen());
    assert!(dashboard.screen().join("\n").contains("What happened"), "{:#?}", dashboard.screen());
    dashboard.keys("G");
    let shown = dashboard.screen().join("\n");
    assert!(shown.contains("What happened") && shown.contains("no response of the provider was kept"), "{shown}");
    dashboard.key(Key::Home);
    assert!(shows(&dashboard, " line 1"));
}

#[test]
fn a_form_shows_beside_it_what_its_first_people_read() {
    let mut dashboard = TestDashboard::new(WIDE);
    wants_draft(&mut dashboard).answer(opened());
    let person = |row, name: &str| DraftPerson {
        row: Some(row),
        phone: format!("+6010012000{row}"),
        name: Some(name.to_owned()),
        variables: Variables::default(),
    };
    let people = vec![person(2, "Siti"), person(3, "Raj"), person(4, "Ming")];
    let form = dashboard.model.form.as_mut().unwrap();
    (form.first_people, form.values.message) = (people, "Salam semua, promo Raya".to_owned());
    let narrow = dashboard.screen().join("\n");
    assert!(narrow.contains("Row 2 reads") && !narrow.contains("Row 3 reads"), "{narrow}");

    dashboard.model.size = LARGE;

    for row in ["Row 2 reads", "Row 3 reads", "Row 4 reads"] {
        assert!(halves(&dashboard, row).1.contains(row), "{:#?}", dashboard.screen());
    }
    assert!(halves(&dashboard, "Pace").0.contains("Pace"), "{:#?}", dashboard.screen());
}
