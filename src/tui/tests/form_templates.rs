//! The list of a provider's templates, and the words that narrow it.

use super::support::{TestDashboard, WIDE};
use crate::app::SenderTemplate;
use crate::tui::effect::{Completion, DraftAnswer};
use crate::tui::key::Key;
use crate::tui::model::FormLine;

fn text(dashboard: &TestDashboard) -> String {
    dashboard.screen().iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

fn templates(names: &[&str]) -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    for sender in &mut dashboard.model.senders {
        sender.provider = "meta".to_owned();
    }
    dashboard.keys("1n");
    let sender = dashboard.model.form.as_ref().unwrap().values.sender.clone();
    let template = |name: &&str| {
        let body = serde_json::json!([{ "type": "BODY", "text": "Salam {{1}}, {{2}}" }]);
        let template = serde_json::json!({ "name": name, "language": "ms", "status": "APPROVED", "category": "UTILITY",
            "components": body });
        SenderTemplate::read(&template).unwrap()
    };
    let list = Ok(names.iter().map(template).collect());
    dashboard.answer(Completion::Draft(DraftAnswer::Templates { sender, list }));
    dashboard.model.form.as_mut().unwrap().line = FormLine::Template;
    dashboard.keys("\n");
    dashboard
}

#[test]
fn the_list_of_templates_is_narrowed_by_words_and_enter_takes_the_one_at_the_cursor() {
    let mut dashboard = templates(&["raya_promo", "order_ready", "order_late"]);
    let footer = dashboard.screen().pop().unwrap_or_default();
    assert!(footer.contains("/ filter"), "{footer}");

    dashboard.keys("/order ms");

    let screen = text(&dashboard);
    assert!(screen.contains("2 of 3") && !screen.contains("raya_promo"), "{screen}");
    dashboard.keys("\nj\n");
    let template = dashboard.model.form.as_ref().unwrap().values.template.clone().unwrap();
    assert_eq!(template["name"], "order_late");
}

#[test]
fn esc_lists_all_templates_again_before_it_leaves_them_and_nothing_is_taken_where_none_is_found() {
    let mut dashboard = templates(&["raya_promo", "order_ready"]);

    dashboard.keys("/quick\n\n");
    assert!(text(&dashboard).contains("no template has these words"), "{:#?}", dashboard.screen());
    assert!(dashboard.model.form.as_ref().unwrap().values.template.is_none());
    dashboard.key(Key::Esc);
    assert!(text(&dashboard).contains("raya_promo"), "{:#?}", dashboard.screen());
    dashboard.key(Key::Esc);

    assert!(text(&dashboard).contains("none yet: enter shows those that Meta has"), "{:#?}", dashboard.screen());
}

#[test]
fn a_template_that_is_chosen_again_has_the_values_that_it_had() {
    let mut dashboard = templates(&["raya_promo", "order_ready"]);
    let value = |dashboard: &TestDashboard| {
        let template = dashboard.model.form.as_ref().unwrap().values.template.clone().unwrap();
        (template["name"].as_str().unwrap().to_owned(), template["variables"]["2"].as_str().unwrap().to_owned())
    };
    dashboard.keys("\n").model.form.as_mut().unwrap().line = FormLine::Variable(1);
    dashboard.keys("\n").key(Key::Ctrl('u')).keys("20%\n");
    assert_eq!(value(&dashboard), ("raya_promo".to_owned(), "20%".to_owned()));

    let mut choose = |keys: &str| {
        dashboard.model.form.as_mut().unwrap().line = FormLine::Template;
        dashboard.keys("\n").keys(keys).keys("\n");
        value(&dashboard)
    };

    assert_eq!(choose("j"), ("order_ready".to_owned(), "{2}".to_owned()));
    assert_eq!(choose(""), ("raya_promo".to_owned(), "20%".to_owned()));
    assert_eq!(choose(""), ("raya_promo".to_owned(), "20%".to_owned()), "also where it is the one that is there");
}

#[test]
fn a_variable_that_nobody_in_a_follow_up_has_a_column_for_is_a_text_to_be_written() {
    let mut dashboard = templates(&["raya_promo"]);
    dashboard.model.form.as_mut().unwrap().people = 12;

    dashboard.keys("\n");

    let template = dashboard.model.form.as_ref().unwrap().values.template.clone().unwrap();
    assert_eq!((&template["variables"]["1"], &template["variables"]["2"]), (&"{name}".into(), &"".into()));
    assert!(text(&dashboard).contains("empty: write a text, or {column}"), "{:#?}", dashboard.screen());
}
