//! Reads that return what is on the screen already.

use super::support::{TestDashboard, WIDE, blasts, people, senders};
use crate::app::view::{Anchor, RecipientRow};
use crate::domain::blast::BlastState;
use crate::domain::status::Status;
use crate::tui::effect::{Completion, EffectError, ListPart};
use crate::tui::model::PageRequest;
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
