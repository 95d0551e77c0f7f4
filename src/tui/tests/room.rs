//! What has no room is counted, and what scrolls leaves its field in sight.

use ratatui::style::Color;

use super::support::{STACKED, TestDashboard, WIDE, blasts, buffer, senders};
use crate::app::view::{BlastView, SenderStop, SenderView};
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::sender::StopCode;
use crate::tui::Size;
use crate::tui::effect::Completion;
use crate::tui::key::Key;

fn text(dashboard: &TestDashboard) -> String {
    dashboard.screen().iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

fn with_senders(names: [&str; 3], size: Size) -> TestDashboard {
    let mut dashboard = TestDashboard::new(size);
    let rows = (1..).zip(names);
    let row = |(id, name): (i64, &str)| SenderView { id: SenderId(id), name: name.to_owned(), ..senders().remove(0) };
    dashboard.answer(Completion::Senders(Ok(rows.map(row).collect())));
    dashboard
}

#[test]
fn senders_without_room_in_the_first_line_are_counted() {
    let names = ["sales", "outlet", "wholesale"];
    let shown = |width| with_senders(names, Size { width, height: 29 }).line(0);

    let (tiny, narrow, wide) = (shown(60), shown(80), shown(160));

    assert!(tiny.contains(" 3 senders"), "{tiny}: none is shown that they would be more than");
    assert!(narrow.contains("sales 146/500 today") && narrow.contains("+2"), "{narrow}");
    assert!(!narrow.contains("outlet"), "{narrow}");
    for name in names {
        assert!(wide.contains(&format!("{name} 146/500 today")), "{wide}");
    }
    assert!(!wide.contains("sender"), "none is left out: {wide}");
}

#[test]
fn a_stopped_sender_is_named_in_the_first_line_where_others_are_counted() {
    let mut dashboard = with_senders(["sales", "outlet", "wholesale"], STACKED);
    let (at, code, reason) = (dashboard.now, StopCode::Provider("device".to_owned()), "Device is offline".to_owned());
    let mut rows = dashboard.model.senders.clone();
    rows[2].stopped = Some(SenderStop { at, code, reason, waits_for_token: false });

    dashboard.answer(Completion::Senders(Ok(rows)));

    let line = dashboard.line(0);
    assert!(line.contains("wholesale STOPPED") && line.contains("+2"), "{line}");
}

#[test]
fn every_sender_is_named_before_more_is_said_of_the_first() {
    let line = with_senders(["sales", "outlet", "wholesale"], Size { width: 120, height: 29 }).line(0);

    assert!(line.contains("wholesale 146/500 today"), "{line}");
}

#[test]
fn blasts_without_room_are_counted_in_the_title() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1");
    let row = |id| BlastView { id: BlastId(id), ..blasts().remove(0) };
    dashboard.answer(Completion::Blasts(Ok((100..140).map(row).collect())));

    let title = dashboard.line(1);

    assert!(title.contains("1 Blasts") && title.contains(" of 40"), "{title}");
    dashboard.answer(Completion::Blasts(Ok((100..102).map(row).collect())));
    assert!(!dashboard.line(1).contains(" of "), "{}", dashboard.line(1));
}

#[test]
fn the_palette_offers_commands_of_other_panes_by_the_words_of_their_titles() {
    let mut dashboard = TestDashboard::new(WIDE);

    dashboard.keys("3:new");

    let screen = dashboard.screen();
    let line_of = |words: &str| screen.iter().position(|line| line.contains(words));
    assert!(line_of("to the top, and newer changes") < line_of("a new blast"), "{screen:#?}");
    assert!(screen[line_of("a new blast").unwrap()].contains(" in "), "{screen:#?}");
    dashboard.key(Key::Ctrl('u')).keys("blast new");
    assert!(dashboard.line(3).contains("a new blast"), "{}", dashboard.line(3));
}

#[test]
fn of_commands_that_fit_alike_the_palette_offers_the_one_that_has_the_word_earlier() {
    let mut dashboard = TestDashboard::new(WIDE);

    dashboard.keys("1:rep");

    let screen = dashboard.screen();
    let line_of = |words: &str| screen.iter().position(|line| line.contains(words)).unwrap();
    assert!(line_of("write the report to a file") < line_of("of a blast that repeats"), "{screen:#?}");
}

#[test]
fn a_refusal_lists_the_panes_and_is_plain() {
    let mut dashboard = TestDashboard::new(WIDE);

    dashboard.keys("1f");

    assert!(dashboard.said().ends_with("works in Funnel, Recipients, Activity and Details"), "{}", dashboard.said());
    let (screen, row) = (buffer(&dashboard.model), WIDE.height - 2);
    let colours: Vec<_> = (0..WIDE.width).map(|x| screen[(x, row)].fg).filter(|fg| *fg != Color::Reset).collect();
    assert!(colours.is_empty(), "{colours:?}");
}

#[test]
fn the_field_of_the_palette_stays_while_its_commands_scroll_and_is_not_counted() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1:");
    let commands = |dashboard: &TestDashboard| {
        let title = dashboard.line(1);
        title
            .rsplit_once(" of ")
            .unwrap()
            .1
            .split(|c: char| !c.is_ascii_digit())
            .next()
            .unwrap()
            .parse::<usize>()
            .unwrap()
    };
    let all = commands(&dashboard);

    for _ in 0..all {
        dashboard.key(Key::Down);
    }

    assert!(dashboard.line(2).trim_start().starts_with(':'), "{:#?}", dashboard.screen());
    assert!(dashboard.line(1).contains(&format!("-{all} of {all}")), "{}", dashboard.line(1));
    assert!(dashboard.screen().iter().any(|line| line.starts_with("> ")), "{:#?}", dashboard.screen());
}

#[test]
fn the_palette_finds_what_is_meant_by_a_part_of_a_word_in_every_pane() {
    for pane in ["1", "2", "3"] {
        for (typed, title) in [("opt", "never message them again"), ("optout", "never message them again")] {
            let mut dashboard = TestDashboard::new(WIDE);
            dashboard.keys(pane).keys(":").keys(typed);

            assert!(dashboard.line(3).contains(title), "{typed} in {pane}: {:#?}", dashboard.screen());
        }
    }
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("3:peats");
    assert!(text(&dashboard).contains("of a blast that repeats"), "{:#?}", dashboard.screen());
}

#[test]
fn zoomed_blasts_show_the_funnel_of_the_selected_one_where_there_is_room() {
    let mut dashboard = TestDashboard::new(Size { width: 200, height: 50 });

    dashboard.keys("1z");

    let screen = dashboard.screen();
    let filled = screen.iter().filter(|line| !line.is_empty()).count();
    assert!(screen.iter().any(|line| line.contains("2 Funnel ── Raya promo, Initial")), "{screen:#?}");
    assert!(screen.iter().any(|line| line.contains("Replied") && line.contains("14.8%")), "{screen:#?}");
    assert!(screen.iter().any(|line| line.starts_with("── senders")), "{screen:#?}");
    assert!(filled > 20, "{filled} rows say something: {screen:#?}");
    dashboard.keys("j");
    assert!(text(&dashboard).contains("2 Funnel ── Deepavali"), "{:#?}", dashboard.screen());
}
