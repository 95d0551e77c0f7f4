//! News of Meta's.

use chrono::{DateTime, Utc};

use super::{
    IdentityNews, ItemNews, MessageEdit, NewsPerson, NoticeDemand, NoticeNews, ReadItem, ReplyNews, StatusNews,
    WishNews, with_plus,
};
use crate::engine::inbox::orders::OrderNews;
use crate::provider::meta::limit::{HIGH_THROUGHPUT, MessagingLimit};
use crate::provider::meta::webhook::{
    AccountEffect, InboundContent, InboundMessage, StatusEvent, TemplateChange, TemplateEvent, WebhookEvent,
    WebhookItem, WebhookPerson,
};
use crate::store::business::PeopleLimit;

pub(in crate::engine::inbox) fn of_meta(item: WebhookItem) -> ReadItem {
    let origin = &item.origin;
    let (device, account, written_at) = (origin.phone_number_id.clone(), origin.waba_id.clone(), origin.at);
    let news = match item.event {
        WebhookEvent::Status(status) => ItemNews::Status(Box::new(status_news(*status))),
        WebhookEvent::Message(message) => reply_news(*message),
        WebhookEvent::Identity(identity) => {
            ItemNews::Identity { phone: with_plus(&identity.phone), user_id: identity.user_id.to_string() }
        }
        WebhookEvent::IdentityChange(change) => ItemNews::IdentityChange(IdentityNews {
            before: change.previous_user_id.map(|id| id.to_string()),
            now: change.user_id.map(|id| id.to_string()),
            previous_phone: change.previous_phone.as_deref().map(with_plus),
            phone: change.phone.as_deref().map(with_plus),
            at: change.at,
        }),
        WebhookEvent::Preference(event) => {
            ItemNews::Wish(WishNews { person: event.person.into(), wish: event.wish, at: event.at })
        }
        WebhookEvent::Unreadable { why, .. } => ItemNews::Unreadable(why),
        WebhookEvent::Other { .. } => ItemNews::Nothing,
        other => notice_news(other, written_at),
    };
    ReadItem { device, account, news }
}

fn status_news(status: StatusEvent) -> StatusNews {
    let error = status.strictest_error().map(|error| (error.code_text(), error.message.clone()));
    StatusNews {
        is_foreign: status.callback.is_none() && status.callback_text.is_some(),
        message_id: status.message_id,
        callback: status.callback,
        stage: status.stage,
        word: status.status,
        at: status.at,
        c2s_at: None,
        error,
        pricing: status.pricing,
        person: status.recipient.into(),
    }
}

fn reply_news(message: InboundMessage) -> ItemNews {
    let (edit, content) = match (message.content.edited(), message.content) {
        (Some(edited), InboundContent::Edit { original, .. }) => (Some(MessageEdit { original }), edited),
        (_, content) => (None, content),
    };
    if !content.is_reply() {
        return ItemNews::Nothing;
    }
    let unknown = content.unknown_kind();
    let (kind, payload, media_id) = match &content {
        InboundContent::Text(_) => ("text", None, None),
        InboundContent::Button { payload, .. } => ("button", payload.clone(), None),
        InboundContent::ButtonReply { id, .. } => ("button", Some(id.clone()), None),
        InboundContent::ListReply { id, .. } => ("list", Some(id.clone()), None),
        InboundContent::Form(form) => ("form", Some(form.response.clone()), None),
        InboundContent::Media(media) => (media.kind.word(), None, Some(media.id.clone())),
        InboundContent::Location { .. } => ("location", None, None),
        InboundContent::Contacts { .. } => ("contact", None, None),
        InboundContent::Order(_) => ("order", None, None),
        _ => (unknown.as_deref().unwrap_or("other"), None, None),
    };
    let typed = match &content {
        InboundContent::Media(media) => media.caption.clone(),
        _ => None,
    };
    let (kind, words) = (kind.to_owned(), content.words());
    let order: Option<OrderNews> = match content {
        InboundContent::Order(order) => Some(order.into()),
        _ => None,
    };
    let body = order.as_ref().map_or(words, OrderNews::words);
    ItemNews::Reply(Box::new(ReplyNews {
        kind,
        payload,
        media_id,
        typed,
        edit,
        body,
        person: message.from.into(),
        name: message.name,
        message_id: message.id.as_str().to_owned(),
        quoted: message.quoted,
        at: message.at,
        is_stop: false,
        order,
    }))
}

fn notice_news(event: WebhookEvent, written_at: Option<DateTime<Utc>>) -> ItemNews {
    let none = NoticeDemand::None;
    let (field, subject, words, demand) = match event {
        WebhookEvent::Account(event) => {
            let demand = match event.effect {
                AccountEffect::StopsSending { .. } => NoticeDemand::StopAccount { code: event.event.clone() },
                AccountEffect::Reinstated | AccountEffect::Notice => none,
            };
            ("account_update", None, joined(&event.event, event.detail.as_deref()), demand)
        }
        WebhookEvent::Template(event) => {
            let language = event.template.language.as_deref().map(|code| format!(" ({code})")).unwrap_or_default();
            let subject = format!("{}{language}", event.template.name);
            let (field, words) = template_words(&event);
            let (pauses, template) = (event.pauses(), event.template);
            let pause = NoticeDemand::PauseTemplate { name: template.name, language: template.language };
            (field, Some(subject), words, if pauses { pause } else { none })
        }
        WebhookEvent::Number(event) => {
            let demand = limit_demand(event.limit, event.is_faster().then_some(HIGH_THROUGHPUT));
            ("phone_number_quality_update", event.display_phone_number, event.event, demand)
        }
        WebhookEvent::Capability(event) => {
            let limit = event.limit.map_or_else(|| "unknown".to_owned(), |limit| limit.to_string());
            ("business_capability_update", None, format!("people a day: {limit}"), limit_demand(event.limit, None))
        }
        WebhookEvent::Error(error) => {
            let code = error.code_text();
            ("errors", Some(code.clone()), error.message, NoticeDemand::Error { code })
        }
        _ => return ItemNews::Nothing,
    };
    ItemNews::Notice(NoticeNews { field, subject, words, written_at, demand })
}

fn template_words(event: &TemplateEvent) -> (&'static str, String) {
    let change = |before: Option<&str>, now: &str| match before {
        Some(before) => format!("{before} to {now}"),
        None => now.to_owned(),
    };
    match &event.change {
        TemplateChange::Status { status, reason } => {
            ("message_template_status_update", joined(status, reason.as_deref()))
        }
        TemplateChange::Quality { before, now } => {
            ("message_template_quality_update", format!("quality {}", change(before.as_deref(), now)))
        }
        TemplateChange::Category { before, now } => {
            ("template_category_update", format!("category {}", change(before.as_deref(), now)))
        }
        TemplateChange::CategoryAnnounced { now, next, from } => {
            let day = from.map(|from| format!(" on {}", from.format("%Y-%m-%d %H:%M UTC"))).unwrap_or_default();
            let still = now.as_ref().map(|now| format!("category {now} still; ")).unwrap_or_default();
            ("template_category_update", format!("{still}it becomes {next}{day}"))
        }
    }
}

fn limit_demand(limit: Option<MessagingLimit>, per_second: Option<u32>) -> NoticeDemand {
    let people = limit.map(|limit| match limit {
        MessagingLimit::People(people) => PeopleLimit::People(people),
        MessagingLimit::Unlimited => PeopleLimit::Unlimited,
    });
    match (people, per_second) {
        (None, None) => NoticeDemand::None,
        (people, per_second) => NoticeDemand::Limit { people, per_second },
    }
}

fn joined(word: &str, detail: Option<&str>) -> String {
    detail.map_or_else(|| word.to_owned(), |detail| format!("{word}: {detail}"))
}

impl From<WebhookPerson> for NewsPerson {
    fn from(person: WebhookPerson) -> Self {
        Self { phone: person.phone.as_deref().map(with_plus), user_id: person.user_id.map(|id| id.as_str().to_owned()) }
    }
}
