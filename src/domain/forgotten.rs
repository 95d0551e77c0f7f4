//! People who asked to be forgotten: what stands for their number in rows that go on counting, and the keyed hash of it that stays among
//! the opt-outs. The hash alone would be no protection: a country's numbers are tried in seconds. So it has a key, which is kept
//! outside of the database.

mod answer;
mod pattern;
mod words;

use std::collections::HashSet;
use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::phone::{PersonKey, Phone};
use super::text::hex;

pub use answer::AnswerWords;
pub use pattern::NumberPatterns;
pub use words::WordsFate;

/// What the stand-in of a number begins with. No number does.
pub const STAND_IN: &str = "forgotten-";

/// What a keyed hash among the opt-outs begins with.
pub const HASH: &str = "forgotten:";

/// What takes the place of the number with this place among those that were forgotten.
pub fn stand_in(place: i64) -> String {
    format!("{STAND_IN}{place}")
}

/// Whether somebody of this number is a person who was forgotten.
pub fn is_forgotten(number: &str) -> bool {
    number.starts_with(STAND_IN) || number.starts_with(HASH)
}

/// What a person reads in place of a number that stands for somebody who was forgotten: their stand-in, or the hash.
pub fn in_words(number: &str) -> Option<String> {
    let known = number.starts_with(STAND_IN).then(|| format!("forgotten person ({number})"));
    known.or_else(|| number.starts_with(HASH).then(|| "forgotten person".to_owned()))
}

/// Names of things without somebody's number, one for each as `(forgotten)` stands in it: numbered where another is called so already.
pub fn names_without(names: Vec<String>, taken: Vec<String>) -> Vec<String> {
    let mut taken: HashSet<String> = taken.into_iter().collect();
    let mut free = |name: String| {
        let mut own = name.clone();
        for number in 2_u64.. {
            if taken.insert(own.clone()) {
                break;
            }
            own = name.replacen("(forgotten)", &format!("(forgotten {number})"), 1);
        }
        own
    };
    names.into_iter().map(&mut free).collect()
}

/// The longest name of a list, in characters.
pub const LIST_NAME_MAX: usize = 40;

/// The same of names of lists, in which `forgotten` stands alone: no two are called alike in whatever capitals, and each is one that a list may
/// have.
pub fn list_names_without(names: Vec<String>, taken: &[String]) -> Vec<String> {
    let mut taken: HashSet<String> = taken.iter().map(|name| name.to_lowercase()).collect();
    let mut free = |name: String| {
        let mut own = (1_u64..).map(|number| list_name(&name, number));
        own.find(|own| taken.insert(own.to_lowercase())).unwrap_or_else(|| name.clone())
    };
    names.into_iter().map(&mut free).collect()
}

fn list_name(name: &str, number: u64) -> String {
    let end = if number == 1 { String::new() } else { format!("-{number}") };
    name.chars().take(LIST_NAME_MAX - end.len()).chain(end.chars()).collect()
}

/// The key of a machine's hashes: 32 random bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct ForgetKey([u8; 32]);

impl ForgetKey {
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// As its file has it: 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return None;
        }
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(Self(bytes))
    }

    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    /// Identifies a key without revealing it: eight hexadecimal digits.
    pub fn id(&self) -> String {
        hex(&self.short_id())
    }

    /// The same as bytes.
    pub fn short_id(&self) -> [u8; 4] {
        let [a, b, c, d, ..]: [u8; 32] = Sha256::digest(self.0).into();
        [a, b, c, d]
    }

    /// What stands among the opt-outs for a person: `forgotten:`, the key's id, and HMAC-SHA256 of the person's key.
    pub fn opt_out(&self, person: PersonKey) -> String {
        self.keyed(&person.to_string())
    }

    /// What stands for the key of a request that named somebody: the same request is still known when it comes again.
    pub fn request(&self, key: &str) -> String {
        // No number begins so: the hash of a key that is a number is not the one of its person.
        self.keyed(&format!("request {key}"))
    }

    /// What stands for the hash of a request, which may have named somebody.
    pub fn request_hash(&self, hash: &[u8; 32]) -> [u8; 32] {
        self.mac(&[b"request hash ", &hash[..]].concat())
    }

    fn keyed(&self, text: &str) -> String {
        format!("{HASH}{}:{}", self.id(), hex(&self.mac(text.as_bytes())))
    }

    fn mac(&self, bytes: &[u8]) -> [u8; 32] {
        // A key of 32 bytes is a length that HMAC takes.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 32] };
        mac.update(bytes);
        mac.finalize().into_bytes().into()
    }
}

impl fmt::Debug for ForgetKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ForgetKey({})", self.id())
    }
}

/// People whom no list may add again.
#[derive(Debug, Default)]
pub struct ForgottenPeople {
    key: Option<ForgetKey>,
    hashes: HashSet<String>,
}

/// People were forgotten whom this machine cannot recognize.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{people} of the opt-outs are keyed hashes of people who asked to be forgotten, and this machine does not have their key {keys}"
)]
pub struct MissingForgetKey {
    pub people: usize,
    /// The ids of the keys that are missing, with commas between them.
    pub keys: String,
}

impl ForgottenPeople {
    /// By the keyed hashes among the opt-outs, and this machine's key.
    ///
    /// # Errors
    /// One of them was made with another key: whoever it stands for could not be recognized.
    pub fn new(key: Option<ForgetKey>, hashes: Vec<String>) -> Result<Self, MissingForgetKey> {
        match Self::recognized(key, hashes) {
            (people, None) => Ok(people),
            (_, Some(missing)) => Err(missing),
        }
    }

    /// Those whom this machine's key recognizes, and who is left.
    pub fn recognized(key: Option<ForgetKey>, hashes: Vec<String>) -> (Self, Option<MissingForgetKey>) {
        let own = key.as_ref().map(|key| format!("{HASH}{}:", key.id()));
        let is_own = |hash: &String| own.as_ref().is_some_and(|own| hash.starts_with(own));
        let (own_hashes, others): (Vec<_>, Vec<_>) = hashes.into_iter().partition(is_own);
        let id = |hash: &String| hash.split(':').nth(1).unwrap_or_default().to_owned();
        let mut keys: Vec<_> = others.iter().map(id).collect();
        keys.sort_unstable();
        keys.dedup();
        let missing = (!others.is_empty()).then(|| MissingForgetKey { people: others.len(), keys: keys.join(", ") });
        (Self { key, hashes: own_hashes.into_iter().collect() }, missing)
    }

    /// Whether nobody was.
    pub fn is_nobody(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Whether this number is one of somebody who was forgotten.
    pub fn has(&self, phone: &Phone) -> bool {
        !self.hashes.is_empty() && phone.key().is_some_and(|person| self.has_person(person))
    }

    /// The same of a person.
    pub fn has_person(&self, person: PersonKey) -> bool {
        let hash = self.key.as_ref().filter(|_| !self.hashes.is_empty()).map(|key| key.opt_out(person));
        hash.is_some_and(|hash| self.hashes.contains(&hash))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> ForgetKey {
        ForgetKey::new([byte; 32])
    }

    fn phone(text: &str) -> Phone {
        Phone::parse(text, "MY".parse().unwrap()).unwrap()
    }

    #[test]
    fn a_person_is_recognized_in_either_spelling_and_nobody_else_is() {
        let hash = key(1).opt_out(phone("+5548987654321").key().unwrap());

        let forgotten = ForgottenPeople::new(Some(key(1)), vec![hash.clone()]).unwrap();

        assert!(forgotten.has(&phone("+554887654321")) && forgotten.has(&phone("+5548987654321")));
        assert!(!forgotten.has(&phone("+60100123456")));
        assert!(!hash.contains("87654321") && is_forgotten(&hash) && is_forgotten(&stand_in(7)));
        assert!(!is_forgotten("+60100123456"));
    }

    #[test]
    fn names_that_differed_are_not_called_alike_without_the_number() {
        let names = ["A(forgotten)", "A(forgotten)", "A(forgotten)-B"].map(str::to_owned).to_vec();
        let taken = vec!["A(forgotten 2)".to_owned(), "A(forgotten)-B".to_owned()];

        assert_eq!(names_without(names, taken), ["A(forgotten)", "A(forgotten 3)", "A(forgotten 2)-B"]);
    }

    #[test]
    fn names_of_lists_are_as_long_as_they_may_be_and_differ_in_more_than_capitals() {
        let long = format!("forgotten-{}", "x".repeat(31));
        let names = ["forgotten", "Forgotten", &long, &long].map(str::to_owned).to_vec();

        let own = list_names_without(names, &["FORGOTTEN-2".to_owned()]);

        let cut = |most: usize| long.chars().take(most).collect::<String>();
        assert_eq!(own, ["forgotten".to_owned(), "Forgotten-3".to_owned(), cut(40), cut(38) + "-2"]);
    }

    #[test]
    fn a_hash_of_another_key_is_refused_and_not_passed_over() {
        let hash = key(1).opt_out(phone("+60100123456").key().unwrap());

        for own in [None, Some(key(2))] {
            let refused = ForgottenPeople::new(own, vec![hash.clone()]).unwrap_err();
            assert_eq!(refused, MissingForgetKey { people: 1, keys: key(1).id() });
        }
        let own = key(2).opt_out(phone("+60100123457").key().unwrap());
        let (known, missing) = ForgottenPeople::recognized(Some(key(2)), vec![hash.clone(), own]);
        assert!(known.has(&phone("+60100123457")) && !known.has(&phone("+60100123456")));
        assert_eq!(missing, Some(MissingForgetKey { people: 1, keys: key(1).id() }));
        assert!(ForgottenPeople::new(None, Vec::new()).is_ok());
    }

    #[test]
    fn a_key_is_read_back_from_its_file_and_never_printed() {
        assert_eq!(ForgetKey::from_hex(&format!("{}\n", key(171).to_hex())), Some(key(171)));
        for wrong in ["", "ab", &"g".repeat(64), &"é".repeat(32)] {
            assert_eq!(ForgetKey::from_hex(wrong), None, "{wrong}");
        }
        assert!(!format!("{:?}", key(171)).contains("abab"));
    }
}
