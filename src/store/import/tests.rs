use super::*;

fn phone(text: &str) -> Phone {
    Phone::parse(text, "MY".parse().unwrap()).unwrap()
}

#[test]
fn what_copy_takes_for_itself_is_escaped() {
    let mut batch = CopyBatch::default();

    batch.push(
        BlastId(7),
        &NewRecipient {
            phone: phone("0100123456"),
            name: Some("a\tb\\N\nc\r\0d".to_owned()),
            variables: [("shop", "x \"y\" \\ z")].into_iter().collect(),
            external_id: Some("7".to_owned()),
            list_row: Some(41),
        },
    );
    batch.push(
        BlastId(7),
        &NewRecipient {
            phone: phone("0100123457"),
            name: None,
            variables: Variables::default(),
            external_id: None,
            list_row: None,
        },
    );

    let text = String::from_utf8(batch.text).unwrap();
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some("7\t+60100123456\ta\\tb\\\\N\\nc\\rd\t{\"shop\":\"x \\\\\"y\\\\\" \\\\\\\\ z\"}\t7\t41")
    );
    assert_eq!(lines.next(), Some("7\t+60100123457\t\\N\t\\N\t\\N\t\\N"));
    assert_eq!(batch.people, 2);
}
