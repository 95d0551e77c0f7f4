//! The upload of a header's file: `multipart/form-data` by hand, for one small form.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use reqwest::header::{HeaderValue, InvalidHeaderValue};
use thiserror::Error;

use crate::domain::template::HeaderMedia;

/// A hundred megabytes take this long on a slow line.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// Extensions, their types, what they are in a header; Meta takes no others there.
const TYPES: [(&[&str], &str, HeaderMedia); 13] = [
    (&["jpg", "jpeg"], "image/jpeg", HeaderMedia::Image),
    (&["png"], "image/png", HeaderMedia::Image),
    (&["mp4"], "video/mp4", HeaderMedia::Video),
    (&["3gp"], "video/3gp", HeaderMedia::Video),
    (&["pdf"], "application/pdf", HeaderMedia::Document),
    (&["txt"], "text/plain", HeaderMedia::Document),
    (&["doc"], "application/msword", HeaderMedia::Document),
    (&["xls"], "application/vnd.ms-excel", HeaderMedia::Document),
    (&["ppt"], "application/vnd.ms-powerpoint", HeaderMedia::Document),
    (&["docx"], "application/vnd.openxmlformats-officedocument.wordprocessingml.document", HeaderMedia::Document),
    (&["xlsx"], "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", HeaderMedia::Document),
    (&["pptx"], "application/vnd.openxmlformats-officedocument.presentationml.presentation", HeaderMedia::Document),
    (&["csv"], "text/plain", HeaderMedia::Document),
];

/// A file that Meta takes as a header. Holds its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct MediaFile {
    name: String,
    content_type: &'static str,
    kind: HeaderMedia,
    bytes: Vec<u8>,
}

impl fmt::Debug for MediaFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MediaFile({}, {}, {} bytes)", self.name, self.content_type, self.bytes.len())
    }
}

/// Why Meta would not take a file.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MediaError {
    #[error("{name}: no header of Meta's takes this kind of file: use jpg or png, mp4, or pdf")]
    Kind { name: String },
    #[error("{name} is {}, and the header takes {}: give it as --header-{}", .kind.words(), .wanted.words(), .kind.as_str())]
    OtherKind { name: String, kind: HeaderMedia, wanted: HeaderMedia },
    #[error("{name} is empty")]
    Empty { name: String },
    #[error("{name} has {megabytes} MB, and Meta takes at most {limit}: make it smaller")]
    TooLarge { name: String, megabytes: usize, limit: usize },
}

const MEGABYTE: usize = 1024 * 1024;

/// In megabytes.
const fn limit(kind: HeaderMedia) -> usize {
    match kind {
        HeaderMedia::Image => 5,
        HeaderMedia::Video => 16,
        HeaderMedia::Document => 100,
    }
}

impl MediaFile {
    /// Checks kind, by the extension, and size.
    pub fn new(path: &Path, bytes: Vec<u8>) -> Result<Self, MediaError> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let extension = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let known = TYPES.iter().find(|(extensions, ..)| extensions.contains(&extension.as_str()));
        let Some((_, content_type, kind)) = known else { return Err(MediaError::Kind { name }) };
        if bytes.is_empty() {
            return Err(MediaError::Empty { name });
        }
        let limit = limit(*kind);
        if bytes.len() > limit * MEGABYTE {
            return Err(MediaError::TooLarge { name, megabytes: bytes.len().div_ceil(MEGABYTE), limit });
        }
        Ok(Self { name, content_type, kind: *kind, bytes })
    }

    /// The same, for a header that takes this kind.
    pub fn for_header(wanted: HeaderMedia, path: &Path, bytes: Vec<u8>) -> Result<Self, MediaError> {
        let file = Self::new(path, bytes)?;
        let Self { name, kind, .. } = &file;
        if *kind == wanted { Ok(file) } else { Err(MediaError::OtherKind { name: name.clone(), kind: *kind, wanted }) }
    }

    pub const fn kind(&self) -> HeaderMedia {
        self.kind
    }
}

/// The form's content type and body.
pub(super) fn multipart(file: &MediaFile) -> (Result<HeaderValue, InvalidHeaderValue>, Vec<u8>) {
    let boundary = format!("blastdeck-{:032x}", rand::random::<u128>());
    let field = |name: &str, value: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let safe: String =
        file.name.chars().map(|c| if c.is_control() || matches!(c, '"' | '\\') { '_' } else { c }).collect();
    let content_type = file.content_type;
    let (product, kind) = (field("messaging_product", "whatsapp"), field("type", content_type));
    let disposition = format!("form-data; name=\"file\"; filename=\"{safe}\"");
    let file_head =
        format!("--{boundary}\r\nContent-Disposition: {disposition}\r\nContent-Type: {content_type}\r\n\r\n");
    let mut body = [product, kind, file_head].concat().into_bytes();
    body.extend_from_slice(&file.bytes);
    body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    (HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}")), body)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, size: usize) -> Result<MediaFile, String> {
        MediaFile::new(Path::new(name), vec![b'x'; size]).map_err(|error| error.to_string())
    }

    #[test]
    fn what_meta_would_not_take_is_refused_before_the_upload() {
        assert_eq!(file("/tmp/Raya.PNG", 5 * MEGABYTE).unwrap().kind(), HeaderMedia::Image);
        assert_eq!(file("offer.pdf", 6 * MEGABYTE).unwrap().kind(), HeaderMedia::Document);
        let large = "Raya.png has 6 MB, and Meta takes at most 5: make it smaller";
        assert_eq!(file("/tmp/Raya.png", 5 * MEGABYTE + 1).unwrap_err(), large);
        assert_eq!(file("a.jpg", 0).unwrap_err(), "a.jpg is empty");
        let kind = "run.exe: no header of Meta's takes this kind of file: use jpg or png, mp4, or pdf";
        assert_eq!(file("run.exe", 1).unwrap_err(), kind);
        assert!(file("png", 1).is_err());
    }

    #[test]
    fn a_file_of_another_kind_than_the_header_is_refused() {
        let error = MediaFile::for_header(HeaderMedia::Image, Path::new("offer.pdf"), vec![1]).unwrap_err();

        let sentence = "offer.pdf is a document, and the header takes an image: give it as --header-document";
        assert_eq!(error.to_string(), sentence);
        assert!(MediaFile::for_header(HeaderMedia::Document, Path::new("offer.pdf"), vec![1]).is_ok());
    }

    #[test]
    fn the_form_has_the_three_fields_that_meta_documents() {
        let file = MediaFile::new(Path::new("a\"b.png"), b"\x89PNG\r\n".to_vec()).unwrap();

        let (content_type, body) = multipart(&file);

        let content_type = content_type.unwrap();
        let boundary = content_type.to_str().unwrap().strip_prefix("multipart/form-data; boundary=").unwrap();
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\nimage/png\r\n\
             --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a_b.png\"\r\n\
             Content-Type: image/png\r\n\r\n"
        );
        let mut expected = expected.into_bytes();
        expected.extend_from_slice(b"\x89PNG\r\n");
        expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        assert_eq!(body, expected);
    }
}
