//! Titles of lists and of columns that speak of opt-outs, and what is written in such columns in more than a word.

use super::*;
use crate::domain::forgotten::ForgottenPeople;

/// The numbers' last digits of whom a list of opt-outs opts out.
async fn opted_out(list: String) -> Vec<String> {
    let source = TableSource::from(Cursor::new(list.into_bytes()));
    let region = "MY".parse().unwrap();
    let list = read_opt_outs(source, region, RejectedTo::Nowhere, ForgottenPeople::default()).await.unwrap();
    list.people.iter().map(|person| person.phone.as_str()[11..].to_owned()).collect()
}

/// Whether somebody with this cell below this title gets a message.
fn is_taken(title: &str, cell: &str) -> bool {
    let list = format!("phone\t{title}\n0100120001\t{cell}\n0100120002\t\n0100120003\t\n");
    phones(&read(&list, "Hi").unwrap()).len() == 3
}

#[test]
fn a_list_that_is_titled_as_one_of_opt_outs_is_refused() {
    let people = "0100120001,Aina\n0100120002,Ben\n";
    for (titles, title) in [
        ("Unsubscribed,Name\n", "Unsubscribed"),
        ("Unsubscribed\n", "Unsubscribed"),
        ("Do not contact\nPhone,Name\n", "Do not contact"),
        ("Unsubscribed,,,\nPhone,Name,City,Birthday\n", "Unsubscribed"),
        (",Customers who opted out,\n\nPhone,Name\n", "Customers who opted out"),
        ("Shop\nOpt-outs November\nPhone,Name\n", "Opt-outs November"),
        ("Opt-out number,Name\n", "Opt-out number"),
        ("DNC\nName,Phone,,\n", "DNC"),
        ("DNC list\nPhone,Name\n", "DNC list"),
        ("STOP list 2026\nPhone,Name\n", "STOP list 2026"),
        ("SENARAI JANGAN HUBUNGI\nPhone,Name\n", "SENARAI JANGAN HUBUNGI"),
        ("退订名单\nPhone,Name\n", "退订名单"),
        ("Blacklist\nPhone,Name\n", "Blacklist"),
        ("DO NOT CONTACT LIST\nPhone,Name\n", "DO NOT CONTACT LIST"),
        ("Unsubscribed,,\n,Phone,Name\n,0100120009,Ira\n", "Unsubscribed"),
        ("WhatsApp opt-outs,\nPhone,Name\n", "WhatsApp opt-outs"),
        ("DNC (WhatsApp)\nPhone,Name\n", "DNC (WhatsApp)"),
        ("Opt-outs as of 31/12/2025\nPhone,Name\n", "Opt-outs as of 31/12/2025"),
        ("Unsubscribed users\nPhone,Name\n", "Unsubscribed users"),
        ("DNC (Do not call) list\nPhone,Name\n", "DNC (Do not call) list"),
        ("Senarai DNC (jangan hubungi)\nPhone,Name\n", "Senarai DNC (jangan hubungi)"),
        ("DNC Agustus 2026\nPhone,Name\n", "DNC Agustus 2026"),
        ("Opt-outs Q4 2025\nPhone,Name\n", "Opt-outs Q4 2025"),
        ("2025年退订名单\nPhone,Name\n", "2025年退订名单"),
        ("黑名单\nPhone,Name\n", "黑名单"),
        ("DNC list,\nKontak,Nama\n", "DNC list"),
        (",退订名单\n号码,姓名\n", "退订名单"),
    ] {
        let refused = read(format!("{titles}{people}"), "Hi").err();
        assert!(
            matches!(&refused, Some(ImportError::ListOfOptOuts { title: of }) if of == title),
            "{titles}: {refused:?}"
        );
    }
}

#[test]
fn a_list_whose_title_speaks_of_opt_outs_that_are_not_in_it_is_taken() {
    let people = "0100120001,Aina,no\n0100120002,Ben,\n";
    for titles in [
        "Customers without opt-outs\nPhone,Name,Group\n",
        "Opt-outs removed\nPhone,Name,Group\n",
        "Opt-outs cleaned\nPhone,Name,Group\n",
        "Customers (no opt-outs)\nPhone,Name,Group\n",
        "STOP 5\nPhone,Name,Group\n",
        "未退订客户\nPhone,Name,Group\n",
        "拒收请回复R\nPhone,Name,Group\n",
        "WhatsApp (do not call),Name,Group\n",
        "Whatsapp (do not call),Name,Group\n",
        "Opt-outs: 0\nPhone,Name,Group\n",
        "Customer list, opt-outs: 3\nPhone,Name,Group\n",
        "Opt-outs discarded\nPhone,Name,Group\n",
        "Kedai Ali - DNC list\nPhone,Name,Group\n",
        "Raya list - reply STOP to unsubscribe\nPhone,Name,Group\n",
        // The column says who did.
        "Unsubscribed\nPhone,Name,Opt-out\n",
        "Shop,,Unsubscribed\nPhone,Name,Email\n",
    ] {
        assert_eq!(phones(&read(format!("{titles}{people}"), "Hi").unwrap()).len(), 2, "{titles}");
    }
}

#[test]
fn a_title_that_mentions_opt_outs_and_says_no_more_of_them_is_told_with_the_list() {
    let mentioned = |title: &str| {
        let read = read(format!("{title}\nPhone,Name\n0100120001,Aina\n0100120002,Ben\n"), "Hi").unwrap();
        let unclear = read.tally.unclear_opt_outs(|_| String::new(), read.mention);
        unclear.into_iter().map(|of| (of.column, of.rows)).collect::<Vec<_>>()
    };

    assert_eq!(mentioned("Kedai Ali - DNC list"), [("Kedai Ali - DNC list".to_owned(), 2)]);
    assert_eq!(mentioned("Customers (no opt-outs)"), []);
    assert_eq!(mentioned("Customers"), []);
}

#[test]
fn a_title_of_many_words_is_read_at_once() {
    let title = "stop opt out and more ".repeat(500);
    assert!(!is_taken(&title, "yes"));
}

#[test]
fn a_title_over_another_one_is_about_something_else_in_its_row() {
    let list = "Blacklist,,\nVIP,Name,Phone\nyes,Aina,0100120001\nno,Ben,0100120002\n";
    assert!(matches!(read(list, "Hi").err(), Some(ImportError::ListOfOptOuts { .. })));
    let counted =
        "Customer list,,Unsubscribed: 3\nName,Phone,Birthday\nAina,0100120001,31/01/1990\nBen,0100120002,01/02/1991\n";
    assert_eq!(phones(&read(counted, "Hi").unwrap()).len(), 2);
}

#[test]
fn a_title_that_mentions_opt_outs_is_about_the_list_and_no_column_s() {
    for list in [
        "Raya list - reply STOP to unsubscribe,,\nDate,Name,Phone\n01/03/2026,Aina,0100120001\n02/03/2026,Ben,0100120002\n",
        "Raya list - reply STOP to unsubscribe,,\nNo,Name,Phone\n1,Aina,0100120001\n2,Ben,0100120002\n",
        "Customers (opt-outs excluded),,,\nName,Phone,WhatsApp,Paid\nAina,0100120001,yes,no\nBen,0100120002,no,no\n",
        "\"WhatsApp list\",reply STOP to opt out\nPhone,Name\n0100120001,Aina\n0100120002,Ben\n",
    ] {
        let read = read(list, "Hi {name}").unwrap();
        assert_eq!(phones(&read), ["+60100120001", "+60100120002"], "{list}");
    }
}

#[tokio::test]
async fn a_list_of_opt_outs_takes_no_other_column_for_answers() {
    let list = "Opt-outs,,,\nPhone,Name,Called back,WhatsApp\n0100120001,Aina,yes,yes\n0100120002,Ben,no,no\n";

    assert_eq!(opted_out(list.to_owned()).await, ["1", "2"]);
}

#[test]
fn words_about_coming_back_count_only_where_they_say_so() {
    for out in [
        "stop 12/03/2026, do not reactivate",
        "do not contact since 31/12/2025, never reactivate",
        "opted out 31/12/2025 (opted in 01/01/2024)",
        "31/12/2025 never opted in",
        "31/12/2025 refused to rejoin",
        "31/12/2025 replied NO",
        "31/12/2025 n/a",
        "2025-12-31 null",
        "12/03/2026 reason: none",
        "31/12/2025 tukar no.",
        "12/03/2026 opt-in withdrawn",
        "✓ 31/12/2025",
        "31/12/2025 STOP (opted in 01/01/2024)",
        "12/03/2026 withdrew opt-in",
        "Yes - asked by phone",
        "Y - asked",
        "是（电话）",
        "yes, do not email or whatsapp",
        "Yes, via email reply",
        "yes (12/11)",
        "yes pls",
        "Ya (telefon)",
        "unsubscribed on 5 Jan",
        "SUDAH",
        "Yes (since 31/12/2025)",
        "=\"1\"",
        "(1)",
    ] {
        assert!(!is_taken("unsubscribed", out), "{out}");
    }
    for back in [
        "12/03/2026 resubscribed",
        "12/03/2026 no",
        "12/03/2026 opt in",
        "12/03/2026 active",
        "opted in 12/03/2026",
        "START 12/03/2026",
        "unsubscribed from email",
        "yes, but not any more",
        "yes please keep sending",
        "ya masih mahu",
        "Yes but came back 1/12/2025",
        "yes - wants messages",
        "Yes? to confirm",
    ] {
        assert!(is_taken("unsubscribed", back), "{back}");
    }
}

#[test]
fn titles_in_two_languages_and_of_several_channels_are_of_opt_outs() {
    for title in [
        "WhatsApp opt-out (Ya/Tidak)",
        "Do not contact / Tidak mahu dihubungi",
        "Stop (Y/T)",
        "DNC (true/false)",
        "Phone No. opted out",
        "WhatsApp No. opted out (Y/N)",
        "Do not contact (call/SMS/email/WhatsApp)",
        "Unsubscribed from email and WhatsApp",
        "Berhenti melanggan",
        "Sudah berhenti",
        "Jangan dihubungi",
        "Do not call",
        "Unsub",
        "取消订阅",
        "退订 (是/否)",
        "是否退订",
        "Kontak opt-out (Ya/Tidak)",
        "Pernah unsubscribe",
        "Opt-in/Opt-out",
        "Email & WA opt-out",
        "Telephone No. opted out",
        "DNC status",
        "is_dnc",
        "UNSUB_TIME",
        "Don't contact",
        "Stop / Berhenti",
        "STOP (Ya/Tak)",
        "是否取消订阅",
        "取消订阅时间",
        "senarai hitam",
    ] {
        assert!(!is_taken(title, "yes"), "{title}");
    }
    for title in [
        "emailoptout",
        "hasoptedoutofemail",
        "unsubscribecount",
        "unsubscribe_id",
        "Opt-out keyword",
        "Has no opt-out",
        "未退订",
        "Belum berhenti melanggan",
        "Opt-out replies",
        "Not yet unsubscribed",
        "Bukan opt-out",
        "No opt-out",
        "Didn't opt out",
        "拒收次数",
        "Can unsubscribe",
        "Opt-out deadline",
        "DNC reason",
        "Blacklist checked",
        "DNC consent form",
        "DND mode after 10pm",
    ] {
        assert!(is_taken(title, "yes"), "{title}");
    }
}

#[test]
fn a_place_that_begins_with_a_yes_is_none_in_a_column_called_stop() {
    assert!(is_taken("Stop", "Ya Kun, KLCC") && is_taken("Stop", "Yes Optus arena"));
    assert!(!is_taken("Stop", "Yes, asked by phone") && !is_taken("Stop", "ya (telefon)"));
}

#[test]
fn numbers_of_stops_are_no_answers() {
    let list = "Stop,Name,Phone\n1,Aina,0100120001\n2,Ben,0100120002\n3,Chen,0100120003\n";

    assert_eq!(phones(&read(list, "Hi").unwrap()).len(), 3);
    for unknown in ["2", "12"] {
        let coded = format!("Stop,Phone\n1,0100120001\n0,0100120002\n{unknown},0100120003\n");
        assert_eq!(phones(&read(coded, "Hi").unwrap()), ["+60100120002", "+60100120003"], "{unknown}");
    }
}

#[test]
fn a_further_header_that_calls_a_column_something_else_ends_what_it_said_of_opt_outs() {
    let list = "phone,name,stop\n0100120001,Aina,no\n0100120002,Ben,yes\nphone,name,VIP\n0100120003,Chen,yes\n";

    assert_eq!(phones(&read(list, "Hi").unwrap()), ["+60100120001", "+60100120003"]);
    let answers = "phone,name,stop,DNC\n0100120001,Aina,no,\nWhatsApp,Ali,stop,yes\n0100120002,Ben,,yes\n";
    assert_eq!(phones(&read(answers, "Hi").unwrap()), ["+60100120001"], "a row of answers is no header");
}

#[tokio::test]
async fn a_list_of_opt_outs_leaves_out_who_denies_it_and_nobody_who_says_nothing_of_it() {
    for no in ["No (31/12/2025)", "never 31/12/2025", "resubscribed 2026-01-02", "12/03/2026 no", "not opted out", "No"]
    {
        assert_eq!(opted_out(format!("phone\tunsubscribed\n0100120001\t{no}\n0100120002\tyes\n")).await, ["2"], "{no}");
    }
    for nothing in ["NULL", "N/A", "none", "nil", "-", ""] {
        let list = format!("phone,opted_out_at\n0100120001,{nothing}\n0100120002,2025-12-31\n");
        assert_eq!(opted_out(list).await, ["1", "2"], "{nothing}");
    }
    assert_eq!(opted_out("phone,stop,dnc\n0100120001,no,asked by phone\n".to_owned()).await, ["1"]);
    assert_eq!(opted_out("phone\tOpt-out\n0100120001\tNo, stop\n0100120002\tno\n".to_owned()).await, ["1"]);
    let words = "phone\tstop\n0100120001\tSTOP, was opted in by mistake\n0100120002\twon't rejoin\n";
    assert_eq!(opted_out(words.to_owned()).await, ["1", "2"]);
}

#[test]
fn whoever_opted_out_in_a_row_without_a_number_in_its_place_gets_no_message_by_another() {
    let people = "0123450008,Faizal,\n0123450010,Gina,\n0123450011,Hana,\n0123450012,Ira,\n0123450013,Jo,\n";
    let opted_out = "0123450008 / 0123450009,Faizal,yes\n+60 12 345 0010 (Gina),Gina,yes\ntel: 012-345 0011 ext 2,Hana,yes\nIra,0123450012,yes\n";
    for list in [format!("phone,name,stop\n{people}{opted_out}"), format!("phone,name,stop\n{opted_out}{people}")] {
        assert_eq!(phones(&read(list, "Hi").unwrap()), ["+60123450013"]);
    }
    let swapped = "phone,name\n0123450008,Faizal\n0123450010,Gina\nname,phone,stop\nGina,0123450010,yes\n";
    assert_eq!(phones(&read(swapped, "Hi").unwrap()), ["+60123450008"]);
    let another_s = "phone,name,stop,agent\n0123450013,Jo,,\n0123450008 / 0123450009,Faizal,yes,0123450013\n";
    assert_eq!(phones(&read(another_s, "Hi").unwrap()), ["+60123450013"], "their agent's number is not theirs");
    let by_blank = another_s.replace(" / ", " ");
    assert_eq!(phones(&read(by_blank, "Hi").unwrap()), ["+60123450013"]);
    let too_long = "phone,name,stop,agent\n0123450013,Jo,,\n012345000812345,Faizal,yes,0123450013\n";
    assert_eq!(phones(&read(too_long, "Hi").unwrap()), ["+60123450013"], "nor where theirs has a digit too many");
}
