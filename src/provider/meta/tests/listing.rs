//! Lists of templates, page by page.

use serde_json::json;

use super::*;

#[tokio::test]
async fn all_pages_of_templates_are_read_and_a_cursor_that_stands_still_ends_it() {
    let page = |name: &str, after: &str, next: bool| {
        let template = json!({ "name": name, "language": "ms", "status": "APPROVED" });
        let mut page = json!({ "data": [template], "paging": { "cursors": { "before": "x", "after": after } } });
        if next {
            page["paging"]["next"] = json!("https://elsewhere.example/with-a-token");
        }
        ok(&page)
    };
    let server = Answering::new(vec![page("a", "c1", true), page("b", "c2", false)]).await;
    let stuck = Answering::new(vec![page("a", "c1", true), page("b", "c1", true), page("c", "c1", true)]).await;

    let list = server.client().templates().await.unwrap();
    let names: Vec<_> = list.templates.iter().map(|template| template.name.as_str()).collect();

    assert_eq!((names, list.is_cut), (vec!["a", "b"], false));
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /v24.0/102290129340398/message_templates?fields=id%2Cname"), "{requests:?}");
    assert!(requests[1].contains("&limit=100&after=c1 HTTP/1.1"), "{requests:?}");
    let stuck = stuck.client().templates().await.unwrap();
    assert_eq!((stuck.templates.len(), stuck.is_cut), (2, true), "there is more than could be read");
    let pages = vec![page("a", "c1", true), page("b", "c2", true), page("a", "c1", true), page("never", "c3", true)];
    let looping = Answering::new(pages).await.client().templates().await.unwrap();
    let names: Vec<_> = looping.templates.iter().map(|template| template.name.as_str()).collect();
    assert_eq!((names, looping.is_cut), (vec!["a", "b"], true), "each one once");
    let without_cursor = json!({ "data": [], "paging": { "next": "https://elsewhere.example" } });
    let server = Answering::new(vec![ok(&without_cursor)]).await;
    assert!(server.client().templates().await.unwrap().is_cut);
}

#[tokio::test]
async fn a_long_page_of_templates_is_read_and_an_endless_one_is_said_to_be_too_long() {
    let page = |bytes: usize| {
        let components = json!([{ "type": "BODY", "text": "x".repeat(bytes) }]);
        ok(&json!({ "data": [{ "name": "a", "language": "ms", "status": "APPROVED", "components": components }] }))
    };
    let server = Answering::new(vec![page(2 << 20), page(9 << 20)]).await;
    let client = server.client();

    assert_eq!(client.templates().await.map(|list| list.templates.len()), Ok(1));
    let why = "HTTP 200 with more than 8388608 bytes".to_owned();
    assert_eq!(client.templates().await, Err(GraphError::Unreadable(why)));
}

#[tokio::test]
async fn one_template_is_asked_for_by_its_name() {
    let server = Answering::new(vec![ok(&json!({ "data": [] }))]).await;

    let list = server.client().templates_named("raya").await.unwrap();

    assert!(list.templates.is_empty());
    assert!(server.requests()[0].contains("&limit=100&name=raya HTTP/1.1"), "{:?}", server.requests());
}
