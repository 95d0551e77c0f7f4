//! Senders over HTTP: what they are, how they are, and their templates.

use super::{Api, client, client_with, served};
use crate::support::serve::Serve;

#[tokio::test]
async fn senders_tell_how_they_are_and_which_templates_they_have() {
    let (shop, serve) = served().await;
    let api = client(&shop, &serve, "read").await;

    let senders = api.get("/api/senders").await.expect(200);
    let names: Vec<_> = senders.body["senders"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(names, ["cloud", "sales"]);
    let well = api.get("/api/senders/sales/health").await.expect(200);
    assert_eq!((&well.body["name"], &well.body["verdict"]), (&"sales".into(), &"good".into()), "{well:?}");
    assert!(well.body["pace"].as_str().unwrap().contains("rate unlimited"), "{well:?}");
    assert_eq!(api.get("/api/senders/sales/templates").await.expect(409).kind(), "refused");
    let templates = api.get("/api/senders/cloud/templates").await.expect(200);
    assert!(templates.body["templates"][0]["name"].is_string(), "{templates:?}");
    serve.stop().await;

    // Nobody answers there.
    shop.write("config.toml", crate::support::serve::senders("http://127.0.0.1:9"));
    let serve = Serve::start(&shop, &["--no-engine"]).await;
    let api = Api::new(&serve, &api.token);
    assert_eq!(api.get("/api/senders/cloud/templates").await.expect(502).kind(), "provider");
    assert_eq!(api.get("/api/senders/cloud/health").await.expect(200).body["verdict"], "bad");
    serve.stop().await;
}

#[tokio::test]
async fn a_token_of_one_sender_sees_no_other() {
    let (shop, serve) = served().await;
    let cloud = client_with(&shop, &serve, &["cloud", "--scope", "read", "--sender", "cloud"]).await;

    let senders = cloud.get("/api/senders").await.expect(200);

    assert_eq!(senders.body["senders"].as_array().unwrap().len(), 1);
    for path in ["/api/senders/sales/health", "/api/senders/sales/templates", "/api/senders/nobody/health"] {
        let missing = cloud.get(path).await.expect(404);
        assert!(!missing.body["detail"].as_str().unwrap().contains("sales,"), "{missing:?}");
    }
    serve.stop().await;
}
