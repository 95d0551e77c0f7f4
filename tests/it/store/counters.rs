//! The counters equal a recount, whoever writes and however.

use blastdeck::store::count::{audit, audit_history, fold};

use super::{Scene, accepted};

#[tokio::test]
async fn every_way_to_change_people_keeps_the_counters() {
    let scene = Scene::sending(20).await;
    scene.record(&(1..=10).map(|person| accepted(person, &format!("M{person}"))).collect::<Vec<_>>()).await;
    scene.execute("insert into blasts (blast_tag, sender_id, message) values ('Other', 1, 'Hi')").await;
    let by_hand = [
        "update blast_recipients set status = 'read', standing = 'read' where id between 1 and 5",
        "update blast_recipients set status = 'closed', amount = 120.50 where id in (1, 2)",
        "update blast_recipients set amount = 99 where id = 1",
        "update blast_recipients set amount = null where id = 2",
        "insert into blast_recipients (blast_id, phone_number, status) values (2, '+60100999999', 'failed')",
        "update blast_recipients set blast_id = 2 where id = 3",
        "delete from blast_recipients where id in (1, 4, 12)",
        "begin; delete from blast_recipients; rollback",
        "begin; update blast_recipients set status = 'failed' where id <= 10; rollback",
        "delete from blast_recipients where blast_id = 2 and status = 'failed'",
        "with moved as (delete from blast_recipients where id = 15 returning phone_number)
         insert into blast_recipients (blast_id, phone_number, status) select 2, phone_number, 'skipped' from moved",
        "delete from blasts where id = 2",
        "truncate blast_recipients cascade",
        "insert into blast_recipients (blast_id, phone_number) values (1, '+60100000001')",
    ];
    for statement in by_hand {
        scene.execute(statement).await;
        assert_eq!(audit(scene.pool(), None).await.unwrap(), [], "unfolded, after {statement}");
        // Every other time only, so that changes are also recounted over what is not folded.
        if statement.len() % 2 == 0 {
            while fold(scene.pool()).await.unwrap() > 0 {}
            assert_eq!(audit(scene.pool(), None).await.unwrap(), [], "folded, after {statement}");
        }
    }
    while fold(scene.pool()).await.unwrap() > 0 {}
    let left = "select count(*) from blast_count_deltas";
    assert_eq!((scene.number(left).await, scene.number("select sum(people)::bigint from blast_counts").await), (0, 1));
}

#[tokio::test]
async fn folding_while_people_change_loses_no_count() {
    let scene = Scene::sending(200).await;
    let entries: Vec<_> = (1..=200).map(|person| accepted(person, &format!("M{person}"))).collect();

    let folding = async {
        for _ in 0..20 {
            fold(scene.pool()).await.unwrap();
        }
    };
    let writing = async {
        for batch in entries.chunks(20) {
            scene.record(batch).await;
        }
    };
    tokio::join!(folding, writing, async {
        for _ in 0..10 {
            assert_eq!(audit(scene.pool(), None).await.unwrap(), []);
        }
    });

    scene.invariants().await;
}

#[tokio::test]
async fn an_audit_finds_what_was_changed_behind_the_triggers() {
    let scene = Scene::sending(3).await;
    scene.record(&[accepted(1, "M1")]).await;
    scene.execute("set session_replication_role = replica; update blast_recipients set status = 'read' where id = 1; reset session_replication_role").await;

    let differences = audit(scene.pool(), None).await.unwrap();

    let found: Vec<_> = differences.iter().map(|d| (d.status.word(), d.counted, d.recounted)).collect();
    assert_eq!(found, [("sent", 1, 0), ("read", 0, 1)]);
    assert_eq!(audit_history(scene.pool(), None).await.unwrap().len(), 1);
}
