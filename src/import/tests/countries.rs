//! Whose country numbers without a country code are of.

use super::{phones, read_by};
use crate::domain::content::BlastContent;
use crate::domain::list_columns::ChosenColumns;

#[test]
fn numbers_without_a_country_code_are_of_the_country_that_was_chosen() {
    let list = "phone,name\n0812-3456-7890,Budi\n+60123456789,Aina\n";
    let content = BlastContent::parse("Hi {name}", None).unwrap();

    let malaysian = read_by(list, content.clone(), ChosenColumns::default()).unwrap();
    let indonesian = ChosenColumns { country: "ID".parse().ok(), ..ChosenColumns::default() };
    let indonesian = read_by(list, content, indonesian).unwrap();

    assert_eq!(phones(&malaysian), ["+60123456789"]);
    assert_eq!(phones(&indonesian), ["+6281234567890", "+60123456789"]);
}
