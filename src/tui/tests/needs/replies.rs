//! Replies that wait to be seen, below what needs a person.

use super::super::activity::{answer, page};
use super::*;
use crate::app::view::StrangerReply;
use crate::tui::key::Key;

#[test]
fn replies_that_wait_to_be_seen_are_a_line_that_leads_to_them_and_need_nobody() {
    let mut dashboard = TestDashboard::new(STACKED);
    let mut calm = raya();
    calm.counts.uncertain = 0;
    dashboard.answer(Completion::Blasts(Ok(vec![calm])));
    dashboard.answer(Completion::ActivityHead(Ok(ActivityHead { strangers: 0, ..head(3, at(13, 58)) })));

    assert!(!dashboard.line(0).contains("need you"), "{}", dashboard.line(0));
    dashboard.keys("!");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("Nothing needs you.") && screen.contains("> 3 replies wait to be seen"), "{screen}");
    dashboard.keys("\n");
    assert_eq!(dashboard.model.focus, Pane::Activity);
}

#[test]
fn a_reply_that_matches_no_message_has_its_number_in_the_line_and_enter_goes_to_it() {
    let mut dashboard = TestDashboard::new(STACKED);
    let mut calm = raya();
    calm.counts.uncertain = 0;
    dashboard.answer(Completion::Blasts(Ok(vec![calm])));
    let (place, phone) = (page().rows[2].place, page().people[0].phone.clone());
    let stranger = Some(StrangerReply { place, phone: Some(phone.clone()) });
    for (strangers, line) in
        [(3, "3 replies match no message of ours, the newest from"), (1, "1 reply matches no message of ours, from")]
    {
        let head = ActivityHead { strangers, stranger: stranger.clone(), ..head(3, at(13, 58)) };
        dashboard.answer(Completion::ActivityHead(Ok(head))).keys("!");

        let screen = dashboard.screen().join("\n");
        assert!(screen.contains(&format!("{line} {phone}")), "{screen}");
        dashboard.key(Key::Esc).taken();
    }

    dashboard.keys("!\n");

    let reads =
        |effect: &Effect| matches!(effect, Effect::Read(ReadRequest::Activity { before: None, limit: 1_000, .. }));
    assert!(dashboard.taken().iter().any(reads), "as many as may be read at once");
    answer(&mut dashboard, page());
    assert_eq!((dashboard.model.focus, dashboard.model.activity.cursor()), (Pane::Activity, Some(place)));
}

#[test]
fn p_on_a_line_about_no_blast_pauses_none() {
    let mut dashboard = TestDashboard::new(STACKED);
    let mut calm = raya();
    calm.counts.uncertain = 0;
    dashboard.answer(Completion::Blasts(Ok(vec![calm])));
    dashboard.answer(Completion::ActivityHead(Ok(ActivityHead { strangers: 0, ..head(3, at(13, 58)) })));
    dashboard.keys("!");

    dashboard.keys("p");

    assert!(dashboard.acts().is_empty());
    assert_eq!(dashboard.said(), "this line is about no blast: nothing to pause");
}

#[test]
fn what_is_done_to_a_blast_is_done_to_none_behind_the_list_and_the_key_that_does_it_there_is_named() {
    let mut dashboard = TestDashboard::new(STACKED);
    let repeats = BlastView {
        origin: BlastOrigin {
            repeat: RepeatColumns { rule: Some("every mon 09:00".to_owned()), ..RepeatColumns::default() },
            ..BlastOrigin::default()
        },
        scheduled_for: Some(at(16, 0)),
        ..blast(12, "Weekly", BlastState::Scheduled, (11, 20))
    };
    dashboard.answer(Completion::Blasts(Ok(vec![repeats])));
    dashboard.answer(Completion::ActivityHead(Ok(ActivityHead { strangers: 3, ..head(3, at(13, 58)) })));
    dashboard.keys("!");
    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Need(AttentionItem::Strangers)));

    for key in [">", "S", "X"] {
        dashboard.keys(key);

        assert!(dashboard.acts().is_empty() && dashboard.model.prompt.is_none(), "{key}");
        assert_eq!(dashboard.said(), format!("no blast is chosen here: esc, then {key} on one in Blasts"));
    }
}

#[test]
fn a_command_by_name_over_a_line_about_no_blast_is_about_none_behind_the_list() {
    let mut dashboard = TestDashboard::new(STACKED);
    let mut calm = raya();
    calm.counts.uncertain = 0;
    dashboard.answer(Completion::Blasts(Ok(vec![calm])));
    dashboard.answer(Completion::ActivityHead(Ok(ActivityHead { strangers: 3, ..head(3, at(13, 58)) })));
    dashboard.keys("1!").taken();
    assert_eq!(dashboard.model.needs_line(), Some(NeedsLine::Need(AttentionItem::Strangers)));

    for command in
        ["edit this blast", "a new draft like this blast", "cancel it, or delete a draft", "write the report to a file"]
    {
        dashboard.keys(":").keys(command).keys("\n");

        assert!(dashboard.acts().is_empty() && dashboard.model.prompt.is_none(), "{command}");
        assert_eq!(dashboard.said(), "no blast is chosen here: esc, then choose one", "{command}");
    }
}
