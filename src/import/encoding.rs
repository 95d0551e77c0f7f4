//! From bytes as programs export them to bytes that are UTF-8 or close to it: byte order marks, UTF-16, files that are
//! no text at all.

use std::borrow::Cow;
use std::io::{self, Cursor, Read};

use super::error::ImportError;

/// How much is read before the encoding of a file is decided.
pub(super) const SAMPLE: usize = 64 * 1024;

/// A source with its beginning known.
pub(super) struct Opened {
    /// The first bytes, without a byte order mark; all there is when the source is short.
    pub sample: Vec<u8>,
    /// The sample again, and the rest.
    pub bytes: Box<dyn Read + Send>,
}

/// Reads the beginning, and refuses what is not text.
pub(super) fn open(mut source: impl Read + Send + 'static) -> Result<Opened, ImportError> {
    let sample = read_sample(&mut source)?;
    match sample.as_slice() {
        [0xef, 0xbb, 0xbf, ..] => text(sample[3..].to_vec(), source),
        [0xff, 0xfe, ..] => utf16(Endian::Little, &sample[2..], source),
        [0xfe, 0xff, ..] => utf16(Endian::Big, &sample[2..], source),
        _ => text(sample, source),
    }
}

fn text(sample: Vec<u8>, rest: impl Read + Send + 'static) -> Result<Opened, ImportError> {
    if is_spreadsheet(&sample) {
        return Err(ImportError::Spreadsheet);
    }
    if let Some(at) = sample.iter().position(|byte| *byte == 0) {
        let line = sample[..at].split(|byte| *byte == b'\n').count();
        return Err(ImportError::NotText { line });
    }
    if sample.iter().all(u8::is_ascii_whitespace) {
        return Err(ImportError::Empty);
    }
    if is_json(&sample) {
        return Err(ImportError::Json);
    }
    let bytes = Box::new(Cursor::new(sample.clone()).chain(rest));
    Ok(Opened { sample, bytes })
}

fn utf16(endian: Endian, start: &[u8], rest: impl Read + Send + 'static) -> Result<Opened, ImportError> {
    let mut decoded = Utf16 { source: Cursor::new(start.to_vec()).chain(rest), endian, high: None, ready: Vec::new() };
    let sample = read_sample(&mut decoded)?;
    text(sample, decoded)
}

/// Whether a spreadsheet's own file begins so: a zip archive, or a compound file.
pub(super) fn is_spreadsheet(sample: &[u8]) -> bool {
    sample.starts_with(b"PK\x03\x04") || sample.starts_with(b"\xd0\xcf\x11\xe0")
}

/// Whether objects begin, one a line or in an array. No column has such a name.
fn is_json(sample: &[u8]) -> bool {
    let plain = |byte: &u8| !byte.is_ascii_whitespace();
    let first: Vec<u8> = sample.iter().copied().filter(plain).take(3).collect();
    first.starts_with(b"{\"") || first.starts_with(b"[{\"")
}

/// The first bytes of a source; all there is when it is short.
pub(super) fn read_sample(source: &mut impl Read) -> Result<Vec<u8>, ImportError> {
    let mut sample = Vec::new();
    source.take(SAMPLE as u64).read_to_end(&mut sample).map_err(ImportError::Read)?;
    Ok(sample)
}

#[derive(Debug, Clone, Copy)]
enum Endian {
    Little,
    Big,
}

/// UTF-16 as UTF-8, a unit at a time; what is torn becomes U+FFFD.
struct Utf16<R> {
    source: R,
    endian: Endian,
    /// The first half of a pair, waiting for its second.
    high: Option<u16>,
    /// Decoded and not yet handed out, in the order it is taken from the end.
    ready: Vec<u8>,
}

impl<R: Read> Utf16<R> {
    fn unit(&mut self) -> io::Result<Option<u16>> {
        let mut pair = Vec::with_capacity(2);
        (&mut self.source).take(2).read_to_end(&mut pair)?;
        Ok(match (pair.as_slice(), self.endian) {
            ([low, high], Endian::Little) => Some(u16::from_le_bytes([*low, *high])),
            ([high, low], Endian::Big) => Some(u16::from_be_bytes([*high, *low])),
            ([_], _) => Some(0xfffd),
            _ => None,
        })
    }

    fn push(&mut self, c: char) {
        let mut buffer = [0; 4];
        self.ready.splice(0..0, c.encode_utf8(&mut buffer).bytes().rev());
    }

    fn decode(&mut self, unit: Option<u16>) {
        let units: Vec<u16> = self.high.take().into_iter().chain(unit).collect();
        match (units.as_slice(), unit) {
            ([one], Some(_)) if (0xd800..0xdc00).contains(one) => self.high = Some(*one),
            _ => {
                for c in char::decode_utf16(units) {
                    self.push(c.unwrap_or(char::REPLACEMENT_CHARACTER));
                }
            }
        }
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0;
        while written < buffer.len() {
            if let Some(byte) = self.ready.pop() {
                buffer[written] = byte;
                written += 1;
                continue;
            }
            let unit = self.unit()?;
            if unit.is_none() && self.high.is_none() {
                break;
            }
            self.decode(unit);
        }
        Ok(written)
    }
}

/// How a row's bytes were read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum RowEncoding {
    #[default]
    Utf8,
    /// Not UTF-8: taken for Windows-1252, which Latin-1 is a part of.
    Windows1252,
}

/// A value's text. Any byte is a character in Windows-1252, so this never fails; it may be the wrong one.
pub(super) fn decode(bytes: &[u8]) -> (Cow<'_, str>, RowEncoding) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (Cow::Borrowed(text), RowEncoding::Utf8),
        Err(_) => (Cow::Owned(bytes.iter().map(|&byte| windows_1252(byte)).collect()), RowEncoding::Windows1252),
    }
}

fn windows_1252(byte: u8) -> char {
    // 0x80 to 0x9f, where it differs from Latin-1; five are undefined.
    const HIGH: [char; 32] = [
        '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž', '\u{fffd}',
        '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => HIGH[usize::from(byte - 0x80)],
        other => char::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: Vec<u8>) -> Result<String, ImportError> {
        let mut opened = open(Cursor::new(bytes))?;
        let mut text = String::new();
        opened.bytes.read_to_string(&mut text).map_err(ImportError::Read)?;
        Ok(text)
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(all(b"\xef\xbb\xbfphone\n1".to_vec()).unwrap(), "phone\n1");
    }

    #[test]
    fn utf_16_of_both_kinds_is_read_with_its_pairs() {
        let text = "phone,nama\n0100123456,李 😀\n";
        let little = [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let big = [0xfe, 0xff].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();

        assert_eq!(all(little).unwrap(), text);
        assert_eq!(all(big).unwrap(), text);
    }

    #[test]
    fn torn_utf_16_becomes_a_mark_and_no_error() {
        assert_eq!(all(vec![0xff, 0xfe, 0x41, 0, 0x3d, 0xd8, 0x42, 0, 0x43]).unwrap(), "A\u{fffd}B\u{fffd}");
        assert_eq!(all(vec![0xff, 0xfe, 0x41, 0, 0x3d, 0xd8]).unwrap(), "A\u{fffd}");
    }

    #[test]
    fn what_is_no_text_is_refused_with_what_to_do() {
        assert!(matches!(all(b"PK\x03\x04rest".to_vec()), Err(ImportError::Spreadsheet)));
        for json in ["{\"phone\": 1}\n", "\n[ {\"phone\": 1}]"] {
            assert!(matches!(all(json.into()), Err(ImportError::Json)), "{json}");
        }
        assert!(matches!(all(b"abc\0def".to_vec()), Err(ImportError::NotText { line: 1 })));
        assert!(matches!(all(b"phone\n1\n2\0\n3".to_vec()), Err(ImportError::NotText { line: 3 })));
        for empty in [&b""[..], b"\xef\xbb\xbf", b"\r\n \n", b"\xff\xfe"] {
            assert!(matches!(all(empty.to_vec()), Err(ImportError::Empty)), "{empty:?}");
        }
    }

    #[test]
    fn a_long_file_comes_through_whole() {
        let long = "0100123456,李\n".repeat(20_000);

        assert_eq!(all(long.clone().into_bytes()).unwrap(), long);
        let utf16 = [0xff, 0xfe].into_iter().chain(long.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        assert_eq!(all(utf16).unwrap(), long);
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_western() {
        assert_eq!(decode(b"Zo\xeb \x80"), (Cow::Owned("Zoë €".to_owned()), RowEncoding::Windows1252));
        assert_eq!(decode("Zoë".as_bytes()).1, RowEncoding::Utf8);
    }
}
