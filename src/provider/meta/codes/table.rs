//! The table itself, in the order of `docs/ERRORS.md`.

use std::time::Duration;

use super::{CodeEntry, DAY, HOUR};
use crate::domain::retry::CodeRetry;
use crate::domain::retry::ErrorClass::{FailRecipient, NotNow, OptOut, PauseBlast, Retry, SlowSender, StopSender};

/// Codes, Meta's words for each, and what an operator can do.
pub const TABLE: &[CodeEntry] = &[
    CodeEntry::new(0, StopSender, "AuthException", "the token is not valid any more: create a new one"),
    CodeEntry::new(3, StopSender, "API Method", "give the token the permission whatsapp_business_messaging"),
    CodeEntry::new(10, StopSender, "Permission Denied", "give the token the permission whatsapp_business_messaging"),
    CodeEntry::new(
        33,
        StopSender,
        "Parameter value is not valid",
        "the number was deleted or is another's: check phone_number_id",
    ),
    CodeEntry::new(104, StopSender, "Access token required", "the token is missing or incomplete: copy it again"),
    CodeEntry::new(
        190,
        StopSender,
        "Access token has expired",
        "create a new token; that of a system user does not expire",
    ),
    CodeEntry::range(
        (200, 299),
        StopSender,
        "API Permission",
        "the permission was never granted or was removed: check the app's access to the account",
    ),
    CodeEntry::new(
        368,
        StopSender,
        "Temporarily blocked for policies violations",
        "Meta has restricted the account: read its notice in WhatsApp Manager, and appeal or wait",
    ),
    CodeEntry::new(
        131_005,
        StopSender,
        "Access denied",
        "the token may not use this number: check the system user's assets",
    ),
    CodeEntry::new(
        131_031,
        StopSender,
        "Account has been locked",
        "Meta has locked the account: read its notice in WhatsApp Manager",
    ),
    CodeEntry::new(
        131_037,
        StopSender,
        "Display name approval needed",
        "have the number's display name approved in WhatsApp Manager",
    ),
    CodeEntry::new(
        131_042,
        StopSender,
        "Business eligibility payment issue",
        "check the payment method and the credit of the WhatsApp account",
    ),
    CodeEntry::new(
        131_045,
        StopSender,
        "Incorrect certificate",
        "register the number again: its registration is not complete",
    ),
    CodeEntry::new(
        131_048,
        StopSender,
        "Spam rate limit hit",
        "too many people blocked this number or reported it as spam: pause, and check its quality in WhatsApp Manager",
    ),
    CodeEntry::new(
        131_063,
        StopSender,
        "Marketing messages are disabled on Cloud API",
        "this account sends marketing only through /marketing_messages: write send_call = \"marketing_messages\" at the sender",
    ),
    CodeEntry::new(
        131_064,
        StopSender,
        "Account limit because of template classification",
        "the limit lifts by itself: wait, and give templates the category that fits them",
    ),
    CodeEntry::new(
        133_000,
        StopSender,
        "Incomplete deregistration",
        "deregister the number once more, then register it again",
    ),
    CodeEntry::new(133_010, StopSender, "Phone number not registered", "register the number for the Cloud API"),
    CodeEntry::new(
        134_011,
        StopSender,
        "Terms of service not accepted",
        "accept the terms that Meta names in WhatsApp Manager",
    ),
    CodeEntry::new(
        134_102,
        StopSender,
        "Template not available for marketing messages",
        "check in WhatsApp Manager whether the account may use /marketing_messages",
    ),
    CodeEntry::new(
        132_000,
        PauseBlast,
        "Template param count mismatch",
        "give the template as many values as it has variables",
    ),
    CodeEntry::new(
        132_001,
        PauseBlast,
        "Template does not exist",
        "check the template's name and language, and whether it is approved",
    ),
    CodeEntry::new(
        132_007,
        PauseBlast,
        "Template format character policy violated",
        "the template breaks one of Meta's policies: edit it in WhatsApp Manager",
    ),
    CodeEntry::new(
        132_008,
        PauseBlast,
        "Template parameter format mismatch",
        "compare the values with the template's variables",
    ),
    CodeEntry::new(
        132_012,
        PauseBlast,
        "Template parameter format mismatch",
        "compare the values with the template's variables: kind of header, names, buttons",
    ),
    CodeEntry::new(
        132_015,
        PauseBlast,
        "Template is paused",
        "people marked it as spam: Meta lifts the pause by itself; improve the text before you go on",
    )
    .retry(CodeRetry::OnRequest { after: Duration::ZERO }),
    CodeEntry::new(
        132_016,
        PauseBlast,
        "Template is disabled",
        "it was paused too often and stays disabled: create another template",
    ),
    CodeEntry::new(132_068, PauseBlast, "Flow is in blocked state", "repair the template's flow in WhatsApp Manager"),
    CodeEntry::new(
        132_069,
        PauseBlast,
        "Flow is in throttled state",
        "the template's flow may be opened ten times an hour only: repair it in WhatsApp Manager",
    ),
    CodeEntry::new(
        134_100,
        PauseBlast,
        "Only marketing messages supported",
        "/marketing_messages sends marketing templates only: use a sender without that setting",
    ),
    CodeEntry::new(
        131_055,
        PauseBlast,
        "Method not allowed",
        "/marketing_messages sends marketing templates only: use a sender without that setting",
    ),
    CodeEntry::new(
        134_101,
        PauseBlast,
        "Template is syncing",
        "Meta is still preparing the template: the blast waits and goes on by itself",
    )
    .wait(10 * 60),
    CodeEntry::new(
        4,
        SlowSender,
        "API Too Many Calls",
        "the app makes too many calls: lower the rate, or that of others that use the app",
    ),
    CodeEntry::new(
        80_007,
        SlowSender,
        "Rate limit issues",
        "the WhatsApp account makes too many calls: lower the rate",
    ),
    CodeEntry::new(
        80_008,
        SlowSender,
        "Rate limit issues",
        "the WhatsApp account makes too many calls: lower the rate",
    ),
    CodeEntry::new(130_429, SlowSender, "Rate limit hit", "too fast for this number: lower the sender's rate"),
    CodeEntry::new(
        131_057,
        SlowSender,
        "Account in maintenance mode",
        "Meta is upgrading the number: it goes on by itself after some minutes",
    )
    .wait(60),
    CodeEntry::new(1, Retry, "API Unknown", "look at Meta's status page if it does not pass")
        .retry(CodeRetry::UpTo { tries: 3 }),
    CodeEntry::new(2, Retry, "API Service", "Meta is overloaded or down: look at its status page if it does not pass"),
    CodeEntry::new(131_000, Retry, "Something went wrong", "an error of Meta's: ask its support if it does not pass"),
    CodeEntry::new(131_016, Retry, "Service unavailable", "look at Meta's status page if it does not pass"),
    CodeEntry::new(133_004, Retry, "Server temporarily unavailable", "look at Meta's status page if it does not pass"),
    CodeEntry::new(
        131_056,
        Retry,
        "(Business Account, Consumer Account) pair rate limit hit",
        "this person had too many messages from this number in a short time: it is sent later",
    )
    .retry(CodeRetry::Growing { base: 4 }),
    CodeEntry::new(131_021, FailRecipient, "Recipient cannot be sender", "take your own number off the list"),
    CodeEntry::new(
        131_026,
        FailRecipient,
        "Message undeliverable",
        "usually the number is not on WhatsApp, or its WhatsApp is too old or has not accepted the terms",
    )
    .retry(CodeRetry::Automatic { tries: 3, after: Duration::from_secs(4 * HOUR.as_secs()) })
    .requirement("undeliverable, retry up to 3 times"),
    CodeEntry::new(
        131_030,
        FailRecipient,
        "Recipient phone number not in allowed list",
        "a test number sends only to people on its list: add them, or use a real number",
    ),
    CodeEntry::new(
        131_047,
        FailRecipient,
        "Re-engagement message",
        "more than 24 hours have passed since their last message: send a template instead of a text",
    )
    .retry(CodeRetry::Never)
    .requirement("24-hour window, should not happen with templates"),
    CodeEntry::new(131_051, FailRecipient, "Unsupported message type", "send a text or a template"),
    CodeEntry::new(
        131_052,
        FailRecipient,
        "Media download error",
        "Meta could not fetch the picture or document: check that its address is public",
    ),
    CodeEntry::new(
        131_053,
        FailRecipient,
        "Media upload error",
        "Meta does not accept the picture or document: check its format and size",
    ),
    CodeEntry::new(
        131_062,
        FailRecipient,
        "Business-scoped user ID not supported here",
        "this message needs a phone number: ask them for it",
    ),
    CodeEntry::new(
        130_403,
        FailRecipient,
        "Sending to this recipient is forbidden",
        "Meta does not let this account write to them",
    ),
    CodeEntry::new(
        130_497,
        FailRecipient,
        "Business account is restricted from messaging users in this country",
        "Meta does not let your line of business write to this country: leave its numbers out",
    ),
    CodeEntry::new(132_005, FailRecipient, "Template hydrated text too long", "shorten the values in this row"),
    CodeEntry::new(
        137_000,
        FailRecipient,
        "Recipient identity key hash mismatch",
        "they have another phone or reinstalled WhatsApp: make sure that it is still the same person",
    ),
    CodeEntry::new(
        100,
        FailRecipient,
        "Invalid parameter",
        "a value does not fit the template: read Meta's details, and correct the row or the blast",
    )
    .retry(CodeRetry::Never)
    .requirement("invalid template, no retry"),
    CodeEntry::new(
        131_008,
        FailRecipient,
        "Required parameter is missing",
        "a value is missing: read Meta's details, and correct the row or the blast",
    ),
    CodeEntry::new(
        131_009,
        FailRecipient,
        "Parameter value is not valid",
        "a value is not valid: read Meta's details, and correct the row or the blast",
    ),
    CodeEntry::new(
        132_018,
        FailRecipient,
        "Template parameter is not valid",
        "a value has a line break, a tab or four spaces in a row: correct the row",
    ),
    CodeEntry::new(
        135_000,
        FailRecipient,
        "Generic user error",
        "Meta does not say more: compare the row with others that passed",
    ),
    CodeEntry::new(
        131_050,
        OptOut,
        "User has stopped marketing messages",
        "they asked not to get marketing from you: they are on the opt-out list now",
    )
    .retry(CodeRetry::Never)
    .requirement("user stopped marketing, mark as opted out"),
    CodeEntry::new(
        131_049,
        NotNow,
        "Not delivered to maintain healthy ecosystem engagement",
        "they had enough marketing for now, perhaps from others: the number is good, try after a day or more",
    )
    .retry(CodeRetry::OnRequest { after: DAY })
    .requirement("per-user marketing limit, no retry"),
    CodeEntry::new(
        130_472,
        NotNow,
        "User's number is part of an experiment",
        "Meta leaves them out of marketing for now: the number is good, try after a day or more",
    )
    .retry(CodeRetry::OnRequest { after: DAY }),
];
