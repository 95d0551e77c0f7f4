//! How Meta names a person: by phone, by the other spelling of the same phone, and by a business-scoped user id.

/// Odd, so that multiplication by it can be reversed.
const KEY: u64 = 0x9E37_79B9_7F4A_7C15;
const DIGITS: &[u8; 36] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
/// Enough digits of base 36 for 64 bits.
const LENGTH: usize = 13;

/// The business-scoped user id of a person: the country and letters and digits.
pub fn user_id(phone: u64) -> String {
    let mut rest = phone.wrapping_mul(KEY);
    let mut digits = [b'0'; LENGTH];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[usize::try_from(rest % 36).unwrap_or(0)];
        rest /= 36;
    }
    format!("{}.{}", country(phone), String::from_utf8_lossy(&digits))
}

/// The phone of a user id that [`user_id`] made.
pub fn phone_of(user_id: &str) -> Option<u64> {
    let (_, digits) = user_id.split_once('.')?;
    let value = |digit: u8| DIGITS.iter().position(|known| *known == digit).and_then(|at| u64::try_from(at).ok());
    let scrambled = digits.bytes().try_fold(0_u64, |sum, digit| sum.checked_mul(36)?.checked_add(value(digit)?))?;
    let phone = scrambled.wrapping_mul(inverse(KEY));
    (self::user_id(phone) == user_id).then_some(phone)
}

/// The inverse of an odd number modulo 2^64; each step doubles the number of right bits.
fn inverse(odd: u64) -> u64 {
    (0..6).fold(odd, |inverse, _| inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse))))
}

fn country(phone: u64) -> &'static str {
    let digits = phone.to_string();
    let known = [("60", "MY"), ("62", "ID"), ("65", "SG"), ("55", "BR"), ("52", "MX"), ("54", "AR"), ("1", "US")];
    known.into_iter().find(|(prefix, _)| digits.starts_with(prefix)).map_or("GB", |(_, country)| country)
}

/// The other spelling of a Brazilian, Mexican or Argentinian mobile number, if it has one.
pub fn other_spelling(phone: &str) -> Option<String> {
    let without = |prefix: &str, marker: &str| {
        let rest = phone.strip_prefix(prefix)?;
        (rest.len() == 10).then(|| format!("{marker}{rest}"))
    };
    match (phone.get(..2)?, phone.len()) {
        ("55", 13) if phone.get(4..5) == Some("9") => Some(format!("{}{}", phone.get(..4)?, phone.get(5..)?)),
        ("55", 12) => Some(format!("{}9{}", phone.get(..4)?, phone.get(4..)?)),
        ("52", 13) => without("521", "52"),
        ("52", 12) => without("52", "521"),
        ("54", 13) => without("549", "54"),
        ("54", 12) => without("54", "549"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_leads_back_to_its_person_and_shows_no_phone() {
        for phone in [60_123_456_789, 5_511_987_654_321, 1, 14_165_550_123] {
            let id = user_id(phone);

            assert_eq!(phone_of(&id), Some(phone), "{id}");
            assert!(!id.contains(&phone.to_string()) || phone == 1);
        }
        assert_eq!((phone_of("60123456789"), phone_of("MY.abc"), phone_of("MY.")), (None, None, None));
    }

    #[test]
    fn the_other_spelling_of_the_other_spelling_is_the_number() {
        for (one, other) in
            [("5511987654321", "551187654321"), ("5215512345678", "525512345678"), ("5491123456789", "541123456789")]
        {
            assert_eq!((other_spelling(one).as_deref(), other_spelling(other).as_deref()), (Some(other), Some(one)));
        }
        assert_eq!(other_spelling("60123456789"), None);
    }
}
