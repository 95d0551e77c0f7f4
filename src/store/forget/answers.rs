//! Answers to programs that name a person without their number: by a name in a sentence, an id, or a text of theirs.

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection};

use super::PersonTraces;
use crate::domain::forgotten::AnswerWords;
use crate::store::StoreError;

/// Tables of answers, with the column that has them.
const ANSWERS: [(&str, &str); 2] = [("api_requests", "answer"), ("api_jobs", "result")];

/// Takes names, ids and texts out of every stored answer. The number itself goes like any other text's.
pub(super) async fn forget_answers(tx: &mut PgConnection, of: &PersonTraces) -> Result<(), StoreError> {
    let words = AnswerWords::new(&of.names, &of.ids, &of.words).with_tags(&of.tags);
    for (table, column) in ANSWERS {
        forget_in(&mut *tx, (table, column), &words).await?;
    }
    Ok(())
}

async fn forget_in(
    tx: &mut PgConnection,
    (table, column): (&str, &str),
    words: &AnswerWords,
) -> Result<(), StoreError> {
    // The lock keeps each row where its `ctid` says it is. JSON text has its words escaped, as `to_json` writes them.
    let found = format!(
        "select ctid::text, {column} from {table}
          where {column} is not null
            and exists (select from unnest($1::text[]) word
                         where strpos(lower({column}::text), lower(btrim(to_json(word)::text, '\"'))) > 0)
            for update"
    );
    let found = sqlx::query_as(AssertSqlSafe(found)).bind(words.all().collect::<Vec<_>>());
    let found: Vec<(String, Value)> = found.fetch_all(&mut *tx).await?;
    let changed = found.into_iter().filter_map(|(row, answer)| Some((row, words.taken_out_of(&answer)?)));
    let (rows, answers): (Vec<_>, Vec<_>) = changed.unzip();
    let update = format!(
        "update {table} set {column} = x.answer
           from unnest($1::text[], $2::jsonb[]) x (row, answer) where {table}.ctid = x.row::tid"
    );
    sqlx::query(AssertSqlSafe(update)).bind(rows).bind(answers).execute(tx).await?;
    Ok(())
}
