//! What a request was, kept so that its idempotency key is not taken for another one. A request may name somebody: its plain hash would
//! confirm a guess of their number. So it is kept under the key of people who were forgotten, on a machine that has one.

use super::forgotten::ForgetKey;

/// SHA-256 of method, address and body: kept as it is, or as a keyed hash behind the key's id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFingerprint(Vec<u8>);

/// How long one without a key is.
const PLAIN: usize = 32;
/// How long the id of a key is.
const ID: usize = 4;

impl RequestFingerprint {
    /// As this machine keeps it.
    pub fn new(hash: [u8; 32], key: Option<&ForgetKey>) -> Self {
        Self(key.map_or_else(|| hash.to_vec(), |key| [&key.short_id()[..], &key.request_hash(&hash)].concat()))
    }

    /// Of a request that nobody can repeat.
    pub fn none() -> Self {
        Self(vec![0; PLAIN])
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether a request with this hash is certainly not the one that was kept. What was dropped since, or was kept under the key of
    /// another machine, cannot be compared.
    pub fn differs(kept: Option<&[u8]>, hash: [u8; 32], key: Option<&ForgetKey>) -> bool {
        let Some(kept) = kept else { return false };
        if kept.len() == PLAIN {
            return kept != hash;
        }
        let own = key.filter(|key| kept.starts_with(&key.short_id()) && kept.len() == ID + PLAIN);
        own.is_some_and(|_| kept != Self::new(hash, own).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn differs(kept: &RequestFingerprint, hash: u8, key: Option<&ForgetKey>) -> bool {
        RequestFingerprint::differs(Some(kept.as_bytes()), [hash; 32], key)
    }

    #[test]
    fn another_request_is_told_from_the_one_that_was_kept_with_a_key_and_without() {
        let key = ForgetKey::new([7; 32]);
        for key in [None, Some(&key)] {
            let kept = RequestFingerprint::new([1; 32], key);
            assert!(!differs(&kept, 1, key) && differs(&kept, 2, key));
        }
    }

    #[test]
    fn what_cannot_be_compared_is_taken_for_the_same_request() {
        let (own, other) = (ForgetKey::new([7; 32]), ForgetKey::new([8; 32]));
        let kept = RequestFingerprint::new([1; 32], Some(&other));

        assert!(!differs(&kept, 2, Some(&own)) && !differs(&kept, 2, None));
        assert!(!RequestFingerprint::differs(None, [2; 32], Some(&own)));
        assert!(differs(&RequestFingerprint::new([1; 32], None), 2, Some(&own)), "one from before the key");
    }

    #[test]
    fn under_a_key_nothing_of_the_plain_hash_is_left() {
        let kept = RequestFingerprint::new([1; 32], Some(&ForgetKey::new([7; 32])));

        assert!(!kept.as_bytes().windows(4).any(|window| window == [1; 4]), "{kept:?}");
    }
}
