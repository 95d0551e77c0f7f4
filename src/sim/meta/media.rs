//! Uploads: `multipart/form-data`, read here, since the simulator needs three fields of it and no more.

use super::refusal::CloudRefusal;

const MEGABYTE: usize = 1024 * 1024;
/// The types that Meta documents, each with its largest size in bytes.
const TYPES: [(&str, usize); 19] = [
    ("image/jpeg", 5 * MEGABYTE),
    ("image/png", 5 * MEGABYTE),
    ("image/webp", MEGABYTE / 2),
    ("audio/aac", 16 * MEGABYTE),
    ("audio/amr", 16 * MEGABYTE),
    ("audio/mpeg", 16 * MEGABYTE),
    ("audio/mp4", 16 * MEGABYTE),
    ("audio/ogg", 16 * MEGABYTE),
    ("video/mp4", 16 * MEGABYTE),
    ("video/3gpp", 16 * MEGABYTE),
    ("text/plain", LARGEST),
    ("application/pdf", LARGEST),
    ("application/msword", LARGEST),
    ("application/vnd.ms-excel", LARGEST),
    ("application/vnd.ms-powerpoint", LARGEST),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", LARGEST),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", LARGEST),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", LARGEST),
    ("application/octet-stream", 0),
];
/// The largest upload of any type, in bytes.
pub const LARGEST: usize = 100 * MEGABYTE;

/// Checks an upload.
pub fn check(content_type: &str, body: &[u8]) -> Result<(), CloudRefusal> {
    let form = form_fields(content_type, body);
    let form = form.ok_or_else(|| CloudRefusal::parameter("The parameter messaging_product is required."))?;
    let field = |name: &str| form.iter().find(|part| part.name == name);
    if field("messaging_product").is_none_or(|part| part.content != b"whatsapp") {
        return Err(CloudRefusal::parameter("The parameter messaging_product is required."));
    }
    let file = field("file").filter(|part| part.has_filename);
    let file = file.ok_or_else(|| CloudRefusal::parameter("The parameter file is required."))?;
    let stated = field("type").map(|part| String::from_utf8_lossy(part.content).into_owned());
    let kind = file.content_type.as_deref().filter(|kind| *kind != "application/octet-stream");
    let kind = kind.or(stated.as_deref()).unwrap_or("application/octet-stream");
    let limit = TYPES.iter().find(|(known, _)| *known == kind).map_or(0, |(_, limit)| *limit);
    if limit == 0 {
        return Err(CloudRefusal::parameter(format!(
            "Param file must be a file of a supported type. Received {kind}."
        )));
    }
    if file.content.is_empty() || file.content.len() > limit {
        return Err(CloudRefusal::new(
            131_053,
            format!("the file has {} bytes; {kind} may have {limit}", file.content.len()),
        ));
    }
    Ok(())
}

/// One field of a form.
struct FormField<'a> {
    name: String,
    has_filename: bool,
    content_type: Option<String>,
    content: &'a [u8],
}

/// The fields of a form, or nothing when it is malformed.
fn form_fields<'a>(content_type: &str, body: &'a [u8]) -> Option<Vec<FormField<'a>>> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = attribute(parameters, "boundary")?;
    let (first, next) = (format!("--{boundary}"), format!("\r\n--{boundary}"));
    let mut rest = body.get(find(body, first.as_bytes())? + first.len()..)?;
    let mut fields = Vec::new();
    while !rest.starts_with(b"--") {
        let start = rest.strip_prefix(b"\r\n")?;
        let end = find(start, next.as_bytes())?;
        fields.push(form_field(start.get(..end)?)?);
        rest = start.get(end + next.len()..)?;
    }
    Some(fields)
}

fn form_field(part: &[u8]) -> Option<FormField<'_>> {
    let end = find(part, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(part.get(..end)?).into_owned();
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned())
    };
    let disposition = header("content-disposition")?;
    Some(FormField {
        name: attribute(&disposition, "name")?,
        has_filename: attribute(&disposition, "filename").is_some(),
        content_type: header("content-type"),
        content: part.get(end + 4..)?,
    })
}

/// `name=value` or `name="value"` among parameters that are separated by semicolons.
fn attribute(parameters: &str, name: &str) -> Option<String> {
    let mut pairs = parameters.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(key, _)| key.trim().eq_ignore_ascii_case(name))?;
    Some(value.trim().trim_matches('"').to_owned())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len().max(1)).position(|window| window == wanted)
}
