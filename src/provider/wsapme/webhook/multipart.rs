//! A form of several parts, `multipart/form-data`, by its bytes alone: the boundary is its first line.

/// A form that was read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MultipartForm {
    /// Names and texts, in their order.
    pub fields: Vec<(String, String)>,
    /// How many files are in it, which are not read.
    pub files: usize,
}

/// The most parts that are read: the largest record has a dozen.
const PARTS_MAX: usize = 1_000;
/// The dashes and the boundary, in bytes: RFC 2046 allows a boundary of 1 to 70.
const DELIMITER_BYTES: std::ops::RangeInclusive<usize> = 3..=72;

pub(super) fn is_multipart(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"--")
}

/// The fields of a form.
///
/// # Errors
/// Why it cannot be read, as words behind *a multipart form*.
pub(super) fn read(body: &[u8]) -> Result<MultipartForm, &'static str> {
    let mut lines = body.trim_ascii_start().split_inclusive(|byte| *byte == b'\n');
    let delimiter = lines.next().unwrap_or_default().trim_ascii_end();
    if !DELIMITER_BYTES.contains(&delimiter.len()) {
        return Err("without a boundary");
    }
    let close = [delimiter, b"--"].concat();
    let mut form = MultipartForm::default();
    let mut part = Part::default();
    for line in lines {
        let mark = line.trim_ascii_end();
        if mark != delimiter && mark != close {
            part.add(line);
            continue;
        }
        if form.fields.len() + form.files == PARTS_MAX {
            return Err("with more than 1,000 parts");
        }
        std::mem::take(&mut part).end(&mut form)?;
        if mark == close {
            return Ok(form);
        }
    }
    Err("that is cut off")
}

/// A part while its lines are read.
#[derive(Default)]
struct Part {
    name: Option<String>,
    is_file: bool,
    /// `None` within the headers.
    content: Option<Vec<u8>>,
}

impl Part {
    fn add(&mut self, line: &[u8]) {
        match &mut self.content {
            Some(content) => content.extend_from_slice(line),
            None if line.trim_ascii().is_empty() => self.content = Some(Vec::new()),
            None => self.header(&String::from_utf8_lossy(line)),
        }
    }

    fn header(&mut self, line: &str) {
        let Some((header, value)) = line.split_once(':') else { return };
        if !header.trim().eq_ignore_ascii_case("content-disposition") {
            return;
        }
        for parameter in parameters(value) {
            let Some((key, value)) = parameter.split_once('=') else { continue };
            match key.trim().to_ascii_lowercase().as_str() {
                "name" => self.name = Some(unquoted(value)),
                "filename" | "filename*" => self.is_file = true,
                _ => {}
            }
        }
    }

    fn end(self, form: &mut MultipartForm) -> Result<(), &'static str> {
        let mut content = self.content.ok_or("with a part that ends within its headers")?;
        if self.is_file {
            form.files += 1;
            return Ok(());
        }
        let name = self.name.filter(|name| !name.is_empty()).ok_or("with a field that has no name")?;
        // The line break before a delimiter belongs to the delimiter.
        content.pop_if(|byte| *byte == b'\n');
        content.pop_if(|byte| *byte == b'\r');
        form.fields.push((name, String::from_utf8(content).map_err(|_| "with a field that is not UTF-8")?));
        Ok(())
    }
}

/// What stands between semicolons, except within quotes.
fn parameters(value: &str) -> Vec<&str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let separates = |c: char| {
        let is_literal = std::mem::take(&mut is_escaped);
        match c {
            '\\' if is_quoted && !is_literal => is_escaped = true,
            '"' if !is_literal => is_quoted = !is_quoted,
            _ => {}
        }
        c == ';' && !is_quoted
    };
    value.split(separates).collect()
}

/// Without the quotes, and with what is escaped by a backslash or, as browsers write a quote, by `%22`.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    let Some(quoted) = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')) else {
        return value.to_owned();
    };
    quoted.replace("\\\"", "\"").replace("%22", "\"")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FORM: &str = "--x y\r\nContent-Disposition: form-data; name=\"key[id]\"\r\n\r\nM1\r\n\
                        --x y\r\ncontent-type: text/plain\r\nCONTENT-DISPOSITION: form-data; x=\"a;name=b\\\"\"; name=status\r\n\r\n\
                        READ\r\n--x yz\r\n\r\n--x y--\r\nepilogue";

    fn fields(body: &str) -> Result<Vec<(String, String)>, &'static str> {
        read(body.as_bytes()).map(|form| form.fields)
    }

    fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn fields_are_read_by_their_names_whatever_the_line_breaks_are() {
        let expected = [("key[id]", "M1"), ("status", "READ\r\n--x yz\r\n")];
        assert_eq!(fields(FORM), Ok(owned(&expected)), "a line that begins like the boundary is text");

        let plain = FORM.replace("\r\n", "\n");
        assert_eq!(fields(&plain), Ok(owned(&[("key[id]", "M1"), ("status", "READ\n--x yz\n")])));
        let named = "--x\nContent-Disposition: form-data; name=\"a\\\"b%22c\"\n\n\n--x--";
        assert_eq!(fields(named), Ok(owned(&[("a\"b\"c", "")])));
    }

    #[test]
    fn a_file_is_counted_and_not_read() {
        let file = "--x\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\n\n\u{1}\n";
        let form = format!("{file}--x\nContent-Disposition: form-data; name=\"status\"\n\nREAD\n--x--");

        let read = read(form.as_bytes()).unwrap();

        assert_eq!((read.fields, read.files), (owned(&[("status", "READ")]), 1));
    }

    #[test]
    fn what_is_broken_says_why() {
        let part = "--x\nContent-Disposition: form-data; name=\"a\"\n\n";
        let broken = [
            ("--".to_owned(), "without a boundary"),
            (format!("--{}\n--x--", "x".repeat(71)), "without a boundary"),
            ("--x".to_owned(), "that is cut off"),
            (format!("{part}1\n"), "that is cut off"),
            (format!("{part}1\n--x\nContent-"), "that is cut off"),
            ("--x\nContent-Type: text/plain\n--x--".to_owned(), "with a part that ends within its headers"),
            ("--x\n\n1\n--x--".to_owned(), "with a field that has no name"),
            ("--x\nContent-Disposition: form-data; name=\"\"\n\n1\n--x--".to_owned(), "with a field that has no name"),
            (format!("{}--x--", format!("{part}1\n").repeat(1_001)), "with more than 1,000 parts"),
        ];
        for (body, why) in broken {
            assert_eq!(fields(&body), Err(why), "{}", &body[..body.len().min(200)]);
        }
        let not_text = [part.as_bytes(), b"\xff\n--x--"].concat();
        assert_eq!(read(&not_text), Err("with a field that is not UTF-8"));
    }

    proptest! {
        #[test]
        fn no_mutation_of_a_form_makes_it_panic(at in 0..FORM.len(), cut in 0..40_usize, put in prop::collection::vec(any::<u8>(), 0..6)) {
            let mut body = FORM.as_bytes().to_vec();
            let end = (at + cut).min(body.len());
            body.splice(at..end, put);

            let _ = read(&body);
        }

        #[test]
        fn what_was_written_is_read(texts in prop::collection::vec("[^-]{0,20}", 1..5)) {
            let part = |(n, text): (usize, &String)| format!("--x\r\nContent-Disposition: form-data; name=\"{n}\"\r\n\r\n{text}\r\n");
            let form: String = texts.iter().enumerate().map(part).collect();

            let read = fields(&(form + "--x--")).unwrap();

            prop_assert_eq!(read.into_iter().map(|(_, text)| text).collect::<Vec<_>>(), texts);
        }
    }
}
