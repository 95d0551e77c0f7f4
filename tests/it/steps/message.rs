//! Another text for a step, as the dashboard gives it: in place of the one that was seen, and while it sends nothing by itself.

use blastdeck::app::{App, StepAlike, StepChange, StepEdit, StepKey, StepRow};
use blastdeck::domain::field_change::FieldChange;
use blastdeck::domain::ids::BlastId;
use blastdeck::domain::status::Status;
use blastdeck::domain::step::StepSince;
use chrono::TimeDelta;

use super::{SETUP, received};
use crate::recurring::engine_app;
use crate::support::Shop;

/// A shop whose blast has a step for whoever received its message two days before.
async fn with_step() -> (Shop, App, StepRow) {
    let shop = Shop::open(SETUP).await;
    let blast = BlastId(received(&shop, 0..3, 90).await.parse().unwrap());
    let app = engine_app(&shop, "one").await;
    let (since, after) = (StepSince::Stage(Status::Delivered), TimeDelta::hours(48));
    let step = app.add_step_alike(StepAlike { blast, since, after }).await.unwrap().step;
    (shop, app, step)
}

#[tokio::test]
async fn a_step_gets_another_text_in_place_of_the_one_that_was_seen() {
    let (_shop, app, step) = with_step().await;
    let (key, seen) = (step.key(), step.message.clone());
    let says = async || app.step(key).await.unwrap().step.message;

    app.set_step_message(key, &seen, "Still there?\nBalas YA").await.unwrap();
    let changed = app.step(key).await.unwrap().step;
    assert_eq!(changed.message, "Still there?\nBalas YA");
    assert_eq!((changed.stage, changed.after_seconds), (step.stage, step.after_seconds));

    let late = app.set_step_message(key, &seen, "No").await.unwrap_err().to_string();
    assert!(late.contains("says something else by now: nothing was changed"), "{late}");
    for (text, why) in [("{", "{"), ("", "empty"), ("{nobody_has_this}", "cannot be rendered for anyone")] {
        let refused = app.set_step_message(key, "Still there?\nBalas YA", text).await.unwrap_err().to_string();
        assert!(refused.contains(why), "{text:?}: {refused}");
    }
    let nothing = app.set_step_message(StepKey { number: 9, ..key }, "", "No").await.unwrap_err().to_string();
    assert!(nothing.contains("has no step 9"), "{nothing}");
    assert_eq!(says().await, "Still there?\nBalas YA");
}

#[tokio::test]
async fn a_step_that_sends_by_itself_is_paused_before_it_gets_another_text() {
    let (_shop, app, step) = with_step().await;
    let (key, seen) = (step.key(), step.message.clone());
    let at_most = FieldChange::Set(250.try_into().unwrap());
    app.set_step(key, StepEdit { at_most, ..StepEdit::default() }).await.unwrap();

    let refused = app.set_step_message(key, &seen, "Hello").await.unwrap_err().to_string();
    assert!(refused.contains("sends by itself: pause it before its message is changed"), "{refused}");
    app.change_step(key, StepChange::Pause).await.unwrap();
    app.set_step_message(key, &seen, "Hello").await.unwrap();

    let changed = app.step(key).await.unwrap().step;
    assert_eq!((changed.message.as_str(), changed.at_most), ("Hello", Some(250)));
    assert!(changed.paused_at.is_some(), "resuming it asks");
}
