//! What a deserializer says of a value, as a sentence that says what to write.

/// The sentence for what is wrong with one field.
pub(super) fn said(why: &str) -> String {
    if why.starts_with("missing field") {
        return "required".to_owned();
    }
    if why.starts_with("duplicate field") {
        return "duplicate field: send it once".to_owned();
    }
    if let Some((unknown, known)) = why.split_once(", expected ") {
        if unknown.starts_with("unknown field") {
            return format!("{THIS_TAKES}{}", fields(known));
        }
        if unknown.starts_with("unknown variant") {
            return format!("write {known}");
        }
        return format!("write {}", wanted(unknown, known));
    }
    if OF_TIMES.iter().any(|said| why.starts_with(said)) {
        return "write a time such as 2026-12-01T09:00:00Z".to_owned();
    }
    if why.starts_with("unknown field") { "unknown field: this takes none".to_owned() } else { why.to_owned() }
}

/// The fields of a body, each by one spelling: those in `camelCase` are read as well.
fn fields(known: &str) -> String {
    let known = known.trim_start_matches("one of ");
    let all: Vec<&str> = known.split(", ").collect();
    let is_second = |field: &&str| snake_case(field) != *field && all.contains(&snake_case(field).as_str());
    all.iter().copied().filter(|field| !is_second(field)).collect::<Vec<_>>().join(", ")
}

/// What [`said`] says of the fields of a body that is spelled in `camelCase`.
pub(super) fn in_camel_case(said: &str) -> String {
    let Some((before, fields)) = said.split_once(THIS_TAKES) else { return said.to_owned() };
    format!("{before}{THIS_TAKES}{}", camel_case(fields))
}

/// Before the fields of a body to which another one is unknown.
const THIS_TAKES: &str = "unknown field: this takes ";

fn camel_case(text: &str) -> String {
    let mut parts = text.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |spelled, part| {
        let mut letters = part.chars();
        let capital = letters.next().map(|letter| letter.to_ascii_uppercase());
        spelled + &capital.into_iter().chain(letters).collect::<String>()
    })
}

fn snake_case(field: &str) -> String {
    let mut spelled = String::new();
    for letter in field.chars() {
        if letter.is_ascii_uppercase() {
            spelled.push('_');
        }
        spelled.push(letter.to_ascii_lowercase());
    }
    spelled
}

/// What is said of a text that is no time.
const OF_TIMES: [&str; 5] = [
    "input is out of range",
    "input contains invalid characters",
    "premature end of input",
    "trailing input",
    "no possible date and time",
];

/// What is expected, in the words of JSON.
fn wanted(unfit: &str, expected: &str) -> String {
    let is_number = unfit.contains("integer");
    let unsigned = match expected {
        "u8" => Some(u64::from(u8::MAX)),
        "u16" => Some(u64::from(u16::MAX)),
        "u32" => Some(u64::from(u32::MAX)),
        "u64" | "usize" => Some(u64::MAX),
        _ => None,
    };
    if let Some(most) = unsigned {
        return if is_number { format!("a whole number from 0 to {most}") } else { "a whole number".to_owned() };
    }
    let word = match expected {
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "string" => "a text",
        "a sequence" | "sequence" => "a list",
        "a map" | "map" => "an object",
        other if other.starts_with("struct ") => "an object",
        "a nonzero u32" if is_number => "a whole number from 1 to 4294967295",
        other if other.starts_with("a nonzero u") => "a whole number from 1",
        other => other,
    };
    word.to_owned()
}

#[cfg(test)]
mod tests {
    use super::{in_camel_case, said};

    #[test]
    fn a_body_in_camel_case_has_its_fields_named_so() {
        let unknown = said("unknown field `wat`, expected one of `name`, `templateName`, `template_name`");

        assert_eq!(in_camel_case(&format!("wat: {unknown}")), "wat: unknown field: this takes `name`, `templateName`");
        assert_eq!(in_camel_case("send_window_start: required"), "send_window_start: required");
    }

    #[test]
    fn what_a_deserializer_says_is_said_plainly() {
        for (why, plain) in [
            ("invalid type: string \"x\", expected a nonzero u32", "write a whole number from 1"),
            ("invalid value: integer `0`, expected a nonzero u32", "write a whole number from 1 to 4294967295"),
            ("invalid value: integer `-1`, expected u32", "write a whole number from 0 to 4294967295"),
            ("invalid type: string \"teh\", expected struct ItemBody", "write an object"),
            ("invalid type: map, expected a sequence", "write a list"),
            ("missing field `after`", "required"),
            ("unknown field `wat`, expected `a` or `b`", "unknown field: this takes `a` or `b`"),
            (
                "unknown field `wat`, expected one of `blastTag`, `blast_tag`, `tag`",
                "unknown field: this takes `blast_tag`, `tag`",
            ),
            (
                "unknown field `wat`, expected one of `phoneNumber`, `name`, `tag`",
                "unknown field: this takes `phoneNumber`, `name`, `tag`",
            ),
            ("unknown field `wat`, there are no fields", "unknown field: this takes none"),
            ("input is out of range", "write a time such as 2026-12-01T09:00:00Z"),
            ("write the id of a campaign", "write the id of a campaign"),
        ] {
            assert_eq!(said(why), plain, "{why}");
        }
    }
}
