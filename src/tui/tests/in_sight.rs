//! What must not be hidden: the person at the cursor, the blast that is compared, whoever left a list.

use super::support::{STACKED, TestDashboard, WIDE, at, blasts, crowd, marked, person, senders};
use super::updates::lists;
use super::views::progress;
use crate::app::view::{BlastView, RecipientRow, SenderView};
use crate::app::{DatabaseState, MarkedSeveral, Unmarked};
use crate::domain::ids::RecipientId;
use crate::domain::recipient::Mark;
use crate::domain::status::Status;
use crate::tui::Size;
use crate::tui::effect::{Completion, Effect, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::Notice;
use crate::tui::msg::Msg;

#[test]
fn a_frozen_list_whose_people_were_taken_anew_is_read_again() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3 ").dispatch(Msg::Refresh).taken();
    assert_eq!(dashboard.model.recipients.marked.len(), 1);

    let anew: Vec<_> = (101..=105).map(|id| person(id, "Kavitha", Status::Queued, at(14, 6))).collect();
    dashboard.answer(Completion::SomeGone { gone: (1..=5).map(RecipientId).collect(), rows: Vec::new() });

    assert_eq!(lists(&dashboard.taken()).len(), 1);
    dashboard.list(anew);
    assert_eq!((dashboard.cursor(), dashboard.model.recipients.marked.len()), (Some(101), 0));
    assert!(dashboard.screen().iter().any(|line| line.contains("Kavitha")));
    // Of whoever is not in it any more there is nothing to read.
    dashboard.answer(Completion::SomeGone { gone: vec![RecipientId(1)], rows: Vec::new() });
    assert!(lists(&dashboard.taken()).is_empty());
}

#[test]
fn the_list_of_a_draft_shows_who_was_added_elsewhere_also_while_somebody_works_in_it() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1").key(Key::End).list(crowd(1, 3)).keys("3j").taken();
    assert_eq!(dashboard.cursor(), Some(2));

    dashboard.dispatch(Msg::Refresh);
    assert_eq!(lists(&dashboard.taken()).len(), 1);
    dashboard.list(crowd(1, 4));
    assert_eq!((dashboard.cursor(), dashboard.model.recipients.visible(9).count()), (Some(2), 4));

    // On the first row, too, the cursor stays where it was put.
    dashboard.keys("k").dispatch(Msg::Refresh).taken();
    let mut before: Vec<_> = crowd(9, 1);
    before.extend(crowd(1, 4));
    dashboard.list(before);
    assert_eq!(dashboard.cursor(), Some(1));

    // Somebody who was marked stays in sight: the list waits.
    dashboard.keys(" ").dispatch(Msg::Refresh);
    assert!(lists(&dashboard.taken()).is_empty());
}

#[test]
fn a_long_message_never_covers_the_person_at_the_cursor() {
    let mut dashboard = TestDashboard::with(Size { width: 40, height: 12 }, crowd(1, 30));
    dashboard.keys("3jjjjjj");
    for words in
        ["short", "a message that goes on for so long that it takes a second line, and then a third one as well"]
    {
        dashboard.model.say(Notice::done(words));

        let screen = dashboard.screen();
        assert!(screen.iter().any(|line| line.starts_with("> ")), "{screen:#?}");
    }
}

#[test]
fn the_selected_blast_is_compared_first_and_those_without_room_are_counted() {
    let mut dashboard = TestDashboard::new(STACKED);
    let rows: Vec<BlastView> = blasts().into_iter().take(4).collect();
    dashboard.answer(Completion::Blasts(Ok(rows)));
    dashboard.keys("1    v");
    let compared: Vec<_> = dashboard.model.compared().iter().map(|blast| blast.id).collect();
    let read = compared.iter().map(|id| (*id, progress())).collect();
    dashboard.answer(Completion::Progress(Ok(read)));

    let screen = dashboard.screen().join("\n");

    assert_eq!(Some(compared[0]), dashboard.model.blast().map(|blast| blast.id));
    assert_eq!(compared.len(), 4);
    assert!(screen.contains("Sent"), "{screen}");
    for blast in dashboard.model.compared() {
        let start: String = blast.tag.chars().take(6).collect();
        assert!(screen.contains(&start), "{start}: {screen}");
    }
}

#[test]
fn everybody_who_was_marked_at_once_is_counted_also_those_beyond_the_rows_that_were_read() {
    let mut dashboard = TestDashboard::with(WIDE, Vec::new());
    dashboard.keys("2jj\n").list(crowd(1, 30));
    let one = |id: i64| match marked(id, "Kavitha", Status::Read, Status::Replied) {
        Completion::Written { outcome: Ok(WriteOutcome::Marked(marked)), .. } => *marked,
        other => panic!("{other:?}"),
    };
    let several = MarkedSeveral { marked: (1..=54).map(one).collect(), unmarked: Unmarked::default() };
    let request = WriteRequest::MarkSeveral { people: (1..=54).map(RecipientId).collect(), mark: Mark::Replied };
    dashboard.answer(Completion::Written { request, outcome: Ok(WriteOutcome::MarkedSeveral(several)) });
    let now = crowd(1, 30).into_iter().map(|row| RecipientRow { status: Status::Replied, ..row });
    dashboard.answer(Completion::Rows(Ok(now.collect())));

    assert_eq!(dashboard.model.recipients.left(), 54);
}

#[test]
fn a_blast_is_written_for_a_sender_that_the_configuration_has() {
    let mut dashboard = TestDashboard::new(WIDE);
    let gone = SenderView { name: "gone".to_owned(), token: None, ..senders().swap_remove(0) };
    let mut rows = senders();
    rows.insert(0, gone);
    dashboard.answer(Completion::Senders(Ok(rows)));

    dashboard.keys("n");

    let form = dashboard.model.form.as_deref().expect("a form");
    assert_eq!(form.values.sender, senders()[0].name);
}

#[test]
fn old_numbers_say_below_why_they_are_old() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.dispatch(Msg::Database(DatabaseState::Down { since: at(11, 58) }));

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("the database has not answered since 11:58: ! says more"), "{screen}");
}

#[test]
fn digits_that_end_no_number_here_are_sought_elsewhere_by_their_end_first() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("/7371").list(Vec::new());

    let asked = dashboard.taken().into_iter().rev().find_map(|effect| match effect {
        Effect::Read(ReadRequest::Elsewhere { is_ending_first, .. }) => Some(is_ending_first),
        _ => None,
    });
    assert_eq!(asked, Some(true));
}
