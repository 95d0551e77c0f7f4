//! What the lines of the new blast form say of the values in them.

use super::form::{opened, saved, taken};
use super::late::wants_draft;
use super::support::{STACKED, TestDashboard, WIDE, at};
use crate::app::ReasonCount;
use crate::app::view::SenderStop;
use crate::domain::sender::StopCode;
use crate::tui::Size;
use crate::tui::effect::{Completion, DraftAnswer, DraftOutcome, DraftWrite, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::FormLine;
use crate::tui::msg::Msg;

fn on_line(line: FormLine) -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1n");
    dashboard.model.form.as_mut().unwrap().line = line;
    dashboard.effects.clear();
    dashboard
}

fn shows(dashboard: &TestDashboard, words: &str) {
    let screen = dashboard.screen();
    assert!(screen.iter().any(|line| line.contains(words)), "{words}: {screen:#?}");
}

fn start(dashboard: &TestDashboard) -> Option<String> {
    dashboard.model.form.as_ref().unwrap().values.start.map(|start| start.to_string())
}

#[test]
fn a_time_to_start_at_is_kept_and_nothing_is_as_soon_as_it_is_sent() {
    let mut dashboard = on_line(FormLine::Start);
    shows(&dashboard, "when I send it");

    dashboard.keys("\n2026-12-01 09:00\n");

    let acts = dashboard.acts();
    let [WriteRequest::Draft(DraftWrite::Save { form, .. })] = &acts[..] else { panic!("{acts:?}") };
    assert_eq!(form.start.unwrap().to_string(), "2026-12-01T09:00:00");
    shows(&dashboard, "2026-12-01 09:00 (Tue, Asia/Kuala Lumpur), once I have sent it");
    dashboard.model.form.as_mut().unwrap().line = FormLine::Start;
    dashboard.keys("\n").key(Key::Ctrl('u')).keys("\n");
    assert_eq!(start(&dashboard), None);
}

#[test]
fn a_start_that_is_no_time_or_has_passed_stays_on_its_line_to_be_corrected() {
    for (typed, why) in [
        ("tomorrow", "tomorrow is not a time"),
        ("2020-01-01 09:00", "has passed"),
        ("2999-01-01 09:00", "more than two years away"),
    ] {
        let mut dashboard = on_line(FormLine::Start);

        dashboard.keys("\n").keys(typed).keys("\n");

        shows(&dashboard, why);
        assert_eq!((start(&dashboard), dashboard.acts().len()), (None, 0));
        assert!(dashboard.model.form.as_ref().unwrap().edit.is_some());
    }
}

#[test]
fn a_pace_faster_than_the_senders_says_what_holds() {
    let mut dashboard = on_line(FormLine::Pace);
    dashboard.keys("\n1s..2s 30/min\n");

    shows(&dashboard, "gap 1-2 s, 30/min    1.5 s on average");
    shows(&dashboard, "sales sends at most 90/h (gap 20-60 s): that stays the limit");

    let mut slower = on_line(FormLine::Pace);
    slower.keys("\n40s..80s\n");
    shows(&slower, "60 s on average");
    assert!(!slower.screen().join("\n").contains("stays the limit"));
}

fn with_list(change: impl FnOnce(&mut crate::app::Imported)) -> TestDashboard {
    let mut dashboard = on_line(FormLine::People);
    dashboard.keys("\nraya.csv\n").answer(saved(9, 1));
    let mut list = taken(9, 2, None);
    if let Completion::Written { outcome: Ok(WriteOutcome::Draft(DraftOutcome::ListTaken(list))), .. } = &mut list {
        change(&mut list.imported);
    }
    dashboard.answer(list);
    dashboard
}

#[test]
fn a_column_that_the_list_has_not_is_named_with_the_one_that_is_meant() {
    let mut dashboard = with_list(|_| {});
    dashboard.model.form.as_mut().unwrap().values.message = "Salam {bandr}".to_owned();
    shows(&dashboard, "no column bandr: did you mean {bandar}?");

    dashboard.model.form.as_mut().unwrap().values.message = "Salam {zzzzzz}".to_owned();
    shows(&dashboard, "no column zzzzzz in the list");
}

#[test]
fn the_reasons_why_rows_were_left_out_add_up() {
    let dashboard = with_list(|imported| {
        let reason = |n: u64| ReasonCount { reason: format!("reason {n}"), rows: 7 - n, first_row: n };
        imported.rejected.reasons = (1..=6).map(reason).collect();
        imported.rejected.total = 21;
    });

    shows(&dashboard, "6 reason 1, 5 reason 2, 4 reason 3, 3 reason 4, 2 reason 5, 1 reason 6");
    let mut small = dashboard;
    small.dispatch(Msg::Resized(Size { width: 120, height: 16 }));
    shows(&small, "6 reason 1, 5 reason 2, 4 reason 3, 3 reason 4, and 3 more for other reasons");
}

#[test]
fn why_a_sender_is_stopped_takes_two_lines_of_the_form_however_long_it_is() {
    let mut dashboard = with_list(|_| {});
    let reason = "the provider says that this account may not send ".repeat(12);
    dashboard.model.senders[0].stopped = Some(SenderStop {
        at: at(13, 0),
        code: StopCode::Provider("131031".to_owned()),
        reason,
        waits_for_token: false,
    });
    let mut small = dashboard;
    small.dispatch(Msg::Resized(STACKED)).keys("gg");

    let screen = small.screen();
    let line_of =
        |label: &str| screen.iter().position(|line| line.trim_start_matches(['>', ' ']).starts_with(label)).unwrap();
    assert_eq!(line_of("Tag") - line_of("Sender"), 3, "{screen:#?}");
    shows(&small, "esc, then ! says all of it");
}

#[test]
fn a_template_in_metas_own_form_shows_its_language_and_values() {
    let mut dashboard = TestDashboard::new(WIDE);
    let mut draft = opened();
    if let Completion::Draft(DraftAnswer::Opened(opened)) = &mut draft
        && let Ok(opened) = opened.as_mut()
    {
        opened.form.message.clear();
        opened.form.template = Some(serde_json::json!({
            "name": "raya_promo", "language": { "code": "ms" },
            "components": [
                { "type": "header", "parameters": [{ "type": "image", "image": { "link": "https://shop.example/raya.jpg" } }] },
                { "type": "body", "parameters": [{ "type": "text", "text": "{name}" }, { "type": "text", "text": "20%" }] }
            ]
        }));
    }
    for sender in &mut dashboard.model.senders {
        sender.provider = "meta".to_owned();
    }

    wants_draft(&mut dashboard).answer(draft);

    shows(&dashboard, "raya_promo (ms)");
    let screen = dashboard.screen();
    for (variable, value) in [("{{1}}", "{name}"), ("{{2}}", "20%")] {
        assert!(screen.iter().any(|line| line.contains(variable) && line.contains(value)), "{screen:#?}");
    }
    shows(&dashboard, "https://shop.example/raya.jpg");
    // What is typed on a line takes the place of the value there, and of no other.
    dashboard.model.form.as_mut().unwrap().line = FormLine::Variable(1);
    dashboard.keys("\n").key(Key::Ctrl('u')).keys("30%\n");
    let values: Vec<String> =
        dashboard.model.form.as_ref().unwrap().variables().into_iter().map(|(_, value)| value).collect();
    assert_eq!(values, ["{name}", "30%"]);
    let content = dashboard.model.form.as_ref().unwrap().values.content().unwrap();
    let sent = content.template().unwrap().to_string();
    assert!(sent.contains("30%") && !sent.contains("20%") && sent.contains("raya.jpg"), "{sent}");
}

#[test]
fn s_on_the_funnel_of_a_draft_opens_its_plan() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.model.blasts.select(super::support::DRAFT);

    dashboard.keys("2S");

    assert!(matches!(dashboard.model.overlays.last(), Some(crate::tui::model::Overlay::Plan(_))));
}

#[test]
fn without_a_blast_the_screen_names_the_key_that_makes_one() {
    let mut dashboard = TestDashboard::empty(WIDE);
    dashboard.answer(Completion::Blasts(Ok(Vec::new())));
    dashboard.model.overlays.clear();

    shows(&dashboard, "no blast yet: n makes one");
}

#[test]
fn up_and_down_keep_what_was_typed_on_a_line_and_go_on_to_the_next_or_the_one_before() {
    let mut dashboard = on_line(FormLine::Stage);

    dashboard.keys("\n").key(Key::Ctrl('u')).keys("Second").key(Key::Down);

    let form = dashboard.model.form.as_ref().unwrap();
    assert_eq!((form.edit.is_none(), form.values.follow_up_stage.as_str()), (true, "Second"));
    let below = form.line;
    assert_ne!(below, FormLine::Stage);
    dashboard.key(Key::Up).keys("\nth").key(Key::Up);
    let form = dashboard.model.form.as_ref().unwrap();
    assert_eq!((form.line, form.values.follow_up_stage.as_str()), (FormLine::Tag, "Secondth"));
}

#[test]
fn a_text_that_is_not_taken_stays_on_its_line_whichever_key_leaves_it() {
    for key in [Key::Up, Key::Down, Key::Enter] {
        let mut dashboard = on_line(FormLine::Pace);
        dashboard.keys("\nsoon").key(key);

        shows(&dashboard, "write a pause as 20s..60s");
        let form = dashboard.model.form.as_ref().unwrap();
        assert!(form.line == FormLine::Pace && form.edit.is_some(), "{key}");
    }
}

#[test]
fn a_path_that_was_only_looked_at_is_not_read_again() {
    let mut dashboard = on_line(FormLine::People);
    dashboard.keys("\nraya.csv\n").answer(saved(9, 1)).answer(taken(9, 2, None)).answer(saved(9, 3));
    dashboard.effects.clear();
    let form = dashboard.model.form.as_mut().unwrap();
    form.line = FormLine::People;

    dashboard.keys("\n").key(Key::Down);

    assert_eq!(dashboard.acts(), []);
    assert!(dashboard.model.form.as_ref().unwrap().edit.is_none());
}
