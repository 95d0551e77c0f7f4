use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::{api, open_routes};
use super::problems;

/// What the server serves.
fn document() -> Value {
    open_routes().merge(api::routes()).with_document().document()
}

fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    paths
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().iter();
            methods.map(move |(method, operation)| (format!("{} {path}", method.to_uppercase()), operation))
        })
        .collect()
}

/// Every reference in a value.
fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("$ref").and_then(Value::as_str));
            fields.values().for_each(|value| references(value, found));
        }
        Value::Array(values) => values.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

fn sources(dir: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { sources(&path) } else { vec![path] }).collect()
}

#[test]
fn every_route_is_added_with_its_description() {
    let own = Path::new("src/http/openapi.rs");
    let files = sources(Path::new("src/http")).into_iter().filter(|path| path != own && !path.ends_with("tests.rs"));

    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        for word in [".route(", ".route_service(", ".nest(", ".nest_service(", "MethodRouter", "axum::routing::"] {
            assert!(
                !text.contains(word),
                "{}: `{word}` makes a route that no document has: add it to `Routes` with an `Operation`",
                path.display()
            );
        }
    }
}

#[test]
fn whatever_the_document_refers_to_is_in_it() {
    let document = document();
    let mut found = BTreeSet::new();

    references(&document, &mut found);

    assert!(found.len() > 40, "{}", found.len());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn the_secret_of_a_webhook_is_among_its_parameters() {
    let parameters = &document()["paths"]["/api/webhook/wsapme"]["post"]["parameters"];

    let names: Vec<_> = parameters.as_array().unwrap().iter().map(|parameter| &parameter["name"]).collect();

    assert_eq!(names, ["secret"]);
}

#[test]
fn an_export_lists_every_type_that_its_formats_have() {
    let document = document();
    let operations = operations(&document);
    let exports: Vec<_> = operations.iter().filter(|(name, _)| name.ends_with("/export")).collect();

    assert_eq!(exports.len(), 4);
    for (name, export) in exports {
        let content = export["responses"]["200"]["content"].as_object().unwrap();
        let kinds: BTreeSet<_> = content.keys().map(String::as_str).collect();
        let workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
        assert_eq!(kinds, BTreeSet::from(["text/csv", "application/x-ndjson", workbook]), "{name}");
    }
}

#[test]
fn the_calls_of_a_campaign_say_which_states_they_are_for() {
    let campaign = &document()["paths"]["/api/whatsapp/campaigns/{id}"];
    let summary = |method: &str| campaign[method]["summary"].as_str().unwrap().to_owned();

    assert!(summary("put") == summary("patch") && summary("patch").contains("of one that has started"));
    assert!(summary("delete").contains("being sent, paused or scheduled"), "{}", summary("delete"));
}

#[test]
fn metas_handshake_says_how_it_may_be_refused() {
    let responses = &document()["paths"]["/api/webhook/meta"]["get"]["responses"];

    assert!(["200", "400", "403", "422"].iter().all(|status| responses[status].is_object()), "{responses}");
}

#[test]
fn what_a_blast_waits_for_its_template_and_what_came_of_a_job_have_their_fields() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let field = |schema: &str, name: &str| schemas[schema]["properties"][name].clone();

    for (schema, name, kinds) in [
        ("Blast", "waiting", &["BlastWaiting"][..]),
        ("Blast", "template", &["BlastTemplate"][..]),
        ("Job", "result", &["AddedPeople", "AddedToCampaign", "StatusCheckResult"][..]),
    ] {
        let described = field(schema, name);
        let mut found = BTreeSet::new();
        references(&described, &mut found);
        let wanted = kinds.iter().map(|kind| format!("#/components/schemas/{kind}")).collect::<BTreeSet<_>>();
        assert_eq!(
            found.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(),
            wanted,
            "{schema}.{name}: {described}"
        );
    }
    let reason = field("BlastWaiting", "reason");
    assert!(reason["description"].as_str().unwrap().contains("`sender_stopped`"), "{reason}");
    let people = field("BlastWaiting", "people");
    let (left, others) = people["description"].as_str().unwrap().split_once("those that are left").unwrap();
    assert!(left.contains("`uncertain`") && !left.contains("`first_people`") && others.contains("`first_people`"));
    assert!(field("BlastWaiting", "cap").is_object() && field("StatusCheckResult", "asked").is_object());
}

#[test]
fn no_two_types_have_one_name() {
    let routes = open_routes().merge(api::routes());
    let mut known = std::collections::BTreeMap::new();

    for route in &routes.documented {
        let mut schemas = Vec::new();
        route.operation.schemas.iter().for_each(|add| add(&mut schemas));
        for (name, schema) in schemas {
            let schema = serde_json::to_value(schema).unwrap();
            let before = known.entry(name.clone()).or_insert_with(|| schema.clone());
            assert_eq!(
                *before, schema,
                "{} {}: give one `{name}` another name: #[schema(as = …)]",
                route.method, route.path
            );
        }
    }
}

#[test]
fn every_answer_has_an_example_and_every_call_its_own_id() {
    let document = document();
    let operations = operations(&document);
    assert!(operations.len() > 50, "{}", operations.len());

    let ids: BTreeSet<_> = operations.iter().map(|(_, operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), operations.len());
    for (name, operation) in &operations {
        let responses = operation["responses"].as_object().unwrap();
        assert!(responses.keys().any(|status| status.starts_with('2')), "{name} answers nothing good");
        let answers = responses.values().filter_map(|response| response["content"].as_object());
        let bodies = answers.chain(operation["requestBody"]["content"].as_object());
        for (kind, content) in bodies.flatten() {
            assert!(!content["example"].is_null(), "{name}: {kind} has no example");
            let required = resolved(&document, &content["schema"])["required"].as_array().cloned().unwrap_or_default();
            for field in required {
                assert!(content["example"].get(field.as_str().unwrap()).is_some(), "{name}: {kind} lacks {field}");
            }
        }
    }
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let pointer = schema["$ref"].as_str().and_then(|reference| reference.strip_prefix('#'));
    pointer.and_then(|pointer| document.pointer(pointer)).unwrap_or(schema)
}

#[test]
fn what_may_not_be_missing_is_required_and_every_limit_has_its_bounds() {
    let document = document();
    let required = |name: &str| document["components"]["schemas"][name]["required"].clone();
    assert_eq!(required("NewOrder"), json!(["campaignId", "phoneNumber", "items"]));
    assert_eq!(required("NewCatalog"), json!(["name"]));

    for (name, operation) in operations(&document) {
        for parameter in operation["parameters"].as_array().unwrap() {
            let bounds = [&parameter["schema"]["minimum"], &parameter["schema"]["maximum"]];
            assert!(parameter["name"] != "limit" || bounds.iter().all(|bound| bound.is_number()), "{name}");
        }
    }
}

#[test]
fn what_a_call_refuses_follows_from_who_may_make_it_and_what_it_takes() {
    let document = document();
    let statuses = |name: &str| {
        let operations = operations(&document);
        let (_, operation) = operations.iter().find(|(other, _)| other == name).unwrap();
        operation["responses"].as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ")
    };

    assert_eq!(statuses("GET /livez"), "200");
    assert_eq!(statuses("GET /api/blasts"), "200 400 401 422 429 500 503");
    assert_eq!(statuses("POST /api/blasts/{id}/send"), "200 400 401 403 404 408 409 412 413 415 422 429 500 503");
    for status in [401, 403, 404, 405, 409, 412, 413, 415, 422, 429, 500, 503] {
        assert!(problems::name(status).is_some(), "{status}");
    }
}

#[test]
fn the_page_shows_every_call_and_fetches_nothing() {
    let document = document();

    let page = super::page::render(&document);

    for (name, operation) in operations(&document) {
        assert!(page.contains(&format!("id=\"{}\"", operation["operationId"].as_str().unwrap())), "{name}");
    }
    for loaded in ["src=", "http://", "https://", "<script", "@import", "url(", "<link"] {
        assert!(!page.contains(loaded), "{loaded}");
    }
    assert!(page.len() < 1_000_000, "{}", page.len());
}
