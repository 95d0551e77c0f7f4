use proptest::prelude::*;

use super::*;

fn aina() -> Variables {
    [("Name", "Aina"), (" Order No ", "A-17"), ("City", "  "), ("Odd", "{name} | }")].into_iter().collect()
}

fn render(template: &str) -> Result<String, RenderError> {
    Message::parse(template).unwrap().render(&aina())
}

#[test]
fn columns_are_put_in_whatever_their_case_and_spaces() {
    assert_eq!(render("Hi { NAME }, order {order  no}!").unwrap(), "Hi Aina, order A-17!");
}

#[test]
fn an_empty_value_takes_the_default_and_without_one_refuses_the_person() {
    assert_eq!(render("Hi in {city|town}").unwrap(), "Hi in town");
    assert_eq!(render("Hi in {city}"), Err(RenderError::Missing { name: "city".into() }));
    assert_eq!(render("Hi {nick}"), Err(RenderError::Missing { name: "nick".into() }));
    assert_eq!(render("Hi {nick|}.").unwrap(), "Hi .");
    assert_eq!(
        RenderError::Missing { name: "nick".into() }.to_string(),
        "nick is empty: fill it in, or give a default as in {nick|there}"
    );
}

#[test]
fn doubled_braces_are_plain_and_values_are_never_read_as_templates() {
    assert_eq!(render("{{name}} {{{name}}}").unwrap(), "{name} {Aina}");
    assert_eq!(render("{odd}").unwrap(), "{name} | }");
}

#[test]
fn it_lists_its_variables_once() {
    let message = Message::parse("{Name|you} {city} {NAME} {shop|us}").unwrap();

    assert_eq!(message.variables(), ["name", "city", "shop"]);
}

#[test]
fn a_template_that_cannot_be_understood_names_the_place_and_the_mend() {
    let cases = [
        ("Hai é {name", "character 7: `{` is never closed: close it as in {name}, or write {{ for a plain brace"),
        ("50% } off", "character 5: `}` closes nothing: write }} for a plain brace"),
        ("Hi {}", "character 4: a variable without a name: write a column's name between the braces, as in {name}"),
        ("Hi { |x}", "character 4: a variable without a name: write a column's name between the braces, as in {name}"),
        (
            "Hi {na{me}",
            "character 7: a brace within a variable: close the first one before, or write {{ for a plain brace",
        ),
        ("Hi\u{1b}[2J", "character 3: an invisible control character (U+001B): take it out"),
        ("Hi {na\0me}", "character 7: an invisible control character (U+0000): take it out"),
        (" \r\n ", "the message is empty: write the text that people will read"),
    ];
    for (template, sentence) in cases {
        assert_eq!(Message::parse(template).unwrap_err().to_string(), sentence, "{template:?}");
    }
}

#[test]
fn a_text_of_five_thousand_characters_is_refused_before_anybody_is_written_to() {
    let error = Message::parse(&"é".repeat(5_000)).unwrap_err();

    assert_eq!(error, MessageError::TooLong { chars: 5_000 });
    assert!(error.to_string().contains("904 more than WhatsApp takes (4096)"));
    assert!(Message::parse(&"é".repeat(TEXT_MAX)).is_ok());
}

#[test]
fn a_value_that_makes_the_text_too_long_is_refused_for_that_person() {
    let message = Message::parse(&format!("{}{{name}}", "x".repeat(TEXT_MAX - 4))).unwrap();

    assert_eq!(message.render(&aina()).unwrap().len(), TEXT_MAX);
    let longer = [("name", "Ainaa")].into_iter().collect();
    assert_eq!(message.render(&longer), Err(RenderError::TooLong { chars: TEXT_MAX + 1 }));
}

#[test]
fn a_text_that_comes_out_empty_is_refused() {
    assert_eq!(render("{city|}"), Err(RenderError::Empty));
    assert_eq!(render("{city|\u{200b} \u{200d}}"), Err(RenderError::Empty));
    assert_eq!(Message::parse("\u{200b}\n\u{2060}"), Err(MessageError::Empty));
}

#[test]
fn a_file_saved_on_windows_reads_like_any_other() {
    let message = Message::parse("\u{feff}Hi {name}\r\nbye\r\n").unwrap();

    assert_eq!(message.template(), "Hi {name}\nbye");
    assert_eq!(message.render(&aina()).unwrap(), "Hi Aina\nbye");
}

#[test]
fn control_characters_in_a_value_do_not_reach_a_person() {
    let variables: Variables = [("name", "Ai\0na\u{1b}[31m\nB")].into_iter().collect();

    assert_eq!(variables.get("NAME"), Some("Aina[31m\nB"));
}

#[test]
fn variables_keep_their_shape_in_the_database() {
    let json = serde_json::to_string(&aina()).unwrap();

    assert_eq!(json, r#"{"name":"Aina","odd":"{name} | }","order no":"A-17"}"#);
    assert_eq!(serde_json::from_str::<Variables>(&json).unwrap(), aina());
}

proptest! {
    #[test]
    fn no_template_makes_it_panic_and_what_parses_parses_to_the_same_again(template in any::<String>()) {
        if let Ok(message) = Message::parse(&template) {
            let again = Message::parse(message.template());
            prop_assert_eq!(again.as_ref(), Ok(&message));
            let _ = message.render(&aina());
        }
    }

    #[test]
    fn plain_text_with_its_braces_doubled_comes_out_as_it_was(text in "[a-z{} é\n]{0,40}[a-z{}]") {
        let template = text.replace('{', "{{").replace('}', "}}");

        let message = Message::parse(&template).unwrap();

        prop_assert_eq!(message.render(&Variables::default()).unwrap_or_default(), text);
    }

    #[test]
    fn having_every_variable_is_enough_to_render(template in "[ab]([a ]|\\{[a-c](\\|x)?\\}){0,12}") {
        let message = Message::parse(&template).unwrap();

        let variables = message.variables().into_iter().map(|name| (name, "v")).collect();

        prop_assert!(message.render(&variables).is_ok());
    }
}

#[test]
fn braces_of_a_literal_text_are_braces() {
    let message = Message::literal("Code {name} }{ {{x}}").unwrap();

    assert_eq!(message.variables(), [""; 0]);
    assert_eq!(message.render(&Variables::default()).unwrap(), "Code {name} }{ {{x}}");
}

#[test]
fn a_word_in_doubled_braces_is_found_and_other_braces_are_not() {
    let found = |template: &str| Message::parse(template).unwrap().word_in_braces().map(str::to_owned);
    assert_eq!(found("Hi {{name}}, {{ 1 }}"), Some("{name}".to_owned()));
    assert_eq!(found("Hi {{name|there}}"), Some("{name|there}".to_owned()));
    assert_eq!(found("Hi {name}: {{first name}}"), Some("{first name}".to_owned()));
    assert_eq!(found("Hi {name}: {{}} }}{{ {{a.b}} {{"), None);
}
