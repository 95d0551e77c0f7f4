//! Marks, questions, launches: nothing dangerous without its answer, nothing to anybody else.

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::support::{Bench, DRAFT, RAYA, STACKED, WIDE, blasts, crowd, details_of, draft, marked, people, plan_of};
use crate::domain::blast::BlastState;
use crate::domain::ids::RecipientId;
use crate::domain::recipient::{Mark, Resolution};
use crate::domain::status::Status;
use crate::domain::waiting::Waiting;
use crate::engine::view::{Anchor, BlastRow, RecipientRow};
use crate::engine::{Launch, TakenBack};
use crate::tui::DeskKind;
use crate::tui::effect::{Act, Answer, Effect, Failure, Outcome};
use crate::tui::key::Key;
use crate::tui::model::{Label, Prompt};
use crate::tui::msg::Msg;

fn mark(person: i64, mark: Mark) -> Act {
    Act::Mark { person: RecipientId(person), mark }
}

#[test]
fn after_replied_the_cursor_stays_so_that_closed_hits_the_same_person() {
    let mut bench = Bench::new(STACKED);

    bench.keys("3jjr").answer(marked(3, "Kavitha", Status::Read, Status::Replied)).keys("c");

    assert_eq!(bench.acts(), [mark(3, Mark::Replied), mark(3, Mark::Closed(None))]);
}

#[test]
fn a_mark_is_told_in_words_with_the_way_back_and_logged_as_a_command() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3r").answer(marked(1, "Siti Aminah", Status::Read, Status::Replied));

    assert_eq!(bench.line(22), format!("{:<71}u undoes", " Siti Aminah: read -> replied, by you"));
    bench.keys(":log\n");
    assert!(bench.screen().iter().any(|line| line.contains("blastdeck mark 7 +60100120001 replied")));
}

#[test]
fn somebody_marked_out_of_the_list_stays_in_it_and_that_is_said() {
    let mut bench = Bench::new(WIDE);
    bench.keys("jj\n").list(super::support::crowd(10, 3)).tell(Msg::Drawn);

    bench.keys("r").answer(marked(10, "Person 10", Status::Read, Status::Replied));

    assert_eq!(bench.said(), "Person 10: read -> replied, by you; they stay in this list until you leave it");
    assert_eq!(bench.model.people.label, Label::Stuck(Status::Read));
    assert!(bench.taken().contains(&Effect::Cells(vec![RecipientId(10)])));
}

/// The database answers whatever page is asked for, without those who do not match any more.
fn serve(bench: &mut Bench, all: &[RecipientRow]) {
    for effect in bench.taken() {
        let Effect::List { ticket, part, query } = effect else { continue };
        let limit = query.limit as usize;
        let rows = match query.anchor {
            Anchor::After(place) => {
                all.iter().filter(|row| row.changed_at < place.changed_at).take(limit).cloned().collect()
            }
            Anchor::Before(place) => {
                let before: Vec<RecipientRow> =
                    all.iter().filter(|row| row.changed_at > place.changed_at).cloned().collect();
                before[before.len().saturating_sub(limit)..].to_vec()
            }
            _ => continue,
        };
        let asked = crate::tui::model::Asked { anchor: query.anchor, limit: query.limit };
        bench.answer(Answer::List { ticket, part, asked, rows: Ok(rows) });
    }
}

#[test]
fn somebody_marked_is_in_their_place_again_after_scrolling_far_and_back() {
    let mut bench = Bench::with(STACKED, crowd(1, 60));
    bench.keys("3r").answer(marked(1, "Person 1", Status::Read, Status::Replied));
    let others = crowd(2, 300);

    for (key, times) in [(Key::PageDown, 12), (Key::PageUp, 14)] {
        for _ in 0..times {
            bench.key(key);
            serve(&mut bench, &others);
        }
    }

    assert_eq!(bench.cursor(), Some(1));
    assert!(bench.line(12).contains("Person 1 "), "{}", bench.line(12));
}

#[test]
fn closed_closes_at_once_and_the_amount_may_follow() {
    let mut bench = Bench::new(STACKED);

    bench.keys("3c120.50");
    assert_eq!(bench.acts(), [mark(1, Mark::Closed(None))]);
    assert!(bench.line(22).starts_with(" Siti Aminah closed. RM 120.50_"), "{}", bench.line(22));
    bench.keys("\n");
    assert_eq!(bench.acts(), [mark(1, Mark::Closed(Some(Decimal::new(12_050, 2))))]);
}

#[test]
fn any_other_key_keeps_the_close_and_acts() {
    let mut bench = Bench::new(STACKED);

    bench.keys("3cjr");

    assert_eq!(bench.acts(), [mark(1, Mark::Closed(None)), mark(2, Mark::Replied)]);
}

#[test]
fn u_right_after_closed_takes_the_close_back() {
    let mut bench = Bench::new(STACKED);

    bench.keys("3cu");

    assert_eq!(bench.acts(), [mark(1, Mark::Closed(None)), Act::UndoMine]);
}

#[test]
fn a_close_that_was_refused_closes_its_amount_too() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3c");

    let why = Failure::Other("nothing was sent to them yet".to_owned());
    bench.answer(Answer::Acted { act: mark(1, Mark::Closed(None)), outcome: Err(why) });

    assert_eq!(bench.line(22), " nothing was sent to them yet    enter goes on");
    bench.keys("120\n");
    assert!(bench.model.prompt.is_none());
    assert_eq!(bench.acts(), [mark(1, Mark::Closed(None))]);
}

#[test]
fn an_opt_out_asks_and_only_y_is_yes() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3b");
    assert_eq!(bench.line(22), " never message Siti Aminah again? y is yes, any other key is no");

    bench.keys("Y");
    assert!(bench.acts().is_empty());
    bench.keys("by");

    assert_eq!(bench.acts(), [mark(1, Mark::OptOut)]);
}

#[test]
fn a_note_begins_with_the_one_there_is() {
    let mut bench = Bench::new(STACKED);

    bench.keys("3je!\n");

    assert_eq!(bench.acts(), [mark(2, Mark::Note("2 boxes, Fri!".to_owned()))]);
}

#[test]
fn several_marked_people_are_asked_about_by_their_number() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3  r");
    assert!(bench.line(22).starts_with(" 2 people replied?"), "{}", bench.line(22));
    assert!(bench.acts().is_empty());

    bench.keys("y");

    let people = vec![RecipientId(1), RecipientId(2)];
    assert_eq!(bench.acts(), [Act::MarkSeveral { people, mark: Mark::Replied }]);
    assert!(bench.model.people.marked.is_empty());
}

#[test]
fn undo_is_told_in_the_words_of_whoever_did_it() {
    let mut bench = Bench::new(STACKED);
    bench.keys("3U");
    assert_eq!(bench.acts(), [Act::UndoPerson(RecipientId(1))]);

    let taken = TakenBack {
        recipients: vec![RecipientId(1)],
        sentence: "Siti Aminah: replied -> read, taken back".to_owned(),
        command_lines: vec!["blastdeck mark 7 +60100120001 undo".to_owned()],
    };
    bench.answer(Answer::Acted { act: Act::UndoMine, outcome: Ok(Outcome::TakenBack(taken)) });

    assert_eq!(bench.said(), "Siti Aminah: replied -> read, taken back");
}

#[test]
fn pausing_is_one_key_and_never_resumes() {
    let mut bench = Bench::new(STACKED);
    bench.keys("p");
    assert_eq!(bench.acts(), [Act::Pause(RAYA)]);

    let paused = BlastRow { state: BlastState::Paused, state_by: Some("ben".to_owned()), ..blasts().swap_remove(0) };
    bench.answer(Answer::Acted { act: Act::Pause(RAYA), outcome: Ok(Outcome::Blast(Box::new(paused))) }).keys("p");

    assert!(bench.acts().is_empty());
    assert_eq!(bench.said(), "Raya promo is paused already: S goes on with it");
}

fn at_plan(people: i64) -> Bench {
    let mut bench = Bench::new(STACKED);
    bench.keys("1");
    bench.key(Key::End).keys("S");
    assert!(bench.taken().contains(&Effect::Plan(DRAFT)));
    let plan = plan_of(draft(), people);
    bench.answer(Answer::Plan { blast: DRAFT, plan: Box::new(Ok(plan)) });
    bench
}

#[test]
fn nothing_is_sent_until_the_number_of_people_is_typed() {
    let mut bench = at_plan(289);

    bench.keys("28\n");
    assert!(bench.screen().contains(&" 28 is not 289: nothing sent".to_owned()));
    bench.keys("\ny\n");
    assert!(bench.acts().is_empty());
    bench.keys("289\n");

    let launch = Launch { blast: DRAFT, version: 3, people: 289, armed_for: TimeDelta::seconds(10) };
    assert_eq!(bench.acts(), [Act::Launch(launch)]);
}

#[test]
fn a_second_enter_does_not_launch_again() {
    let mut bench = at_plan(289);

    bench.keys("289\n\n");

    assert_eq!(bench.acts().len(), 1);
}

#[test]
fn a_plan_with_an_obstacle_asks_for_no_number() {
    let mut bench = at_plan(289);
    let plan = crate::engine::Plan { obstacles: vec!["the sender is stopped".to_owned()], ..plan_of(draft(), 289) };
    bench.answer(Answer::Plan { blast: DRAFT, plan: Box::new(Ok(plan)) });

    bench.keys("289\n");

    assert!(bench.acts().is_empty());
    assert!(bench.screen().iter().any(|line| line.contains("the sender is stopped")));
}

#[test]
fn an_armed_launch_says_when_it_starts_and_u_stops_it() {
    let mut bench = at_plan(289);
    bench.keys("289\n").taken();
    let until = bench.now + TimeDelta::seconds(10);
    let armed = BlastRow { state: BlastState::Sending, send_after: Some(until), ..draft() };
    let launch = Launch { blast: DRAFT, version: 3, people: 289, armed_for: TimeDelta::seconds(10) };

    bench.answer(Answer::Acted { act: Act::Launch(launch), outcome: Ok(Outcome::Blast(Box::new(armed))) });

    assert_eq!(bench.line(22), format!("{:<69}u stops it", " Raya last call starts at 14:02:10"));
    assert_eq!(bench.model.deadline(), Some(until));
    bench.taken();
    bench.keys("u");
    assert_eq!(bench.acts(), [Act::UndoMine]);
}

#[test]
fn once_the_armed_time_is_over_nothing_says_that_u_stops_it() {
    let mut bench = at_plan(289);
    let until = bench.now + TimeDelta::seconds(10);
    let armed = BlastRow { state: BlastState::Sending, send_after: Some(until), ..draft() };
    let launch = Launch { blast: DRAFT, version: 3, people: 289, armed_for: TimeDelta::seconds(10) };
    bench.answer(Answer::Acted { act: Act::Launch(launch), outcome: Ok(Outcome::Blast(Box::new(armed))) });

    bench.now = until;
    bench.tell(Msg::Wake);

    assert_eq!(bench.model.deadline(), None);
    assert_eq!(bench.line(22), " it has started: p pauses it");
}

#[test]
fn a_paused_blast_is_resumed_by_the_same_question() {
    let mut bench = Bench::new(STACKED);
    bench.keys("1jjS").taken();
    let paused = blasts().swap_remove(2);
    let id = paused.id;
    bench.answer(Answer::Plan { blast: id, plan: Box::new(Ok(plan_of(paused, 20))) });

    bench.keys("20\n");

    assert!(matches!(bench.acts().as_slice(), [Act::Resume(launch)] if launch.people == 20 && launch.blast == id));
}

#[test]
fn a_blast_whose_sender_stopped_goes_on_after_y() {
    let mut bench = Bench::new(STACKED);
    let why = "the token is refused".to_owned();
    let stands = BlastRow { waiting: Some(Waiting::SenderStopped { why }), ..blasts().swap_remove(0) };
    bench.answer(Answer::Blasts(Ok(vec![stands]))).keys("1S");
    assert!(bench.line(22).starts_with(" sales stopped: the token is refused. Mended? y is yes"), "{}", bench.line(22));

    bench.keys("n");
    assert!(bench.acts().is_empty());
    bench.keys("Sy");

    assert!(matches!(bench.acts().as_slice(), [Act::Resume(launch)] if launch.blast == RAYA));
}

#[test]
fn pasting_the_number_is_not_typing_it() {
    let mut bench = at_plan(289);

    bench.tell(Msg::Paste("289\n".to_owned())).key(Key::Enter);

    assert!(bench.acts().is_empty());
}

fn at_uncertain() -> Bench {
    let mut bench = Bench::new(STACKED);
    bench.keys("3").key(Key::Down).keys("jjj\n");
    bench.answer(Answer::Person(Box::new(Ok(details_of(people().swap_remove(4)))))).taken();
    bench
}

#[test]
fn an_uncertain_person_is_left_open_by_a_stray_enter() {
    let mut bench = at_uncertain();

    bench.keys("\n");

    assert!(bench.acts().is_empty());
    assert!(bench.said().contains("left open"));
}

#[test]
fn each_answer_about_an_uncertain_person_is_its_own_act() {
    let mut bench = at_uncertain();
    bench.keys("j\n");
    assert_eq!(bench.acts(), [mark(5, Mark::Resolve(Resolution::Sent))]);
    bench.keys("jj\n");
    assert_eq!(bench.acts(), [mark(5, Mark::Resolve(Resolution::Drop))]);
}

#[test]
fn sending_again_asks_once_more() {
    let mut bench = at_uncertain();

    bench.keys("jj\n");
    assert!(bench.acts().is_empty());
    assert!(matches!(bench.model.prompt, Some(Prompt::Ask(_))));
    bench.keys("y");

    assert_eq!(bench.acts(), [mark(5, Mark::Resolve(Resolution::Resend))]);
}

#[test]
fn read_only_changes_nothing() {
    let mut bench = Bench::new(STACKED);
    bench.model.options.kind = DeskKind::ReadOnly;

    bench.keys("up3rcbU 1XS");

    assert!(bench.acts().is_empty());
}
