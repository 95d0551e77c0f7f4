//! What a deserializer says of a value, as a sentence that says what to write.

/// In which of its two spellings a field is named where a body takes both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http::api) enum FieldNames {
    SnakeCase,
    CamelCase,
}

impl FieldNames {
    /// As the call at an address is documented.
    pub(super) fn at(path: &str) -> Self {
        if path.starts_with("/api/whatsapp/") { Self::CamelCase } else { Self::SnakeCase }
    }
}

/// The sentence for what is wrong with one field.
pub(super) fn said(why: &str, names: FieldNames) -> String {
    if why.starts_with("missing field") {
        return "required".to_owned();
    }
    if why.starts_with("duplicate field") {
        return "duplicate field: send it once".to_owned();
    }
    if let Some((unknown, known)) = why.split_once(", expected ") {
        if unknown.starts_with("unknown field") {
            return format!("unknown field: this takes {}", fields(known, names));
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

/// The fields of a body, each by one spelling.
fn fields(known: &str, names: FieldNames) -> String {
    let known = known.trim_start_matches("one of ");
    let between = if known.contains(" or ") { " or " } else { ", " };
    let all: Vec<&str> = known.split(between).collect();
    let is_other_spelling = |field: &str| match names {
        FieldNames::SnakeCase => snake_case(field) != field && all.contains(&snake_case(field).as_str()),
        FieldNames::CamelCase => all.iter().any(|other| *other != field && snake_case(other) == field),
    };
    all.iter().copied().filter(|field| !is_other_spelling(field)).collect::<Vec<_>>().join(between)
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
    use super::{FieldNames, said};

    #[test]
    fn a_body_in_camel_case_has_its_fields_named_as_it_reads_them() {
        for (known, takes) in [
            ("one of `name`, `templateName`, `template_name`", "`name`, `templateName`"),
            ("one of `name`, `status`, `wa_id`", "`name`, `status`, `wa_id`"),
            ("`phoneNumber` or `phone_number`", "`phoneNumber`"),
            ("`state` or `status`", "`state` or `status`"),
        ] {
            let said = said(&format!("unknown field `wat`, expected {known}"), FieldNames::CamelCase);

            assert_eq!(said, format!("unknown field: this takes {takes}"));
        }
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
            assert_eq!(said(why, FieldNames::SnakeCase), plain, "{why}");
        }
    }
}
