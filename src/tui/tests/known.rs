//! Reads that return what is on the screen already.

use super::support::{TestDashboard, WIDE, blasts, noon, people, senders};
use crate::app::DatabaseState;
use crate::app::view::{Anchor, RecipientRow};
use crate::domain::blast::BlastState;
use crate::domain::status::Status;
use crate::tui::effect::{Completion, Effect, EffectError, ListPart, ReadRequest};
use crate::tui::model::{PageRequest, Prompt};
use crate::tui::msg::Msg;
use crate::tui::update::is_known;

#[test]
fn what_is_read_again_is_known_until_something_of_it_differs() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.dispatch(Msg::Refresh);
    let again = [Completion::Senders(Ok(senders())), Completion::Rows(Ok(people())), live(&dashboard, people())];
    for read in again {
        assert!(is_known(&dashboard.model, &read), "{read:?}");
        dashboard.answer(read);
    }

    let at_rest = || {
        let mut blasts = blasts();
        for blast in &mut blasts {
            blast.state = BlastState::Completed;
        }
        Completion::Blasts(Ok(blasts))
    };
    assert!(!is_known(&dashboard.model, &at_rest()));
    dashboard.answer(at_rest());
    assert!(is_known(&dashboard.model, &at_rest()));
    dashboard.answer(Completion::Blasts(Ok(blasts())));
    assert!(!is_known(&dashboard.model, &Completion::Blasts(Ok(blasts()))), "the speed of what is sent is measured");

    let mut changed = people();
    changed[2].status = Status::Closed;
    let news = [Completion::Rows(Ok(changed.clone())), live(&dashboard, changed), Completion::Blasts(Ok(Vec::new()))];
    for read in news {
        assert!(!is_known(&dashboard.model, &read), "{read:?}");
    }
    assert!(!is_known(&dashboard.model, &Completion::Blasts(Err(EffectError::Unavailable))));
}

#[test]
fn a_list_that_could_not_be_read_is_known_neither_by_the_blasts_nor_by_the_rows_that_it_lost() {
    let at_rest = || {
        let mut blasts = blasts();
        for blast in &mut blasts {
            blast.state = BlastState::Completed;
        }
        Completion::Blasts(Ok(blasts))
    };
    let down = DatabaseState::Down { since: noon() };
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(at_rest()).dispatch(Msg::Database(down)).keys("3]");
    let lost = Completion::List {
        ticket: dashboard.model.recipients.ticket,
        part: ListPart::Reload,
        asked: PageRequest { anchor: Anchor::Start, limit: 60 },
        rows: Err(EffectError::Unavailable),
        newest: None,
    };
    dashboard.answer(lost).dispatch(Msg::Database(DatabaseState::Up)).taken();

    assert!(!is_known(&dashboard.model, &live(&dashboard, Vec::new())), "nobody is in it, which nobody knew");
    assert!(!is_known(&dashboard.model, &at_rest()));
    dashboard.answer(at_rest());

    let is_list = |effect: &Effect| matches!(effect, Effect::Read(ReadRequest::List { .. }));
    assert!(dashboard.taken().iter().any(is_list));
    dashboard.list(Vec::new());
    assert!(dashboard.screen().join("\n").contains("nobody is stuck at sent"), "{:#?}", dashboard.screen());
}

#[test]
fn what_was_being_found_when_the_database_went_away_is_asked_for_anew() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.dispatch(Msg::Database(DatabaseState::Down { since: noon() })).keys("/0005");
    let ticket = dashboard.model.recipients.ticket;
    dashboard.answer(Completion::Elsewhere { ticket, rows: Err(EffectError::Unavailable) });

    dashboard.answer(Completion::Blasts(Ok(blasts())));

    let ticket = dashboard.model.recipients.ticket;
    dashboard.list(vec![people()[4].clone()]).answer(Completion::Elsewhere { ticket, rows: Ok(Vec::new()) });
    assert!(
        matches!(&dashboard.model.prompt, Some(Prompt::Find(find)) if find.elsewhere.is_some()),
        "tab would wait for ever: {:?}",
        dashboard.model.prompt
    );
}

fn live(dashboard: &TestDashboard, rows: Vec<RecipientRow>) -> Completion {
    let asked = PageRequest { anchor: Anchor::Start, limit: 60 };
    Completion::List {
        ticket: dashboard.model.recipients.ticket,
        part: ListPart::Reload,
        asked,
        rows: Ok(rows),
        newest: None,
    }
}
