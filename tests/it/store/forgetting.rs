//! Forgetting looks at everybody once, however many blasts and steps there are.

use blastdeck::domain::forgotten::NumberPatterns;
use blastdeck::domain::phone::PersonKey;
use blastdeck::store::forget;
use sqlx::PgConnection;

use super::Scene;

/// How many people's rows this transaction has read.
async fn people_read(tx: &mut PgConnection) -> i64 {
    let read = "select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) from pg_stat_xact_user_tables
                 where relname = 'blast_recipients'";
    sqlx::query_scalar(read).fetch_one(tx).await.unwrap()
}

#[tokio::test]
async fn what_goes_out_with_somebodys_number_is_found_by_one_look_at_all_people() {
    let scene = Scene::queued(0).await;
    scene
        .execute(
            r#"insert into blasts (blast_tag, sender_id, message, state)
               select 'Over ' || n, 1, 'Hi {agent}', 'completed'::blast_state from generate_series(1, 3) n;
               insert into blast_recipients (blast_id, phone_number, variables)
               select b, '+60100' || lpad(n::text, 6, '0'),
                      case when n = 7 then '{"agent": "60100734512"}' else '{"agent": "Ana"}' end::jsonb
                 from generate_series(2, 4) b, generate_series(1, 500) n;
               insert into blast_steps (blast, number, after_seconds, since, until, stage, message, paused_at)
               select b, n, 3600, 'sent', 'read', 'Later', 'Or ask {agent}', case when n = 1 then now() end
                 from generate_series(2, 4) b, generate_series(1, 4) n;
               analyze"#,
        )
        .await;
    let person = PersonKey::of_digits("60100734512").unwrap();
    let patterns = NumberPatterns::of(&[person]);
    let mut tx = scene.pool().begin().await.unwrap();
    // Of what the session did before, not all is counted elsewhere yet.
    let before = people_read(&mut tx).await;

    let values = forget::number_values(&mut tx, &[person.to_string()], &patterns).await.unwrap();
    forget::lock_words(&mut tx, &patterns, &values).await.unwrap();
    let naming = forget::naming_words(&mut tx, &patterns, &values).await.unwrap();

    let read = people_read(&mut tx).await - before;
    let steps: Vec<_> = naming.iter().map(|words| (words.blast.0, words.step.unwrap_or_default())).collect();
    assert_eq!(steps, (2..=4).flat_map(|blast| (1..=4).map(move |step| (blast, step))).collect::<Vec<_>>());
    assert!(read < 2 * 1500, "{read} rows of 1500 people");
}
