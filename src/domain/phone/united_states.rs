//! Marketing to numbers of the United States, which Meta does not deliver (131049).

use rlibphonenumber::{PhoneNumber, Region};

/// Whether the area code is one of the United States; those of Canada and the Caribbean have the same country code.
/// `digits` are E.164, without the plus.
pub fn is_united_states(digits: &str) -> bool {
    let Some(area) = digits.strip_prefix('1').filter(|rest| rest.len() == 10).and_then(|rest| rest.get(..3)) else {
        return false;
    };
    // The rest of the number may lie in a range that is not allocated yet: only the area counts.
    let example = PhoneNumber::parse(format!("+1{area}2345678"), None).ok();
    example.and_then(|number| number.get_region_code()) == Some(Region::US)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_area_code_decides() {
        for us in ["16505551234", "12025550123", "12120000000", "19078675309", "18085551234"] {
            assert!(is_united_states(us), "{us}");
        }
        // Canada, Jamaica, the Bahamas, an area that does not exist; other countries; too short.
        for other in
            ["14165551234", "16045551234", "18765551234", "12425551234", "10005551234", "60123456789", "1650555123", ""]
        {
            assert!(!is_united_states(other), "{other}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let _ = (is_united_states(&text), is_united_states(&format!("1{text}")));
        }
    }
}
