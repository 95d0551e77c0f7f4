//! Columns of a list that say who wants no messages.

use super::*;

#[test]
fn whoever_wants_no_messages_by_their_row_is_left_out() {
    let list = "phone,name,Opt-out,bus stop\n0100120001,Aina,no,yes\n0100120002,Ben,YES,\n0100120003,Chen,,\n0100120004,Devi,Stop,";

    let read = read(list, "Hi {name}").unwrap();

    assert_eq!(phones(&read), ["+60100120001", "+60100120003"]);
    let said = |row, value| (row, "Opt-out", value, Reason::OptedOut);
    assert_eq!(reasons(&read), [said(3, "YES"), said(5, "Stop")]);
}

#[test]
fn what_a_list_says_in_other_words_or_by_a_day_counts_too() {
    for said in ["berhenti", "DNC", "sí", "Unsubscribed", "2026-01-31", "31/01/2026 09:15", "2026-01-31T09:15:00Z"] {
        let list = format!("phone,unsubscribed\n0100120001,{said}\n0100120002,no\n0100120003,0\n0100120004,31/02/2026");

        assert_eq!(phones(&read(&list, "Hi").unwrap()).len(), 3, "{said}");
    }
    let last_days = "phone,stop\n0100120001,2026-01-31";
    assert_eq!(phones(&read(last_days, "Hi").unwrap()).len(), 1);
}

#[test]
fn a_column_that_is_about_something_else_leaves_nobody_out() {
    let list = "phone,stop\n0100120001,KL Sentral\n0100120002,Masjid Jamek\n0100120003,No";

    assert_eq!(phones(&read(list, "Hi").unwrap()).len(), 3);
}

#[tokio::test]
async fn a_list_of_those_who_opted_out_is_taken_whole() {
    let list = "phone,opted out\n0100120001,yes\n0100120002,yes".as_bytes().to_vec();
    let region = "MY".parse().unwrap();
    let of = || TableSource::from(Cursor::new(list.clone()));

    assert_eq!(read_opt_outs(of(), region, RejectedTo::Nowhere).await.unwrap().people.len(), 2);
    assert_eq!(read_list(of(), region, RejectedTo::Nowhere).await.unwrap().people.len(), 0);
}
