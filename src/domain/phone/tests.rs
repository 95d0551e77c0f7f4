use proptest::prelude::*;

use super::*;

fn region(code: &str) -> Region {
    code.parse().unwrap()
}

fn read(text: &str, code: &str) -> Result<String, PhoneError> {
    Phone::parse(text, region(code)).map(|phone| phone.as_str().to_owned())
}

/// Every one of these is the same invented person.
const SPELLINGS: [&str; 34] = [
    "+60100123456",
    "60100123456",
    "0100123456",
    "100123456",
    "010-012 3456",
    "010-0123456",
    "010.012.3456",
    "(010) 012-3456",
    "010/0123456",
    "+60 10-012 3456",
    "+60 (0)10-012 3456",
    "(+60) 10 012 3456",
    "++60100123456",
    "0060100123456",
    "00 60 10 012 3456",
    "+60\u{a0}10\u{2011}012\u{202f}3456",
    "\u{202a}+60 10-012 3456\u{202c}",
    "\u{feff}0100123456",
    "０１０ー０１２３４５６",
    "＋６０１００１２３４５６",
    "٠١٠٠١٢٣٤٥٦",
    "tel:+60-10-012-3456",
    "TEL:0100123456",
    "whatsapp:+60100123456",
    "whatsapp:60100123456",
    "60100123456@s.whatsapp.net",
    "60100123456:12@s.whatsapp.net",
    "60100123456@c.us",
    "https://wa.me/60100123456?text=hi",
    "wa.me/60100123456",
    "60100123456.0",
    "60100123456.00",
    "'0100123456",
    "=\"0100123456\"",
];

#[test]
fn every_spelling_of_one_person_comes_to_one_number() {
    for text in SPELLINGS {
        assert_eq!(read(text, "MY").as_deref(), Ok("+60100123456"), "{text:?}");
    }
}

#[test]
fn digits_with_their_country_code_but_no_plus_are_international_at_home() {
    let cases = [
        ("60123456789", "MY", "+60123456789"),
        ("601112345678", "MY", "+601112345678"),
        ("60312345678", "MY", "+60312345678"),
        ("6082123456", "MY", "+6082123456"),
        ("6281234567890", "ID", "+6281234567890"),
        ("628123456789", "ID", "+628123456789"),
        ("62811234567", "ID", "+62811234567"),
        ("6591234567", "SG", "+6591234567"),
        ("12015550123", "US", "+12015550123"),
        ("5511912345678", "BR", "+5511912345678"),
        ("551132345678", "BR", "+551132345678"),
    ];
    for (text, code, expected) in cases {
        assert_eq!(read(text, code).as_deref(), Ok(expected), "{text} in {code}");
        assert_eq!(read(&format!("+{text}"), code).as_deref(), Ok(expected), "+{text} in {code}");
        assert_eq!(read(&format!("00{text}"), code).as_deref(), Ok(expected), "00{text} in {code}");
    }
}

#[test]
fn national_numbers_belong_to_the_region() {
    let cases = [
        ("012-345 6789", "MY", "+60123456789"),
        ("0812-3456-7890", "ID", "+6281234567890"),
        ("9123 4567", "SG", "+6591234567"),
        ("(201) 555-0123", "US", "+12015550123"),
        ("1 201 555 0123", "US", "+12015550123"),
        ("011 60 12 345 6789", "US", "+60123456789"),
        ("(11) 91234-5678", "BR", "+5511912345678"),
        ("(55) 99123-4567", "BR", "+5555991234567"),
        ("55 3234-5678", "BR", "+555532345678"),
        ("391 234 5678", "IT", "+393912345678"),
        ("06 698 12345", "IT", "+390669812345"),
        ("09 12 34 56 78", "CI", "+2250912345678"),
        ("0039 06 1234 5678", "MY", "+390612345678"),
    ];
    for (text, code, expected) in cases {
        assert_eq!(read(text, code).as_deref(), Ok(expected), "{text} in {code}");
    }
}

#[test]
fn a_neighbours_number_without_its_plus_is_recognised_where_it_cannot_be_ours() {
    assert_eq!(read("6591234567", "MY").as_deref(), Ok("+6591234567"));
    assert_eq!(read("6281234567890", "MY").as_deref(), Ok("+6281234567890"));
    assert_eq!(read("60123456789", "SG").as_deref(), Ok("+60123456789"));
}

#[test]
fn a_number_in_no_allocated_range_is_accepted_when_its_length_is_possible() {
    let phone = Phone::parse("010-012 3456", region("MY")).unwrap();

    assert_eq!(phone.digits(), "60100123456");
    assert!(!phone.is_valid_pattern());
    assert!(Phone::parse("012-345 6789", region("MY")).unwrap().is_valid_pattern());
}

#[test]
fn a_person_with_two_spellings_keeps_the_one_that_was_typed() {
    for text in
        ["+5215512345678", "+525512345678", "+5548987654321", "+554887654321", "+5491123456789", "+541123456789"]
    {
        for code in ["MY", "MX", "BR", "AR"] {
            let phone = Phone::parse(text, region(code)).unwrap();
            assert_eq!(phone.as_str(), text, "in {code}");
            assert_eq!(Phone::parse(&phone.to_string(), region(code)).as_ref(), Ok(&phone), "{phone} in {code}");
            assert_eq!(read(&format!("{}@s.whatsapp.net", phone.digits()), code).as_deref(), Ok(text), "in {code}");
        }
    }
    assert_eq!(Phone::parse("+5215512345678", region("MY")).unwrap().to_string(), "+52 1 55 1234 5678");
    assert_eq!(read("5215512345678", "MX").as_deref(), Ok("+5215512345678"));
}

#[test]
fn what_whatsapp_writes_always_carries_its_country_code() {
    for text in ["whatsapp:60100123456", "wa.me/60100123456", "60100123456@s.whatsapp.net"] {
        assert_eq!(read(text, "SG").as_deref(), Ok("+60100123456"), "{text}");
    }
    assert_eq!(read("whatsapp:0100123456", "MY").as_deref(), Ok("+60100123456"));
}

#[test]
fn spreadsheet_damage_is_named_as_such() {
    for text in ["6.01E+10", "6,01E+10", "6.0123456789E+10", "6E10", "6.01e+10", " 6.01E+10 "] {
        assert_eq!(read(text, "MY"), Err(PhoneError::Scientific), "{text}");
    }
    for text in ["#########", "#REF!", "#N/A"] {
        assert_eq!(read(text, "MY"), Err(PhoneError::SpreadsheetError), "{text}");
    }
    for text in ["2026-12-01", "2026-12-01 09:30", "2026-12-01T09:30:00Z"] {
        assert_eq!(read(text, "MY"), Err(PhoneError::Date), "{text}");
    }
    for text in ["0123-45-6789", "010-012-3456", "2026-13-01"] {
        assert_ne!(read(text, "MY"), Err(PhoneError::Date), "{text}");
    }
    let sentence = PhoneError::Scientific.to_string();
    assert_eq!(sentence, "lost by the spreadsheet: format the column as text and export again");
}

#[test]
fn a_measure_is_no_phone_number_and_a_spelling_with_dots_is_one() {
    for text in ["60123456711.5", "60123456722.75", "+60123456711.5", "60123456711,5", "60123456.789", "0.123456789"] {
        assert_eq!(read(text, "MY"), Err(PhoneError::Fraction), "{text}");
    }
    for text in ["-60123456712", "\u{2212}60123456712", "-60123456712.5", "-12.5", " -0123456789 "] {
        assert_eq!(read(text, "MY"), Err(PhoneError::Negative), "{text}");
    }
    for (text, code, expected) in [
        ("012.345.6789", "MY", "+60123456789"),
        ("012.3456789", "MY", "+60123456789"),
        ("+60.12.345.6711", "MY", "+60123456711"),
        ("+60.123456711", "MY", "+60123456711"),
        ("60.123456711", "MY", "+60123456711"),
        ("0171.1234567", "DE", "+491711234567"),
        ("0049171.1234567", "DE", "+491711234567"),
        ("+49 30.123456", "DE", "+4930123456"),
        ("60123456720.0", "MY", "+60123456720"),
        ("- 012-345 6789", "MY", "+60123456789"),
    ] {
        assert_eq!(read(text, code).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn what_is_no_number_says_why() {
    let cases = [
        ("", PhoneError::Empty),
        ("  \u{200b} ", PhoneError::Empty),
        ("-", PhoneError::Empty),
        ("Aina", PhoneError::NoDigits),
        ("1-800-FLOWERS", PhoneError::NotDigits('F')),
        ("010-012 3456 ext 5", PhoneError::NotDigits('e')),
        ("aina@kedai.my", PhoneError::NotDigits('@')),
        ("*120#", PhoneError::NotDigits('*')),
        ("1", PhoneError::TooShort),
        ("12345", PhoneError::TooShort),
        ("012-345", PhoneError::TooShort),
        ("012 345 44", PhoneError::TooShort),
        ("+60 012 345 44", PhoneError::TooShort),
        ("+6012", PhoneError::TooShort),
        ("+601234567890123", PhoneError::TooLong),
        ("01234567890123456789", PhoneError::TooLong),
        ("+999123456789", PhoneError::NoSuchCountry),
        ("010-012 3456 / 010-012 3457", PhoneError::Several),
        ("0100123456, 0100123457", PhoneError::Several),
        ("0100123456\n0100123457", PhoneError::Several),
        ("123456789012345@lid", PhoneError::PrivacyId),
        ("120363012345678901@g.us", PhoneError::NotAPerson),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text, "MY"), Err(expected), "{text:?}");
    }
    assert_eq!(read("555-0123", "US"), Err(PhoneError::TooShort));
}

#[test]
fn a_length_that_no_number_of_the_country_has_is_refused_and_one_that_some_have_is_taken() {
    for (text, expected) in [
        ("+1 212 555 012", PhoneError::TooShort),
        ("+1 212 555 01234", PhoneError::TooLong),
        ("+62 812345", PhoneError::TooShort),
        ("+65 13579", PhoneError::TooShort),
    ] {
        assert_eq!(read(text, "MY"), Err(expected), "{text}");
    }
    for (text, is_unusual) in [("+44 7911 12345", true), ("+44 7911 123456", false), ("+60 10 000 035", false)] {
        let phone = Phone::parse(text, region("MY")).unwrap();
        assert_eq!(phone.has_unusual_length(), is_unusual, "{text}: only beside a range that is known");
    }
}

#[test]
fn a_text_without_end_is_refused_without_being_read() {
    assert_eq!(read(&"0100123456 ".repeat(100_000), "MY"), Err(PhoneError::TooLong));
}

#[test]
fn it_prints_as_whatsapp_prints_it() {
    assert_eq!(Phone::parse("0123456789", region("MY")).unwrap().to_string(), "+60 12-345 6789");
    assert_eq!(Phone::parse("+12015550123", region("MY")).unwrap().to_string(), "+1 201-555-0123");
    assert_eq!(format!("{:>17}|", Phone::parse("0123456789", region("MY")).unwrap()), "  +60 12-345 6789|");
}

#[test]
fn what_the_database_holds_is_trusted_but_printed_clean() {
    let odd: Phone = serde_json::from_str("\"\\u001b[2Jodd\"").unwrap();

    assert_eq!(odd.to_string(), "[2Jodd");
    assert_eq!(serde_json::to_string(&odd).unwrap(), "\"\\u001b[2Jodd\"");
}

#[test]
fn a_region_is_two_letters_of_a_country_with_phones() {
    assert_eq!(region(" my ").to_string(), "MY");
    for text in ["", "M", "MYS", "ZZ", "001", "Malaysia", "\u{1b}["] {
        assert!(text.parse::<Region>().is_err(), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic_and_whatever_comes_is_e164(text in any::<String>()) {
        if let Ok(phone) = Phone::parse(&text, region("MY")) {
            prop_assert!(phone.as_str().starts_with('+'));
            prop_assert!(phone.digits().len() <= DIGITS_MAX);
            prop_assert!(phone.digits().bytes().all(|b| b.is_ascii_digit()));
        }
    }

    #[test]
    fn text_that_looks_like_numbers_survives_being_printed_and_read_again(
        text in "[+0-9 ().\\-]{0,24}",
        code in prop::sample::select(vec!["MY", "ID", "SG", "US", "BR", "IT", "DE", "AU", "MX"]),
    ) {
        if let Ok(phone) = Phone::parse(&text, region(code)) {
            prop_assert_eq!(Phone::parse(phone.as_str(), region(code)), Ok(phone.clone()));
            prop_assert_eq!(Phone::parse(&phone.to_string(), region(code)), Ok(phone.clone()));
            prop_assert!(!phone.to_string().contains(char::is_control));
        }
    }

    #[test]
    fn malaysian_mobiles_come_to_the_same_number_in_every_spelling(subscriber in 1_000_000u32..10_000_000) {
        let expected = format!("+6010{subscriber}");
        for text in [format!("010{subscriber}"), format!("6010{subscriber}"), format!("10{subscriber}"),
                     format!("006010{subscriber}"), format!("6010{subscriber}.0")] {
            let read = read(&text, "MY");
            prop_assert_eq!(read.as_deref(), Ok(expected.as_str()));
        }
    }
}

#[test]
fn the_code_that_a_spelling_lacks_is_known() {
    let missing = |written: &str| Phone::parse(written, Region::MALAYSIA).unwrap().code_that_is_missing_in(written);

    for local in ["012-345 6789", "(012) 3456789", "123456789", "0812 345 678"] {
        assert_eq!(missing(local).as_deref(), Some("+60"), "{local}");
    }
    assert_eq!(missing("٠١٢٣٤٥٦٧٨٩").as_deref(), Some("+60"), "digits of another script are digits, too");
    for whole in ["+60 12-345 6789", "60123456789", "0060123456789", "+62 812 3456 7001"] {
        assert_eq!(missing(whole), None, "{whole}");
    }
}
