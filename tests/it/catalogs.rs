//! Catalogues from files and from Meta, and what templates may show of them.

use serde_json::json;

use crate::support::serve::{APP_SECRET, NUMBER, senders};
use crate::support::{Setup, Shop, digits};

const FEED: &str = "id,title,description,availability,price,item_group_id,color,quantity_to_sell_on_facebook\n\
                    teh,Teh Tarik,Sweet,in stock,2.50 MYR,,,\n\
                    shirt-r,Shirt,Soft,in stock,\"1,019.90 MYR\",shirt,red,12\n\
                    shirt-b,Shirt,Soft,out of stock,19.9 MYR,shirt,blue,0\n";

#[tokio::test]
async fn a_file_with_more_wrong_rows_than_are_named_says_how_many() {
    let shop = Shop::open(Setup::default()).await;
    let rows = |n: usize| "sku,name,price\n".to_owned() + &"a,,x\n".repeat(n);
    for (wrong, more) in [(10, None), (13, Some("and 3 more\n"))] {
        let file = shop.write("menu.csv", rows(wrong));

        let said = shop.run(&["catalog", "import", file.to_str().unwrap()]).await;

        assert_eq!(said.code, 3, "{said:?}");
        assert_eq!(more.is_some(), said.err.contains("more\n"), "{said:?}");
        assert!(said.err.contains(more.unwrap_or_default()) && said.err.contains(&format!("{wrong} rows are wrong")));
    }
}

#[tokio::test]
async fn a_file_is_imported_again_and_again_and_what_it_lacks_is_taken_out() {
    let shop = Shop::open(Setup::default()).await;
    let file = shop.write("feed.csv", FEED);
    let import = ["catalog", "import", file.to_str().unwrap()];

    let first = shop.json(&import).await;
    assert_eq!((&first["items"], &first["added"], &first["removed"]), (&3.into(), &4.into(), &0.into()), "{first}");
    let again = shop.json(&import).await;
    assert_eq!((&again["added"], &again["changed"], &again["removed"]), (&0.into(), &0.into(), &0.into()), "{again}");
    let shown = shop.json_lines(&["catalog", "show", "1"]).await;
    assert_eq!(
        (shown.len(), &shown[0]["price"], &shown[1]["variants"][0]["price"]),
        (2, &"2.50".into(), &"1019.90".into())
    );
    let sold_out: Vec<_> = shown[1]["variants"].as_array().unwrap().iter().map(|v| v["sold_out"].clone()).collect();
    assert_eq!((&shown[0]["sold_out"], &shown[1]["sold_out"]), (&false.into(), &false.into()));
    assert!(sold_out.contains(&true.into()) && sold_out.contains(&false.into()), "{sold_out:?}");
    let said = shop.ok(&import).await;
    assert_eq!(said.trim(), "catalogue 1: 2 products and 2 variants, 0 new, 0 changed, 0 taken out");
    let name = shop.json_lines(&["catalog", "list"]).await[0]["name"].as_str().unwrap().to_owned();
    assert_eq!(shop.json_lines(&["catalog", "show", &name]).await, shown);
    let table = shop.ok(&["catalog", "show"]).await;
    assert!(table.contains("RM 1,019.90") && table.contains("  blue") && table.contains("out of stock"), "{table}");

    shop.write("feed.csv", "sku,name,price,currency\nteh,Teh Tarik,2.75,MYR\n");
    let changed = shop.json(&import).await;
    assert_eq!((&changed["changed"], &changed["removed"]), (&1.into(), &3.into()), "{changed}");
    let listed = shop.json_lines(&["catalog", "list"]).await;
    assert_eq!((listed.len(), &listed[0]["products"], &listed[0]["variants"]), (1, &1.into(), &0.into()));
}

#[tokio::test]
async fn a_file_with_a_wrong_row_changes_nothing_and_names_it() {
    let shop = Shop::open(Setup::default()).await;
    let good = shop.write("feed.csv", FEED);
    shop.ok(&["catalog", "import", good.to_str().unwrap()]).await;
    let before = shop.rows().await;

    for (text, named) in [
        ("sku,name,price\nteh,Teh,free\n", "row 2: `free` is not a price"),
        ("sku,name\nteh,Teh\nteh,Teh\n", "row 3: `teh` is there twice"),
        ("phone,name\n60100000001,Aina\n", "no column is called sku"),
        ("sku,name\n", "there are no products"),
        ("", "empty"),
        ("PK\u{3}\u{4}", "workbook"),
    ] {
        let bad = shop.write("bad.csv", text);
        let said = shop.run(&["catalog", "import", bad.to_str().unwrap()]).await;
        assert!(said.code != 0 && said.err.to_lowercase().contains(named), "{text}: {said:?}");
    }
    let other = shop.run(&["catalog", "import", good.to_str().unwrap(), "--business", "nobody"]).await;
    assert!(other.code == 2 && other.err.contains("kedai"), "{other:?}");
    for unknown in ["9", "Feast"] {
        let said = shop.run(&["catalog", "show", unknown]).await;
        assert!(said.code == 1 && said.err.contains("catalog list"), "{said:?}");
    }
    assert_eq!(shop.rows().await, before);
}

#[tokio::test]
async fn a_file_of_one_of_several_businesses_is_asked_whose_it_is_by_the_flag_that_says_it() {
    let shop = Shop::open(Setup::default()).await;
    shop.add_sender("second");
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", config.replacen("business = \"kedai\"", "business = \"ny\"", 1));
    let file = shop.write("feed.csv", FEED);

    let asked = shop.run(&["catalog", "import", file.to_str().unwrap()]).await;

    assert!(asked.code == 2 && asked.err.contains("whose is it? Name its business with --business: "), "{asked:?}");
}

async fn metas_shop() -> Shop {
    let sim = ["--latency", "1ms", "--phone-number-id", NUMBER, "--app-secret", APP_SECRET];
    let shop = Shop::open(Setup { sim: &sim, ..Setup::default() }).await;
    shop.write("config.toml", senders(shop.sim.base_url()));
    shop
}

#[tokio::test]
async fn metas_catalogue_is_read_page_by_page_with_its_variants() {
    let shop = metas_shop().await;

    let first = shop.json(&["catalog", "sync"]).await;
    let again = shop.json(&["catalog", "sync", "194836987003835", "--sender", "cloud"]).await;

    assert_eq!(
        (&first["items"], &first["added"], &first["name"]),
        (&10.into(), &11.into(), &"Kedai Aina".into()),
        "{first}"
    );
    assert_eq!((&again["added"], &again["changed"], &again["removed"]), (&0.into(), &0.into(), &0.into()), "{again}");
    let products = shop.json_lines(&["catalog", "show", "1"]).await;
    let prices: Vec<_> = products.iter().map(|product| product["price"].as_str().unwrap()).collect();
    assert_eq!(prices, ["2.50", "2.20", "0.35", "1045.00", "12.00", "189.90", "450.00", "0.80"]);
    let names: Vec<_> =
        products[5]["variants"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["red", "blue", "green"]);
    assert_eq!(shop.run(&["catalog", "sync", "1"]).await.code, 1, "not this account's");
    shop.execute("insert into products (catalogue_id, sku, name) values (1, 'gone', 'Gone')").await;
    assert_eq!(shop.json(&["catalog", "sync"]).await["removed"], 1);
    let acts = "select count(*) from operator_actions where detail @> '{\"catalogue_was\": \"read\"}'";
    assert_eq!(shop.number(acts).await, 2, "what changed nothing is no act");
}

#[tokio::test]
async fn a_catalogue_that_cannot_be_read_because_meta_does_not_answer_failed_and_was_not_refused() {
    let shop = metas_shop().await;
    let config = std::fs::read_to_string(shop.path("config.toml")).unwrap();
    shop.write("config.toml", config.replace(shop.sim.base_url(), "http://127.0.0.1:9"));

    let failed = shop.run(&["catalog", "sync", "--json"]).await;

    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(failed.err.contains("\"kind\":\"failed\"") && failed.err.contains("cannot be read"), "{failed:?}");
}

#[tokio::test]
async fn products_that_nobody_can_buy_keep_a_template_from_being_sent() {
    let shop = metas_shop().await;
    shop.ok(&["catalog", "sync"]).await;
    let picks = ["kopi", "roti", "satay", "roti", "roti", "roti"];
    let rows: Vec<_> = (0..).zip(picks).map(|(n, pick)| format!("Person {n},{},{pick}", digits(n))).collect();
    let list = shop.write("people.csv", format!("name,phone,pick\n{}\n", rows.join("\n")));
    let products = |skus: &[&str]| {
        let items: Vec<_> = skus.iter().map(|sku| json!({ "product_retailer_id": sku })).collect();
        let action = json!({ "sections": [{ "title": "Picks", "product_items": items }] });
        json!({ "name": "product_picks", "language": "en_US", "header": { "text": "{name}" }, "variables": { "1": "{name}" },
                "buttons": [{ "type": "mpm", "sections": action["sections"] }] })
    };
    let planned = async |skus: &[&str]| {
        let file = shop.write("template.json", products(skus).to_string());
        let to = ["--recipients", list.to_str().unwrap(), "--template-file", file.to_str().unwrap()];
        let made = shop.json(&[&["blast", "new", "--sender", "cloud"], &to[..]].concat()).await;
        let id = made["id"].to_string();
        let plan = shop.json(&["blast", "plan", &id]).await;
        let sent = shop.run(&["blast", "send", &id, "--yes", "--no-engine"]).await;
        (sent.code, plan["obstacles"].clone())
    };

    let (code, obstacles) = planned(&["kopi", "satay", "roti"]).await;
    assert_eq!(code, 3);
    let said = obstacles.to_string();
    assert!(said.contains("`satay`, which is sold out") && said.contains("`roti`, which is in no catalogue"), "{said}");
    let (code, obstacles) = planned(&["kopi", "{pick}"]).await;
    let whose = format!(
        "`roti` in column pick of +{} is in no catalogue, `satay` of +{} is sold out, `roti` of +{} is in no catalogue, and 2 more people \
         have such products: correct the list",
        digits(1),
        digits(2),
        digits(3)
    );
    assert!(code == 3 && obstacles[0].as_str().unwrap().contains(&whose), "{obstacles}");
    assert_eq!(obstacles.as_array().unwrap().len(), 1, "{obstacles}");
    let (code, obstacles) = planned(&["kopi", "baju-red"]).await;
    assert_eq!((code, obstacles), (0, json!([])));
}

#[tokio::test]
async fn where_metas_catalogue_was_read_a_product_of_a_file_alone_is_refused_with_its_row() {
    let shop = metas_shop().await;
    let file = shop.write("feed.csv", "sku,name,price\nkuih,Kuih,1\nkopi,Kopi,2\n");
    shop.ok(&["catalog", "import", file.to_str().unwrap(), "--name", "menu"]).await;
    let list = shop.write("people.csv", format!("phone,pick\n{},kopi\n{},kuih\n", digits(0), digits(1)));
    let obstacles = async |sku: &str| {
        let sections = json!([{ "title": "Picks", "product_items": [{ "product_retailer_id": sku }] }]);
        let template = json!({ "name": "product_picks", "language": "en_US", "header": { "text": "x" },
                               "variables": { "1": "x" }, "buttons": [{ "type": "mpm", "sections": sections }] });
        let file = shop.write("template.json", template.to_string());
        let to = ["--recipients", list.to_str().unwrap(), "--template-file", file.to_str().unwrap()];
        let made = shop.json(&[&["blast", "new", "--sender", "cloud"], &to[..]].concat()).await;
        shop.json(&["blast", "plan", &made["id"].to_string()]).await["obstacles"].clone()
    };
    assert_eq!(obstacles("kuih").await, json!([]), "the only catalogue that there is");
    assert_eq!(obstacles("{pick}").await, json!([]));
    shop.ok(&["catalog", "sync"]).await;
    let why = "is in menu alone, which is not a catalogue of the account at Meta, and WhatsApp shows no other";

    let (same, own) = (obstacles("kuih").await, obstacles("{pick}").await);

    let said = format!("the template shows `kuih`, which {why}: `blastdeck catalog sync` reads Meta's again");
    assert_eq!(same, json!([said]));
    assert_eq!(own, json!([format!("`kuih` in column pick of +{} {why}: correct the list", digits(1))]));
    assert_eq!(obstacles("kopi").await, json!([]), "Meta's has it as well");
    shop.execute("update catalogues set accounts = '{another}' where source = 'meta'").await;
    assert_eq!(obstacles("kuih").await, json!([]), "nothing of this account's was read");
}

#[tokio::test]
async fn a_price_with_more_places_than_its_currency_or_in_none_that_is_known_is_named_by_row_and_column() {
    let shop = Shop::open(Setup::default()).await;
    for (row, said) in [
        ("1.5,JPY", "row 2, price: `1.5`: JPY has no decimal places: write it as 1 or 2"),
        ("1.255,MYR", "row 2, price: `1.255`: MYR has 2 decimal places: write it as 1.25 or 1.26"),
        ("1.25555 KWD,", "row 2, price: `1.25555 KWD`: KWD has 3 decimal places: write it as 1.255 or 1.256"),
        ("1.50,XXY", "row 2, currency: `XXY` is not a currency"),
        ("1.50 ZZZ,", "row 2, price: `ZZZ` is not a currency"),
    ] {
        let file = shop.write("bad.csv", format!("sku,name,price,currency\nteh,Teh,{row}\n"));
        let refused = shop.run(&["catalog", "import", file.to_str().unwrap()]).await;
        assert!(refused.code == 3 && refused.err.contains(said), "{row}: {refused:?}");
    }
    assert_eq!(shop.json_lines(&["catalog", "list"]).await.len(), 0);
    // Without a currency it is that of revenue.
    let file = shop.write("bad.csv", "sku,name,price\nteh,Teh,1.255\n");
    let refused = shop.run(&["catalog", "import", file.to_str().unwrap()]).await;
    assert!(refused.err.contains("row 2, price: `1.255`: MYR has 2 decimal places"), "{refused:?}");
    let file = shop.write("good.csv", "sku,name,price,currency\na,A,1.255,KWD\nb,B,1500.00,JPY\n");
    let said = shop.run(&["catalog", "import", file.to_str().unwrap()]).await;
    assert!(said.code == 0 && said.out.contains("2 products, 2 new"), "{said:?}");
    let file = shop.write("plain.csv", "sku,name,price\na,A,19.9\nb,B,5\n");
    shop.ok(&["catalog", "import", file.to_str().unwrap()]).await;
    let shown = shop.ok(&["catalog", "show"]).await;
    assert!(shown.contains("RM 19.90") && shown.contains("RM 5.00"), "{shown}");
}

#[tokio::test]
async fn a_product_that_comes_in_variants_is_ordered_as_one_of_them() {
    let shop = Shop::open(Setup::default()).await;
    let file = shop.write("feed.csv", FEED);
    shop.ok(&["catalog", "import", file.to_str().unwrap()]).await;
    let _engine = shop.engine();
    let blast = shop.blast(0..2).await;
    shop.until_state(&blast, "completed").await;
    for (verb, item) in [("order", "shirt*2"), ("order", "feed/shirt"), ("cart", "shirt")] {
        let said = shop.run(&[verb, "add", &blast, &digits(1), item]).await;

        assert_ne!(said.code, 0, "{verb} {item}: {said:?}");
        assert!(said.err.contains("comes in variants: write which, `shirt-b` or `shirt-r`"), "{verb} {item}: {said:?}");
    }
    shop.ok(&["order", "add", &blast, &digits(1), "shirt-r*2"]).await;
}
