//! Columns of a list that say who wants no messages.

use super::*;
use crate::domain::list_columns::UnclearOptOuts;
use crate::domain::phone::Phone;

#[test]
fn whoever_wants_no_messages_by_their_row_is_left_out() {
    let list = "phone,name,Opt-out,bus stop\n0100120001,Aina,no,yes\n0100120002,Ben,YES,\n0100120003,Chen,,\n0100120004,Devi,Stop,";

    let read = read(list, "Hi {name}").unwrap();

    assert_eq!(phones(&read), ["+60100120001", "+60100120003"]);
    let said = |row, value| (row, "Opt-out", value, Reason::OptedOut);
    assert_eq!(reasons(&read), [said(3, "YES"), said(5, "Stop")]);
}

#[test]
fn those_who_want_no_messages_are_counted_in_words_that_follow_their_number() {
    for reason in [Reason::OptedOut, Reason::OptedOutElsewhere { row: 5 }] {
        assert_eq!(reason.in_general(), "asked for no messages, as the list says");
    }
}

#[test]
fn a_row_that_is_left_out_has_its_number_whichever_cell_is_wrong() {
    let list = "phone,name,stop\n0100120001,Aina,yes\nx,Ben,\n0100120003,Chen,\n0100120003,Chen,y\n";

    let read = read(list, "Hi {name}").unwrap();

    let phones: Vec<_> = read.rejected.examples.iter().map(|row| row.phone.as_ref().map(Phone::as_str)).collect();
    assert_eq!(phones, [Some("+60100120001"), None, Some("+60100120003"), Some("+60100120003")]);
}

#[test]
fn what_a_list_says_in_other_words_or_by_a_day_counts_too() {
    for said in [
        "berhenti",
        "１",
        "no messages since 31/12/2025",
        "DNC",
        "sí",
        "Unsubscribed",
        "2026-01-31",
        "31/01/2026 09:15",
        "2026-01-31T09:15:00Z",
    ] {
        let list = format!("phone,unsubscribed\n0100120001,{said}\n0100120002,no\n0100120003,0\n0100120004,31/02/2026");

        assert_eq!(phones(&read(&list, "Hi").unwrap()).len(), 3, "{said}");
    }
    let last_days = "phone,stop\n0100120001,2026-01-31\n0100120002,1 Jan 2026\n0100120003,01 01 2026";
    assert_eq!(phones(&read(last_days, "Hi").unwrap()).len(), 3);
}

#[test]
fn a_column_that_is_about_something_else_leaves_nobody_out() {
    let list = "phone,stop\n0100120001,KL Sentral\n0100120002,Masjid Jamek\n0100120003,No";

    assert_eq!(phones(&read(list, "Hi").unwrap()).len(), 3);
}

#[test]
fn rows_that_say_neither_yes_nor_no_are_counted_as_long_as_they_are_taken() {
    let list = "phone,Stop,Unsubscribed\n0100120001,KL Sentral,\n0100120002,,since Raya\n0100120003,no,never\n0100120004,yes,\n\
                0100120005,,by phone\n0100120006,-,n/a\n0100120007,,●\n0100120001,yes,\n0100120002,,✅\n0100120008,✔\u{fe0f},\n";

    let read = read(list, "Hi").unwrap();

    let unclear = read.tally.unclear_opt_outs(|column| format!("column {}", column + 1), None);
    let expected = UnclearOptOuts { column: "column 3".to_owned(), rows: 2, first_row: 6 };
    assert_eq!((phones(&read).len(), unclear), (4, vec![expected]));
}

#[test]
fn what_programs_write_for_yes_and_no_counts_and_what_is_about_a_block_as_well_is_neither() {
    let list = "phone,DNC\n0100120001,T\n0100120002,1.0\n0100120003,0.0\n0100120004,F\n0100120005,active\n0100120006,ok\n\
                0100120007,Aktif\n";

    let read = read(list, "Hi").unwrap();

    let unclear = read.tally.unclear_opt_outs(|column| format!("column {}", column + 1), None);
    let expected = UnclearOptOuts { column: "column 2".to_owned(), rows: 4, first_row: 2 };
    assert_eq!((phones(&read).len(), phones(&read)[1], unclear), (6, "+60100120003", vec![expected]));
}

#[test]
fn letters_in_full_width_are_those_of_a_column_and_of_a_wish() {
    let list = "ｐｈｏｎｅ,Ｎａｍｅ,ＳＴＯＰ\n0100120001,Aina,yes\n0100120002,Ben,ＹＥＳ\n0100120003,Chen,Ｘ\n0100120004,Devi,ｎｏ\n";

    let read = read(list, "Hi {name}").unwrap();

    assert_eq!((phones(&read), read.name_column.as_deref()), (vec!["+60100120004"], Some("Ｎａｍｅ")));
    assert!(read.tally.unclear_opt_outs(|column| format!("column {}", column + 1), None).is_empty());
}

#[test]
fn titles_above_the_header_say_which_columns_are_of_opt_outs() {
    let people = "0100120001,Aina,yes,no\n0100120002,Ben,no,no\n0100120003,Chen,,yes\n";
    for titles in [
        ",,Opt-out,\nPhone,Name,Email,WhatsApp news\n",
        "Customers,,Unsubscribed,\nPhone,Name,,\n",
        ",,Do not contact,\nPhone,Name,(Y/N),(Y/N)\n",
        "Phone,Name,Opt-out,\n,,Email,WhatsApp\n",
        ",,Opt-out (Y/N),\nPhone,Name,,\n",
        // A workbook's row ends with its last value.
        "Customer,,unsubscribed_at\nPhone,Name,Email,WhatsApp\n",
    ] {
        let read = read(format!("{titles}{people}"), "Hi").unwrap();
        assert_eq!(phones(&read), ["+60100120002"], "{titles}");
    }
    let beside = ",,Opt-out,,\nPhone,Name,WhatsApp,Email,Paid\n0100120001,Aina,no,no,yes\n0100120002,Ben,no,yes,yes\n";
    assert_eq!(phones(&read(beside, "Hi").unwrap()), ["+60100120001"]);
    let untitled = "Phone,Stop,\n0100120001,no,x\n0100120002,yes,x\n";
    assert_eq!(phones(&read(untitled, "Hi").unwrap()), ["+60100120001"]);
    let not_over_all = "Shop,Unsubscribed,,\nPhone,Name,City,Birthday\n0100120001,Aina,Ipoh,31/01/1990\n0100120002,Ben,Kluang,01/02/1991\n";
    assert_eq!(phones(&read(not_over_all, "Hi").unwrap()).len(), 2);
}

#[test]
fn a_longer_title_names_a_column_of_opt_outs_as_well_but_not_one_that_says_the_opposite() {
    for title in [
        "Opt-Out (Y/N)",
        "is_unsubscribed",
        "WhatsApp opt-out",
        "Marketing: do not contact",
        "opted_out_at (America/Halifax)",
        "Account unsubscribed",
        "Consent: opted out",
        "Phone number opted out",
        "Stop (Y/N)",
        "DNC (yes/no)",
        "No messages (Y/N)",
    ] {
        let list = format!("phone,name,{title}\n0100120001,Aina,yes\n0100120002,Ben,no\n");
        assert_eq!(phones(&read(&list, "Hi").unwrap()), ["+60100120002"], "{title}");
    }
    let by_day = "phone,opted_out_at\n0100120001,2026-11-01T09:15:00Z\n0100120002,\n";
    assert_eq!(phones(&read(by_day, "Hi").unwrap()), ["+60100120002"]);
    for title in [
        "Not opted out",
        "Opt-out link",
        "Unsubscribe link sent",
        "No. messages sent",
        "HasOptedOutOfEmail",
        "unsubscribeLinks",
        "Stop no.",
    ] {
        let list = format!("phone,name,{title}\n0100120001,Aina,yes\n0100120002,Ben,1\n");
        assert_eq!(phones(&read(&list, "Hi").unwrap()).len(), 2, "{title}");
    }
}

#[test]
fn a_remark_in_place_of_a_number_is_no_further_header() {
    let first: Vec<_> = (0..60).map(|i| format!("01001200{i:02},Aina,no\n")).collect();
    let list = format!("phone,name,Reply\n{}no phone,Ben,stop\n0100130002,Chen,yes\n", first.concat());
    assert_eq!(phones(&read(&list, "Hi").unwrap()).len(), 61);
}

#[test]
fn the_header_of_a_file_that_was_joined_behind_another_one_says_who_opted_out_in_it() {
    let first: Vec<_> = (0..60).map(|i| format!("01001200{i:02},Aina\n")).collect();
    let first = first.concat();
    let list = format!("phone,name,\n{first}phone,name,stop\n0100130001,Ben,yes\n0100130002,Chen,no\n");

    let read = read(&list, "Hi").unwrap();

    assert_eq!(phones(&read).len(), 61);
    assert!(!phones(&read).contains(&"+60100130001"));
}

#[tokio::test]
async fn a_list_of_those_who_opted_out_is_taken_whole() {
    let list = "phone,opted out\n0100120001,yes\n0100120002,yes".as_bytes().to_vec();
    let region = "MY".parse().unwrap();
    let of = || TableSource::from(Cursor::new(list.clone()));

    assert_eq!(
        read_opt_outs(of(), region, RejectedTo::Nowhere, ForgottenPeople::default()).await.unwrap().people.len(),
        2
    );
    assert_eq!(read_list(of(), region, RejectedTo::Nowhere, ForgottenPeople::default()).await.unwrap().people.len(), 0);
}

#[tokio::test]
async fn whoever_did_not_opt_out_by_a_list_of_opt_outs_is_left_out_of_it() {
    let list = "phone,stop,dnc\n0100120001,yes,\n0100120002,no,\n0100120003,,\n0100120004,maybe,\n0100120005,no,yes\n";
    let source = TableSource::from(Cursor::new(list.as_bytes().to_vec()));

    let region = "MY".parse().unwrap();
    let read = read_opt_outs(source, region, RejectedTo::Nowhere, ForgottenPeople::default()).await.unwrap();

    let people: Vec<_> = read.people.iter().map(|person| &person.phone.as_str()[11..]).collect();
    assert_eq!(people, ["1", "3", "4", "5"], "in doubt they opted out");
    let [refused] = &read.rejected.examples[..] else { panic!("{:?}", read.rejected) };
    assert_eq!((refused.row, refused.column.as_str(), &refused.reason), (3, "stop", &Reason::NotOptedOut));
    assert!(read.unclear_opt_outs.is_empty());
}

#[tokio::test]
async fn a_date_as_the_title_of_a_list_of_opt_outs_is_nobody_who_opted_out() {
    for title in ["31 / 12 / 2025", "31/12/2025", "12/2025", "31122025", "2025-2026"] {
        let list = format!("{title},Name\n0123456701,Aina\n").into_bytes();
        let source = TableSource::from(Cursor::new(list));

        let region = "MY".parse().unwrap();
        let read = read_opt_outs(source, region, RejectedTo::Nowhere, ForgottenPeople::default()).await.unwrap();

        let people: Vec<_> = read.people.iter().map(|person| person.phone.as_str()).collect();
        assert_eq!((people, read.rejected.total), (vec!["+60123456701"], 0), "{title}");
    }
}

#[test]
fn whoever_opted_out_in_a_month_or_by_a_day_in_any_spelling_is_left_out() {
    for said in [
        "12/2025",
        "31-Dec-2025",
        "31 / 12 / 2025",
        "31122025",
        "1 Jan 2026",
        "31/12/25",
        "2025",
        "2025-12-31 09:15:00 +0800",
        "2025-12-31 09:15:00 -0500",
        "2025-12-31 13.45.10",
        "31/12/2025 #4711",
        "46022",
        "46022.3958",
        "1735689600",
        "1735689600000",
        "31. Dezember 2025",
        "Q4/2025",
        "\"Wed, 31 Dec 2025 09:15:00 +0800\"",
    ] {
        let list = format!("phone,unsubscribed\n0100120001,{said}\n0100120002,no\n");

        assert_eq!(phones(&read(list, "Hi").unwrap()), ["+60100120002"], "{said}");
    }
}

#[test]
fn a_word_that_says_so_may_have_the_day_of_it_behind_it_in_any_such_column() {
    for said in [
        "opted-out 31/12/2025",
        "opted out 31/12/2025",
        "do not contact since 31/12/2025",
        "yes, since 31/12/2025",
        "ya sejak 31 Disember 2025 (#4711)",
        "stopped on 3 March 2026",
        "unsubscribed in Jan 2026",
    ] {
        for column in ["Unsubscribed", "Stop"] {
            let list = format!("phone,name,{column}\n0100120001,Aina,\"{said}\"\n0100120002,Ben,\n");
            assert_eq!(phones(&read(&list, "Hi").unwrap()), ["+60100120002"], "{column}: {said}");
        }
    }
    let list = "phone,name,Unsubscribed\n0100120001,Aina,not opted out 31/12/2025\n0100120002,Ben,no since 31/12/2025\n\
                0100120003,Chen,\"Unsubscribed, resubscribed 31/12/2025\"\n";
    assert_eq!(phones(&read(list, "Hi").unwrap()).len(), 3);
    let stops = "phone,stop\n0100120001,Stop 1945\n0100120002,Henti 2020\n";
    assert_eq!(phones(&read(stops, "Hi").unwrap()).len(), 2);
}

#[test]
fn whoever_did_not_opt_out_or_is_back_is_taken_though_a_day_stands_behind_it() {
    for said in [
        "No 31/12/2025",
        "No (31/12/2025)",
        "false 2025-12-31 09:15",
        "never 31/12/2025",
        "resubscribed 2025-12-31",
        "12/03/2026 no",
        "12/03/2026 - resubscribed",
        "reactivated 12/03/2026",
        "opted in 12/03/2026",
    ] {
        let list = format!("phone,unsubscribed\n0100120001,{said}\n0100120002,since 31/12/2025\n");

        assert_eq!(phones(&read(list, "Hi").unwrap()), ["+60100120001"], "{said}");
    }
}

#[test]
fn a_number_that_no_day_of_these_years_has_leaves_nobody_out() {
    for said in ["0", "12", "4711", "99999", "60123456701", "0/1", "0.1"] {
        let list = format!("phone,unsubscribed\n0100120001,{said}\n0100120002,no\n");

        assert_eq!(phones(&read(&list, "Hi").unwrap()).len(), 2, "{said}");
    }
    let stops = "phone,stop\n0100120001,46022\n0100120002,Q4/2025\n";
    assert_eq!(phones(&read(stops, "Hi").unwrap()).len(), 2);
}

#[test]
fn whoever_wants_no_messages_by_one_row_gets_none_by_another_whichever_comes_first() {
    let list = "phone,name,stop\n0100120001,Aina,\n+60100120001,Aina Bt Ali,yes\n0100120002,Ben,yes\n\
                010-012 0002,Ben,\n0100120003,Chen,\n0100120001,Aina,\n+55 48 98765-4321,Davi,\n+55 48 8765-4321,Davi,x\n";

    let read = read(list, "Hi {name}").unwrap();

    assert_eq!(phones(&read), ["+60100120003"]);
    let other = |row, column, value, said_in| (row, column, value, Reason::OptedOutElsewhere { row: said_in });
    assert_eq!(
        reasons(&read),
        [
            (3, "stop", "yes", Reason::OptedOut),
            other(2, "their number", "+60100120001", 3),
            (4, "stop", "yes", Reason::OptedOut),
            other(5, "phone", "010-012 0002", 4),
            other(7, "phone", "0100120001", 3),
            (9, "stop", "x", Reason::OptedOut),
            other(8, "their number", "+554887654321", 9),
        ]
    );
    assert_eq!((read.rejected.total, read.rejected.reasons.len()), (7, 1), "counted as one reason");
}

#[test]
fn what_else_is_wrong_with_a_row_takes_nothing_from_the_wish_in_it() {
    let list = "phone,name,stop\n0100120001,Aina,\n0100120001,Aina,yes,too many\n0100120002,Ben,\n0100120002,,yes\n";

    assert_eq!(phones(&read(list, "Hi {name}").unwrap()), [""; 0]);
}

#[tokio::test]
async fn a_saved_list_has_nobody_who_wants_no_messages_by_any_of_its_rows() {
    let list = "phone,stop\n0100120001,\n0100120001,yes\n0100120002,\n".as_bytes().to_vec();

    let source = TableSource::from(Cursor::new(list));
    let read = read_list(source, "MY".parse().unwrap(), RejectedTo::Nowhere, ForgottenPeople::default()).await.unwrap();

    let people: Vec<_> = read.people.iter().map(|person| person.phone.as_str()).collect();
    assert_eq!((people, read.rejected.total), (vec!["+60100120002"], 2));
}

#[test]
fn a_row_that_is_taken_back_is_counted_in_nothing_else_either() {
    // As mobile numbers are allocated there, the shorter spelling lacks a digit, and the longer one does not.
    let [long, short] = ["+55 48 99965-4321", "+55 48 9965-4321"];
    for (first, then) in [(long, short), (short, long)] {
        let list = format!("phone,stop\n{first},\n{then},yes\n0100120002,\n");

        let tally = read(list, "Hi").unwrap().tally;

        assert_eq!((tally.taken, tally.unusual_lengths), (1, UnusualLengths::default()), "{first}");
    }
    let list = b"phone,name,stop\n0100120001,N/A,\n+60100120003,Zo\xeb,\n0100120004,Ren\xe9,\n\
                 0100120001,Aina,yes\n0100120003,,yes\n";

    let tally = read(list, "Hi").unwrap().tally;

    let rene = NotUtf8 { rows: 1, first_row: 4 };
    let local = LocalNumbers { numbers: 1, country_code: "+60".to_owned() };
    assert_eq!((tally.without_name, tally.local, tally.not_utf8), (0, Some(local), Some(rene)));
}

#[test]
fn a_column_of_opt_outs_that_is_chosen_for_the_names_says_who_opted_out_all_the_same() {
    let name = ChosenName::Column("stop".to_owned());
    let columns = ChosenColumns { phone: None, name, ..ChosenColumns::default() };
    let list = "phone,stop\n0100120001,Aina\n0100120002,yes\n";

    let read = read_by(list, BlastContent::parse("Hi {name}", None).unwrap(), columns).unwrap();

    assert_eq!((phones(&read), read.people[0].name.as_deref()), (vec!["+60100120001"], Some("Aina")));
}
