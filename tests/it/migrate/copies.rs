//! Copies of before it was noted whether their people were found.

use super::schema_before;
use crate::support::{Setup, Shop};

#[tokio::test]
async fn copies_for_people_and_their_times_are_marked_and_one_that_was_given_a_list_since_is_not() {
    let shop = Shop::open(Setup::default()).await;
    schema_before(&shop, "0095").await;
    shop.execute(
        r#"insert into senders (name, provider, business, rehearsal) values ('sales', 'wsapme', 'kedai', true);
           insert into blasts (blast_tag, sender_id, message, state, segment)
           values ('Found', 1, 'Hi', 'completed', 'status:read');
           insert into blasts (blast_tag, sender_id, message, state)
           select 'Copy ' || n, 1, 'Hi', 'draft' from generate_series(2, 6) n;
           insert into blasts (blast_tag, sender_id, message, state, pattern_blast, occurrence_at) values
               ('Time of the first', 1, 'Hi', 'draft', 2, now()), ('Time of the list', 1, 'Hi', 'draft', 3, now());
           insert into operator_actions (operator, action, blast_id, detail, at) values
               ('aina', 'create', 2, '{"from": 1}', now() - interval '9 hours'),
               ('aina', 'create', 3, '{"from": 1}', now() - interval '9 hours'),
               ('aina', 'create', 4, '{"from": 3}', now() - interval '8 hours'),
               ('aina', 'edit', 3, '{"list": true}', now() - interval '7 hours'),
               ('aina', 'create', 5, '{"from": 3}', now() - interval '6 hours'),
               ('aina', 'create', 6, '{"from": 2}', now() - interval '6 hours'),
               ('aina', 'edit', 6, '{"rate": "3/min"}', now() - interval '5 hours')"#,
    )
    .await;

    shop.ok(&["db", "migrate"]).await;

    let marked: Vec<String> = sqlx::query_scalar("select blast_tag from blasts where for_people order by id")
        .fetch_all(&shop.database.pool)
        .await
        .unwrap();
    assert_eq!(marked, ["Copy 2", "Copy 4", "Copy 6", "Time of the first"]);
}
