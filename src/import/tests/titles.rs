//! What stands in a list beside its people: titles, and what an export put before names.

use super::{Reason, phones, read, read_by, reasons};
use crate::domain::content::{BlastContent, MessageContent};
use crate::domain::list_columns::{ChosenColumns, ChosenName};
use crate::domain::phone::PhoneError;

#[test]
fn a_title_above_the_header_is_no_header() {
    let list = "No. HP,Nama,Produk\n0123456701,Aina,K1\n0123456702,Badrul,\n";
    let titles = ["", "Senarai pelanggan November\n", "Senarai pelanggan,,\n\n", "WhatsApp blast\n,Kedai,\n"];
    for title in titles {
        let read = read(format!("{title}{list}"), "Hi {nama}, {produk|-}").unwrap();

        assert_eq!(phones(&read), ["+60123456701", "+60123456702"], "{title:?}");
        assert_eq!((&*read.phone_column, read.name_column.as_deref()), ("No. HP", Some("Nama")), "{title:?}");
    }
    let by_semicolons = read("Senarai, November\nTelefon;Nama\n0123456701;Aina\n", "Hi {name}").unwrap();
    assert_eq!(phones(&by_semicolons), ["+60123456701"]);
}

#[test]
fn a_title_of_names_in_two_languages_is_one_and_a_name_of_something_else_is_not() {
    for (title, is_name) in [
        ("Nama / 姓名", true),
        ("Name (姓名)", true),
        ("Nama Penuh|Full Name", true),
        ("Name / Company", false),
        ("Nama (produk)", false),
    ] {
        let read = read(format!("{title},Telefon / 电话\nAina,0123456701\n"), "Hi").unwrap();
        assert_eq!((read.name_column.is_some(), phones(&read)), (is_name, vec!["+60123456701"]), "{title}");
    }
}

#[test]
fn a_lone_header_and_a_lone_number_are_no_titles() {
    for (list, row) in [("phone\n0123456701,Aina\n", 2), ("0123456701\nphone,name\n", 2)] {
        let read = read(list, "Hi").unwrap();
        assert_eq!(reasons(&read).first().map(|of| of.0), Some(row), "{list:?}");
    }
}

#[test]
fn an_export_that_is_read_again_has_the_names_that_were_exported() {
    let list = "phone,name\n0123456701,'=SUM(A1)\n0123456702,'+Plus\n0123456703,'Aina'\n";
    let read = read(list, "Hi {name}").unwrap();

    let names: Vec<_> = read.people.iter().map(|person| person.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["=SUM(A1)", "+Plus", "'Aina'"]);
}

#[test]
fn a_first_row_whose_number_cannot_be_read_is_a_person_and_no_header() {
    for (list, value) in [
        ("Ali,6.01E+10\nBen,0123456702\n", "6.01E+10"),
        ("Ali,01234567\nBen,0123456702\nChe,+60123456703\n", "01234567"),
        ("Ali,####\nBen,0123456702\n", "####"),
        ("Ali,0123456701 / 0123456709\nBen,0123456702\n", "0123456701 / 0123456709"),
    ] {
        let read = read(list, "Hi {name}").unwrap();

        let rejected: Vec<_> = reasons(&read).into_iter().map(|(row, column, value, _)| (row, column, value)).collect();
        assert_eq!(rejected, [(1, "column 2", value)], "{list:?}");
        assert_eq!(read.people[0].name.as_deref(), Some("Ben"), "{list:?}");
    }
}

#[test]
fn a_first_row_whose_number_has_a_letter_in_it_or_is_not_there_is_a_person_and_no_header() {
    for number in [
        "6O123456701",
        "60123456701x",
        "6012345670l",
        "tel 60123456701",
        "mobile 0123456701",
        "60 12-345 6701 (Ali)",
        "01x3456701",
        "?",
        "n/a",
        "-",
    ] {
        let read = read(format!("Ali,{number}\nBen,0123456702\nChe,0123456703\n"), "Hi {name}").unwrap();

        let rejected: Vec<_> = reasons(&read).into_iter().map(|(row, column, value, _)| (row, column, value)).collect();
        assert_eq!(rejected, [(1, "column 2", number)], "{number:?}");
        assert_eq!(phones(&read), ["+60123456702", "+60123456703"], "{number:?}");
        assert_eq!(read.people[0].name.as_deref(), Some("Ben"), "{number:?}");
    }
    let alone = read("6O123456701\n0123456702\n0123456703\n", "Hi").unwrap();
    assert_eq!((phones(&alone).len(), reasons(&alone)[0].0, reasons(&alone)[0].2), (2, 1, "6O123456701"));
    let with_reasons = read("Ali,6O123456701,STOP\nBen,0123456702,stop\nChe,0123456703,\n", "Hi").unwrap();
    let rejected: Vec<_> =
        reasons(&with_reasons).into_iter().map(|(row, column, value, _)| (row, column, value)).collect();
    assert_eq!(
        rejected,
        [(1, "column 2", "6O123456701"), (2, "column 3", "stop")],
        "STOP is no title here, but a wish"
    );
    assert_eq!(phones(&with_reasons), ["+60123456703"]);
}

#[test]
fn what_stands_beside_an_unreadable_number_is_no_title_for_a_word_in_it() {
    for (number, beside) in [
        ("6O123456701", "iPhone 15"),
        ("6O123456701", "ali@tmobile.com"),
        ("6O123456701", "Wisma Telefon"),
        ("?", "iPhone 15"),
        ("2025-12-31", "iPhone 15"),
    ] {
        let list = format!("Ali,{number},{beside}\nBen,0123456702,Galaxy S24\nChe,0123456703,Redmi 13\n");

        let read = read(list, "Hi {name}").unwrap();

        let rejected: Vec<_> = reasons(&read).into_iter().map(|(row, column, value, _)| (row, column, value)).collect();
        assert_eq!(rejected, [(1, "column 2", number)], "{beside}");
        assert_eq!(read.people[0].name.as_deref(), Some("Ben"), "{beside}");
    }
}

#[test]
fn a_header_with_an_example_or_no_word_above_the_numbers_is_a_header_and_its_stop_column_holds() {
    for title in ["Phone (e.g. 60123456789)", "Reach us: 60123456789", "Updated 31/12/2025", "?", "-", ""] {
        let read = read(format!("name,\"{title}\",stop\nAina,0123456701,yes\nBen,0123456702,\n"), "Hi {name}").unwrap();

        assert_eq!(phones(&read), ["+60123456702"], "{title:?}");
        assert_eq!(reasons(&read), [(2, "stop", "yes", Reason::OptedOut)], "{title:?}");
    }
}

#[test]
fn a_title_with_a_digit_in_it_is_a_header() {
    for title in ["HP 2", "No. 1 (2026)", "2", "Tel (60123)", ""] {
        let read = read(format!("who,{title}\nBen,0123456702\n"), "Hi").unwrap();

        assert_eq!((phones(&read), read.rejected.total), (vec!["+60123456702"], 0), "{title:?}");
    }
}

#[test]
fn a_header_with_a_date_or_years_in_it_is_a_header_and_its_stop_column_holds() {
    for title in ["31/12/2025", "15/11/2026", "2025/2026", "2025-2026", "20251231"] {
        for phone in ["phone", "reach"] {
            let list = format!("{phone},name,stop,{title}\n0123456701,Aina,yes,\n0123456702,Ben,,120.00\n");

            let read = read(list, "Hi {name}").unwrap();

            assert_eq!((phones(&read), read.phone_column.as_str()), (vec!["+60123456702"], phone), "{title}");
            assert_eq!(reasons(&read), [(2, "stop", "yes", Reason::OptedOut)], "{title}");
        }
    }
}

#[test]
fn a_date_or_years_as_the_title_of_the_phones_is_a_header_and_its_stop_column_holds() {
    for title in ["31/12/2025", "2025-12-31", "2025/2026", "2025-2026", "2025-26", "20251231", "2025"] {
        for beside in ["Name", "Order 2025"] {
            let list = format!("{beside},{title},stop\nAina,0123456701,yes\nBen,0123456702,\n");

            let read = read(list, "Hi").unwrap();

            assert_eq!((phones(&read), read.phone_column.as_str()), (vec!["+60123456702"], title), "{beside}");
            assert_eq!(reasons(&read), [(2, "stop", "yes", Reason::OptedOut)], "{title}, {beside}");
        }
    }
}

#[test]
fn a_date_in_any_spelling_above_the_phones_is_a_title_and_its_stop_column_holds() {
    for title in [
        "12/2025",
        "31 / 12 / 2025",
        "31/12/2025-02/01/2026",
        "31122025",
        "'31/12/2025",
        "31|12|2025",
        "31.12.2025",
        "31-12-25",
        "31-Dec-2025",
        "1-31/12/2025",
        "2025/26",
        "2025 / 2026",
        "202512",
        "31/12/2025 09:15 (1)",
    ] {
        for beside in ["Name", "Order 2025"] {
            let list = format!("{title},{beside},Stop\n01234568111,Aina,yes\n01234568112,Ben,\n");

            let read = read(list, "Hi").unwrap();

            assert_eq!((phones(&read), reasons(&read).len()), (vec!["+601234568112"], 1), "{title}, {beside}");
            assert_eq!(reasons(&read)[0], (2, "Stop", "yes", Reason::OptedOut), "{title}, {beside}");
        }
    }
}

#[test]
fn digits_above_the_phones_are_a_title_beside_one_of_names_unless_they_are_a_known_number() {
    for title in ["12345678", "60100", "2025-26-27", "6O123456701", "01234567"] {
        let read = read(format!("{title},Nama\n0123456701,Aina\n0123456702,Ben\n"), "Hi").unwrap();

        assert_eq!((phones(&read).len(), read.rejected.total), (2, 0), "{title}");
    }
    for number in ["0123456700", "60123456700", "03-2025 2026"] {
        let read = read(format!("{number},Nama\n0123456701,Aina\n0123456702,Ben\n"), "Hi").unwrap();

        assert_eq!(phones(&read).len(), 3, "{number}");
    }
}

#[test]
fn a_number_that_is_written_as_dates_may_be_stays_a_person() {
    for number in ["03-2025 2026", "0320252026", "+60 3 2025 2026", "012-202 5202"] {
        for beside in ["Ali,", "To,"] {
            let list = format!("{number},{beside}\n0123456701,Ben,\n0123456702,Che,\n");

            assert_eq!(phones(&read(list, "Hi").unwrap()).len(), 3, "{number}, {beside}");
        }
        let read = read(format!("{number},Ali,STOP\n0123456701,Ben,\n0123456702,Che,\n"), "Hi").unwrap();
        assert_eq!(reasons(&read), [(1, "column 3", "STOP", Reason::OptedOut)], "{number}");
        assert_eq!(phones(&read).len(), 2, "{number}");
    }
}

#[test]
fn a_day_in_a_row_of_people_is_nobodys_number() {
    let list = "phone,name\n0123456701,Aina\n31 / 12 / 2025,Ben\n31/12/2025,Che\n31.12.2025,Devi\n";

    let read = read(list, "Hi {name}").unwrap();

    let date = |row, value| (row, "phone", value, Reason::Phone(PhoneError::Date));
    assert_eq!(reasons(&read), [date(3, "31 / 12 / 2025"), date(4, "31/12/2025"), date(5, "31.12.2025")]);
}

#[test]
fn a_date_alone_above_the_header_is_a_title() {
    for title in ["31/12/2025", "31122025", "Senarai 2025/2026", "1 Jan 2026 - 31 Jan 2026"] {
        let list = format!("{title}\nNo. HP,Nama,Stop\n0123456701,Aina,yes\n0123456702,Ben,\n");

        assert_eq!(phones(&read(list, "Hi {nama}").unwrap()), ["+60123456702"], "{title}");
    }
}

#[test]
fn a_second_column_of_phones_makes_a_row_a_header_whether_it_is_numbered_or_called_so_in_part() {
    for (title, beside) in
        [("?", "Telefon rumah"), ("?", "Phone 2"), ("2025", "Telefon rumah"), ("Reach us: 60123456789", "Phone 2")]
    {
        let read = read(format!("who,{title},{beside}\nAina,0123456701,\nBen,0123456702,\n"), "Hi").unwrap();

        assert_eq!((phones(&read).len(), read.rejected.total), (2, 0), "{title}, {beside}");
    }
}

#[test]
fn a_number_that_became_a_date_is_no_title_where_nothing_else_is_one() {
    for list in ["Ali,2025-12-31\nBen,0123456702\n", "Ali,2025-12-31,STOP\nBen,0123456702,stop\nChe,0123456703,\n"] {
        let rejected = read(list, "Hi").unwrap();

        assert_eq!((reasons(&rejected)[0].0, reasons(&rejected)[0].2), (1, "2025-12-31"), "{list:?}");
    }
}

#[test]
fn somebody_whose_name_is_also_a_title_or_who_lacks_one_of_two_numbers_is_a_person() {
    for list in ["To,0123456701\n", "To,0123456701\nBen,0123456702\n"] {
        assert_eq!(phones(&read(list, "Hi").unwrap())[0], "+60123456701", "{list:?}");
    }
    for (list, value) in [
        ("Ali,,0123456701\nBen,0123456702,0123456703\n", ""),
        ("Ali,x,0123456701\nBen,0123456702,\nChe,0123456703,\n", "x"),
    ] {
        let read = read(list, "Hi").unwrap();

        let rejected: Vec<_> = reasons(&read).into_iter().map(|(row, column, value, _)| (row, column, value)).collect();
        assert_eq!(rejected, [(1, "column 2", value)], "{list:?}");
    }
}

#[test]
fn a_list_that_is_said_to_have_no_names_greets_nobody_by_a_column_called_name() {
    for list in ["phone,name\n0123456701,Shop 12\n0123456702,#REF!\n", "phone,nama\n0123456701,Shop 12\n0123456702,x\n"]
    {
        let columns = ChosenColumns { name: ChosenName::None, ..ChosenColumns::default() };
        let content = BlastContent::parse("Hi {name|there}", None).unwrap();

        let read = read_by(list, content.clone(), columns).unwrap();

        let texts = read.people.iter().map(|person| content.render(&person.variables).unwrap());
        let texts: Vec<_> = texts.map(MessageContent::into_text).collect();
        assert_eq!((texts, read.rejected.total), (vec!["Hi there".to_owned(); 2], 0), "{list}");
    }
}

#[test]
fn whoever_stopped_in_the_word_of_their_column_is_left_out_below_a_date_too() {
    for (title, word) in [("31/12/2025", "Stop"), ("12/2025", "Berhenti"), ("2025", "DNC"), ("?", "Stop")] {
        let said = word.to_lowercase();
        let list = format!("{title},Kota,{word}\n60100990001,Ipoh,\n60100990002,KL,{said}\n60100990003,KL,\n");

        let read = read(list, "Hi").unwrap();

        assert_eq!(phones(&read), ["+60100990001", "+60100990003"], "{title}, {word}");
    }
}

#[test]
fn a_date_that_is_also_a_known_number_is_a_title_beside_two_others() {
    let list = "31122025,Name,Stop\n0123456701,Abu,\n0123456702,Ali,stop\n0123456703,Ben,\n";
    let known = "60123456789,Name,Stop\n0123456701,Abu,\n0123456702,Ali,stop\n0123456703,Ben,\n";

    for list in [list, known] {
        assert_eq!(phones(&read(list, "Hi").unwrap()), ["+60123456701", "+60123456703"], "{list}");
    }
}

#[test]
fn whatever_stands_above_a_header_beyond_doubt_is_a_title_and_its_stop_column_holds() {
    for title in [
        "Customer list,31/12/2025,",
        "Promo,31122025,",
        "Telefon,31/12/2025,",
        "No,,Senarai",
        "Contacts export 1735689600,,",
        "Ahmad Trading (1234567-X),,",
        "Ahmad Trading (1234567-X)",
        "Hotline 03-8888 1234,Total,120",
        "Customer list,31/12/2025,\nKedai,Kota,2025",
    ] {
        for header in ["Phone,Name,Stop", "Tel,Nama,Berhenti", "HP 1,HP 2,Stop"] {
            let list = format!("{title}\n\n{header}\n60100990001,Abu,\n60100990002,Ali,yes\n60100990003,Siti,\n");

            let read = read(list, "Hi").unwrap();

            assert_eq!(phones(&read), ["+60100990001", "+60100990003"], "{title}, {header}");
            assert_eq!((reasons(&read).len(), reasons(&read)[0].3.clone()), (1, Reason::OptedOut), "{title}, {header}");
        }
    }
}

#[test]
fn nobody_whose_number_stands_above_a_header_is_passed_over_and_its_stop_column_holds() {
    for number in ["0123456700", "+60 12-345 6700", "whatsapp:+60123456700", "60123456700@c.us"] {
        let list =
            format!("{number},Zaid,\nPhone,Name,Stop\n0123456701,Abu,\n0123456702,Ali,yes\n0123456703,Siti,stop\n");

        let read = read(list, "Hi").unwrap();

        assert_eq!(phones(&read), ["+60123456700", "+60123456701"], "{number}");
    }
    let lost = "6.01E+10,WhatsApp,\n6.01E+10,WhatsApp,STOP\n0123456701,WhatsApp,\n";
    assert_eq!(reasons(&read(lost, "Hi").unwrap())[0].0, 1);
}
