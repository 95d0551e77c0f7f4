//! What the buttons and the text header of a template need, as lines of the form.

use serde_json::json;

use super::support::{TestDashboard, WIDE};
use crate::app::{DraftPerson, SenderTemplate};
use crate::domain::message::Variables;
use crate::tui::effect::{Completion, DraftAnswer};
use crate::tui::model::FormLine;

/// A form whose sender is Meta's, with the one template of its account chosen.
fn with_template(template: &serde_json::Value) -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    for sender in &mut dashboard.model.senders {
        sender.provider = "meta".to_owned();
    }
    dashboard.keys("1n");
    let sender = dashboard.model.form.as_ref().unwrap().values.sender.clone();
    let list = Ok(vec![SenderTemplate::read(template).unwrap()]);
    dashboard.answer(Completion::Draft(DraftAnswer::Templates { sender, list }));
    dashboard.model.form.as_mut().unwrap().line = FormLine::Template;
    dashboard.keys("\n\n");
    dashboard
}

fn offer() -> serde_json::Value {
    json!({ "name": "offer", "language": "ms", "status": "APPROVED", "category": "MARKETING", "components": [
        { "type": "BODY", "text": "Salam {{1}}" },
        { "type": "BUTTONS", "buttons": [
            { "type": "URL", "text": "Shop", "url": "https://shop.example/raya/{{1}}" },
            { "type": "QUICK_REPLY", "text": "Stop" },
            { "type": "COPY_CODE", "text": "Copy the code" } ] } ] })
}

fn shows(dashboard: &TestDashboard, words: &str) -> bool {
    dashboard.screen().iter().any(|line| line.contains(words))
}

fn sent(dashboard: &TestDashboard) -> String {
    let content = dashboard.model.form.as_ref().unwrap().values.content().unwrap();
    content.template().unwrap().to_string()
}

#[test]
fn what_a_templates_buttons_need_has_its_lines_and_the_form_says_what_the_plan_would() {
    let mut dashboard = with_template(&offer());
    assert!(shows(&dashboard, " button 0"), "{:#?}", dashboard.screen());
    assert!(shows(&dashboard, "empty: write the end of its address, or {column}"), "{:#?}", dashboard.screen());
    assert!(shows(&dashboard, "empty: write a code, or {column}"), "{:#?}", dashboard.screen());
    assert!(shows(
        &dashboard,
        "template `offer` does not fit: button 0 needs the end of its address; button 2 needs a code"
    ));

    dashboard.keys("↓\n");
    assert!(shows(&dashboard, "[Shop] https://shop.example/raya/{{1}}: a text"), "{:#?}", dashboard.screen());
    dashboard.keys("promo-{sku}\n\nRAYA10\n");

    assert!(!shows(&dashboard, "does not fit"), "{:#?}", dashboard.screen());
    let template = sent(&dashboard);
    assert!(template.contains("promo-{sku}") && template.contains("RAYA10"), "{template}");
    let variables = [("name", "Aina"), ("sku", "kek-7")].into_iter().collect::<Variables>();
    let person = DraftPerson { row: Some(2), phone: "+60123456789".into(), name: Some("Aina".into()), variables };
    dashboard.model.form.as_mut().unwrap().first_people = vec![person];
    assert!(shows(&dashboard, "[Shop] https://shop.example/raya/promo-kek-7"), "{:#?}", dashboard.screen());
    assert!(shows(&dashboard, "[Copy the code] RAYA10"), "{:#?}", dashboard.screen());
}

#[test]
fn a_buttons_value_in_metas_own_form_is_shown_and_replaced_and_no_other_is() {
    let mut dashboard = with_template(&offer());
    let form = dashboard.model.form.as_mut().unwrap();
    form.values.template = Some(json!({ "name": "offer", "language": { "code": "ms" }, "components": [
        { "type": "body", "parameters": [{ "type": "text", "text": "{name}" }] },
        { "type": "button", "sub_type": "url", "index": "0", "parameters": [{ "type": "text", "text": "old" }] },
        { "type": "button", "sub_type": "quick_reply", "index": "1", "parameters": [{ "type": "payload", "payload": "STOP" }] },
        { "type": "button", "sub_type": "copy_code", "index": 2,
          "parameters": [{ "type": "coupon_code", "coupon_code": "RAYA10" }] } ] }));
    form.line = FormLine::Button(0);
    assert!(shows(&dashboard, ">  button 0  old"), "{:#?}", dashboard.screen());
    assert!(shows(&dashboard, " button 2  RAYA10"), "{:#?}", dashboard.screen());

    dashboard.keys("\n").key(crate::tui::key::Key::Ctrl('u')).keys("new\n");

    let template = sent(&dashboard);
    assert!(template.contains("new") && !template.contains("\"old\""), "{template}");
    assert!(template.contains("STOP") && template.contains("RAYA10") && template.contains("{name}"), "{template}");
}

#[test]
fn the_variable_of_a_text_header_has_a_line() {
    for (variable, sent_name) in [("{{1}}", false), ("{{city}}", true)] {
        let mut dashboard =
            with_template(&json!({ "name": "offer", "language": "ms", "status": "APPROVED", "components": [
            { "type": "HEADER", "format": "TEXT", "text": format!("Raya in {variable}") },
            { "type": "BODY", "text": "Salam" } ] }));
        assert!(shows(&dashboard, "empty: write a text, or {column}"), "{:#?}", dashboard.screen());

        dashboard.keys("\nIpoh\n");

        assert!(!shows(&dashboard, "does not fit"), "{:#?}", dashboard.screen());
        let template = sent(&dashboard);
        assert!(template.contains("Ipoh") && template.contains("parameter_name") == sent_name, "{template}");
    }
}
