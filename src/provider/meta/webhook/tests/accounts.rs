use serde_json::{Value, json};

use super::*;
use crate::provider::meta::limit::MessagingLimit;

fn account(value: Value) -> AccountEvent {
    match one("account_update", value) {
        WebhookEvent::Account(event) => event,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_what_keeps_an_account_from_writing_first_stops_it() {
    let until = Some("2026-07-01T00:00:00Z".parse().unwrap());
    let stops = AccountEffect::StopsSending { until: None };
    let restricted = |kind: &str| json!([{ "restriction_type": kind, "expiration": "2026-07-01T00:00:00Z" }]);
    for (value, effect) in [
        (json!({ "event": "ACCOUNT_DELETED" }), stops),
        (json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": "DISABLE" } }), stops),
        (
            json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": "SCHEDULE_FOR_DISABLE" } }),
            AccountEffect::Notice,
        ),
        (
            json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": "REINSTATE" } }),
            AccountEffect::Reinstated,
        ),
        (json!({ "event": "DISABLED_UPDATE" }), AccountEffect::Notice),
        (json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": ["DISABLE"] } }), stops),
        (
            json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": ["REINSTATE"] } }),
            AccountEffect::Reinstated,
        ),
        (
            json!({ "event": "DISABLED_UPDATE",
                "ban_info": { "waba_ban_state": ["SCHEDULE_FOR_DISABLE", "DISABLE", "REINSTATE"] } }),
            AccountEffect::Notice,
        ),
        (
            json!({ "event": "ACCOUNT_RESTRICTION",
                "restriction_info": restricted("RESTRICTED_BIZ_INITIATED_MESSAGING") }),
            AccountEffect::StopsSending { until },
        ),
        (
            json!({ "event": "ACCOUNT_RESTRICTION",
                "restriction_info": { "restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING",
                    "expiration": 1_782_864_000 } }),
            AccountEffect::StopsSending { until },
        ),
        (
            json!({ "event": "ACCOUNT_RESTRICTION",
                "restriction_info": restricted("RESTRICTED_ADD_PHONE_NUMBER_ACTION") }),
            AccountEffect::Notice,
        ),
        (
            json!({ "event": "ACCOUNT_VIOLATION", "violation_info": { "violation_type": "SCAM" } }),
            AccountEffect::Notice,
        ),
        (json!({ "event": "PARTNER_ADDED" }), AccountEffect::Notice),
    ] {
        assert_eq!(account(value.clone()).effect, effect, "{value}");
    }
    let violation = json!({ "event": "ACCOUNT_VIOLATION", "violation_info": { "violation_type": "SCAM" } });
    assert_eq!(account(violation).detail.as_deref(), Some("SCAM"));
    let restriction = json!({ "event": "ACCOUNT_RESTRICTION", "restriction_info": [
        { "restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": 1_782_864_000 },
        { "restriction_type": "RESTRICTED_ADD_PHONE_NUMBER_ACTION" } ] });
    let words = "RESTRICTED_BIZ_INITIATED_MESSAGING until 2026-07-01 00:00 UTC, RESTRICTED_ADD_PHONE_NUMBER_ACTION";
    assert_eq!(account(restriction).detail.as_deref(), Some(words));
}

fn template(field: &str, value: Value) -> TemplateEvent {
    match one(field, value) {
        WebhookEvent::Template(event) => event,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_template_that_may_not_be_sent_pauses_its_blasts() {
    let update = |event: &str| {
        json!({ "event": event, "message_template_id": 1_234_567, "message_template_name": "raya",
            "message_template_language": "en-US", "reason": "NONE",
            "other_info": { "title": "FIRST_PAUSE", "description": "Negative feedback" } })
    };

    let paused = template("message_template_status_update", update("PAUSED"));

    assert_eq!(
        paused.template,
        TemplateSubject { id: Some("1234567".to_owned()), name: "raya".to_owned(), language: Some("en_US".to_owned()) }
    );
    let reason = Some("Negative feedback".to_owned());
    assert_eq!(paused.change, TemplateChange::Status { status: "PAUSED".to_owned(), reason });
    for (event, pauses) in
        [("PAUSED", true), ("DISABLED", true), ("REJECTED", true), ("APPROVED", false), ("FLAGGED", false)]
    {
        assert_eq!(template("message_template_status_update", update(event)).pauses(), pauses, "{event}");
    }
}

#[test]
fn quality_and_category_of_a_template_are_read() {
    let name = json!({ "message_template_name": "raya", "message_template_language": "ms",
        "previous_quality_score": "GREEN", "new_quality_score": "YELLOW",
        "previous_category": "UTILITY", "new_category": "MARKETING" });

    let quality = template("message_template_quality_update", name.clone());
    let category = template("template_category_update", name);

    let changed = |before: &str, now: &str| (Some(before.to_owned()), now.to_owned());
    let (before, now) = changed("GREEN", "YELLOW");
    assert_eq!((quality.pauses(), quality.change), (false, TemplateChange::Quality { before, now }));
    let (before, now) = changed("UTILITY", "MARKETING");
    assert_eq!(category.change, TemplateChange::Category { before, now });
}

#[test]
fn a_category_that_is_to_change_is_not_the_one_that_counts_yet() {
    let announced = json!({ "message_template_name": "raya", "message_template_language": "en-US",
        "new_category": "UTILITY", "correct_category": "MARKETING", "category_update_timestamp": 1_781_582_400 });

    let event = template("template_category_update", announced);

    let (now, next) = ("UTILITY".to_owned(), "MARKETING".to_owned());
    let from = "2026-06-16T04:00:00Z".parse().ok();
    assert_eq!(event.change, TemplateChange::CategoryAnnounced { now: Some(now), next, from });
}

#[test]
fn the_longest_name_of_a_template_is_kept_whole() {
    let name = "n".repeat(512);

    let event = template(
        "message_template_status_update",
        json!({ "event": "PAUSED", "message_template_name": name, "message_template_language": "ms" }),
    );

    assert_eq!(event.template.name, name);
}

#[test]
fn limits_and_upgrades_of_numbers_are_read() {
    let number = |value: Value| match one("phone_number_quality_update", value) {
        WebhookEvent::Number(event) => event,
        other => panic!("{other:?}"),
    };
    let upgrade = number(json!({ "display_phone_number": "15550783881", "event": "THROUGHPUT_UPGRADE",
            "current_limit": "TIER_UNLIMITED" }));
    assert!(upgrade.is_faster());
    assert_eq!(upgrade.limit, None, "it means the throughput");
    let limit = number(json!({ "event": "UPGRADE", "old_limit": "TIER_250", "current_limit": "TIER_2K" }));
    assert_eq!((limit.limit, limit.is_faster()), (Some(MessagingLimit::People(2_000)), false));

    let capability = |value: Value| match one("business_capability_update", value) {
        WebhookEvent::Capability(event) => event.limit,
        other => panic!("{other:?}"),
    };
    let by_tier = json!({ "max_daily_conversations_per_business": "TIER_100K", "max_phone_numbers_per_business": 25 });
    assert_eq!(capability(by_tier), Some(MessagingLimit::People(100_000)));
    assert_eq!(capability(json!({ "max_daily_conversation_per_phone": -1 })), Some(MessagingLimit::Unlimited));
    assert_eq!(capability(json!({ "max_phone_numbers_per_business": 25 })), None);
}

#[test]
fn a_change_without_the_fields_of_its_kind_cannot_be_read() {
    for field in [
        "account_update",
        "message_template_status_update",
        "message_template_quality_update",
        "template_category_update",
        "phone_number_quality_update",
        "business_capability_update",
    ] {
        assert!(is_unreadable(&one(field, json!({ "x": 1 })), "a change without the fields of its kind"), "{field}");
    }
}
