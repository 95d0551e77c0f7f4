//! Templates of Meta's in a draft: what is left out, refused and shown before anybody is written to.

use serde_json::json;

use crate::support::serve::{APP_SECRET, NUMBER, senders, with_secrets};
use crate::support::{Setup, Shop, digits, said};

/// With a draft of this template to two people.
async fn shop(template: &[&str]) -> Shop {
    let sim = ["--latency", "1ms", "--phone-number-id", NUMBER, "--app-secret", APP_SECRET];
    let shop = Shop::open(Setup { sim: &sim, ..Setup::default() }).await;
    shop.write("config.toml", senders(shop.sim.base_url()));
    let list = format!("name,phone,order_id,customer_name\nAina,{},7,Aina\nBadrul,{},8,Badrul\n", digits(0), digits(1));
    let list = shop.write("people.csv", list);
    let new = ["blast", "new", "--sender", "cloud", "--recipients", list.to_str().unwrap(), "--template"];
    let done = said(with_secrets(shop.command(&[&new[..], template].concat()))).await;
    assert_eq!(done.code, 0, "{done:?}");
    shop
}

#[tokio::test]
async fn marketing_is_not_launched_to_the_united_states_though_the_draft_was_made_unchecked() {
    let shop = shop(&["raya_promo", "--language", "ms", "--var", "1=Aina", "--var", "2=20%"]).await;
    shop.execute(
        "insert into blast_recipients (blast_id, phone_number) values (1, '+16505551234'), (1, '+14165551234');
         update blasts set total_recipients = 4",
    )
    .await;

    let plan = said(with_secrets(shop.command(&["blast", "plan", "1"]))).await;
    let sent = said(with_secrets(shop.command(&["blast", "send", "1", "--yes", "--no-engine"]))).await;

    let why = "Meta delivers no marketing to the United States (131049), and people has 1 number there: make it again from \
               its list, and they are left out";
    assert!(plan.out.contains(&format!("not now: {why}")), "{plan:?}");
    assert!(sent.code == 3 && sent.err.contains(why), "{sent:?}");
    shop.execute("delete from blast_recipients where phone_number = '+16505551234'").await;
    let sent = said(with_secrets(shop.command(&["blast", "send", "1", "--yes", "--no-engine"]))).await;
    assert_eq!(sent.code, 0, "Canada is fine: {sent:?}");
}

#[tokio::test]
async fn a_sender_of_marketing_alone_launches_no_utility_template() {
    let shop = shop(&["order_update"]).await;
    let marketing = "send_call = \"marketing_messages\"\nphone_number_id";
    shop.write("config.toml", senders(shop.sim.base_url()).replacen("phone_number_id", marketing, 1));

    let sent = said(with_secrets(shop.command(&["blast", "send", "1", "--yes", "--no-engine"]))).await;

    let why = "template order_update is utility, and sender cloud sends marketing only";
    assert!(sent.code == 3 && sent.err.contains(why), "{sent:?}");
    let check = said(with_secrets(shop.command(&["sender", "check", "cloud"]))).await;
    assert!(check.out.contains("marketing templates alone"), "{check:?}");
}

#[tokio::test]
async fn a_draft_of_a_sender_that_cannot_be_used_is_refused_with_what_mends_it() {
    let shop = shop(&["order_update"]).await;
    let list = shop.path("people.csv");
    let list = list.to_str().unwrap();
    let new =
        ["blast", "new", "--sender", "cloud", "--template", "order_update", "--tag", "again", "--recipients", list];
    let mut without_token = with_secrets(shop.command(&new));
    without_token.env_remove("META_TOKEN");

    let tokenless = said(without_token).await;
    shop.write("config.toml", senders(shop.sim.base_url()).replace(NUMBER, "106853218861310"));
    let moved = said(with_secrets(shop.command(&new))).await;

    let elsewhere = "sender cloud cannot be used here: in this database sender cloud is ";
    assert!(moved.code == 3 && moved.err.contains(elsewhere), "{moved:?}");
    assert!(moved.err.contains(" sender move cloud`"), "{moved:?}");
    let nowhere = "sender cloud cannot be used here: no token for sender cloud";
    assert!(tokenless.code == 3 && tokenless.err.contains(nowhere), "{tokenless:?}");
}

#[tokio::test]
async fn a_plan_shows_the_whole_page_with_the_header_filled_from_its_column() {
    let shop = shop(&["order_update"]).await;

    let plan = said(with_secrets(shop.command(&["blast", "plan", "1", "--json"]))).await;

    let plan: serde_json::Value = serde_json::from_str(&plan.out).unwrap();
    let expected = "Order 7\nHi Aina, your order 7 is on its way.";
    assert_eq!((&plan["samples"][0]["text"], &plan["obstacles"]), (&json!(expected), &json!([])), "{plan}");
}

#[tokio::test]
async fn the_line_that_writes_to_somebody_who_was_left_out_has_the_blasts_own_template() {
    let shop = shop(&["order_update"]).await;
    shop.ok(&["suppress", "add", &digits(1)]).await;
    shop.execute("update blasts set state = 'completed'").await;

    let said = said(with_secrets(shop.command(&["suppress", "remove", &digits(1)]))).await;

    let filter = format!("blast:1 phone:{}", digits(1));
    let line = format!(
        " blast new --sender cloud --from '{filter}' --tag people --template order_update --language en_US` makes"
    );
    assert!(said.err.contains(&line), "{said:?}");
    let new =
        ["blast", "new", "--sender", "cloud", "--from", &filter, "--template", "order_update", "--language", "en_US"];
    let made = self::said(with_secrets(shop.command(&new))).await;
    assert!(made.code == 0 && made.err.contains("a draft to 1 person"), "{made:?}");
}

#[tokio::test]
async fn the_plan_of_a_draft_names_the_values_that_a_column_of_the_list_comes_before() {
    let shop = shop(&["order_update", "--var", "customer_name=friend"]).await;
    let plan = async || said(with_secrets(shop.command(&["blast", "plan", "1"]))).await;
    let words = "{{customer_name}}: the list's column customer_name comes before the value friend";

    let draft = plan().await;
    assert!(draft.out.contains(words) && draft.out.contains("Hi Aina"), "{draft:?}");

    shop.execute("update blast_recipients set variables = variables - 'customer_name'").await;
    let without = plan().await;
    assert!(!without.out.contains("comes before") && without.out.contains("Hi friend"), "{without:?}");

    shop.ok(&["suppress", "add", &digits(1)]).await;
    shop.execute("update blasts set state = 'completed'").await;
    let line = said(with_secrets(shop.command(&["suppress", "remove", &digits(1)]))).await.err;
    assert!(line.contains(" --language en_US --var 'customer_name=friend'` makes a draft to them"), "{line}");
}

#[tokio::test]
async fn a_number_that_sends_nothing_is_refused_at_plan_and_launch_with_metas_reason() {
    let shop = shop(&["order_update"]).await;
    shop.sim.faults(&["offline=1"]).await;

    let plan = said(with_secrets(shop.command(&["blast", "plan", "1"]))).await;
    let sent = said(with_secrets(shop.command(&["blast", "send", "1", "--yes", "--no-engine"]))).await;

    let why = "sender cloud sends nothing now: ";
    let reason = "The phone number is not registered with the Cloud API. (Register the phone number.)";
    assert!(plan.out.contains(&format!("not now: {why}")) && plan.out.contains(reason), "{plan:?}");
    assert!(sent.code == 3 && sent.err.contains(why) && sent.err.contains(reason), "{sent:?}");
    shop.sim.faults(&["offline=0"]).await;
    let sent = said(with_secrets(shop.command(&["blast", "send", "1", "--yes", "--no-engine"]))).await;
    assert_eq!(sent.code, 0, "{sent:?}");
}

#[tokio::test]
async fn a_check_of_a_sender_lists_each_template_with_what_it_consists_of() {
    let shop = shop(&["order_update"]).await;

    let check = said(with_secrets(shop.command(&["sender", "check", "cloud"]))).await;
    let json = said(with_secrets(shop.command(&["sender", "check", "cloud", "--json"]))).await;

    let line =
        "template order_update (en_US, utility, approved, quality green): body of 2 variables, header of 1 variable";
    assert!(check.out.lines().any(|found| found.trim() == line), "{check:?}");
    assert!(
        check.out.contains("template flash_sale (en_US, marketing, paused, quality red): body of 2 variables"),
        "{check:?}"
    );
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let templates = json["templates"].as_array().unwrap();
    let found = templates.iter().find(|template| template["name"] == "order_update").unwrap();
    assert_eq!(
        *found,
        json!({ "name": "order_update", "language": "en_US", "category": "UTILITY", "status": "APPROVED",
                "components": ["body of 2 variables", "header of 1 variable"], "quality": "GREEN" })
    );
    let mut notes = json["notes"].as_array().unwrap().iter().filter_map(serde_json::Value::as_str);
    assert!(notes.any(|note| note.starts_with("templates: ")), "the text of before stands beside it: {json}");
}

#[tokio::test]
async fn a_file_in_a_templates_header_is_uploaded_by_its_option_and_never_sent_as_an_address() {
    let shop = shop(&["order_update"]).await;
    let list = shop.path("people.csv");
    let template = json!({ "name": "tour_package_photo", "language": "en_US", "variables": { "1": "x", "2": "y" },
                           "header": { "image": "img.png" }, "buttons": [{ "type": "url", "text": "bali" }] });
    let file = shop.write("template.json", template.to_string());
    std::fs::write(shop.path("img.png"), b"\x89PNG\r\n").unwrap();
    let image = shop.path("img.png");
    let new = [
        "blast",
        "new",
        "--sender",
        "cloud",
        "--recipients",
        list.to_str().unwrap(),
        "--template-file",
        file.to_str().unwrap(),
    ];

    let refused = said(with_secrets(shop.command(&new))).await;
    let made = [&new[..], &["--header-image", image.to_str().unwrap(), "--json"]].concat();
    let made = said(with_secrets(shop.command(&made))).await;

    assert!(refused.code == 2 && refused.err.contains("header image: `img.png` is no address"), "{refused:?}");
    assert!(refused.err.contains("`--header-image FILE`"), "{refused:?}");
    assert_eq!(made.code, 0, "{made:?}");
    let stored = shop.text("select template::text from blasts where id = 2").await;
    assert!(stored.contains("\"id\"") && !stored.contains("img.png"), "{stored}");
}

#[tokio::test]
async fn a_row_whose_value_makes_the_header_longer_than_meta_takes_is_left_out_with_the_reason() {
    let shop = shop(&["order_update"]).await;
    let long = "7".repeat(55);
    let rows = format!("{},7,Aina\n{},{long},Badrul\n", digits(0), digits(1));
    let list = shop.write("long.csv", format!("phone,order_id,customer_name\n{rows}"));
    let new =
        ["blast", "new", "--sender", "cloud", "--recipients", list.to_str().unwrap(), "--template", "order_update"];
    let fixed = ["--header-text", &long];

    let made = said(with_secrets(shop.command(&new))).await;
    let refused = said(with_secrets(shop.command(&[&new[..], &fixed].concat()))).await;

    let why = "header: 61 characters, and Meta takes at most 60: shorten it";
    assert_eq!(made.code, 0, "{made:?}");
    assert_eq!(shop.number("select count(*) from blast_recipients where blast_id = 2").await, 1);
    let rejected = std::fs::read_to_string(shop.path("long.rejected.csv")).unwrap();
    assert!(rejected.lines().any(|row| row.starts_with("3,") && row.contains(why)), "{rejected}");
    assert!(refused.code == 3 && refused.err.contains(why), "{refused:?}");
}
