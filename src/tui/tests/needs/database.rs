//! While the database does not answer.

use super::*;

#[test]
fn a_database_that_does_not_answer_is_named_with_what_starts_it_and_promises_no_end() {
    let mut dashboard = TestDashboard::new(WIDE);
    let sends = BlastView {
        state: BlastState::Sending,
        waiting: Some(Waiting::Rate { rate: "6/min".to_owned(), next: None, whose: LimitOwner::Sender, slowed: 0 }),
        ..raya()
    };
    dashboard.answer(Completion::Blasts(Ok(vec![sends])));
    dashboard.model.options.database = DatabaseKind::Own;
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("6/min") && !screen.contains("does not answer"), "{screen}");

    dashboard.dispatch(Msg::Database(DatabaseState::Down { since: at(11, 58) }));

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("the database does not answer: ! says more") && !screen.contains("6/min"), "{screen}");
    assert!(!screen.contains("done about"), "{screen}");
    let screen = dashboard.keys("!").screen().join("\n");
    assert!(
        screen.contains("the database has not answered since") && screen.contains("`blastdeck db start`"),
        "{screen}"
    );
    dashboard.keys("\n");
    assert_eq!(dashboard.said(), "nothing here ends that: run `blastdeck db start`");
    dashboard.model.options.database = DatabaseKind::Given;
    assert!(dashboard.screen().join("\n").contains("`blastdeck doctor` says why"));
    dashboard.dispatch(Msg::Database(DatabaseState::Up));
    assert!(!dashboard.screen().join("\n").contains("has not answered"));
    assert_eq!(dashboard.said(), "", "it has ended");
}

#[test]
fn a_list_that_could_not_be_read_shows_nobody_of_the_one_before_and_is_read_once_the_database_answers() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::Blasts(Ok(blasts())));
    dashboard.list(vec![person(1, "Zainab", Status::Read, noon())]);
    assert!(dashboard.screen().join("\n").contains("Zainab"));

    dashboard.keys("1j");
    let ticket = dashboard.model.recipients.ticket;
    let asked = PageRequest { anchor: Anchor::Start, limit: 60 };
    let failed =
        Completion::List { ticket, part: ListPart::Reload, asked, rows: Err(EffectError::Unavailable), newest: None };
    dashboard.answer(failed);

    let screen = dashboard.screen().join("\n");
    assert!(!screen.contains("Zainab") && screen.contains("not read yet: the database does not answer"), "{screen}");
    dashboard.keys("3/9");
    dashboard.keys("\n!");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("the database has not answered since"), "no key waits for a list: {screen}");
    dashboard.keys("\u{1b}");
    dashboard.effects.clear();
    dashboard.answer(Completion::Blasts(Ok(blasts())));
    let is_list = |effect: &Effect| matches!(effect, Effect::Read(ReadRequest::List { .. }));
    assert!(dashboard.effects.iter().any(is_list), "{:?}", dashboard.effects);
}

#[test]
fn a_command_line_that_is_wider_than_the_list_of_what_is_wrong_is_pasted_whole() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.model.options.program =
        "BLASTDECK_DATA_DIR='/tmp/t1/d' BLASTDECK_STATE_DIR='/tmp/t1/s' blastdeck --config '/tmp/t1/c/config.toml'"
            .to_owned();
    dashboard.model.options.database = DatabaseKind::Own;
    dashboard.dispatch(Msg::Database(DatabaseState::Down { since: at(11, 58) }));

    dashboard.keys("!");

    let screen = dashboard.screen();
    let begun = screen.iter().rposition(|line| line.contains("BLASTDECK_DATA_DIR='/tmp/t1/d'")).unwrap();
    let [first, second] = [&screen[begun], &screen[begun + 1]];
    assert!(first.ends_with(" \\") && second.ends_with(" db start"), "{screen:#?}");
    assert!(!first.contains('`') && !second.contains('`'), "a shell would read it: {screen:#?}");
}
