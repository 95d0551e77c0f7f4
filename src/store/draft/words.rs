//! What is written in a draft, to tell it from what somebody else writes meanwhile.

use sqlx::PgConnection;

use crate::domain::ids::BlastId;
use crate::store::StoreError;

/// All that the form of a draft writes, as a number to compare it by. `None` where it has another version, or where no filter finds its
/// people: a list that somebody else took into it is theirs as their words are.
pub async fn words(tx: &mut PgConnection, (id, version): (BlastId, i64)) -> Result<Option<i64>, StoreError> {
    let words = sqlx::query_scalar(
        "select hashtextextended(row(sender_id, blast_tag, follow_up_stage, message, template, rate, gap, send_window, weekdays,
                                     timezone, scheduled_for, scheduled_local, first_people, repeat_rule, repeat_until,
                                     repeat_times, at_most, local_time, window_local)::text, 0)
           from blasts where id = $1 and version = $2 and segment is not null",
    );
    Ok(words.bind(id).bind(version).fetch_optional(tx).await?)
}
