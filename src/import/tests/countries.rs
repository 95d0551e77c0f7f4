//! Whose country numbers without a country code are of, and headers in the words of one.

use super::{phones, read, read_by};
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

#[test]
fn an_indonesian_header_names_its_columns() {
    for (header, phone, name) in [
        ("Nama Lengkap,Nomor Telepon,Kota", "Nomor Telepon", "Nama Lengkap"),
        ("Nama Lengkap Pelanggan,No. WA,Nama", "No. WA", "Nama"),
        ("Kode,Nama Lengkap,Nomor HP", "Nomor HP", "Nama Lengkap"),
    ] {
        let row: Vec<_> = header.split(',').map(|title| if title == phone { "0100123456" } else { "Aina" }).collect();

        let read = read(format!("{header}\n{}\n", row.join(",")), "hi {name}").unwrap();

        assert_eq!((read.phone_column.as_str(), read.name_column.as_deref()), (phone, Some(name)), "{header}");
    }
}
