//! The picture that buyers send, such as a payment slip: its id in webhooks, and its two calls.

use serde_json::{Value, json};

/// A PNG of one pixel.
pub const PNG: &[u8] =
    b"\x89PNG\x0d\x0a\x1a\x0a\x00\x00\x00\x0dIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\
    \x15\xc4\x89\x00\x00\x00\x0dIDATx\xdacd\xf8\xcfP\x0f\x00\x03\x86\x01\x80Z4}k\x00\x00\x00\x00IEND\xae\
    B`\x82";
/// Its digest, as webhooks write it.
pub const DIGEST: &str = "a3+kNPkqi4CqsC2b8aEuSf/K5CTkATocT2i2fj0rvNA=";
/// The same, as the call for a file writes it.
const HEX_DIGEST: &str = "6b7fa434f92a8b80aab02d9bf1a12e49ffcae424e4013a1c4f68b67e3d2bbcd0";
/// Ids of pictures lie from here up to the next power of ten.
const FIRST: u64 = 100_000_000_000_000_000;

/// The id of the picture in a person's nth reply.
pub fn id(phone: u64, nth: u32) -> String {
    (FIRST + phone % 10_000_000_000_000 * 1_000 + u64::from(nth % 1_000)).to_string()
}

/// Whether this is the id of a picture.
pub fn is_picture(id: &str) -> bool {
    id.parse::<u64>().is_ok_and(|id| (FIRST..10 * FIRST).contains(&id))
}

/// `GET /{media_id}`: where the file is. The address needs the token, too.
pub fn described(id: &str, host: &str) -> Value {
    json!({
        "messaging_product": "whatsapp",
        "url": format!("http://{host}{ATTACHMENTS}?mid={id}"),
        "mime_type": "image/png",
        "sha256": HEX_DIGEST,
        "file_size": PNG.len(),
        "id": id,
    })
}

/// The path of files.
pub const ATTACHMENTS: &str = "/whatsapp_business/attachments";

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_digest_is_that_of_the_picture() {
        for (place, byte) in Sha256::digest(PNG).iter().enumerate() {
            assert_eq!(HEX_DIGEST[2 * place..2 * place + 2], format!("{byte:02x}"));
        }
        assert!(is_picture(&id(60_123_456_789, 1)) && !is_picture("106540352242922"));
    }
}
