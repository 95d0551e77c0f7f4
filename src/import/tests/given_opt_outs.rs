//! Who wants no messages, as programs say it in JSON.

use super::*;

/// What a list in lines of JSON comes to.
fn read_lines(lines: &[&str]) -> ReadThrough {
    let source = PeopleSource::Lines(Box::new(Cursor::new(lines.join("\n").into_bytes())));
    let content = BlastContent::parse("Hi", None).unwrap();
    let list = PeopleList::open(source, "MY".parse().unwrap(), content, false, SeenPeople::default()).unwrap();
    let (sender, _batches) = mpsc::channel(1);
    let writer = PeopleWriter::new(BlastId(1), sender, CopyBatch::default(), u64::MAX);
    list.read(writer, RejectedTo::Nowhere).unwrap()
}

#[test]
fn whoever_wants_no_messages_as_a_program_says_is_left_out() {
    for said in [
        r#""unsubscribed":"yes""#,
        r#""unsubscribed":true"#,
        r#""DNC":1"#,
        r#""stop":"STOP""#,
        r#""opt_out":"31/12/2025""#,
        r#""variables":{"optedOut":"Y"}"#,
        r#""optOut":{"sms":false,"whatsapp":true}"#,
        r#""optOut":{"value":true,"at":"2026-11-01"}"#,
        r#""unsubscribed":["yes"]"#,
    ] {
        let person = format!(r#"{{"phone":"0100120001","name":"Aina",{said}}}"#);

        let read = read_lines(&[&person, r#"{"phone":"0100120002"}"#]);

        let refused: Vec<_> = read.tally.examples.iter().map(|of| (of.row, of.reason.clone())).collect();
        assert_eq!((read.tally.taken, refused), (1, vec![(1, Reason::OptedOut)]), "{said}");
    }
    for said in [r#""unsubscribed":false"#, r#""stop":"KL Sentral""#, r#""stop":null"#, r#""bus_stop":"yes""#] {
        let read = read_lines(&[&format!(r#"{{"phone":"0100120001",{said}}}"#)]);

        assert_eq!((read.tally.taken, read.tally.rejected), (1, 0), "{said}");
    }
}

#[test]
fn a_list_or_an_object_that_does_not_say_whether_somebody_wants_messages_leaves_their_value_out() {
    let nested = r#"{"phone":"0100120001","unsubscribed":{"value":false,"at":"2026-11-01"}}"#;
    let read = read_lines(&[nested, r#"{"phone":"0100120002","unsubscribed":[]}"#]);

    let refused: Vec<_> = read.tally.examples.iter().map(|of| (of.row, of.reason.clone())).collect();
    assert_eq!((read.tally.taken, refused), (1, vec![(1, Reason::NotPlain)]));

    let says_no = read_lines(&[r#"{"phone":"0100120004","optOut":{"value":false}}"#]);
    assert_eq!(says_no.tally.taken, 1);
    let one_of_two = r#"{"phone":"0100120005","optOut":{"sms":false,"whatsapp":true}}"#;
    assert_eq!(read_lines(&[r#"{"phone":"0100120005"}"#, one_of_two]).tally.taken, 0);
    let of_variables = r#"{"phone":"0100120003","variables":{"dnc":[true]}}"#;
    assert_eq!(read_lines(&[of_variables, r#"{"phone":"0100120003"}"#]).tally.taken, 0);
}

#[test]
fn whoever_wants_no_messages_by_one_line_gets_none_by_another() {
    let plain = r#"{"phone":"0100120001"}"#;
    let read = read_lines(&[plain, r#"{"to":"+60100120001","name":["Aina"],"stop":"yes"}"#, plain]);

    let refused: Vec<_> = read.tally.examples.iter().map(|of| (of.row, of.reason.clone())).collect();
    let other = Reason::OptedOutElsewhere { row: 2 };
    assert_eq!(refused, [(2, Reason::NotPlain), (1, other.clone()), (3, other)]);
    assert_eq!((read.tally.taken, read.taken_back.len()), (0, 1));
    for said in [
        r#""unsubscribed":"yes","unsubscribed":"no""#,
        r#""unsubscribed":"no","unsubscribed":"yes""#,
        r#""variables":{"dnc":"yes","dnc":"no"}"#,
    ] {
        let twice = format!(r#"{{"phone":"0100120001",{said}}}"#);
        assert_eq!(read_lines(&[plain, &twice, plain]).tally.taken, 0, "{said}");
    }
}
