//! Columns of opt-outs in lists that are read without a header, though their first row may be one.

use super::*;

/// What may stand above the numbers, so that the row is a person's who is rejected, or one more person.
const ABOVE: [&str; 9] = [
    "31/12/2025",
    "12/2025",
    "2025",
    "?",
    "tel 60123456701",
    "31122025",
    "31-OCT-2025",
    "\"31/12/2025 & 01/01/2026\"",
    "2025-2026",
];

/// The same word in the title of the column and in the rows of those who stopped.
const WORDS: [(&str, &str); 5] = [
    ("Stop", "stop"),
    ("DNC", "DNC"),
    ("Berhenti", "berhenti"),
    ("Unsubscribed", "UNSUBSCRIBED"),
    ("Do not contact", "do-not-contact"),
];

#[test]
fn a_person_without_a_number_who_said_stop_over_whatsapp_is_no_header() {
    let list = "Phone,Name,Source,Reply\n60100990001,Abu,WA,yes\n,Ali,WA,stop\n60100990003,Siti,WA,yes\n";
    assert_eq!(phones(&read(list, "Hi").unwrap()), ["+60100990001", "+60100990003"]);

    let first = "Phone,Source,Reply\n,WA,stop\n60100990001,WA,yes\n60100990003,WA,yes\n";
    assert_eq!(phones(&read(first, "Hi {reply}").unwrap()), ["+60100990001", "+60100990003"]);
}

#[test]
fn whoever_stopped_in_the_word_of_their_column_is_left_out_of_a_list_of_two_rows() {
    for above in ABOVE {
        for (title, said) in WORDS {
            for other in ["Kota", "Name", ""] {
                let list = format!("{above},{other},{title}\n60100990001,Ipoh,\n60100990002,KL,{said}\n");

                assert_eq!(phones(&read(list, "Hi").unwrap()), ["+60100990001"], "{above}, {other}, {title}");
            }
        }
    }
}

#[test]
fn whoever_stopped_is_left_out_of_a_long_list_that_has_them_first() {
    for (above, title) in [("31/12/2025", "Stop"), ("12/2025", "DNC"), ("?", "Berhenti")] {
        let said = |row: usize| if row < 60 { title } else { "" };
        let rows: Vec<_> = (0..10_000).map(|row| format!("601009{row:05},Ipoh,{}\n", said(row))).collect();

        let read = read(format!("{above},Kota,{title}\n{}", rows.concat()), "Hi").unwrap();

        assert_eq!((phones(&read).len(), phones(&read)[0]), (9_940, "+60100900060"), "{above}, {title}");
    }
}

#[test]
fn a_column_of_opt_outs_beside_the_numbers_alone_is_no_column_of_names() {
    let read = read("31/12/2025,Stop\n60100990001,\n60100990002,stop\n", "Hi").unwrap();

    assert_eq!((phones(&read), read.name_column.as_deref()), (vec!["+60100990001"], None));
    assert_eq!(reasons(&read)[1], (3, "column 2", "stop", Reason::OptedOut));
}

#[test]
fn a_column_of_opt_outs_has_also_other_words_and_days_in_it() {
    for (title, said, other, stays) in [
        ("DNC", "DNC", "yes", ""),
        ("Stop", "stop", "y", "no"),
        ("Unsubscribed", "unsubscribed", "30/11/2025", "false"),
        ("Berhenti", "berhenti", "ya", "tidak"),
    ] {
        let stopped = format!("60100990001,,{said}\n60100990002,,{said}\n60100990003,,{other}\n");
        let list = format!("31/12/2025,Kota,{title}\n{stopped}60100990004,,{stays}\n");

        assert_eq!(phones(&read(list, "Hi").unwrap()), ["+60100990004"], "{title}");
    }
}

#[test]
fn a_date_that_is_somebodys_number_elsewhere_takes_no_opt_outs_from_a_list() {
    for (country, code) in [("SG", "65"), ("HK", "852"), ("DK", "45"), ("NO", "47")] {
        for (title, said) in [("Name", "stop"), ("Kota", "stop"), ("Kota", "yes")] {
            let numbers =
                if matches!(country, "SG" | "HK") { ["91234567", "91234568"] } else { ["40506070", "40506071"] };
            let list = format!("31122025,{title},Stop\n{},Abu,\n{},Ali,{said}\n", numbers[0], numbers[1]);
            let columns = ChosenColumns { country: country.parse().ok(), ..ChosenColumns::default() };

            let read = read_by(list, BlastContent::parse("Hi", None).unwrap(), columns).unwrap();

            assert_eq!(phones(&read), [format!("+{code}{}", numbers[0])], "{country}, {title}, {said}");
        }
    }
}

#[test]
fn whoever_is_in_the_first_row_and_wants_no_messages_is_left_out() {
    for others in ["0100120002,Ben,\n", "0100120002,Ben,no\n", "0100120002,Ben,\n0100120003,Che,dnc\n"] {
        let read = read(format!("0100120001,Aina,STOP\n{others}"), "Hi {name}").unwrap();

        assert_eq!(phones(&read), ["+60100120002"], "{others:?}");
        assert_eq!(reasons(&read)[0], (1, "column 3", "STOP", Reason::OptedOut), "{others:?}");
    }
}

#[test]
fn a_column_that_is_mostly_about_something_else_leaves_nobody_out() {
    let list = "0100120001,Aina,Stop\n0100120002,Ben,KL Sentral\n0100120003,Che,Masjid Jamek\n0100120004,Devi,\n";

    assert_eq!(phones(&read(list, "Hi").unwrap()).len(), 4);
}

#[tokio::test]
async fn a_list_of_those_who_stopped_is_taken_whole_without_a_header_too() {
    let region = "MY".parse().unwrap();
    for (list, taken) in [
        ("60100120001,Aina,STOP\n60100120002,Ben,stop\n", ["+60100120001", "+60100120002"]),
        ("31/12/2025,Kota,Stop\n60100120001,Ipoh,stop\n60100120002,KL,stop\n", ["+60100120001", "+60100120002"]),
    ] {
        let of = || TableSource::from(Cursor::new(list.as_bytes().to_vec()));

        let stopped = read_opt_outs(of(), region, RejectedTo::Nowhere, ForgottenPeople::default()).await.unwrap();
        let to_send_to = read_list(of(), region, RejectedTo::Nowhere, ForgottenPeople::default()).await.unwrap();

        let stopped: Vec<_> = stopped.people.iter().map(|person| person.phone.as_str()).collect();
        assert_eq!((stopped, to_send_to.people.len()), (taken.to_vec(), 0), "{list:?}");
    }
}
