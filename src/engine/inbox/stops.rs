//! Which replies are a stop: by this engine's words, and by those of whoever registered the sender, perhaps on another machine.

use std::collections::{BTreeSet, HashMap};

use sqlx::PgConnection;

use super::item::{InboxItem, ItemNews, ReplyNews};
use crate::domain::ids::SenderId;
use crate::domain::opt_out::StopWords;
use crate::engine::context::EngineContext;
use crate::store::StoreError;
use crate::store::inbox::messages;

/// Notes of each reply whether it is one.
pub(super) async fn note(
    tx: &mut PgConnection,
    engine: &EngineContext,
    items: &mut [InboxItem],
) -> Result<(), StoreError> {
    let replies = items.iter().filter(|item| matches!(item.news, ItemNews::Reply(_)));
    let senders: BTreeSet<SenderId> = replies.flat_map(|item| item.senders.iter().copied()).collect();
    let senders: Vec<SenderId> = senders.into_iter().collect();
    // What was written to a number that no sender has may be a stop, too: by this engine's words.
    let known = if senders.is_empty() { Vec::new() } else { messages::stop_words(tx, &senders).await? };
    let known: HashMap<SenderId, StopWords> =
        known.into_iter().map(|(sender, words)| (sender, StopWords::new(words.iter().map(String::as_str)))).collect();
    for item in items {
        let InboxItem { senders, news: ItemNews::Reply(news), .. } = item else { continue };
        let theirs = senders.iter().filter_map(|sender| known.get(sender));
        news.is_stop = theirs.chain([&*engine.stop_words]).any(|words| is_stop(words, news));
    }
    Ok(())
}

/// By the words, by those beside a file, or by the button's payload.
fn is_stop(words: &StopWords, news: &ReplyNews) -> bool {
    let beside = [&news.payload, &news.typed].into_iter().flatten();
    words.is_stop(&news.body) || beside.into_iter().any(|text| words.is_stop(text))
}
