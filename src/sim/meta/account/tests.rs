use serde_json::json;

use super::super::super::test_client::{Sim, TEMPLATES, options};

#[tokio::test]
async fn every_template_is_found_by_following_the_pages() {
    let sim = Sim::start(options(7)).await;
    let mut names = Vec::new();
    let mut after = String::new();

    loop {
        let page = sim.graph_get(&format!("{TEMPLATES}?fields=name,language,status&limit=100{after}")).await;
        names.extend(page["data"].as_array().unwrap().iter().map(|known| {
            assert_eq!(known.as_object().unwrap().len(), 4, "{known}");
            format!("{} {} {}", known["name"], known["language"], known["status"]).replace('"', "")
        }));
        if page["paging"]["next"].is_null() {
            break;
        }
        after = format!("&after={}", page["paging"]["cursors"]["after"].as_str().unwrap());
    }

    assert_eq!(names.len(), 17);
    assert!(
        names.contains(&"flash_sale en_US PAUSED".to_owned()) && names.contains(&"flash_sale ms APPROVED".to_owned())
    );
    let one = sim.graph_get(&format!("{TEMPLATES}?name=order_update")).await;
    assert_eq!(one["data"][0]["parameter_format"], "NAMED");
    assert_eq!(one["data"][0]["components"][0]["format"], "TEXT");
}

#[tokio::test]
async fn a_number_shows_the_fields_that_are_asked_for_and_its_health() {
    let sim = Sim::start(options(7)).await;
    let fields = "id,display_phone_number,verified_name,quality_rating,status,throughput,whatsapp_business_manager_messaging_limit,health_status";
    let path = format!("/v24.0/106540352242922?fields={fields}");

    let well = sim.graph_get(&path).await;
    sim.post("/sim/faults", r#"["offline=1"]"#).await;
    let blocked = sim.graph_get(&path).await;
    let unknown = sim.graph_get("/v24.0/106540352242922?fields=mood").await;
    let apps = sim.graph_get("/v24.0/102290129340398/subscribed_apps").await;

    assert_eq!(well.as_object().unwrap().len(), 8);
    assert_eq!(
        (&well["throughput"]["level"], &well["health_status"]["can_send_message"]),
        (&json!("STANDARD"), &json!("AVAILABLE"))
    );
    assert_eq!(blocked["health_status"]["entities"][0]["errors"][0]["error_code"], 141_000);
    assert_eq!((&unknown["error"]["code"], &apps["data"]), (&json!(100), &json!([])));
}
