//! News of WSAPME's.

use chrono::{DateTime, Utc};

use super::{ItemNews, NewsPerson, ReadItem, ReplyNews, StatusNews, with_plus};
use crate::domain::text::hex;
use crate::provider::wsapme::webhook::{WsapmeEvent, WsapmeMessage, WsapmeStatus};

/// What stands for the id that WSAPME's messages do not have.
pub(in crate::engine::inbox) struct WsapmeOrigin<'a> {
    pub digest: &'a [u8],
    pub position: usize,
    pub received_at: DateTime<Utc>,
}

impl WsapmeOrigin<'_> {
    /// The same bytes are the same message.
    fn id(&self) -> String {
        format!("digest:{}:{}", hex(self.digest), self.position)
    }
}

pub(in crate::engine::inbox) fn of_wsapme(event: WsapmeEvent, origin: &WsapmeOrigin<'_>) -> ReadItem {
    let news = match event {
        WsapmeEvent::Status(status) => ItemNews::Status(Box::new(status_news(status))),
        WsapmeEvent::Message(message) => ItemNews::Reply(Box::new(reply_news(message, origin))),
        WsapmeEvent::Other(_) => ItemNews::Nothing,
        WsapmeEvent::Unreadable(why) => ItemNews::Unreadable(why),
    };
    ReadItem { device: None, account: None, news }
}

fn status_news(status: WsapmeStatus) -> StatusNews {
    StatusNews {
        message_id: status.message_id,
        callback: None,
        is_foreign: false,
        stage: status.stage,
        word: status.status,
        at: status.at,
        c2s_at: status.c2s_at,
        error: status.error_code.map(|code| (code, String::new())),
        pricing: None,
        person: NewsPerson::default(),
    }
}

fn reply_news(message: WsapmeMessage, origin: &WsapmeOrigin<'_>) -> ReplyNews {
    let body = match (&message.file, message.text.trim()) {
        (Some(_), "") => format!("({})", message.kind),
        (Some(_), text) => format!("({}) {text}", message.kind),
        (None, "") if message.kind != "text" => format!("({})", message.kind),
        (None, _) => message.text.clone(),
    };
    let typed = message.file.is_some().then(|| message.text.trim().to_owned()).filter(|text| !text.is_empty());
    ReplyNews {
        message_id: message.id.as_ref().map_or_else(|| origin.id(), |id| id.as_str().to_owned()),
        person: NewsPerson { phone: message.from.as_deref().map(with_plus), user_id: None },
        name: message.name,
        kind: message.kind,
        body,
        payload: None,
        media_id: message.file,
        typed,
        edit: None,
        quoted: message.quoted,
        at: message.at.or(Some(origin.received_at)),
        is_stop: false,
        order: None,
    }
}
