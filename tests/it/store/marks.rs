//! Operators on one person: who was first is named, and what is taken back is taken back whole.

mod launches;

use std::path::Path;
use std::sync::OnceLock;

use blastdeck::app::{Access, App, AppError, AskedAct, ProcessKind, Setup, UndoOffer};
use blastdeck::config::Config;
use blastdeck::domain::ids::{BlastId, RecipientId};
use blastdeck::domain::recipient::{Evidence, Mark, Resolution};
use blastdeck::domain::status::Status;
use rust_decimal::Decimal;
use tokio_util::sync::CancellationToken;

use super::{Scene, accepted, entry};
use crate::support::TestDir;

pub(super) const SITI: RecipientId = RecipientId(1);

/// An operator's own process.
pub(super) async fn operator_app(scene: &Scene, operator: &str) -> App {
    blastdeck::provider::init();
    let text = "[[senders]]\nname = \"sales\"\nprovider = \"wsapme\"\ndevice = \"5850\"\nbusiness = \"kedai\"\n\
                base_url = \"http://127.0.0.1:9\"\ntoken = { file = \"/proc/sys/kernel/ostype\" }\n[engine]\nspeed = 600";
    let mut config = Config::from_toml_str(text).unwrap();
    config.operator = operator.to_owned();
    // The databases of all tests have one id.
    config.database.state_dir = memory().join(scene.database.name());
    std::fs::create_dir_all(&config.database.state_dir).unwrap();
    let (url, stop) = (scene.database.url.clone(), CancellationToken::new());
    let program = "blastdeck".to_owned();
    let setup = Setup { config, url, program, access: Access::ReadWrite, process: ProcessKind::Server, stop };
    App::open(setup).await.unwrap()
}

/// Where these programs keep what they remember: the machine's own place belongs to the machine. Gone with the run.
fn memory() -> &'static Path {
    static MEMORY: OnceLock<TestDir> = OnceLock::new();
    MEMORY.get_or_init(TestDir::new).path()
}

/// A sale of this amount.
pub(super) fn sale(amount: &str) -> Mark {
    Mark::Closed(Some(amount.parse::<Decimal>().unwrap()))
}

/// The act that a yes takes back.
pub(super) fn act_of(offer: UndoOffer) -> AskedAct {
    match offer {
        UndoOffer::Undo(act) => act,
        other @ UndoOffer::Pause(_) => panic!("{other:?}"),
    }
}

pub(super) fn refusal<T: std::fmt::Debug>(outcome: Result<T, AppError>) -> String {
    match outcome {
        Err(error @ (AppError::Refused(_) | AppError::RefusedAsItStands { .. } | AppError::PeopleChanged(_))) => {
            error.to_string()
        }
        other => panic!("not refused: {other:?}"),
    }
}

/// Person 1 was sent to, person 2 is uncertain, person 3 was sent to.
pub(super) async fn sent() -> Scene {
    let scene = Scene::sending(3).await;
    let doubt = entry(2, Evidence::Unknown { why: "no answer".to_owned() }, b"");
    scene.record(&[accepted(1, "A"), doubt, accepted(3, "C")]).await;
    scene
}

#[tokio::test]
async fn of_two_operators_who_close_one_sale_the_second_learns_who_was_first() {
    let scene = sent().await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);

    let (first, second) = tokio::join!(aina.mark(SITI, sale("120.00")), ben.mark(SITI, sale("90.00")));

    let (first_wins, why) = if first.is_ok() { (true, refusal(second)) } else { (false, refusal(first)) };
    let (winner, amount, lost) = if first_wins { ("aina", "120.00", "90.00") } else { ("ben", "90.00", "120.00") };
    assert_eq!(why, format!("{winner} closed Person 1 first, RM {amount}; yours, RM {lost}, is not written"));
    let written = format!("select count(*) from blast_recipients where id = 1 and amount = {amount}");
    assert_eq!(scene.number(&written).await, 1);
    assert_eq!(scene.number("select count(*) from operator_actions").await, 1);
    scene.invariants().await;
}

#[tokio::test]
async fn marks_are_taken_back_one_by_one_in_the_reverse_order() {
    let scene = sent().await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(SITI, Mark::Replied).await.unwrap();
    aina.mark(SITI, sale("120.00")).await.unwrap();
    // Later than a moment after the close, another amount is an act of its own.
    scene.execute("update operator_actions set at = at - interval '6 min'").await;
    let second = aina.mark(SITI, sale("99.50")).await.unwrap();
    assert_eq!(second.amount_before, "120.00".parse().ok(), "the line names what it replaces");
    aina.mark(SITI, Mark::Note("pays on Friday".to_owned())).await.unwrap();

    let facts = "select status::text || ' ' || coalesce(amount::text, '-') || ' ' || coalesce(note, '-')
                   from blast_recipients where id = 1";
    let mut seen = Vec::new();
    loop {
        seen.push(sqlx::query_scalar::<_, String>(facts).fetch_one(scene.pool()).await.unwrap());
        scene.invariants().await;
        if let Err(error) = aina.undo_mine().await {
            assert!(refusal::<()>(Err(error)).contains("nothing of yours"));
            break;
        }
    }

    assert_eq!(seen, ["closed 99.50 pays on Friday", "closed 99.50 -", "closed 120.00 -", "replied - -", "sent - -"]);
    assert_eq!(
        scene.number("select count(*) from operator_actions where action <> 'undo' and undone_by = 'aina'").await,
        4
    );
}

#[tokio::test]
async fn a_close_and_the_amount_typed_a_moment_later_are_taken_back_at_once() {
    let scene = sent().await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(SITI, Mark::Closed(None)).await.unwrap();
    aina.mark(SITI, sale("120.00")).await.unwrap();
    scene.invariants().await;

    aina.undo_mine().await.unwrap();

    assert_eq!(scene.statuses().await[0], "sent");
    assert_eq!(scene.number("select count(*) from blast_recipients where amount is not null").await, 0);
    scene.invariants().await;
}

#[tokio::test]
async fn ones_own_mark_is_not_taken_back_over_anothers() {
    let scene = sent().await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    aina.mark(SITI, Mark::Replied).await.unwrap();
    ben.mark(SITI, Mark::Closed(None)).await.unwrap();

    let why = refusal(aina.undo_mine().await);
    aina.undo_person(SITI).await.unwrap();
    aina.undo_mine().await.unwrap();

    assert!(why.contains("changed since, by ben"), "{why}");
    assert_eq!(scene.statuses().await[0], "sent");
    scene.invariants().await;
}

#[tokio::test]
async fn news_that_came_after_a_mark_stays_when_the_mark_goes() {
    let scene = sent().await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(SITI, sale("10.00")).await.unwrap();
    let (word, c2s_at, error) = ("READ".to_owned(), None, None);
    let stage = blastdeck::domain::recipient::ProviderStage::Read;
    let mut read = entry(1, Evidence::Provider { stage, word, c2s_at, error }, b"");
    read.answer = None;
    scene.record(&[read]).await;
    assert_eq!(scene.statuses().await[0], "closed");

    aina.undo_mine().await.unwrap();

    assert_eq!(scene.statuses().await[0], "read");
    scene.invariants().await;
}

#[tokio::test]
async fn an_answer_about_an_uncertain_person_can_be_taken_back_also_after_the_end() {
    let scene = sent().await;
    let aina = operator_app(&scene, "aina").await;
    let ben = RecipientId(2);
    let dropped = aina.mark(ben, Mark::Resolve(Resolution::Drop)).await.unwrap();
    assert_eq!((dropped.before, dropped.after), (Status::Uncertain, Status::Skipped));
    assert!(blastdeck::store::blast::complete(scene.pool(), BlastId(1)).await.unwrap());

    let back = aina.undo_mine().await;

    // Either it is refused, or the blast is open again: a blast that is over has nobody open in it.
    assert!(back.is_ok() || scene.statuses().await[1] == "skipped", "{back:?}");
    scene.invariants().await;
}

#[tokio::test]
async fn an_opt_out_is_taken_back_with_its_suppression_and_they_are_queued_again() {
    let scene = Scene::queued(2).await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(SITI, Mark::OptOut).await.unwrap();
    assert_eq!(scene.statuses().await, ["opted_out", "queued"]);
    assert_eq!(scene.number("select count(*) from suppressions").await, 1);

    aina.undo_mine().await.unwrap();

    assert_eq!(scene.number("select count(*) from suppressions").await, 0);
    assert_eq!(scene.statuses().await, ["queued", "queued"]);
    scene.invariants().await;
}

#[tokio::test]
async fn an_opt_out_is_not_taken_back_over_the_word_of_the_person() {
    let scene = Scene::queued(2).await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(SITI, Mark::OptOut).await.unwrap();
    scene.execute("update suppressions set source = 'person'").await;

    let undone = aina.undo_mine().await.unwrap();

    assert_eq!(scene.statuses().await, ["opted_out", "queued"]);
    assert!(undone.sentence.contains("stays opted out"), "{}", undone.sentence);
    assert_eq!(scene.claim(2).await.len(), 1);
    scene.invariants().await;
}

#[tokio::test]
async fn a_suppression_that_was_there_before_stays_when_an_opt_out_is_taken_back() {
    let scene = sent().await;
    let aina = operator_app(&scene, "aina").await;
    // From before this person was in any blast: their row knows nothing of it.
    let before = "insert into suppressions (business, phone_number, source, created_by) values ('kedai', '+60100000001', 'operator', 'ben')";
    scene.execute(before).await;
    aina.mark(SITI, Mark::OptOut).await.unwrap();

    aina.undo_mine().await.unwrap();

    assert_eq!(scene.number("select count(*) from suppressions").await, 1);
}

/// Three people who were sent to.
async fn three_sent() -> Scene {
    let scene = Scene::sending(3).await;
    scene.record(&[accepted(1, "A"), accepted(2, "B"), accepted(3, "C")]).await;
    scene
}

fn people(ids: std::ops::RangeInclusive<i64>) -> Vec<RecipientId> {
    ids.map(RecipientId).collect()
}

#[tokio::test]
async fn a_mark_on_several_people_is_one_act_and_one_undo_takes_it_back() {
    let scene = three_sent().await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(SITI, Mark::Note("first".to_owned())).await.unwrap();

    let several = aina.mark_several(&people(1..=3), &Mark::Replied).await.unwrap();
    assert_eq!((several.marked.len(), several.unmarked.refused.len()), (3, 0));
    assert_eq!(scene.statuses().await, ["replied"; 3]);
    scene.invariants().await;
    let taken = aina.undo_mine().await.unwrap();

    assert_eq!(taken.sentence, "3 people: replied, taken back");
    assert_eq!((taken.recipients, taken.command_lines.len()), (people(1..=3), 3));
    assert_eq!(several.marked[1].command_line, "blastdeck mark 1 +60100000002 replied");
    assert_eq!(scene.statuses().await, ["sent"; 3]);
    assert_eq!(aina.undo_mine().await.unwrap().sentence, "Person 1: note taken back");
    assert!(refusal(aina.undo_mine().await).contains("nothing of yours"));
    scene.invariants().await;
}

#[tokio::test]
async fn an_act_on_several_people_is_taken_back_on_those_whom_nobody_changed_since() {
    let scene = three_sent().await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    aina.mark_several(&people(1..=3), &Mark::Replied).await.unwrap();
    ben.mark(RecipientId(2), Mark::Closed(None)).await.unwrap();

    // What was taken back of one of them alone is not part of the act any more.
    aina.undo_person(RecipientId(3)).await.unwrap();
    let taken = aina.undo_mine().await.unwrap();
    assert_eq!(taken.sentence, "Person 1: replied -> sent, taken back; 1 not: Person 2 was changed since, by ben");
    assert_eq!(scene.statuses().await, ["sent", "closed", "sent"]);

    let why = refusal(aina.undo_mine().await);
    assert_eq!(why, "Person 2 was changed since, by ben: U takes that back first");
    aina.undo_person(RecipientId(2)).await.unwrap();
    assert_eq!(aina.undo_mine().await.unwrap().sentence, "Person 2: replied -> sent, taken back");
    scene.invariants().await;
}

#[tokio::test]
async fn whom_it_is_too_late_for_does_not_have_the_others_get_a_second_message() {
    let scene = Scene::sending(3).await;
    let doubt = |id| entry(id, Evidence::Unknown { why: "no answer".to_owned() }, b"");
    scene.record(&[doubt(1), doubt(2), doubt(3)]).await;
    scene.execute("update blast_recipients set claimed_at = claimed_at - interval '1 hour'").await;
    let aina = operator_app(&scene, "aina").await;
    let resolved = aina.mark_several(&people(1..=3), &Mark::Resolve(Resolution::Resend)).await.unwrap();
    assert_eq!((resolved.marked.len(), scene.statuses().await), (3, vec!["queued".to_owned(); 3]));
    assert_eq!(scene.claim(1).await.len(), 1);

    let taken = aina.undo_mine().await.unwrap();

    let said = "2 people: the answer about an uncertain message, taken back; 1 not: Person 1: too late to take back what you decided about their message: it is sending by now";
    assert_eq!(taken.sentence, said);
    assert_eq!(scene.statuses().await, ["sending", "uncertain", "uncertain"]);
    assert!(refusal(aina.undo_mine().await).contains("too late"), "the act on whom it is too late for is not undone");
    scene.invariants().await;
}

#[tokio::test]
async fn of_two_operators_with_the_same_mark_the_second_learns_who_was_first() {
    let scene = sent().await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    ben.mark(SITI, Mark::Replied).await.unwrap();

    let replied = refusal(aina.mark(SITI, Mark::Replied).await);
    ben.mark(SITI, Mark::OptOut).await.unwrap();
    let opted_out = refusal(aina.mark(SITI, Mark::OptOut).await);
    let own = refusal(ben.mark(SITI, Mark::OptOut).await);

    // Of two marks that go together neither is written where one of them is refused.
    ben.mark(RecipientId(3), Mark::Note("paid".to_owned())).await.unwrap();
    let both = aina.mark_each_apart(RecipientId(3), vec![Mark::Closed(None), Mark::Note("paid".to_owned())]).await;
    assert_eq!(refusal(both), "Person 3 has that note already: nothing changed");
    assert_eq!(scene.statuses().await[2], "sent");
    let both = vec![Mark::Closed(None), Mark::Note("paid in cash".to_owned())];
    assert_eq!(aina.mark_each_apart(RecipientId(3), both).await.unwrap().len(), 2);
    aina.undo_mine().await.unwrap();
    let taken_back = "select count(*) from blast_recipients where id = 3 and status = 'closed' and note = 'paid'";
    assert_eq!(scene.number(taken_back).await, 1, "the note alone, which was said last");
    scene.invariants().await;

    assert_eq!(replied, "ben marked Person 1 replied first; nothing changed");
    assert_eq!(opted_out, "ben noted first that Person 1 wants no more; nothing changed");
    assert_eq!(own, "Person 1 has opted out already: nothing changed");
}

#[tokio::test]
async fn of_two_operators_who_answer_for_one_uncertain_person_the_second_learns_who_was_first() {
    let scene = sent().await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    aina.mark(RecipientId(2), Mark::Resolve(Resolution::Drop)).await.unwrap();

    let second = refusal(ben.mark(RecipientId(2), Mark::Resolve(Resolution::Sent)).await);
    let own = refusal(aina.mark(RecipientId(2), Mark::Resolve(Resolution::Sent)).await);

    assert_eq!(second, "aina answered for Person 2 first: they are skipped now; yours is not written");
    assert_eq!(own, "Person 2: the status is skipped now, not uncertain");
}

#[tokio::test]
async fn of_several_people_those_who_cannot_be_marked_are_left_and_named() {
    let scene = sent().await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    ben.mark(SITI, sale("5.00")).await.unwrap();

    let several = aina.mark_several(&people(1..=3), &Mark::Closed(None)).await.unwrap();
    let nobody = refusal(aina.mark_several(&people(2..=2), &Mark::Replied).await);

    assert_eq!(several.marked.iter().map(|marked| marked.recipient.0).collect::<Vec<_>>(), [3]);
    let refused = &several.unmarked.refused;
    assert_eq!(refused[0], "ben closed Person 1 first, RM 5.00; yours is not written");
    assert!(refused[1].starts_with("Person 2: it is not known whether"), "{refused:?}");
    assert!(nobody.starts_with("nobody was marked: Person 2: it is not known"), "{nobody}");
    assert_eq!(scene.statuses().await, ["closed", "uncertain", "closed"]);
    assert_eq!(scene.number("select count(*) from blast_recipients where amount = 5").await, 1);
    scene.invariants().await;
}

#[tokio::test]
async fn several_opt_outs_and_the_last_marks_of_several_are_taken_back_at_once() {
    let scene = three_sent().await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark_several(&people(1..=2), &Mark::OptOut).await.unwrap();
    assert_eq!(scene.number("select count(*) from suppressions").await, 2);

    // What is taken back is what was asked about.
    let asked = aina.newest_marks(&people(1..=3)).await.unwrap();
    aina.mark(RecipientId(2), Mark::Note("asks on Friday".to_owned())).await.unwrap();
    assert!(refusal(aina.undo_marks(&people(1..=3), &asked).await).contains("meanwhile: nothing was taken back"));
    aina.undo_person(RecipientId(2)).await.unwrap();
    let taken = aina.undo_marks(&people(1..=3), &asked).await.unwrap();

    assert_eq!(taken.sentence, "2 people: opt-out, taken back; 1 had none");
    assert_eq!(scene.number("select count(*) from suppressions").await, 0);
    assert_eq!(scene.number("select count(*) from blast_recipients where opted_out_at is not null").await, 0);
    assert!(refusal(aina.undo_people(&people(1..=3)).await).contains("none of them"));
    scene.invariants().await;
}

#[tokio::test]
async fn marks_retries_and_opt_outs_have_the_databases_time() {
    let scene = three_sent().await;
    let aina = operator_app(&scene, "aina").await;
    let class = blastdeck::domain::retry::ErrorClass::FailRecipient;
    let error = Evidence::Rejected { class, code: "400".to_owned(), message: "no such number".to_owned() };
    scene.execute("update blast_recipients set standing = 'uncertain', sent_at = null where id = 3").await;
    scene.record(&[entry(3, error, b"")]).await;

    aina.mark(SITI, sale("5.00")).await.unwrap();
    aina.mark(RecipientId(2), Mark::OptOut).await.unwrap();
    assert_eq!(aina.retry(BlastId(1), None).await.unwrap(), 1);

    // The time of the transaction, which its rows have by default: no machine's clock hits that to the microsecond.
    let marks = "select count(*) from blast_recipients r join operator_actions a on a.recipient_id = r.id
                  where a.at in (r.closed_at, r.opted_out_at)";
    assert_eq!(scene.number(marks).await, 2);
    let foreign = "select count(*) from status_history where source = 'operator' and happened_at <> changed_at";
    assert_eq!(scene.number(foreign).await, 0);
    let written = "select count(*) from status_history where source = 'operator'";
    assert_eq!(scene.number(written).await, 2, "the close and the retry");
}

#[tokio::test]
async fn a_sale_is_amended_as_it_was_seen_whoever_closed_it() {
    let scene = sent().await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    aina.mark(SITI, sale("120.00")).await.unwrap();
    let amount = |text: &str| text.parse::<Decimal>().unwrap();

    let amended = ben.amend(SITI, Some(amount("120")), amount("130")).await.unwrap();
    assert_eq!(amended.amount_by.as_deref(), Some("aina"), "whose amount it takes the place of");
    let late = refusal(aina.amend(SITI, Some(amount("120")), amount("110")).await);
    let not_closed = refusal(ben.amend(RecipientId(3), None, amount("1")).await);

    assert_eq!(late, "ben changed the amount of Person 1 to RM 130.00 a moment ago; yours, RM 110.00, is not written");
    assert_eq!(not_closed, "Person 3 is sent now, not closed: the amount is not written");
    assert_eq!(scene.number("select amount::bigint from blast_recipients where id = 1").await, 130);
    assert_eq!(ben.undo_mine().await.unwrap().sentence, "Person 1: the amount is RM 120.00 now");
    assert_eq!(scene.number("select amount::bigint from blast_recipients where id = 1").await, 120);
    let own = aina.amend(SITI, Some(amount("120")), amount("125")).await.unwrap();
    assert_eq!(own.amount_by, None, "her own");
    scene.invariants().await;
}

#[tokio::test]
async fn a_second_amount_is_taken_back_by_itself_and_the_first_goes_with_its_close() {
    let scene = sent().await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(SITI, sale("1200.50")).await.unwrap();
    aina.mark(SITI, sale("75")).await.unwrap();

    let first = aina.undo_person(SITI).await.unwrap().sentence;
    let amount = scene.number("select amount::bigint from blast_recipients where id = 1").await;
    let second = aina.undo_person(SITI).await.unwrap().sentence;

    assert_eq!((first.as_str(), amount), ("Person 1: the amount is RM 1,200.50 now", 1_201));
    assert_eq!(second, "Person 1: closed -> sent, taken back");
    scene.invariants().await;
}
