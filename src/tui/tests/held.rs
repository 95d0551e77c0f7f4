//! A blast that sends nothing for longer than its own pace: it does not read as being sent, and says why and until when.

use std::num::NonZeroU32;

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::armed::{armed, launched, read};
use super::support::{DRAFT, RAYA, STACKED, TestDashboard, WIDE, blast, blasts, draft, raya, senders, tomorrow};
use crate::app::view::{BlastView, Estimate};
use crate::domain::blast::{BlastState, FirstPeople};
use crate::domain::funnel::Counts;
use crate::domain::pace::LimitColumns;
use crate::domain::sender::StopCode;
use crate::domain::waiting::Waiting;
use crate::tui::Size;
use crate::tui::effect::Completion;
use crate::tui::model::Prompt;
use crate::tui::msg::Msg;

/// Its hours begin at 09:00 tomorrow, which is 01:00 where the screen's times are UTC.
fn closed() -> Waiting {
    Waiting::Window { window: "09:00-21:00 daily (Asia/Kuala_Lumpur)".to_owned(), until: tomorrow(9, 0) }
}

/// The first blast waits, and times are shown in a zone.
fn waits(size: Size, waiting: Waiting, zone: Tz) -> TestDashboard {
    let mut dashboard = TestDashboard::new(size);
    dashboard.model.options.zone = zone;
    let row = BlastView { waiting: Some(waiting), ..raya() };
    let rows = std::iter::once(row).chain(blasts().into_iter().filter(|blast| blast.id != RAYA)).collect();
    dashboard.answer(Completion::Blasts(Ok(rows)));
    dashboard
}

fn text(dashboard: &TestDashboard) -> String {
    dashboard.screen().iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

#[test]
fn hours_by_other_clocks_are_told_by_both_in_one_line() {
    let dashboard = waits(STACKED, closed(), Tz::UTC);

    let line = dashboard.line(9);
    assert!(line.starts_with("  waits for its hours: 21 Nov 09:00 in Kuala Lumpur (01:00 here)"), "{line}");
}

#[test]
fn hours_by_the_readers_clocks_are_told_once() {
    let dashboard = waits(STACKED, closed(), Tz::Asia__Kuala_Lumpur);

    let line = dashboard.line(9);
    assert!(line.starts_with("  waits for its hours, until 21 Nov 09:00; S sends now, e changes its hours"), "{line}");
}

#[test]
fn the_end_of_hours_behind_a_daily_cap_is_not_said_to_be_set_by_the_cap_alone() {
    let hours = Some("02:00-03:30 daily (Asia/Kuala_Lumpur)".to_owned());
    let wait = Waiting::DailyCap { cap: 500, until: tomorrow(2, 0), hours };
    let dashboard = waits(STACKED, wait, Tz::Asia__Kuala_Lumpur);

    let line = dashboard.line(9);
    assert!(line.starts_with("  waits for the daily cap and its hours, until 21 Nov 02:00"), "{line}");
    assert!(!line.contains("sets it"), "{line}");
}

#[test]
fn a_blast_outside_its_hours_waits_at_no_speed_and_says_why_below_the_blasts() {
    let mut dashboard = waits(STACKED, closed(), Tz::UTC);
    assert!(dashboard.line(1).contains("══ waits ══"), "{}", dashboard.line(1));
    dashboard.keys("1");

    let row = dashboard.line(3);
    assert!(row.contains(" waits ") && !row.contains("/h"), "{row}");
    assert_eq!(dashboard.line(9), "  waits for its hours: 21 Nov 09:00 in Kuala Lumpur (01:00 here)");

    let row = BlastView { waiting: Some(closed()), ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![row, draft()])));
    let all = text(&dashboard);
    let why = "waits for: its hours, 09:00-21:00 daily in Kuala Lumpur, until 21 Nov 09:00 there (01:00 here)";
    assert!(all.contains(why), "{:#?}", dashboard.screen());
}

#[test]
fn a_list_that_fills_its_pane_gives_up_a_blast_for_the_reason_of_a_wait_and_cuts_no_call_for_a_person() {
    let full = |waiting: Waiting| {
        let mut dashboard = TestDashboard::new(STACKED);
        let row = BlastView { waiting: Some(waiting), ..raya() };
        let others = (20..40).map(|id| blast(id, "Hari Sukan", BlastState::Completed, (11, 1)));
        dashboard.answer(Completion::Blasts(Ok(std::iter::once(row).chain(others).collect()))).keys("1");
        text(&dashboard)
    };

    let hours =
        full(Waiting::Window { window: "09:00-21:00 daily (Asia/Kuala_Lumpur)".to_owned(), until: tomorrow(9, 0) });
    assert!(hours.contains("waits for its hours, until 21 Nov 09:00"), "{hours}");
    let why = "the message is not a template that Meta knows by this name and language, so that nobody can be sent it";
    let long = full(Waiting::Provider { why: why.to_owned(), until: tomorrow(9, 0) });
    assert!(long.contains("waits for: the provider: the message is not a template") && long.contains('~'), "{long}");
    let person = full(Waiting::SenderStopped {
        code: StopCode::Restored,
        why: why.to_owned(),
        sender: "sales".to_owned(),
        waits_for_token: false,
    });
    assert!(person.contains("so that nobody can be sent it"), "never cut: {person}");
}

#[test]
fn below_the_funnel_of_a_narrow_window_the_end_of_a_wait_is_whole() {
    let sizes = (40..=80).flat_map(|width| [24, 30, 45].map(|height| Size { width, height }));
    for size in sizes {
        let mut dashboard = waits(size, closed(), Tz::UTC);
        dashboard.keys("2");
        if dashboard.model.layout().is_summary() {
            continue;
        }

        let lines = dashboard.screen();
        let at = lines.iter().position(|line| line.contains("  waits ")).unwrap_or_default();
        let words =
            lines[at..at + 2].join(" ").replace("RM 1,240.00", " ").split_whitespace().collect::<Vec<_>>().join(" ");

        assert!(words.contains("21 Nov") && words.contains("01:00 here") && !words.contains('~'), "{size:?}: {words}");
    }
}

#[test]
fn a_start_by_other_clocks_than_the_readers_says_whose_it_is() {
    let scheduled = |size: Size| {
        let mut dashboard = TestDashboard::new(size);
        dashboard.model.options.zone = Tz::UTC;
        let limits = LimitColumns { zone: Some(Ok(Tz::Asia__Kuala_Lumpur)), ..LimitColumns::default() };
        let row = BlastView { state: BlastState::Scheduled, send_after: Some(tomorrow(9, 0)), limits, ..raya() };
        dashboard.answer(Completion::Blasts(Ok(vec![row, draft()])));
        dashboard
    };

    let wide = scheduled(Size { width: 200, height: 50 });
    let both = "scheduled, starts 21 Nov 09:00 in Kuala Lumpur (01:00 here)";
    assert!(wide.line(1).contains(both), "{}", wide.line(1));
    let narrow = scheduled(STACKED);
    assert!(narrow.line(1).contains("starts 21 Nov 01:00 here"), "{}", narrow.line(1));
}

#[test]
fn whoever_leaves_reads_when_it_is_done_by_both_clocks() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.model.options.zone = Tz::UTC;
    let limits = LimitColumns { zone: Some(Ok(Tz::Asia__Kuala_Lumpur)), ..LimitColumns::default() };
    let estimate = Estimate { done_at: Some(tomorrow(9, 0)), per_hour: Some(90) };
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { limits, estimate, ..raya() }])));

    dashboard.keys("q").answer(Completion::HandOver { blasts: vec![RAYA], missing: Ok(Vec::new()) });

    let done = "continues without this window (done about 21 Nov 01:00 here, 09:00 in Kuala Lumpur)";
    assert!(dashboard.said().contains(done), "{}", dashboard.said());
}

#[test]
fn a_pause_between_two_messages_is_no_waiting() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("1");

    assert!(dashboard.line(3).contains(" sending "), "{}", dashboard.line(3));
}

#[test]
fn s_on_a_blast_that_waits_says_for_what_and_until_when() {
    let mut dashboard =
        waits(WIDE, Waiting::DailyCap { cap: 500, until: tomorrow(0, 0), hours: None }, Tz::Asia__Kuala_Lumpur);

    dashboard.keys("1S");

    assert!(dashboard.model.overlays.is_empty());
    assert_eq!(dashboard.said(), "it waits for: the daily cap, 500 a day, until 21 Nov 00:00");
    let mut dashboard = waits(WIDE, Waiting::DailyCap { cap: 500, until: tomorrow(0, 0), hours: None }, Tz::UTC);
    dashboard.keys("1S");
    let elsewhere = "until 21 Nov 00:00 in Kuala Lumpur (20 Nov 16:00 here)";
    assert!(dashboard.said().ends_with(elsewhere), "{}", dashboard.said());
    let mut dashboard = waits(WIDE, Waiting::NoEngine, Tz::UTC);
    dashboard.keys("1S");
    assert_eq!(dashboard.said(), "nobody is sending: no engine runs; run `blastdeck engine`, or open the dashboard");
}

#[test]
fn a_start_that_counts_down_to_its_hours_has_no_key_in_the_list_of_needs_that_sends_it_now() {
    let mut dashboard = TestDashboard::new(WIDE);
    let send_after = Some(dashboard.now + TimeDelta::seconds(10));
    let row = BlastView { waiting: Some(closed()), send_after, ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![row]))).keys("!");

    let counting = text(&dashboard);
    dashboard.now += TimeDelta::seconds(10);
    dashboard.dispatch(Msg::Deadline);
    let waiting = text(&dashboard);

    let line = "Raya promo waits for its hours";
    assert!(counting.contains(line) && !counting.contains("S sends it now"), "{counting}");
    assert!(waiting.contains(line) && waiting.contains("S sends it now, p pauses it"), "{waiting}");
}

#[test]
fn how_many_are_first_is_said_before_a_blast_is_sent_outside_its_hours() {
    for (left, says) in [
        (Some(2), "140 still queued, 2 of them first; type 140:"),
        (Some(140), "140 still queued; type 140:"),
        (None, "140 still queued; type 140:"),
    ] {
        let mut dashboard = TestDashboard::new(WIDE);
        let first = FirstPeople { people: NonZeroU32::new(2), left };
        // It is 14:02: with other hours they would be open, and nothing asked.
        let limits = LimitColumns { hours: Some(Ok("20:00-22:00".parse().unwrap())), ..LimitColumns::default() };
        let row = BlastView { limits, waiting: Some(closed()), first, ..raya() };
        dashboard.answer(Completion::Blasts(Ok(vec![row])));

        dashboard.keys("1S");

        let Some(Prompt::Confirm(asked)) = &dashboard.model.prompt else { panic!("{:#?}", dashboard.screen()) };
        assert!(asked.question.ends_with(says), "{}", asked.question);
    }
}

#[test]
fn with_nobody_left_to_send_to_a_blast_is_neither_paused_nor_resumed() {
    let counts = Counts { uncertain: 1, sent: 9, ..Counts::default() };
    for (state, key) in [(BlastState::Sending, "p"), (BlastState::Paused, "S")] {
        let mut dashboard = TestDashboard::new(WIDE);
        let row = BlastView { state, counts, ..blast(RAYA.0, "Raya promo", state, (11, 20)) };
        dashboard.answer(Completion::Blasts(Ok(vec![row, draft()]))).taken();

        dashboard.keys("1").keys(key);

        assert!(dashboard.acts().is_empty() && dashboard.model.overlays.is_empty(), "{key}");
        assert!(dashboard.said().starts_with("nobody is left to send to"), "{key}: {}", dashboard.said());
    }
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.model.blasts.select(DRAFT);
    dashboard.keys("1S");
    assert!(!dashboard.model.overlays.is_empty(), "a draft has its plan, which says what it lacks");
}

#[test]
fn what_waits_for_its_stopped_sender_again_is_not_said_to_have_started() {
    let mut dashboard = launched();
    let (code, why) = (StopCode::Provider("device".to_owned()), "Device is offline".to_owned());
    let waiting = Some(Waiting::SenderStopped { code, why, sender: "sales".to_owned(), waits_for_token: false });
    let send_after = Some(dashboard.now);
    let row = BlastView { waiting, version: 5, send_after, ..armed(&dashboard) };

    read(&mut dashboard, row);

    assert_eq!(
        dashboard.said(),
        "Raya last call waits again for its sender, which is stopped as before: Device is offline"
    );
}

#[test]
fn an_announced_start_behind_a_daily_cap_that_is_used_up_is_said_to_be_the_next_day() {
    let mut dashboard = TestDashboard::new(STACKED);
    let send_after = Some(dashboard.model.now + TimeDelta::seconds(10));
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { send_after, waiting: None, version: 4, ..raya() }])));
    assert!(dashboard.screen().join("\n").contains("Raya promo starts at 14:02:10"), "{:#?}", dashboard.screen());
    let mut used_up = senders();
    used_up[0].usage.today = 500;

    dashboard.answer(Completion::Senders(Ok(used_up)));

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("Raya promo starts 21 Nov 00:00: u"), "{screen}");
    assert!(!screen.contains(" s left)"), "{screen}");
}

/// Its engine says so a moment later, which no line follows.
#[test]
fn what_starts_behind_a_daily_cap_that_is_used_up_is_not_said_to_have_started() {
    let night = LimitColumns { hours: Some(Ok("02:00-03:30".parse().unwrap())), ..LimitColumns::default() };
    let behind = "and then its hours, 02:00-03:30 daily in Kuala Lumpur, until 21 Nov 02:00";
    for (limits, until) in [(LimitColumns::default(), "until 21 Nov 00:00"), (night, behind)] {
        let mut dashboard = launched();
        let row = BlastView { limits, ..armed(&dashboard) };
        read(&mut dashboard, row);
        let mut used_up = senders();
        used_up[0].usage.today = 500;
        dashboard.answer(Completion::Senders(Ok(used_up)));

        dashboard.now += TimeDelta::seconds(10);
        dashboard.dispatch(Msg::Deadline);

        let says = format!("Raya last call waits for: the daily cap, 500 a day, {until}; p pauses it");
        assert_eq!(dashboard.said(), says);
    }
}

#[test]
fn what_starts_behind_a_daily_cap_that_is_used_up_has_one_start_on_the_whole_screen() {
    let mut dashboard = launched();
    let until = dashboard.now + TimeDelta::seconds(10);
    let row = BlastView { waiting: Some(Waiting::Armed { until }), ..armed(&dashboard) };
    read(&mut dashboard, row);
    let mut used_up = senders();
    used_up[0].usage.today = 500;
    dashboard.answer(Completion::Senders(Ok(used_up)));

    dashboard.keys("2");
    let screen = text(&dashboard);

    assert!(screen.matches("21 Nov 00:00").count() >= 2 && !screen.contains("14:02:"), "{screen}");
}
