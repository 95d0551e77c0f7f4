//! Why a sender is stopped at the fence, and what its operator confirms.

use std::fs;
use std::path::PathBuf;

use super::super::configured_sender::ConfiguredSender;
use super::super::context::EngineContext;
use super::super::machine_memory::{MemoryError, PostedRecord, SenderKey, SenderMemory, has_opt_outs, make_directory};
use super::{Fence, FenceRefusal};
use crate::domain::ids::SenderId;
use crate::domain::sender::StopCode;
use crate::domain::text::{count_of, shell_word};
use crate::store::fence::DatabaseIdentity;
use crate::store::{StoreError, fence, sender};

/// What separates what several machines say in one reason.
const NEXT_MACHINE: &str = ". Besides, ";

/// Who says something that the machine which reads it did not, where both have one name.
const NAMESAKE: &str = "another machine of the same name";

/// Stops a sender at the fence, and notifies everybody.
pub async fn close(engine: &EngineContext, of: &ConfiguredSender, why: &FenceRefusal) -> Result<(), StoreError> {
    let mend = match why {
        FenceRefusal::Memory(superseded @ MemoryError::Superseded { .. }) => {
            tracing::warn!(sender = %of.name, %superseded, "this process has slept, and leaves the sender to the other");
            return Ok(());
        }
        FenceRefusal::Memory(short @ MemoryError::Unopened { .. }) => {
            tracing::warn!(sender = %of.name, %short, "nothing is sent before that can be read, which is tried again");
            return Ok(());
        }
        FenceRefusal::Memory(MemoryError::Unwritable { .. }) => "make it writable if you can, then confirm",
        _ => "if everybody queued may get it, confirm",
    };
    let server = fence::server(&engine.pool).await?;
    let name = &of.name;
    let consequence = engine.fence.consequence(of.key(), &server.likeness);
    let reason = reason((&engine.host, &engine.program), name, &format!("{why}; {consequence}; {mend}"));
    if sender::stop(&engine.pool, of.id, &StopCode::Restored, &reason).await?.is_news() {
        engine.fence.note_stated(of.key(), &consequence);
        tracing::warn!(sender = %name, %why, "nothing is sent until somebody confirms");
        engine.notifier.order(&engine.pool, None).await?;
    }
    Ok(())
}

/// How a machine's words in a reason name it.
fn named(host: &str) -> String {
    format!(" on {host} with `")
}

/// What a machine says, with the command line that confirms there: it alone knows its paths, and whoever reads this may be on another machine,
/// also one of its name.
fn reason((host, program): (&str, &str), name: &str, what: &str) -> String {
    format!("{what}{}{program} sender confirm {}`, or S on the blast", named(host), shell_word(name))
}

/// Why a confirmation is asked for once more: this machine's record is not what it was when the operator read what a
/// confirmation means, or another machine asked, and remembers others. The sender's reason says it from now on. `None`: they know what they
/// confirm.
pub async fn ask_to_confirm_again(
    engine: &EngineContext,
    id: SenderId,
    name: &str,
) -> Result<Option<String>, StoreError> {
    let mut connection = engine.pool.acquire().await?;
    let Some((StopCode::Restored, known)) = sender::stop_of(&mut connection, id).await? else { return Ok(None) };
    drop(connection);
    let server = fence::server(&engine.pool).await?;
    let key = SenderKey { id, name };
    let consequence = engine.fence.consequence(key, &server.likeness);
    let machine = Machine { host: &engine.host, stated: engine.fence.stated(key), is_asked: true };
    let advice = match advice(&known, &engine.host, &consequence) {
        "" => advice_beside(&known, &machine, &consequence),
        said => said,
    };
    let words = format!("{consequence}{advice}");
    // Every machine without a record says the same: those words are this one's where it said them.
    if known.contains(&words) && (advice.is_empty() || machine.stated.as_ref() == Some(&words)) {
        return Ok(None);
    }
    state(engine, key, (&known, &machine), &words).await?;
    Ok(Some(words))
}

/// Says of a sender about which another machine asks that this one remembers whom it posted to; returns the reason with that. Nobody acquires
/// a sender that is stopped, and whoever confirms where it was asked would not know of this machine.
pub(super) async fn add_what_is_remembered(
    engine: &EngineContext,
    of: &ConfiguredSender,
    known: String,
) -> Result<String, StoreError> {
    let server = fence::server(&engine.pool).await?;
    let words = engine.fence.consequence(of.key(), &server.likeness);
    let machine = Machine { host: &engine.host, stated: engine.fence.stated(of.key()), is_asked: false };
    let reason = if is_to_be_added(&known, &machine, &words) {
        tracing::info!(sender = %of.name, "another machine asks about it, and this one remembers whom it posted to");
        state(engine, of.key(), (&known, &machine), &words).await?
    } else if is_one_more(&known, &machine, &words) {
        let reason = format!("{known}{NEXT_MACHINE}{MORE_MACHINES}");
        sender::restate(&engine.pool, of.id, &reason).await?;
        reason
    } else {
        return Ok(known);
    };
    engine.notifier.order(&engine.pool, None).await?;
    Ok(reason)
}

/// Writes into the reason of a sender, as it is known, what this machine says now in place of what it stated there before; returns it.
async fn state(
    engine: &EngineContext,
    key: SenderKey<'_>,
    (known, machine): (&str, &Machine<'_>),
    words: &str,
) -> Result<String, StoreError> {
    let what = format!("{words}; if everybody queued may get it, confirm");
    let own = reason((&engine.host, &engine.program), key.name, &what);
    let reason = beside_others(known, machine, &own);
    sender::restate(&engine.pool, key.id, &reason).await?;
    engine.fence.note_stated(key, words);
    Ok(reason)
}

/// Whether a machine says that it remembers posts, all of them or some.
fn remembers_posts(said: &str) -> bool {
    said.contains(REMEMBERS_POSTS) || said.contains(SOME_CAN_BE_READ)
}

/// What to do where a sender's reason has it that somebody remembers whom they posted to, and this machine, `host`, says that it remembers
/// nobody: another machine does, or one of this name did.
fn advice(known: &str, host: &str, own: &str) -> &'static str {
    if !own.starts_with(REMEMBERS_NOBODY) {
        return "";
    }
    let named = named(host);
    let mut remembering = known.split(NEXT_MACHINE).filter(|said| remembers_posts(said)).peekable();
    if remembering.peek().is_none() {
        ""
    } else if remembering.all(|said| said.contains(&named)) {
        "; a machine of this name remembered whom it posted to: if it was this one, its record is gone, so find its state directory before \
         you confirm, and else confirm there instead"
    } else {
        "; another machine remembers whom it posted to: confirm there instead"
    }
}

/// What to do where another machine's words come first, another one remembers posts, and this machine, which remembers some itself, is confirmed:
/// that says nothing of whom the other one posted to.
fn advice_beside(known: &str, machine: &Machine<'_>, own: &str) -> &'static str {
    let is_first = known.split(NEXT_MACHINE).next().is_some_and(|said| machine.has_said(said));
    let mut others = known.split(NEXT_MACHINE).filter(|said| !machine.has_said(said));
    if own.starts_with(REMEMBERS_NOBODY) || is_first || !others.any(remembers_posts) {
        return "";
    }
    "; another machine remembers others whom it posted to: if you confirm here, they get a message again, unless you pause the sender's \
     blasts before, and resume one where only that machine's engine runs, which then asks"
}

/// The most machines that remember posts whose words one reason keeps.
const MACHINES_MAX: usize = 4;

/// What stands behind the words of so many where there are more.
const MORE_MACHINES: &str = "other machines remember whom they posted to as well";

/// Who adds to a reason.
struct Machine<'a> {
    host: &'a str,
    /// What it stated there last. Other machines may have its name, so that alone does not tell its words from theirs.
    stated: Option<String>,
    /// Its operator confirms, and reads the reason next.
    is_asked: bool,
}

impl Machine<'_> {
    /// Whether it has said this, and no other machine.
    fn has_said(&self, said: &str) -> bool {
        said.contains(&named(self.host)) && self.stated.as_ref().is_some_and(|own| said.contains(own))
    }
}

/// Whether a machine on which nobody asks remembers posts, and has not said so in a reason.
fn has_to_say(known: &str, machine: &Machine<'_>, words: &str) -> bool {
    remembers_posts(words) && !known.split(NEXT_MACHINE).any(|said| machine.has_said(said))
}

/// Whether a reason has the words of as many machines that remember posts as it has room for.
fn is_full(known: &str) -> bool {
    known.split(NEXT_MACHINE).filter(|said| remembers_posts(said)).count() >= MACHINES_MAX
}

/// Whether a machine on which nobody asks adds its words to a reason. Of more machines than a reason has room for, the engines would take each
/// other's place by turns.
fn is_to_be_added(known: &str, machine: &Machine<'_>, words: &str) -> bool {
    has_to_say(known, machine, words) && !is_full(known)
}

/// Whether it adds that there are more, for want of room, and none did so before.
fn is_one_more(known: &str, machine: &Machine<'_>, words: &str) -> bool {
    has_to_say(known, machine, words) && is_full(known) && !known.contains(MORE_MACHINES)
}

/// Leaves room in a reason for what a machine says, and returns for how many others there is. First those go that remember nobody. It stands
/// beside all that remember posts where it does not itself: their engines would take its place, and its operator be asked without end.
fn make_room(others: &mut Vec<&str>, own: &str) -> usize {
    while others.len() >= MACHINES_MAX
        && let Some(nobody) = others.iter().position(|said| !remembers_posts(said))
    {
        others.remove(nobody);
    }
    if remembers_posts(own) { MACHINES_MAX - 1 } else { MACHINES_MAX }
}

/// A reason with what this machine says now in place of what it said before. What other machines said stays: each remembers other posts, so
/// that whoever confirms on one and then on another has to read what it means there, and reads it once. Where this machine's
/// operator is asked, what one of the same name said comes after it: that may have been this one, with a record that is gone.
fn beside_others(known: &str, machine: &Machine<'_>, own: &str) -> String {
    let named = named(machine.host);
    let (more, mut others): (Vec<&str>, Vec<&str>) =
        known.split(NEXT_MACHINE).filter(|said| !machine.has_said(said)).partition(|said| *said == MORE_MACHINES);
    if others.is_empty() {
        return own.to_owned();
    }
    let room = make_room(&mut others, own);
    let has_namesake = others.iter().any(|said| said.contains(&named));
    let said: Vec<String> = if has_namesake && machine.is_asked {
        others.truncate(room);
        let others = others.into_iter().map(|said| with_speaker(said, machine.host));
        std::iter::once(own.to_owned()).chain(others).collect()
    } else {
        others.drain(..others.len().saturating_sub(room));
        let who = if has_namesake { NAMESAKE } else { machine.host };
        others.into_iter().map(str::to_owned).chain([format!("{who} says: {own}")]).collect()
    };
    said.into_iter().chain(more.into_iter().map(str::to_owned)).collect::<Vec<_>>().join(NEXT_MACHINE)
}

/// What another machine said, with its name before it: whoever reads it on `host` would take *this machine* for their own.
fn with_speaker(said: &str, host: &str) -> String {
    let said = said.strip_prefix(&format!("{host} says: ")).unwrap_or(said);
    let has_speaker = said.split_once(" says: ").is_some_and(|(speaker, _)| !speaker.contains([':', ';']));
    let speaker = said.rsplit_once(" with `").and_then(|(said, _)| said.rsplit_once(" on ")).map(|(_, on)| on);
    match speaker {
        Some(speaker) if !has_speaker && speaker == host => format!("{NAMESAKE} says: {said}"),
        Some(speaker) if !has_speaker => format!("{speaker} says: {said}"),
        _ => said.to_owned(),
    }
}

/// A sender that no engine can acquire is stopped if its row is the reason: trying again would not help, and nobody would see why.
pub async fn takeover_failed(engine: &EngineContext, of: &ConfiguredSender, error: &StoreError) {
    tracing::warn!(sender = %of.name, %error, "it cannot be taken yet");
    if !matches!(error, StoreError::Data(_)) {
        return;
    }
    let mend = format!("mend its row in `sender_leases`, then `blastdeck sender confirm {}`", of.name);
    let reason = format!("no engine can take it over: {error}; {mend}");
    match sender::stop(&engine.pool, of.id, &StopCode::default(), &reason).await {
        Ok(_) => {}
        Err(error) => tracing::warn!(sender = %of.name, %error, "it cannot be stopped"),
    }
}

impl Fence {
    /// What this machine last stated that a confirmation of a sender does; `None` where that is not known.
    fn stated(&self, sender: SenderKey<'_>) -> Option<String> {
        fs::read_to_string(self.stated_path(sender)).ok()
    }

    /// Keeps that. Where it cannot be written, the next statement stands beside this one, as another machine's would.
    fn note_stated(&self, sender: SenderKey<'_>, consequence: &str) {
        let noted = make_directory(&self.directory).and_then(|()| fs::write(self.stated_path(sender), consequence));
        if let Err(error) = noted {
            tracing::debug!(%error, "what was stated cannot be kept");
        }
    }

    fn stated_path(&self, sender: SenderKey<'_>) -> PathBuf {
        SenderMemory::new(&self.directory, sender).path("stated")
    }

    /// What a confirmation does with the people who are queued, as far as this machine knows.
    fn consequence(&self, sender: SenderKey<'_>, likeness: &DatabaseIdentity) -> String {
        let posts = consequence(&self.posted(sender, likeness));
        if self.opt_outs().is_whole(has_opt_outs(&self.directory)) {
            return posts;
        }
        format!(
            "{posts}; this machine's record of opt-outs is not whole: before you confirm, record with `blastdeck suppress add` whom you \
             know to have opted out since the database's backup, else they get a message, too"
        )
    }
}

/// Where the words of a machine begin that has no record of a sender, and of one that has.
const REMEMBERS_NOBODY: &str = "this machine remembers posting to nobody";
const REMEMBERS_POSTS: &str = "this machine remembers whom it posted to";
/// What one says of whose record a part is left.
const SOME_CAN_BE_READ: &str = "that can be read";

fn consequence(record: &PostedRecord) -> String {
    const UNCERTAIN: &str =
        "those whom the database has forgotten become uncertain, and everybody else who is queued gets a message";
    let noted = count_of(record.posted.len() as u64, "post", "posts");
    match damage(record).filter(|_| !record.posted.is_empty() || record.unreadable > 0) {
        Some(damage) if record.posted.is_empty() => {
            format!("{damage}: once you confirm, everybody who is queued gets a message, again if they had it")
        }
        Some(damage) => format!(
            "{damage}: once you confirm, of the {} {SOME_CAN_BE_READ} {UNCERTAIN}, again if theirs is one that cannot be read or \
             another machine's",
            record.posted.len()
        ),
        None if record.posted.is_empty() => format!(
            "{REMEMBERS_NOBODY}: once you confirm, everybody who is queued gets a message, again if they had it"
        ),
        None => {
            let (since, before) = record.begins_at.map_or_else(Default::default, |begins_at| {
                (
                    format!(" since its record begins, {}", begins_at.format("%Y-%m-%d %H:%M UTC")),
                    ", or this one before that",
                )
            });
            format!(
                "{REMEMBERS_POSTS} ({noted}{since}): once you confirm, {UNCERTAIN}, again if it was another machine that posted to \
                 them{before}"
            )
        }
    }
}

/// What cannot be read of this machine's record.
fn damage(record: &PostedRecord) -> Option<String> {
    let (readable, unreadable) = (record.posted.len() as u64, record.unreadable);
    let noted = readable + unreadable;
    if record.has_unknown_gap {
        return Some(format!(
            "this machine's record of whom it posted to is not whole: {readable} posts can be read, nobody knows how many are missing"
        ));
    }
    (unreadable > 0).then(|| {
        format!("this machine's record of whom it posted to is damaged: {unreadable} of {noted} posts cannot be read")
    })
}

#[cfg(test)]
mod tests;
