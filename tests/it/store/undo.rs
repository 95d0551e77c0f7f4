//! The newest act is the one that `u` takes back. Where it cannot, it says so and takes back no older one.

use blastdeck::app::{App, AppError, AskedAct, Launch};
use blastdeck::domain::blast::BlastState;
use blastdeck::domain::ids::{ActionId, BlastId, RecipientId};
use blastdeck::domain::phone::Phone;
use blastdeck::domain::recipient::{Evidence, Mark};
use blastdeck::domain::retry::ErrorClass;
use chrono::TimeDelta;

use super::marks::{operator_app, refusal};
use super::{BLAST, Scene, entry};

const BEN: RecipientId = RecipientId(2);

/// Person 2 opted out by aina's word; nobody was sent to.
pub async fn with_an_opt_out() -> (Scene, App) {
    let scene = Scene::queued(3).await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(BEN, Mark::OptOut).await.unwrap();
    (scene, aina)
}

/// Everything that an undo could change.
async fn facts(scene: &Scene) -> String {
    let facts = "select string_agg(status::text, ' ' order by id) || (select string_agg(state::text, ' ' order by id) from blasts)
                        || (select count(*) from suppressions) || (select count(*) from operator_actions where undone_at is null)
                   from blast_recipients";
    sqlx::query_scalar(facts).fetch_one(scene.pool()).await.unwrap()
}

pub async fn refused_unchanged(scene: &Scene, app: &App) -> String {
    let before = facts(scene).await;
    let why = refusal(app.undo_mine().await);
    assert_eq!(facts(scene).await, before, "{why}");
    why
}

/// What `u` does not reach.
const WAY: &str = "; U on a person takes back their last mark";

#[tokio::test]
async fn an_opt_out_before_a_pause_is_not_taken_back_in_its_place() {
    let (scene, aina) = with_an_opt_out().await;
    aina.pause(BLAST).await.unwrap();

    let why = refused_unchanged(&scene, &aina).await;

    assert_eq!(why, "your last act was to pause Raya: S resumes it; U on a person takes back their last mark");
    assert_eq!(scene.statuses().await[1], "opted_out");
    // On purpose it can be.
    aina.undo_person(BEN).await.unwrap();
    assert_eq!(scene.number("select count(*) from suppressions").await, 0);
    scene.invariants().await;
}

#[tokio::test]
async fn a_refusal_by_how_a_blast_stands_says_which_one_and_how() {
    let (_scene, aina) = with_an_opt_out().await;
    aina.pause(BLAST).await.unwrap();

    let refused = aina.undo_mine().await;

    let Err(AppError::RefusedAsItStands { seen, .. }) = refused else { panic!("{refused:?}") };
    let version = aina.blast(BLAST).await.unwrap().version;
    assert_eq!((seen.blast, seen.version, seen.state), (BLAST, version, BlastState::Paused));
}

#[tokio::test]
async fn an_act_that_somebody_else_took_back_is_said_to_be_and_nothing_older_is_taken_back() {
    let (scene, aina) = with_an_opt_out().await;
    let ben = operator_app(&scene, "ben").await;
    aina.mark(RecipientId(3), Mark::OptOut).await.unwrap();
    let act = ActionId(scene.number("select max(id) from operator_actions").await);
    ben.undo_person(RecipientId(3)).await.unwrap();

    let why = refusal(aina.undo_my_act(&AskedAct::sending_nothing(act)).await);

    assert_eq!(why, "ben took that back already: nothing more was taken back");
    assert_eq!(scene.statuses().await[1], "opted_out");
}

#[tokio::test]
async fn a_pause_that_somebody_ended_is_still_ones_last_act() {
    let (scene, aina) = with_an_opt_out().await;
    let ben = operator_app(&scene, "ben").await;
    aina.pause(BLAST).await.unwrap();
    let version = aina.blast(BLAST).await.unwrap().version;
    ben.resume(Launch { blast: BLAST, version, people: 2, armed_for: TimeDelta::zero() }).await.unwrap();

    assert_eq!(
        refused_unchanged(&scene, &aina).await,
        "your last act was to pause Raya: it was resumed since and is sending, and p pauses it; U on a person takes back their last mark"
    );
    assert!(refused_unchanged(&scene, &ben).await.contains("has started: p pauses it"));
}

#[tokio::test]
async fn whoever_paused_last_is_named_and_a_resume_that_is_taken_back_names_whoever_paused_before() {
    let scene = Scene::queued(3).await;
    // It has begun: a launch that is taken back is no draft again.
    scene.execute("update blast_recipients set attempt = 1 where id = 1").await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    let resume = async || {
        let version = ben.blast(BLAST).await.unwrap().version;
        ben.resume(Launch { blast: BLAST, version, people: 3, armed_for: Launch::ARMED_FOR }).await.unwrap();
    };
    let paused_by = async || ben.blast(BLAST).await.unwrap().state_by.unwrap().to_string();
    aina.pause(BLAST).await.unwrap();
    resume().await;

    ben.undo_mine().await.unwrap();
    assert_eq!(paused_by().await, "aina");
    resume().await;
    ben.pause(BLAST).await.unwrap();

    assert_eq!(paused_by().await, "ben");
}

#[tokio::test]
async fn neither_a_cancel_nor_a_delete_can_be_taken_back_nor_anything_before_them() {
    let (scene, aina) = with_an_opt_out().await;
    aina.cancel(BLAST).await.unwrap();

    assert_eq!(
        refused_unchanged(&scene, &aina).await,
        "your last act was to cancel Raya: that cannot be taken back; d on it makes a draft to those it left out"
    );

    aina.delete(BLAST).await.unwrap();
    let deleted = refusal(aina.undo_mine().await);
    assert_eq!(
        deleted,
        "your last act was to delete Raya (blast 1): that cannot be taken back; U on a person takes back their last mark"
    );
    assert_eq!(scene.number("select count(*) from suppressions").await, 1, "the opt-out stands");
}

#[tokio::test]
async fn an_opt_out_by_number_is_named_with_the_verb_that_reverses_it() {
    let (scene, aina) = with_an_opt_out().await;
    let phone = Phone::parse("+60100000003", "MY".parse().unwrap()).unwrap();
    aina.suppress("kedai", &phone, None).await.unwrap();

    let added = refused_unchanged(&scene, &aina).await;
    aina.unsuppress("kedai", &phone).await.unwrap();
    let removed = refused_unchanged(&scene, &aina).await;

    let verb = "`blastdeck suppress remove +60100000003 --business 'kedai'` lets it be messaged again";
    assert_eq!(added, format!("your last act was to suppress +60 10-000 0003: {verb}"));
    let verb = "`blastdeck suppress add +60100000003 --business 'kedai'` suppresses it again";
    assert_eq!(removed, format!("your last act was to let +60 10-000 0003 be messaged again: {verb}"));
}

#[tokio::test]
async fn a_retry_is_named_with_the_key_that_stops_it() {
    let scene = Scene::sending(3).await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(RecipientId(3), Mark::Note("asks on Friday".to_owned())).await.unwrap();
    let (class, code) = (ErrorClass::FailRecipient, "400".to_owned());
    let error = Evidence::Rejected { class, code, message: "no such number".to_owned() };
    scene.record(&[entry(1, error, b"")]).await;
    let version = aina.blast(BlastId(1)).await.unwrap().version;
    let of_earlier = aina.at_version(BlastId(1), version - 1).retry(BlastId(1), None).await;
    assert!(matches!(of_earlier, Err(blastdeck::app::AppError::Changed)), "{of_earlier:?}");
    assert_eq!(aina.at_version(BlastId(1), version).retry(BlastId(1), None).await.unwrap(), 1);

    let why = refused_unchanged(&scene, &aina).await;

    assert_eq!(
        why,
        format!("your last act was to try those who failed in Raya again: it has started, and p pauses it{WAY}")
    );
    scene.execute("update blast_recipients set status = 'sent', standing = 'sent', attempt = 1").await;
    assert_eq!(
        refused_unchanged(&scene, &aina).await,
        format!("your last act was to try those who failed in Raya again: nobody in it is left to send to{WAY}")
    );
    assert_eq!(scene.number("select count(*) from blast_recipients where note is not null").await, 1);
}

#[tokio::test]
async fn a_start_of_long_ago_is_not_stepped_over() {
    let scene = Scene::queued(3).await;
    scene.execute("update blasts set state = 'draft'").await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(BEN, Mark::OptOut).await.unwrap();
    let version = aina.blast(BLAST).await.unwrap().version;
    aina.launch(Launch { blast: BLAST, version, people: 2, armed_for: TimeDelta::zero() }).await.unwrap();
    scene.execute("update operator_actions set at = at - interval '1 hour'").await;

    assert!(refused_unchanged(&scene, &aina).await.contains("has started: p pauses it"));
    let ben = operator_app(&scene, "ben").await;
    for person in [1, 3] {
        ben.mark(RecipientId(person), Mark::OptOut).await.unwrap();
    }
    assert_eq!(aina.ask_about_mine(Some(BLAST), None).await.unwrap(), None, "nothing is left to pause");
    let left = refused_unchanged(&scene, &aina).await;
    assert!(left.contains("has started, and nobody in it is left to send to"), "{left}");
    scene.execute("update blasts set state = 'completed'").await;
    let done = refused_unchanged(&scene, &aina).await;
    assert_eq!(done, format!("your last act was to start Raya: it is done now{WAY}"));
    let refused = ben.undo_launch_of(BLAST).await.unwrap_err().to_string();
    assert_eq!(refused, "Raya is done now: nothing was taken back", "it was no act of Ben's");
    scene.execute("update blasts set deleted_at = now()").await;
    let deleted = refused_unchanged(&scene, &aina).await;
    assert_eq!(deleted, format!("your last act was to start blast 1: it was deleted since{WAY}"));
}

/// Person 4: the number of person 2 again, in a blast of another business.
const BEN_AT_THE_OFFICE: RecipientId = RecipientId(4);

async fn with_another_business(scene: &Scene) {
    scene
        .execute(
            "insert into senders (name, provider, business, rehearsal) values ('office', 'wsapme', 'pasar', true);
             insert into blasts (blast_tag, sender_id, message, state, total_recipients)
             values ('Office', 2, 'Hi', 'sending', 1);
             insert into blast_recipients (blast_id, phone_number, name) values (2, '+60100000002', 'Ben')",
        )
        .await;
}

/// As for senders that are the same phone.
async fn link_businesses(scene: &Scene) {
    scene
        .execute(
            "insert into opt_out_links (source, business)
             values ('kedai', 'device 1'), ('device 1', 'kedai'), ('pasar', 'device 1'), ('device 1', 'pasar')",
        )
        .await;
}

async fn suppressed_for(scene: &Scene) -> String {
    sqlx::query_scalar("select coalesce(string_agg(business, ' ' order by business), '') from suppressions")
        .fetch_one(scene.pool())
        .await
        .unwrap()
}

#[tokio::test]
async fn an_opt_out_that_holds_for_several_businesses_is_taken_back_for_all_of_them() {
    let scene = Scene::queued(3).await;
    with_another_business(&scene).await;
    link_businesses(&scene).await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(BEN, Mark::OptOut).await.unwrap();
    assert_eq!(suppressed_for(&scene).await, "device 1 kedai pasar");

    aina.undo_mine().await.unwrap();

    assert_eq!(suppressed_for(&scene).await, "");
}

#[tokio::test]
async fn an_opt_out_that_followed_its_sender_is_taken_back_in_both_businesses() {
    let (scene, aina) = with_an_opt_out().await;
    scene
        .execute(
            "update senders set business = 'pasar';
             insert into suppressions (business, phone_number, reason, source, created_by, created_at)
             select 'pasar', phone_number, reason, source, created_by, created_at from suppressions",
        )
        .await;

    aina.undo_mine().await.unwrap();

    assert_eq!(suppressed_for(&scene).await, "");
}

#[tokio::test]
async fn each_of_two_opt_outs_of_one_number_takes_back_its_own() {
    let scene = Scene::queued(3).await;
    with_another_business(&scene).await;
    let aina = operator_app(&scene, "aina").await;

    aina.mark_several(&[BEN, BEN_AT_THE_OFFICE], &Mark::OptOut).await.unwrap();
    aina.undo_person(BEN).await.unwrap();
    assert_eq!(suppressed_for(&scene).await, "pasar");
    aina.undo_person(BEN_AT_THE_OFFICE).await.unwrap();
    assert_eq!(suppressed_for(&scene).await, "");
}

#[tokio::test]
async fn opt_outs_of_one_number_for_two_businesses_are_taken_back_by_one_undo() {
    let scene = Scene::queued(3).await;
    with_another_business(&scene).await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark_several(&[BEN, BEN_AT_THE_OFFICE], &Mark::OptOut).await.unwrap();
    assert_eq!(suppressed_for(&scene).await, "kedai pasar");

    aina.undo_mine().await.unwrap();

    assert_eq!(suppressed_for(&scene).await, "");
}

#[tokio::test]
async fn an_opt_out_stays_while_another_act_holds_for_it_too() {
    let scene = Scene::queued(3).await;
    with_another_business(&scene).await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    aina.mark(BEN, Mark::OptOut).await.unwrap();
    ben.mark(BEN_AT_THE_OFFICE, Mark::OptOut).await.unwrap();
    link_businesses(&scene).await;

    aina.undo_mine().await.unwrap();
    assert_eq!(suppressed_for(&scene).await, "kedai pasar", "ben's word holds for both");
    ben.undo_mine().await.unwrap();
    assert_eq!(suppressed_for(&scene).await, "");
}

#[tokio::test]
async fn a_start_at_a_set_time_is_taken_back_as_the_newest_act() {
    let (scene, aina) = draft_with_a_time().await;
    let version = aina.blast(BLAST).await.unwrap().version;
    let launch = Launch { blast: BLAST, version, people: 3, armed_for: TimeDelta::seconds(10) };
    assert_eq!(aina.launch(launch).await.unwrap().state, BlastState::Scheduled);

    assert_eq!(aina.undo_mine().await.unwrap().sentence, "Raya is a draft again: nothing was sent");

    assert_eq!(aina.blast(BLAST).await.unwrap().state, BlastState::Draft);
    assert_eq!(scene.number("select count(*) from blasts where send_after is not null").await, 0);
    assert!(refused_unchanged(&scene, &aina).await.contains("nothing of yours"));
}

/// A draft that is to start in an hour, and an operator.
pub async fn draft_with_a_time() -> (Scene, App) {
    let scene = Scene::queued(3).await;
    scene
        .execute("update blasts set state = 'draft', launched_at = null, scheduled_for = now() + interval '1 hour'")
        .await;
    let aina = operator_app(&scene, "aina").await;
    (scene, aina)
}

/// Person 4: the number of person 2 again, in a draft (blast 2) of the same business.
async fn with_a_draft(scene: &Scene) {
    scene
        .execute(
            "insert into blasts (blast_tag, sender_id, message, state, total_recipients)
             values ('Deepavali', 1, 'Hi', 'draft', 1);
             insert into blast_recipients (blast_id, phone_number, name) values (2, '+60100000002', 'Ben')",
        )
        .await;
}

#[tokio::test]
async fn an_opt_out_that_is_taken_back_puts_its_person_back_wherever_it_took_them_out() {
    let scene = Scene::queued(3).await;
    with_a_draft(&scene).await;
    let aina = operator_app(&scene, "aina").await;
    aina.mark(BEN, Mark::OptOut).await.unwrap();
    assert_eq!(scene.statuses().await, ["queued", "opted_out", "queued", "opted_out"]);

    let said = aina.undo_mine().await.unwrap().sentence;

    assert_eq!(scene.statuses().await, ["queued"; 4]);
    assert_eq!(said, "Person 2: opted out -> queued, taken back; queued again in Deepavali (draft 2) too");
    let told = "select count(*) from status_history where new_status = 'queued' and metadata ->> 'why' = 'taken back'";
    assert_eq!(scene.number(told).await, 2, "an undo is not told as a mark");
    scene.invariants().await;
}

#[tokio::test]
async fn whoever_is_opted_out_by_another_word_stays_out_of_the_other_blasts_and_the_undo_says_so() {
    let scene = Scene::queued(3).await;
    with_a_draft(&scene).await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    aina.mark(BEN, Mark::OptOut).await.unwrap();
    let number = Phone::parse("+60100000002", "MY".parse().unwrap()).unwrap();
    ben.suppress("*", &number, None).await.unwrap();

    let said = aina.undo_mine().await.unwrap().sentence;

    assert_eq!(scene.statuses().await, ["queued", "opted_out", "queued", "opted_out"]);
    assert!(said.ends_with("; still left out of blast 2"), "{said}");
    scene.invariants().await;
}

#[tokio::test]
async fn nobody_is_put_back_into_a_blast_whose_number_was_confirmed_without_them() {
    let scene = Scene::queued(3).await;
    with_a_draft(&scene).await;
    let (aina, ben) = (operator_app(&scene, "aina").await, operator_app(&scene, "ben").await);
    scene
        .execute(
            "insert into blast_recipients (blast_id, phone_number) values (2, '+60100000009');
             update blasts set total_recipients = 2 where id = 2",
        )
        .await;
    aina.mark(BEN, Mark::OptOut).await.unwrap();
    let version = ben.blast(BlastId(2)).await.unwrap().version;
    ben.launch(Launch { blast: BlastId(2), version, people: 1, armed_for: TimeDelta::zero() }).await.unwrap();

    let said = aina.undo_mine().await.unwrap().sentence;

    assert_eq!(scene.statuses().await[1..4], ["queued", "queued", "opted_out"]);
    assert!(said.contains("; still left out of blast 2, whose number was confirmed without them: `"), "{said}");
    scene.invariants().await;
}
