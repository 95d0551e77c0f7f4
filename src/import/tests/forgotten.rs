//! Of whoever was forgotten nothing is kept, whatever else is wrong with their row.

use serde_json::from_str;

use super::*;
use crate::domain::phone::PersonKey;
use crate::import::given::GivenList;

/// Somebody with the number +60100120001 was.
fn forgotten() -> ForgottenPeople {
    let key = ForgetKey::new([7; 32]);
    let hashes = vec![key.opt_out(PersonKey::of_digits("60100120001").unwrap())];
    ForgottenPeople::new(Some(key), hashes).unwrap()
}

#[test]
fn nothing_is_kept_of_a_row_of_whoever_was_forgotten_that_is_wrong_in_other_ways() {
    for row in ["0100120001,Aina,yes", "0100120001,Aina,,Jalan 5", "0100120001,Aina,#N/A"] {
        let list = format!("phone,name,stop\n{row}\n");
        let table = Table::open(TableSource::from(Cursor::new(list.into_bytes())), FIRST_ROWS).unwrap();
        let content = BlastContent::parse("Hi {stop}", None).unwrap();
        let mut file = File::open(table, "MY".parse().unwrap(), content, false).unwrap();
        file.taker.seen.forgotten = forgotten();
        file.skip_header().unwrap();

        let outcome = file.taker.take(&file.rows.next().unwrap().unwrap());

        let Outcome::Rejected(rejection) = outcome else { panic!("{outcome:?}") };
        assert_eq!(
            (rejection.reason, rejection.value.as_str(), rejection.name),
            (Reason::Forgotten, "", None),
            "{row}"
        );
    }
}

#[test]
fn nothing_is_kept_of_what_a_program_gives_of_whoever_was_forgotten() {
    for given in [
        r#"{"phone":"+60100120001","name":"Aina","name":"Ina"}"#,
        r#"{"phone":"+60100120001","name":"Aina","customerId":"1","external_id":"2"}"#,
        r#"{"phone":"+60100120002","to":"+60100120001","name":"Aina"}"#,
        r#"{"phone":"+60100120001","name":["Aina"]}"#,
        r#"{"phone":"+60100120001","phone":"+60100120002","name":"Aina"}"#,
        r#"{"phone":["+60100120001"],"name":"Aina"}"#,
        r#"{"phone":{"number":60100120001},"name":"Aina"}"#,
        "60100120001",
    ] {
        let person = from_str::<WrittenPerson>(given).unwrap();
        let content = BlastContent::parse("Hi", None).unwrap();
        let mut list = GivenList::values(vec![person], "MY".parse().unwrap(), content, false);
        list.seen.forgotten = forgotten();

        let (_, outcome) = list.next().unwrap().unwrap();

        let Outcome::Rejected(refused) = outcome else { panic!("{outcome:?}") };
        assert_eq!((refused.reason, refused.value.as_str(), refused.name), (Reason::Forgotten, "", None), "{given}");
    }
}

#[test]
fn nothing_is_kept_of_a_line_that_cannot_be_read_where_somebody_was_forgotten() {
    const LINE: &str = r#"{"phone":"+60100120001","name":"Aina",}"#;
    for (people, kept) in [(forgotten(), ""), (ForgottenPeople::default(), LINE)] {
        let content = BlastContent::parse("Hi", None).unwrap();
        let mut list = GivenList::lines(Box::new(LINE.as_bytes()), "MY".parse().unwrap(), content, false);
        list.seen.forgotten = people;

        let (_, outcome) = list.next().unwrap().unwrap();

        let Outcome::Rejected(refused) = outcome else { panic!("{outcome:?}") };
        assert_eq!((refused.reason, refused.value.as_str(), refused.name), (Reason::NotJson, kept, None));
    }
}

#[tokio::test]
async fn a_list_that_is_kept_and_one_of_opt_outs_write_nothing_down_of_rows_of_whoever_was_forgotten() {
    let list = "phone,name,stop\n0100120001,Aina,\n0100120001,Aina,\n0100120002,Ben,\n0100120002,Ben,\n\
                0100120001,Aina,yes\n0100120001,Aina,,Jalan 5\n";
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("raya.rejected.csv");
    let source = || TableSource::from(Cursor::new(list.as_bytes().to_vec()));
    let (region, to) = ("MY".parse().unwrap(), RejectedTo::File(path.clone()));
    let written = || std::fs::read_to_string(&path).unwrap();

    let kept = read_list(source(), region, to.clone(), forgotten()).await.unwrap();
    let of_kept = written();
    let opted_out = read_opt_outs(source(), region, to, forgotten()).await.unwrap();

    assert_eq!((kept.people.len(), opted_out.people.len()), (1, 2), "it is for others to leave them out");
    assert_eq!((kept.rejected.total, opted_out.rejected.total), (5, 4));
    for written in [of_kept, written()] {
        assert!(!written.contains("0100120001") && !written.contains("Jalan"), "{written}");
        assert!(written.contains("asked to be forgotten") && written.contains("0100120002"), "{written}");
    }
}
