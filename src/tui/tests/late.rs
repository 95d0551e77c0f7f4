//! Answers that come after the operator went on to something else: what is being typed stays theirs, and no key of it acts.

use super::plans::planned;
use super::support::{TestDashboard, WIDE};
use crate::domain::ids::ActionId;
use crate::tui::effect::{Completion, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::Prompt;

fn asks(dashboard: &mut TestDashboard, request: WriteRequest) {
    let question = "your last act: closed, Siti Aminah. Take it back?".to_owned();
    let then = WriteRequest::UndoMyAct(ActionId(7));
    let outcome = Ok(WriteOutcome::AsksFirst { question, then });
    dashboard.answer(Completion::Written { request, outcome }).taken();
}

#[test]
fn a_late_question_whether_to_take_back_opens_over_no_text_that_is_typed() {
    // The form of a blast, commands by name, the help that is searched, and the number of a plan.
    for keys in ["n↓↓↓↓\nSalam", ":pa", "?/opt"] {
        let mut dashboard = TestDashboard::new(WIDE);
        dashboard.keys("1u");
        let request = dashboard.acts().pop().unwrap();
        dashboard.keys(keys);

        asks(&mut dashboard, request);
        dashboard.keys("y");

        assert!(dashboard.model.prompt.is_none(), "{keys}");
        let undone = dashboard.acts().into_iter().any(|act| matches!(act, WriteRequest::UndoMyAct(_)));
        assert!(!undone, "{keys}: the letter is of the text");
    }
    let mut plan = planned(|plan| plan);
    plan.keys("u");
    let request = plan.acts().pop().unwrap();
    plan.keys("28");
    asks(&mut plan, request.clone());
    assert_eq!(plan.said(), "nothing was taken back: that asks first, press the key again to be asked");
    plan.key(Key::Ctrl('u'));
    asks(&mut plan, request);
    assert!(matches!(plan.model.prompt, Some(Prompt::Confirm(_))), "nothing is typed there");
}
