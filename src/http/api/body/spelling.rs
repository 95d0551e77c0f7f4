//! What a field is called in the body that a client wrote, of the spellings that a call takes.

use serde_json::Value;

/// Names of one field that differ by more than their underscores.
const SAME: [&[&str]; 3] =
    [&["sku", "productretailerid", "retailerid"], &["phonenumber", "phone"], &["campaignid", "blastid"]];

/// A field's path as this body has it. What the body does not have is spelled as the rest of it is.
pub(super) fn as_written(body: &Value, path: &str) -> String {
    let is_camel = body.as_object().is_some_and(|fields| fields.keys().any(|key| key.contains(char::is_uppercase)));
    let mut here = Some(body);
    let parts = path.split('.').map(|part| {
        let (name, place) = part.split_at(part.find('[').unwrap_or(part.len()));
        let own = here.and_then(Value::as_object).and_then(|fields| fields.keys().find(|key| is_same(key, name)));
        let spelled = own.cloned().unwrap_or_else(|| if is_camel { camel(name) } else { name.to_owned() });
        let inner = here.and_then(|value| value.get(own?));
        let at = place.trim_matches(['[', ']']).parse::<usize>().ok();
        here = inner.and_then(|value| at.map_or(Some(value), |at| value.get(at)));
        format!("{spelled}{place}")
    });
    parts.collect::<Vec<_>>().join(".")
}

fn is_same(written: &str, name: &str) -> bool {
    let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
    let (written, name) = (plain(written), plain(name));
    written == name || SAME.iter().any(|same| same.contains(&written.as_str()) && same.contains(&name.as_str()))
}

/// As the shop's calls are documented.
fn camel(name: &str) -> String {
    if name == "sku" {
        return "productRetailerId".to_owned();
    }
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (initial, rest) = word.split_at(word.chars().next().map_or(0, char::len_utf8));
        format!("{name}{}{rest}", initial.to_ascii_uppercase())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::as_written;

    #[test]
    fn a_field_is_called_as_the_body_calls_it() {
        let body = json!({ "campaignId": 1, "phone": "x", "items": [{ "sku": "a" }, { "retailerId": "b" }, {}] });
        for (path, written) in [
            ("phone_number", "phone"),
            ("items[0].sku", "items[0].sku"),
            ("items[1].sku", "items[1].retailerId"),
            ("items[2].sku", "items[2].productRetailerId"),
            ("items[9].price", "items[9].price"),
            ("blast_id", "campaignId"),
            ("follow_up_stage", "followUpStage"),
            ("", ""),
        ] {
            assert_eq!(as_written(&body, path), written);
        }
        assert_eq!(as_written(&json!({ "blast_id": 1 }), "phone_number"), "phone_number");
        assert_eq!(as_written(&json!([1]), "items[0].sku"), "items[0].sku");
    }
}
