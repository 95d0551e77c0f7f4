//! Finding people: the table follows what is typed, late answers are dropped, keys wait for whom they are meant.

use super::support::{RAYA, STACKED, TestDashboard, WIDE, at, crowd, people, raya};
use crate::app::view::{Anchor, RecipientRow, Total};
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::status::Status;
use crate::tui::Size;
use crate::tui::effect::{Completion, Effect, EffectError, ListPart, ReadRequest};
use crate::tui::key::Key;
use crate::tui::model::{Overlay, Prompt};
use crate::tui::msg::Msg;

#[test]
fn a_find_that_finds_several_marks_nobody_before_they_are_shown() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("/001\nr");
    dashboard.list(crowd(10, 4));

    assert!(dashboard.acts().is_empty());
    assert_eq!(dashboard.said(), "nobody was marked: the list for 001 has just changed, look at it first");
    dashboard.dispatch(Msg::Drawn).keys("ry");
    assert_eq!(dashboard.acts().len(), 1);
}

#[test]
fn a_find_that_finds_nobody_marks_nobody() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("/zaid\nr");
    dashboard.list(Vec::new());

    assert!(dashboard.acts().is_empty());
    assert_eq!(dashboard.said(), "nobody is found by zaid, nobody was marked");
}

#[test]
fn an_answer_to_an_older_text_is_dropped() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/67");
    let old = dashboard.model.recipients.ticket;
    dashboard.keys("89");

    dashboard.list_as_asked(old, crowd(10, 3));

    assert_eq!(dashboard.model.recipients.visible(10).count(), 5, "the old list is still shown");
    assert!(dashboard.model.recipients.awaiting.is_some());
}

#[test]
fn when_the_find_fails_the_keys_that_waited_are_not_used() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/6789\nr");
    let ticket = dashboard.model.recipients.ticket;
    let asked = crate::tui::model::PageRequest { anchor: Anchor::Start, limit: 60 };

    let (part, rows) = (ListPart::Reload, Err(EffectError::Unavailable));
    dashboard.answer(Completion::List { ticket, part, asked, rows, newest: None });

    assert!(dashboard.acts().is_empty());
    assert!(dashboard.said().contains("not used"));
}

#[test]
fn esc_leaves_a_find_for_the_list_and_the_person_of_before() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3jj/67");
    dashboard.list(crowd(10, 3)).key(Key::Esc);

    dashboard.list(people());

    assert_eq!(dashboard.cursor(), Some(3));
    assert!(dashboard.line(10).contains("everyone 287"));
}

#[test]
fn words_that_are_not_understood_say_so_and_ask_nothing() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("/stauts:read");

    assert!(dashboard.line(22).contains("status"), "{}", dashboard.line(22));
}

#[test]
fn a_paste_outside_a_field_opens_find_and_does_nothing_else() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3");

    dashboard.dispatch(Msg::Paste("+60 10-012 0005\rrrSX".to_owned()));

    assert!(dashboard.acts().is_empty());
    assert!(dashboard.line(22).starts_with(" find +60 10-012 0005_"), "{}", dashboard.line(22));
}

#[test]
fn other_blasts_are_asked_for_whom_the_words_mean() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("/status:read");

    let asked = dashboard.taken().into_iter().rev().find_map(|effect| match effect {
        Effect::Read(ReadRequest::Elsewhere { here, filter, .. }) => Some((here, filter)),
        _ => None,
    });
    assert_eq!(asked, Some((Some(RAYA), Filter::status(Status::Read))));
}

#[test]
fn a_tab_waits_for_its_answer_and_the_keys_after_it_wait_too() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/0005");
    let ticket = dashboard.model.recipients.ticket;
    dashboard.key(Key::Tab);
    dashboard.keys("\nr");
    let received = || RecipientRow { status: Status::Delivered, ..people()[4].clone() };
    dashboard.list(vec![received()]);
    assert!(dashboard.acts().is_empty(), "nobody here was marked");

    dashboard.answer(Completion::Elsewhere { ticket, rows: Ok(vec![somebody_in_hari_sukan()]) });
    dashboard.list(people());
    dashboard.list(vec![RecipientRow { id: RecipientId(77), blast_id: BlastId(4), ..received() }]);

    let acts = dashboard.acts();
    assert!(acts.len() == 1 && format!("{acts:?}").contains("RecipientId(77)"), "{acts:?}");
}

#[test]
fn a_tab_whose_answer_fails_or_is_nobody_uses_none_of_the_keys_after_it() {
    for rows in [Err(EffectError::Unavailable), Ok(Vec::new())] {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys("/0005");
        let ticket = dashboard.model.recipients.ticket;
        dashboard.key(Key::Tab);
        dashboard.keys("\nr");
        dashboard.list(vec![people()[4].clone()]);

        dashboard.answer(Completion::Elsewhere { ticket, rows });

        assert!(dashboard.acts().is_empty(), "{:?}", dashboard.acts());
        dashboard.key(Key::Esc);
        assert!(dashboard.model.prompt.is_none());
    }
}

fn somebody_in_hari_sukan() -> crate::app::view::ElsewhereRow {
    crate::app::view::ElsewhereRow {
        person: RecipientRow {
            blast_id: BlastId(4),
            id: RecipientId(77),
            name: Some("Aishah".to_owned()),
            status: Status::Read,
            read_at: Some(at(9, 0)),
            changed_at: at(13, 30),
            ..people()[4].clone()
        },
        tag: "Hari Sukan".to_owned(),
        follow_up_stage: "Follow-up 2".to_owned(),
        is_same_message: false,
    }
}

#[test]
fn of_people_in_other_blasts_those_who_were_sent_to_come_before_those_of_a_draft() {
    let sent = crate::app::view::ElsewhereRow {
        person: RecipientRow { sent_at: Some(at(9, 0)), ..somebody_in_hari_sukan().person },
        ..somebody_in_hari_sukan()
    };
    let mut unsent = somebody_in_hari_sukan();
    unsent.person = RecipientRow { id: RecipientId(78), status: Status::Queued, sent_at: None, ..unsent.person };
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/0005");
    let ticket = dashboard.model.recipients.ticket;

    dashboard.answer(Completion::Elsewhere { ticket, rows: Ok(vec![unsent, sent]) }).key(Key::Tab);

    let Some(Overlay::Elsewhere(page)) = dashboard.model.overlays.last() else { panic!("{:#?}", dashboard.screen()) };
    assert_eq!(page.rows.iter().map(|row| row.person.id.0).collect::<Vec<_>>(), [77, 78]);
}

#[test]
fn people_found_in_other_blasts_are_a_page_and_enter_goes_there() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/0005");
    let ticket = dashboard.model.recipients.ticket;
    let there = somebody_in_hari_sukan();
    dashboard.list(vec![people()[4].clone()]).answer(Completion::Elsewhere { ticket, rows: Ok(vec![there]) });
    assert!(dashboard.line(22).contains("tab: 1 in other blasts"), "{}", dashboard.line(22));

    dashboard.key(Key::Tab);
    let line = dashboard.line(2);
    assert!(line.contains("Aishah  read 09:00") && line.ends_with("Hari Sukan, Follow-up 2  4"), "{line}");
    dashboard.key(Key::Enter);
    dashboard.list(vec![RecipientRow { id: RecipientId(77), blast_id: BlastId(4), ..people()[4].clone() }]);

    assert_eq!((dashboard.model.blast().unwrap().id, dashboard.cursor()), (BlastId(4), Some(77)));
}

fn counted(dashboard: &mut TestDashboard, people: i64, wider: i64) {
    let ticket = dashboard.model.recipients.ticket;
    let total = |people| Ok(Total::Exactly(people));
    dashboard.answer(Completion::Count { ticket, total: total(people) });
    dashboard.answer(Completion::CountWider { ticket, total: total(wider) });
}

#[test]
fn a_few_digits_are_the_end_of_a_number_and_what_else_has_them_is_counted() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("/0005").list(vec![people()[4].clone()]);
    counted(&mut dashboard, 1, 4);

    assert!(dashboard.line(22).contains("1 here: Aishah   \"0005\" finds 3 more"), "{}", dashboard.line(22));
    let filter = |effect| match effect {
        Effect::Read(ReadRequest::Elsewhere { filter, .. }) => Some(filter.to_string()),
        _ => None,
    };
    let elsewhere: Vec<String> = dashboard.taken().into_iter().filter_map(filter).collect();
    assert_eq!(elsewhere.last().map(String::as_str), Some("phone:*0005"), "the same filter as here");
}

#[test]
fn where_no_number_ends_so_those_with_the_digits_inside_are_shown_and_no_waiting_key_hits_one() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/6789\nr").list(Vec::new());
    assert_eq!(dashboard.said(), "no number here ends in 6789: the key typed meanwhile was not used");

    dashboard.list(vec![people()[0].clone()]);

    assert!(dashboard.acts().is_empty(), "{:?}", dashboard.acts());
    assert_eq!(dashboard.cursor(), Some(1));
}

#[test]
fn the_prompt_says_that_nobody_ends_so() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/6789").list(Vec::new()).list(crowd(10, 3));
    counted(&mut dashboard, 3, 3);

    assert!(dashboard.line(22).contains("no number ends in 6789, 3 contain it"), "{}", dashboard.line(22));
}

#[test]
fn marks_are_kept_from_find_to_find_and_the_question_names_whom_no_list_shows() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/0001\n").list(vec![people()[0].clone()]).keys(" /0002\n");
    dashboard.list(vec![people()[1].clone()]);
    assert!(dashboard.screen().iter().any(|line| line.contains(" 1 marked ")), "{:?}", dashboard.screen());

    dashboard.keys(" r");

    let question = dashboard.line(22);
    assert!(question.starts_with(" Siti Aminah and Tan Mei Ling replied?"), "{question}");
    dashboard.keys("y");
    let acts = dashboard.acts();
    assert!(format!("{acts:?}").contains("[RecipientId(1), RecipientId(2)]"), "{acts:?}");
}

#[test]
fn marks_end_with_esc_which_says_so_and_with_another_blast() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3 ").key(Key::Esc);
    assert_eq!(dashboard.said(), "nobody is marked any more: the next key is about one person");

    dashboard.keys(" 1j");
    assert!(dashboard.model.recipients.marked.is_empty());
}

#[test]
fn somebody_with_the_digits_inside_is_marked_only_after_a_question() {
    for (key, question) in [("r", "replied?"), ("c", "bought?"), ("b", "never message Siti Aminah again?")] {
        let mut dashboard = TestDashboard::new(WIDE);
        dashboard.keys("/6789\n").list(Vec::new()).list(vec![people()[0].clone()]);

        dashboard.keys(key);

        assert!(dashboard.acts().is_empty(), "{key}");
        let asked = format!("{:?}", dashboard.model.prompt);
        assert!(asked.contains("no number ends in 6789: Siti Aminah") && asked.contains(question), "{asked}");
        dashboard.keys("y");
        assert_eq!(dashboard.acts().len(), 1, "{key}");
    }
}

#[test]
fn where_nobody_has_the_digits_nothing_else_is_said_and_only_until_the_next_key() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/6789").list(Vec::new()).list(Vec::new());
    counted(&mut dashboard, 0, 0);
    assert!(dashboard.line(22).contains("nobody here has 6789"), "{}", dashboard.line(22));
    assert!(!dashboard.line(22).contains("r replied"), "{}", dashboard.line(22));

    dashboard.keys("\n");
    assert_eq!(dashboard.said(), "no number here contains 6789");

    dashboard.keys("1");
    assert_eq!(dashboard.model.notice, None);
}

#[test]
fn digits_that_nobody_here_has_are_said_to_be_in_other_blasts_or_in_none() {
    for (rows, rest) in [
        (Vec::new(), ", nor does any in another blast"),
        (vec![somebody_in_hari_sukan()], "; tab while finding lists 1 in other blasts"),
    ] {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.keys("/6789").list(Vec::new()).list(Vec::new());
        let ticket = dashboard.model.recipients.ticket;
        dashboard.answer(Completion::Elsewhere { ticket, rows: Ok(rows) }).keys("\n");

        assert_eq!(dashboard.said(), format!("no number here contains 6789{rest}"));
    }
}

#[test]
fn two_digits_are_the_end_of_a_number_too() {
    let mut dashboard = TestDashboard::new(STACKED);

    dashboard.keys("/05");

    let asked = |effect| match effect {
        Effect::Read(ReadRequest::List { query, .. }) => Some(query.filter.to_string()),
        _ => None,
    };
    assert_eq!(dashboard.taken().into_iter().filter_map(asked).next_back().as_deref(), Some("phone:*05"));
}

#[test]
fn esc_shows_everybody_before_it_forgets_marks_that_the_list_does_not_show() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/0001\n").list(vec![people()[0].clone()]).keys(" /0002\n");
    dashboard.list(vec![people()[1].clone()]);

    dashboard.key(Key::Esc).list(people());
    assert_eq!(dashboard.model.recipients.marked.len(), 1);

    dashboard.key(Key::Esc);
    assert!(dashboard.model.recipients.marked.is_empty());
}

#[test]
fn the_count_of_a_status_that_was_found_follows_the_blast() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("/status:read\n").list(people());
    assert!(dashboard.screen().join("\n").contains("find status:read: 67"));

    let mut later = raya();
    later.counts.read = 71;
    dashboard.answer(Completion::Blasts(Ok(vec![later])));

    assert!(dashboard.screen().join("\n").contains("find status:read: 71"), "{}", dashboard.screen().join("\n"));
}

#[test]
fn a_find_that_only_the_database_can_count_is_counted_again_with_the_news() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("/name:siti\n").list(people()).taken();

    dashboard.dispatch(Msg::Refresh);

    let again = |effect: &Effect| matches!(effect, Effect::Read(ReadRequest::CountAgain { .. }));
    assert!(dashboard.taken().iter().any(again));
}

#[test]
fn the_keys_after_a_find_come_after_enter_and_are_never_cut() {
    for (width, end) in [(80, "tab: 1 in other blasts  enter, then r c b"), (66, "tab: 1 in other blasts  enter")] {
        let mut dashboard = TestDashboard::new(Size { width, height: 24 });
        dashboard.keys("/0005").list(vec![people()[4].clone()]);
        counted(&mut dashboard, 1, 1);
        let ticket = dashboard.model.recipients.ticket;

        dashboard.answer(Completion::Elsewhere { ticket, rows: Ok(vec![somebody_in_hari_sukan()]) });

        let screen = dashboard.screen();
        assert!(screen.iter().any(|line| line.ends_with(end)), "{width}: {screen:#?}");
    }
}

#[test]
fn what_nobody_here_was_found_by_is_sought_elsewhere_with_two_keys() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/zubaidah\n").list(Vec::new());
    dashboard.effects.clear();

    dashboard.keys("/");

    assert!(matches!(&dashboard.model.prompt, Some(Prompt::Find(find)) if find.field.text() == "zubaidah"));
    assert!(dashboard.taken().iter().any(|effect| matches!(effect, Effect::Read(ReadRequest::Elsewhere { .. }))));
    let ticket = dashboard.model.recipients.ticket;
    dashboard.answer(Completion::Elsewhere { ticket, rows: Ok(vec![somebody_in_hari_sukan()]) }).key(Key::Tab);
    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Elsewhere(_))), "{:#?}", dashboard.screen());
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/zubaidah\n").list(Vec::new()).keys("/a");
    assert!(
        matches!(&dashboard.model.prompt, Some(Prompt::Find(find)) if find.field.text() == "a"),
        "typing begins anew"
    );
}
