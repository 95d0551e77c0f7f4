//! What is refused of a header or a button when the template is read.

use serde_json::json;

use super::*;

#[test]
fn a_header_for_everybody_that_meta_cannot_fetch_or_find_is_refused() {
    let refused = |header: Value| refused(json!({ "name": "promo", "language": "en", "header": header }));
    for (kind, value) in [("image", "img.png"), ("video", "/home/aina/a.mp4"), ("document", "https://offer.pdf:x y")] {
        let why = format!(
            "header {kind}: `{value}` is no address that Meta can fetch a file from: write it in full, as \
             https://shop.example/picture.jpg; `--header-{kind} FILE` of `blastdeck blast new` uploads a file of this machine"
        );
        assert_eq!(refused(json!({ kind: value })), why);
        assert_eq!(refused(json!({ kind: { "link": value } })), why);
        assert_eq!(refused(json!({ "parameters": [{ "type": kind, kind: { "link": value } }] })), why);
    }
    let at = |latitude: Value, longitude: Value| {
        refused(json!({ "location": { "latitude": latitude, "longitude": longitude } }))
    };
    assert_eq!(at(json!(91), json!(0)), "header latitude: `91` is no latitude: write a number from -90 to 90");
    assert_eq!(
        at(json!("3.1"), json!("-180.5")),
        "header longitude: `-180.5` is no longitude: write a number from -180 to 180"
    );
    assert!(at(json!("north"), json!(0)).starts_with("header latitude: `north` is no latitude"));
    assert!(at(json!("NaN"), json!(0)).starts_with("header latitude: `NaN` is no latitude"));
    for header in [
        json!({ "image": "http://shop.example/a.png" }),
        json!({ "image": "{photo}" }),
        json!({ "image": { "id": "2871834006348767" } }),
        json!({ "location": { "latitude": -90, "longitude": "{longitude}" } }),
    ] {
        parsed(json!({ "name": "promo", "language": "en", "header": header }));
    }
}

#[test]
fn what_a_button_does_not_take_is_refused_with_its_name() {
    let refused = |button: Value| refused(json!({ "name": "promo", "language": "en", "buttons": [button] }));
    for (button, why) in [
        (
            json!({ "type": "quick_reply", "payload": "x", "colour": "red" }),
            "`colour` is not known here: a button of this type takes payload",
        ),
        (
            json!({ "index": 0, "sub_type": "catalog", "parameters": [] }),
            "`parameters` is not known here: a button of this type takes thumbnail_product_retailer_id, thumbnail",
        ),
        (
            json!({ "type": "URL", "text": "abc", "payload": "x" }),
            "`payload` is not known here: a button of this type takes text, suffix",
        ),
        (
            json!({ "type": "mpm", "sections": [{ "title": "All", "products": ["a"], "colour": "red" }] }),
            "`colour` is not known here",
        ),
        (
            json!({ "type": "mpm", "sections": [{ "title": "All", "products": [{ "product_retailer_id": "a", "x": 1 }] }] }),
            "`x` is not known here",
        ),
    ] {
        assert_eq!(refused(button), format!("button 0: {why}"));
    }
    let further = json!({ "type": "text", "text": "abc", "payload": "x" });
    literal(json!({ "type": "button", "sub_type": "url", "index": "0", "parameters": [further] }));
}
