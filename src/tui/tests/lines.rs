//! Single lines and cells: the header, the hints, titles, times, colours.

use chrono::TimeDelta;

use super::support::{STACKED, TestDashboard, WIDE, at, blasts, buffer, noon, people, person, raya};
use crate::app::view::Total;
use crate::app::view::{BlastView, ChangesSince, LeaseRow};
use crate::domain::engine_role::EngineRole;
use crate::domain::funnel::Counts;
use crate::domain::ids::RecipientId;
use crate::domain::status::Status;
use crate::domain::waiting::Waiting;
use crate::tui::effect::Completion;
use crate::tui::key::Key;
use crate::tui::model::ListScope;
use crate::tui::theme::{Colours, ScreenTheme, TextRole};
use crate::tui::{Charset, DashboardKind, Hints, Size};

#[test]
fn the_header_says_whose_messages_these_are() {
    for (kind, word) in
        [(DashboardKind::Real, " REAL "), (DashboardKind::Demo, " DEMO "), (DashboardKind::ReadOnly, " READ-ONLY ")]
    {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.model.options.kind = kind;
        assert!(dashboard.line(0).starts_with(word), "{}", dashboard.line(0));
    }
}

#[test]
fn the_header_says_when_the_sending_happens_elsewhere() {
    let mut dashboard = TestDashboard::new(WIDE);
    let lease = |holder: &str| LeaseRow {
        holder: holder.to_owned(),
        host: "kedai1".to_owned(),
        role: Some(EngineRole::Serve),
        expires_at: at(14, 3),
    };
    dashboard.model.holder = "me".to_owned();

    dashboard.model.senders[0].lease = Some(lease("another"));
    assert!(dashboard.line(0).contains("146/500 today, about 90/h, sent by serve on kedai1"), "{}", dashboard.line(0));

    dashboard.model.senders[0].lease = Some(lease("me"));
    assert!(dashboard.line(0).contains("146/500 today, about 90/h, sent by this window"), "{}", dashboard.line(0));
}

#[test]
fn an_engine_that_renews_its_lease_no_more_is_not_said_to_send() {
    let mut dashboard = TestDashboard::new(Size { width: 160, height: 40 });
    let lease = LeaseRow {
        holder: "another".to_owned(),
        host: "kedai1".to_owned(),
        role: Some(EngineRole::Dashboard),
        expires_at: at(14, 3),
    };
    dashboard.model.senders[0].lease = Some(lease);
    let silent = Waiting::Silent { host: "kedai1".to_owned(), until: Some(at(14, 3)) };
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { waiting: Some(silent), ..raya() }])));

    let screen = dashboard.screen().join("\n");
    assert!(
        dashboard
            .line(0)
            .contains("nobody sends: no sign of life from a dashboard on kedai1, taken over after 14:03:00"),
        "{}",
        dashboard.line(0)
    );
    assert!(!screen.contains("sent by"), "{screen}");

    for (width, height) in [(200, 50), (120, 29), (100, 30), (80, 24), (60, 20)] {
        dashboard.dispatch(crate::tui::msg::Msg::Resized(Size { width, height }));
        let screen = dashboard.screen();
        let below = screen.iter().skip(1).any(|line| line.contains("14:03"));
        assert!(below, "{width}x{height}: {screen:#?}");
    }
}

#[test]
fn the_quality_of_a_number_stands_beside_its_sender_and_a_bad_one_on_a_small_screen_too() {
    for (quality, width) in [("green", 200), ("yellow", 100), ("red", 100)] {
        let mut dashboard = TestDashboard::new(Size { width, height: 30 });
        dashboard.model.senders.truncate(1);
        dashboard.model.senders[0].quality = Some(quality.to_owned());

        let header = dashboard.line(0);

        assert!(header.contains(&format!(", quality {quality}")), "{header}");
    }
}

#[test]
fn a_window_that_sends_no_more_says_so_beside_what_needs_a_person() {
    let mut dashboard = TestDashboard::new(Size { width: 120, height: 29 });
    dashboard.model.presence.others = vec!["ben@vm".to_owned()];
    dashboard.dispatch(crate::tui::msg::Msg::Retired(crate::app::EngineChange::Settings));
    let uncertain = Counts { uncertain: 1, ..raya().counts };
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { counts: uncertain, ..raya() }])));

    let header = dashboard.line(0);

    assert!(header.contains("! 1 needs you") && header.contains("open it again"), "{header}");
    assert!(header.contains("+ben") || header.contains("+1 here"), "{header}");
}

#[test]
fn the_hints_of_the_demo_go_on_as_they_are_followed_and_esc_ends_them() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.model = crate::tui::model::Model::new(
        crate::tui::DashboardOptions { hints: Hints::On, ..super::support::options() },
        STACKED,
        noon(),
    );
    dashboard.answer(Completion::Blasts(Ok(blasts()))).list(people());
    assert!(dashboard.line(22).contains("try: /"), "{}", dashboard.line(22));
    dashboard.keys("1");
    assert!(dashboard.line(22).contains("try: 3, then /"), "there / is about blasts: {}", dashboard.line(22));
    dashboard.keys("3?");
    assert!(!dashboard.screen().join("\n").contains("try:"), "on a page its keys are other ones");
    dashboard.key(Key::Esc);

    dashboard.keys("/0001\n").list(vec![people().swap_remove(0)]);
    assert!(dashboard.line(22).contains("try: r"), "{}", dashboard.line(22));

    dashboard.keys("2").key(Key::Esc);
    assert!(!dashboard.line(22).contains("try:"), "{}", dashboard.line(22));
}

#[test]
fn stages_have_their_colours_in_table_and_bars_and_the_focused_row_is_reversed() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3");
    let buffer = buffer(&dashboard.model);
    let theme = ScreenTheme::new(Colours::Sixteen, Charset::Unicode);

    let style = |x: u16, y: u16| (buffer[(x, y)].fg, buffer[(x, y)].modifier);
    let of = |meaning| (theme.style(meaning).fg.unwrap(), theme.style(meaning).add_modifier);
    assert_eq!(style(46, 3), of(TextRole::Stage(Status::Sent)));
    assert_eq!(style(2, 5), of(TextRole::Stage(Status::Read)));
    assert_eq!(style(41, 13), of(TextRole::Stage(Status::Closed)));
    assert_eq!(style(20, 12), of(TextRole::Selected));
    assert_eq!(style(0, 3), of(TextRole::Dim), "the cursor of a pane where keys do not act");
    assert_eq!(style(1, 0), of(TextRole::Real));
    assert_eq!(style(67, 0), of(TextRole::Need));
}

#[test]
fn a_time_of_another_day_fits_its_column() {
    let mut dashboard =
        TestDashboard::with(STACKED, vec![person(1, "Siti", Status::Read, noon() - TimeDelta::days(8))]);
    dashboard.answer(Completion::Away(Ok(Some(ChangesSince { from: Some(noon()), reached: Vec::new() }))));

    assert_eq!(dashboard.line(12), "  +60 10-012 0001   Siti                 read      12 Nov");
    assert_eq!(dashboard.said(), "", "nothing happened while away: nothing is said");
}

#[test]
fn the_title_says_what_was_looked_for() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/0001").list(vec![people().swap_remove(0)]);
    let ticket = dashboard.model.recipients.ticket;
    dashboard.answer(Completion::Count { ticket, total: Ok(Total::Exactly(1)) });

    assert_eq!(dashboard.line(22), " find 0001_   1 here: Siti Aminah   enter, then r replied  c closed  b stop");
    assert!(matches!(&dashboard.model.recipients.scope, ListScope::Found { text, .. } if text == "0001"));
    assert_eq!(dashboard.cursor(), Some(RecipientId(1).0));
}

#[test]
fn the_footer_keeps_the_pause_of_a_blast_that_is_sent_in_every_pane_at_every_width() {
    for (width, height) in [(80, 24), (100, 29), (119, 29), (120, 29), (200, 50)] {
        for pane in ["1", "2", "3", "4"] {
            let mut dashboard = TestDashboard::new(Size { width, height });
            dashboard.keys(pane);

            let footer = dashboard.line(usize::from(height) - 1);
            assert!(footer.contains("p pause") && footer.contains("? all"), "{width}, pane {pane}: {footer}");
        }
    }
}
