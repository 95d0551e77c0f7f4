//! Opt-outs that are taken back once their blast is over, or once its message lost a number for them: nothing is sent to them there, so it is
//! said who stays left out, and how to write to them.

use sqlx::PgConnection;

use super::Undo;
use crate::app::returning::MESSAGE_WITHOUT_NUMBER;
use crate::app::segment::draft_to_them;
use crate::app::{App, AppError};
use crate::domain::blast::blast_name;
use crate::domain::recipient::Undone;
use crate::domain::status::Status;
use crate::domain::text::people;
use crate::store::{blast, sender};

/// `; 486 people stay left out of Promo, Initial (blast 5), which is over: …`; nothing where nobody does. Of several blasts the newest.
pub(super) async fn in_words(app: &App, tx: &mut PgConnection, undos: &[Undo]) -> Result<String, AppError> {
    let stays_out = |undo: &&Undo| undo.undone == Undone::OptOut && undo.after == Status::Skipped;
    let out: Vec<_> = undos.iter().filter(stays_out).map(|undo| &undo.person).collect();
    let Some(newest) = out.iter().map(|person| person.blast_id).max() else { return Ok(String::new()) };
    let Some(head) = blast::head(&mut *tx, newest).await? else { return Ok(String::new()) };
    let sender = sender::name(&mut *tx, head.sender_id).await?.unwrap_or_default();
    let (who, filter) = match out[..] {
        [one] => ("still".to_owned(), app.filter_of_person(&mut *tx, newest, one.phone_number.as_str()).await?),
        ref several => (format!("{} stay", people(several.len())), format!("blast:{newest} status:skipped")),
    };
    let name = blast_name(&head.blast_tag, &head.follow_up_stage);
    let mend = draft_to_them(&mut *tx, (&sender, newest), &filter).await?;
    let why = if head.state.is_over() { "which is over" } else { MESSAGE_WITHOUT_NUMBER };
    Ok(format!("; {who} left out of {name} (blast {newest}), {why}: {mend}"))
}
