//! On whom the cursor of the recipients is drawn while another pane has the focus, and which blast a click is on.

use super::support::{RAYA, STACKED, TestDashboard, WIDE, at, blast, people, person};
use crate::app::report::ErrorLine;
use crate::app::view::{BlastView, RecipientRow};
use crate::domain::blast::BlastState;
use crate::domain::sender::StopCode;
use crate::domain::status::Status;
use crate::domain::waiting::Waiting;
use crate::tui::effect::Completion;
use crate::tui::model::FunnelView;
use crate::tui::mouse::{MouseEvent, MouseKind};
use crate::tui::msg::Msg;

/// The line of whoever the cursor is drawn on.
fn pointed(dashboard: &TestDashboard) -> Option<String> {
    dashboard.screen().into_iter().find(|line| line.starts_with("> +60") || line.starts_with("- +60"))
}

fn with_edi() -> Vec<RecipientRow> {
    let edi = person(9, "Edi", Status::Read, at(14, 1));
    std::iter::once(edi).chain(people()).collect()
}

#[test]
fn a_cursor_that_would_pass_to_the_newest_change_is_on_nobody_until_the_list_has_the_focus() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("2");
    assert_eq!(pointed(&dashboard), None);

    dashboard.dispatch(Msg::Refresh).list(with_edi());
    assert_eq!(pointed(&dashboard), None);

    dashboard.keys("3");
    assert!(pointed(&dashboard).is_some_and(|line| line.contains("Edi")), "{:#?}", dashboard.screen());
}

#[test]
fn somebody_who_was_chosen_keeps_the_cursor_whatever_comes_above_them() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("3j2").dispatch(Msg::Refresh).list(with_edi());
    assert!(pointed(&dashboard).is_some_and(|line| line.contains("Tan Mei Ling")), "{:#?}", dashboard.screen());

    dashboard.keys("3");
    assert_eq!(dashboard.cursor(), Some(2));
}

#[test]
fn a_click_chooses_the_blast_that_is_drawn_there_also_where_a_reason_takes_rows_from_the_list() {
    let mut dashboard = TestDashboard::new(STACKED);
    let waits = |id: i64| BlastView {
        waiting: Some(Waiting::SenderStopped {
            code: StopCode::Provider("device".to_owned()),
            why: "Device is offline".to_owned(),
            sender: "sales".to_owned(),
            waits_for_token: false,
        }),
        ..blast(id, &format!("Blast {id}"), BlastState::Sending, (11, 20))
    };
    dashboard.answer(Completion::Blasts(Ok((100..130).map(waits).collect()))).keys(":mouse\n1");
    for _ in 0..20 {
        dashboard.keys("j").list(people());
    }
    let screen = dashboard.screen();
    assert!(screen.iter().any(|line| line.contains("offline")), "{screen:#?}");
    let y = screen.iter().rposition(|line| line.starts_with("  Blast 1")).unwrap();
    let name = screen[y].split_whitespace().nth(1).unwrap().to_owned();

    dashboard.dispatch(Msg::Mouse(MouseEvent { kind: MouseKind::Press, at: (4, u16::try_from(y).unwrap()) }));

    assert_eq!(dashboard.model.blast().unwrap().id.to_string(), name, "{screen:#?}");
}

#[test]
fn a_click_in_the_funnel_chooses_what_is_drawn_there_and_nothing_below_it() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys(":mouse\n2");
    let press = |dashboard: &mut TestDashboard, y: usize| {
        let at = (60, u16::try_from(y).unwrap());
        dashboard.dispatch(Msg::Mouse(MouseEvent { kind: MouseKind::Press, at }));
        (dashboard.model.stage, dashboard.model.views.error)
    };
    assert_eq!(press(&mut dashboard, 4), (1, 0));
    assert_eq!(press(&mut dashboard, 8), (1, 0), "below the bars");

    dashboard.keys("vvv");
    assert_eq!(dashboard.model.shown_view(), FunnelView::Errors);
    let line =
        |code: &str| ErrorLine { code: code.to_owned(), count: 1, title: "Busy".to_owned(), advice: String::new() };
    dashboard.answer(Completion::Errors { blast: RAYA, errors: Ok(vec![line("131026"), line("131047")]) });
    let y = dashboard.screen().iter().position(|line| line.contains("131047")).unwrap();

    assert_eq!(press(&mut dashboard, y), (1, 1), "no stage is drawn");
    assert_eq!(press(&mut dashboard, y + 1), (1, 1), "nothing is there");
}
