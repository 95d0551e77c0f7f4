//! Whose country numbers without a country code are of, and headers in the words of one.

use super::*;

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

#[test]
fn marketing_leaves_numbers_of_the_united_states_out_and_nobody_else() {
    let list = &b"phone\n+12025550123\n+14165550123\n0100123456\n"[..];
    let content = BlastContent::parse("Hi", None).unwrap();
    let mut file =
        File::open(Table::open(list.into(), FIRST_ROWS).unwrap(), "MY".parse().unwrap(), content, true).unwrap();

    let mut outcomes = Vec::new();
    while let Some(record) = file.rows.next().unwrap() {
        outcomes.push(file.taker.take(&record));
    }

    let rejected: Vec<_> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Rejected(rejection) if rejection.row > 1 => Some((rejection.row, rejection.reason.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(rejected, [(2, Reason::UnitedStates)]);
}
