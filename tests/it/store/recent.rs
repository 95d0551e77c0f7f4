//! Who had a message lately: the count of a plan and the list behind it agree.

use blastdeck::domain::ids::BlastId;
use blastdeck::store::plan::{self, PlanGroup};
use chrono::{TimeDelta, Utc};

use super::Scene;

#[tokio::test]
async fn what_failed_is_no_message_that_somebody_had_and_who_is_uncertain_is_said_to_be() {
    let scene = Scene::queued(0).await;
    scene
        .execute(
            "insert into blasts (blast_tag, sender_id, message, state) values ('Draft', 1, 'Hi', 'draft');
             insert into blast_recipients (blast_id, phone_number, status, standing, sent_at, failed_at, message_id, attempt) values
                 (1, '+60100000001', 'read', 'read', now(), null, 'M1', 1),
                 (1, '+60100000002', 'failed', 'failed', now(), now(), 'M2', 1),
                 (1, '+60100000003', 'uncertain', 'uncertain', null, null, null, 1),
                 (1, '+60100000004', 'failed', 'failed', null, now(), null, 1),
                 (1, '+60100000005', 'sent', 'sent', now() - interval '8 days', null, 'M5', 1);
             insert into blast_recipients (blast_id, phone_number)
             select 2, '+6010000000' || n from generate_series(1, 5) as n",
        )
        .await;
    let since = Utc::now() - TimeDelta::days(7);

    let overlap = plan::overlap(scene.pool(), BlastId(2), ("kedai", since), &[], None).await.unwrap();
    let people = plan::of_group(scene.pool(), (BlastId(2), PlanGroup::Recent), ("kedai", since), &[]).await.unwrap();

    assert_eq!(overlap.recently_messaged, 2);
    let listed: Vec<_> = people.iter().map(|person| (person.phone_number.to_string(), person.is_uncertain)).collect();
    assert_eq!(listed, [("+60 10-000 0001".to_owned(), false), ("+60 10-000 0003".to_owned(), true)]);
}

#[tokio::test]
async fn who_had_this_very_message_is_counted_and_listed_however_long_ago_it_was() {
    let scene = Scene::queued(0).await;
    scene
        .execute(
            "insert into blasts (blast_tag, sender_id, message, state) values ('Again', 1, 'Hello', 'draft');
             insert into blast_recipients (blast_id, phone_number, status, standing, sent_at, failed_at, message_id, attempt) values
                 (1, '+60100000001', 'read', 'read', now() - interval '90 days', null, 'M1', 1),
                 (1, '+60100000002', 'failed', 'failed', null, now(), null, 1),
                 (1, '+60100000003', 'uncertain', 'uncertain', null, null, null, 1);
             insert into blast_recipients (blast_id, phone_number)
             select 2, '+6010000000' || n from generate_series(1, 4) as n;
             update blasts set updated_at = now() - interval '80 days' where id = 1",
        )
        .await;
    let since = Utc::now() - TimeDelta::days(7);
    let had = async || {
        let overlap = plan::overlap(scene.pool(), BlastId(2), ("kedai", since), &[], None).await.unwrap();
        let group = (BlastId(2), PlanGroup::SameMessage);
        let people = plan::of_group(scene.pool(), group, ("kedai", since), &[]).await.unwrap();
        (overlap.had_this_message, people.iter().map(|person| person.phone_number.to_string()).collect::<Vec<_>>())
    };

    assert_eq!(had().await, (0, vec![]), "another message");
    scene.execute("update blasts set message = (select message from blasts where id = 1) where id = 2").await;
    assert_eq!(had().await, (2, vec!["+60 10-000 0001".to_owned(), "+60 10-000 0003".to_owned()]));
    for (had_then, planned, is_same) in [
        ("Hello {name}", " Hello  {name}\n", true),
        ("Hello {name|friend}", "Hello {name}", true),
        ("Hello {name|friend}", "Hello {name|you}", true),
        ("Hello | {name}", "Hello {name}", false),
        ("Hello {name}", "Hello {shop}", false),
    ] {
        scene
            .execute(&format!("update blasts set message = case id when 1 then '{had_then}' else '{planned}' end"))
            .await;
        let expected = if is_same { (2, 2) } else { (0, 0) };
        let (counted, listed) = had().await;
        assert_eq!((counted, listed.len()), expected, "{had_then:?} and {planned:?}");
    }
    scene.execute("update blasts set message = ''").await;
    assert_eq!(had().await, (0, vec![]), "no message is not the same message");
}
