//! `/` among the blasts: the list follows what is typed, and loses no row that somebody works on.

use super::follow_ups::follow_up;
use super::support::{DRAFT, RAYA, STACKED, TestDashboard, WIDE, blasts, raya};
use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::tui::effect::{Completion, Effect, ReadRequest};
use crate::tui::key::Key;
use crate::tui::model::{Pane, Prompt};
use crate::tui::msg::Msg;

fn names(dashboard: &TestDashboard) -> Vec<&str> {
    dashboard.model.blasts.shown().map(|row| row.tag.as_str()).collect()
}

fn selected(dashboard: &TestDashboard) -> BlastId {
    dashboard.model.blast().unwrap().id
}

/// The blasts, with Raya promo done since.
fn raya_done() -> Completion {
    let done = BlastView { state: BlastState::Completed, waiting: None, ..raya() };
    Completion::Blasts(Ok(blasts().into_iter().map(|row| if row.id == RAYA { done.clone() } else { row }).collect()))
}

#[test]
fn the_list_follows_what_is_typed_and_the_cursor_what_is_kept() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.effects.clear();

    dashboard.keys("1/state:draft,paused");
    assert_eq!(names(&dashboard), ["Follow-up 1", "Raya last call"]);
    assert!(dashboard.line(27).starts_with(" filter state:draft,paused_   2 of 6 blasts"), "{}", dashboard.line(27));
    assert_eq!((selected(&dashboard), dashboard.taken()), (RAYA, Vec::new()), "nothing else changes while it is typed");
    dashboard.keys("\n");

    assert_eq!(selected(&dashboard), BlastId(5));
    assert!(dashboard.taken().iter().any(|effect| matches!(effect, Effect::Read(ReadRequest::List { .. }))));
    assert!(dashboard.line(1).starts_with("══ 1 Blasts ══ 2 of 6: state:draft,paused ══"), "{}", dashboard.line(1));
    dashboard.keys("jj");
    assert_eq!(selected(&dashboard), DRAFT, "the cursor stays among them");
    dashboard.key(Key::Esc);
    assert_eq!((names(&dashboard).len(), selected(&dashboard)), (6, DRAFT));
}

#[test]
fn esc_while_typing_returns_to_the_list_before() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1/raya\n");

    dashboard.keys("/deep").key(Key::Esc);

    assert_eq!((names(&dashboard), selected(&dashboard)), (vec!["Raya promo", "Raya last call"], RAYA));
    // What was kept is offered: enter keeps it once more, nothing typed lists everything.
    dashboard.keys("/\n");
    assert_eq!(names(&dashboard).len(), 2);
    dashboard.keys("/").key(Key::Ctrl('u')).keys("\n");
    assert_eq!(names(&dashboard).len(), 6);
}

#[test]
fn a_word_that_is_not_known_is_explained_and_changes_nothing() {
    let mut dashboard = TestDashboard::new(WIDE);

    dashboard.keys("1/stat:draft");
    assert!(dashboard.line(27).contains("`stat:` is not known: did you mean `state:`?"), "{}", dashboard.line(27));
    dashboard.keys("\n");

    assert!(matches!(dashboard.model.prompt, Some(Prompt::BlastFilter(_))), "it can be mended");
    assert_eq!(names(&dashboard).len(), 6);
}

#[test]
fn a_filter_that_finds_nothing_is_not_kept_since_keys_would_hit_what_nobody_sees() {
    let mut dashboard = TestDashboard::new(WIDE);

    dashboard.keys("1/zaid");
    assert!(dashboard.screen()[3].starts_with("  no blast is found by zaid"), "{}", dashboard.screen()[3]);
    dashboard.keys("\nX");

    assert!(matches!(dashboard.model.prompt, Some(Prompt::BlastFilter(_))));
    assert!(dashboard.acts().is_empty());
    dashboard.key(Key::Esc).keys("X");
    assert!(matches!(dashboard.model.prompt, Some(Prompt::Confirm(_))));
}

#[test]
fn news_drop_no_row_from_the_list_that_somebody_works_in() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1/state:sending\n");

    dashboard.answer(raya_done());
    assert_eq!((names(&dashboard), selected(&dashboard)), (vec!["Raya promo"], RAYA));
    assert!(dashboard.line(1).contains("1 of 6 (1 does not match): "), "{}", dashboard.line(1));
    // Nor in another pane: its funnel is the one that is shown.
    dashboard.keys("2");
    assert_eq!((names(&dashboard), selected(&dashboard)), (vec!["Raya promo"], RAYA));
}

#[test]
fn rows_that_match_no_more_go_with_g_or_when_the_list_is_left() {
    let drafts = |keys: &str| {
        let mut dashboard = TestDashboard::new(WIDE);
        dashboard.keys("1/state:draft,sending\nG").answer(raya_done());
        assert_eq!(names(&dashboard), ["Raya promo", "Raya last call"]);
        dashboard.keys(keys);
        names(&dashboard).join(", ")
    };

    assert_eq!(drafts("g"), "Raya last call");
    assert_eq!(drafts("2"), "Raya last call");
}

#[test]
fn a_blast_that_one_goes_to_is_listed_whatever_the_filter() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1/deepavali\n");

    dashboard.model.blasts.select(DRAFT);
    dashboard.dispatch(Msg::Drawn);

    assert_eq!(names(&dashboard), ["Deepavali", "Raya last call"]);
}

#[test]
fn a_follow_up_without_its_blast_above_it_has_its_whole_name() {
    let mut dashboard = TestDashboard::new(WIDE);
    let rows = blasts().into_iter().chain([follow_up(11, RAYA, "Follow-up 2")]).collect();
    dashboard.answer(Completion::Blasts(Ok(rows))).keys("1/follow-up 2");

    assert!(dashboard.screen()[3].starts_with("  Ray~, Follow"), "{}", dashboard.screen()[3]);
}

#[test]
fn the_key_finds_people_in_the_other_panes_and_the_footer_says_which_it_does() {
    for (pane, word) in [("1", "/ filter"), ("2", "/ find"), ("3", "/ find")] {
        let mut dashboard = TestDashboard::new(WIDE);
        dashboard.keys(pane);
        let footer = dashboard.line(28);
        assert!(footer.contains(word) && footer.matches("/ f").count() == 1, "{pane}: {footer}");
        dashboard.keys("/");
        assert_eq!(matches!(dashboard.model.prompt, Some(Prompt::Find(_))), pane != "1");
    }
    let mut stacked = TestDashboard::new(STACKED);
    stacked.keys("1/raya\n2");
    assert!(stacked.line(1).contains("1 Blasts: 1 of 2 found"), "{}", stacked.line(1));
    stacked.keys("1");
    assert!(stacked.line(1).starts_with("══ 1 Blasts ══ 2 of 6: raya ══"), "{}", stacked.line(1));
    assert_eq!(stacked.model.focus, Pane::Blasts);
}
