//! What a draft to people whom a blast left out has in common with that blast.

use chrono::NaiveTime;
use sqlx::PgConnection;

use super::StoreError;
use crate::domain::ids::BlastId;
use crate::domain::pace::LimitColumns;

/// What a blast is called, and when and how fast it goes.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KeptSettings {
    pub tag: String,
    pub stage: String,
    #[sqlx(flatten)]
    pub limits: LimitColumns,
    /// Each of its people is due by their own clock.
    pub local_time: Option<NaiveTime>,
    /// Its hours hold by the clock of each of its people.
    pub window_local: bool,
}

/// Those of a blast; `None` where it is not there.
pub async fn kept_settings(tx: &mut PgConnection, id: BlastId) -> Result<Option<KeptSettings>, StoreError> {
    let kept = sqlx::query_as(
        "select blast_tag as tag, follow_up_stage as stage, rate, gap, send_window, weekdays, timezone, local_time,
                window_local is true as window_local
           from blasts where id = $1",
    );
    Ok(kept.bind(id).fetch_optional(tx).await?)
}
