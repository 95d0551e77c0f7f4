//! Follow-ups that leave people out for an answer that was taken back: nothing queues them again, so the undo says so and how to
//! write to them.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use super::Undo;
use crate::app::AppError;
use crate::domain::ids::BlastId;
use crate::domain::recipient::Undone;
use crate::domain::text::{people, shell_word};
use crate::store::answered::{self, LeftOutStill};

/// `; still left out of Raya promo, Follow-up 1 (blast 13): …`, behind what was taken back; nothing where nobody is.
pub(super) async fn in_words(tx: &mut PgConnection, undos: &[Undo]) -> Result<String, AppError> {
    let of_answers = undos.iter().filter(|undo| matches!(undo.undone, Undone::Replied | Undone::Closed(_)));
    let taken_back: Vec<_> = of_answers.map(|undo| (undo.person.id, undo.act.at)).collect();
    if taken_back.is_empty() {
        return Ok(String::new());
    }
    Ok(worded(&answered::left_out_still(tx, &taken_back).await?))
}

fn worded(left_out: &[LeftOutStill]) -> String {
    let Some(newest) = left_out.last() else { return String::new() };
    let blasts: BTreeSet<BlastId> = left_out.iter().map(|one| one.blast).collect();
    let which = if blasts.len() == 1 {
        format!("{}, {} (blast {})", newest.blast_tag, newest.follow_up_stage, newest.blast)
    } else {
        let ids: Vec<_> = blasts.iter().map(BlastId::to_string).collect();
        format!("follow-ups {}", ids.join(", "))
    };
    let phones: BTreeSet<&str> = left_out.iter().map(|one| &*one.phone_number).collect();
    if phones.len() > 1 {
        let newest = newest.blast;
        return format!(
            "; {} of them still left out of {which}: `blastdeck blast recipients {newest} --search status:skipped` lists them",
            people(phones.len())
        );
    }
    let (sender, digits) = (shell_word(&newest.sender), newest.phone_number.trim_start_matches('+'));
    let from = format!("'blast:{} phone:{digits}'", newest.blast);
    format!(
        "; still left out of {which}: `blastdeck blast new --sender {sender} --from {from} --message 'TEXT'` makes a draft to them"
    )
}
