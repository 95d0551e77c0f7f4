use chrono::{DateTime, TimeDelta};
use chrono_tz::Tz;

use rust_decimal::Decimal;

use super::*;
use crate::domain::act::Actor;
use crate::domain::ids::{RecipientId, SenderId};
use crate::domain::pricing::{DeliveredMessages, RateCard};
use crate::domain::progress::{BlastProgress, SampledPerson, StageTimes};
use crate::domain::waiting::Waiting;

fn blast() -> BlastView {
    BlastView {
        id: BlastId(1),
        tag: "Campaign 2025-01-18".into(),
        follow_up_stage: "Initial".into(),
        state: BlastState::Completed,
        version: 3,
        sender_id: SenderId(1),
        sender: "sales".into(),
        rehearsal: false,
        total_recipients: 250,
        counts: Counts {
            sent: 10,
            delivered: 60,
            read: 100,
            replied: 55,
            closed: 25,
            amount: Decimal::new(124_000, 2),
            ..Counts::default()
        },
        opted_out_later: 2,
        template: None,
        message: "hi".into(),
        limits: crate::domain::pace::LimitColumns::default(),
        send_after: None,
        armed_at: None,
        scheduled_for: None,
        scheduled_local: None,
        state_reason: None,
        state_by: None,
        blast_date: DateTime::UNIX_EPOCH,
        launched_at: None,
        completed_at: None,
        created_at: DateTime::UNIX_EPOCH,
        external_id: None,
        description: None,
        follows: None,
        unfinished: None,
        first: crate::domain::blast::FirstPeople::default(),
        origin: crate::domain::blast::BlastOrigin::default(),
        retry_next_day: false,
        updated_at: DateTime::UNIX_EPOCH,
        unasked: crate::store::view::Total::Exactly(0),
        waiting: None,
        nobody_due: None,
        mend: None,
        asks_after: None,
        estimate: crate::app::view::Estimate::default(),
    }
}

fn report() -> Report {
    let errors = [ErrorRow { code: "131026".into(), count: 3, title: "Undeliverable".into() }];
    Report::new(&blast(), &errors, |code| (code == "131026").then(|| "not on WhatsApp".to_owned())).in_currency("MYR")
}

#[test]
fn the_json_is_the_one_that_programs_rely_on() {
    let json = serde_json::to_string(&report()).unwrap();

    assert_eq!(
        json,
        concat!(
            r#"{"blast":{"id":1,"tag":"Campaign 2025-01-18","state":"completed","asks_you":false,"sender":"sales","#,
            r#""follow_up_stage":"Initial","total_recipients":250},"#,
            r#""funnel":{"sent":250,"received":240,"read":180,"replied":80,"closed":25},"#,
            r#""stuck":{"sent":10,"delivered":60,"read":100,"replied":55},"unasked":0,"#,
            r#""counts":{"queued":0,"sending":0,"uncertain":0,"sent":10,"delivered":60,"read":100,"replied":55,"#,
            r#""closed":25,"failed":0,"opted_out":0,"skipped":0},"amount":"1240.00","sales_without_amount":0,"currency":"MYR","#,
            r#""rates":{"received":0.96,"read":0.72,"replied":0.32,"closed":0.1},"#,
            r#""errors":[{"code":"131026","count":3,"title":"Undeliverable","advice":"not on WhatsApp"}],"#,
            r#""opted_out_later":2,"replies":{"replies":0,"texts":0,"writers":0},"#,
            r#""charges":{"categories":{},"free":0,"money":{},"without_rate":0},"held_by_meta":0,"stuck_with_cart":0}"#,
        )
    );
}

#[test]
fn the_table_is_aligned() {
    insta::assert_snapshot!(table(&report()), @r"
    Campaign 2025-01-18, Initial (blast 1, done, by sales)

    stage            count  of sent  stuck here
    Sent               250   100.0%          10
    Received           240    96.0%          60
    Read               180    72.0%         100
    Replied             80    32.0%          55
    Closed              25    10.0%           -

    queued 0  sending 0  uncertain 0  failed 0  opted out 0 (+2 later)  skipped 0
    people 250  money MYR 1,240.00

    error           people  why
    131026               3  Undeliverable: not on WhatsApp
    ");
}

#[test]
fn markdown_and_csv_hold_the_same_numbers() {
    let (markdown, csv) = (markdown(&report()), csv(&report()));

    assert!(markdown.contains("| Read | 180 | 72.0% | 100 |\n"), "{markdown}");
    assert!(csv.contains("1,Campaign 2025-01-18,funnel,read,180,0.72,\n"), "{csv}");
    assert!(csv.contains("1,Campaign 2025-01-18,stuck,read,100,,\n"), "{csv}");
    assert!(csv.contains(",stuck,delivered,60,,\n") && csv.contains(",counts,delivered,60,,\n"), "the status: {csv}");
    assert!(csv.contains(",funnel,received,240,0.96,\n") && !csv.contains(",stuck,received,"), "{csv}");
    assert!(markdown.contains("| opted out later, counted in their stage | 2 |\n"), "{markdown}");
    assert!(csv.contains("1,Campaign 2025-01-18,opted out,later,2,,\n"), "{csv}");
    assert!(csv.contains("1,Campaign 2025-01-18,blast,amount,1240.00,,\n"), "{csv}");
    assert!(csv.contains("errors,131026,3,,Undeliverable: not on WhatsApp\n"), "{csv}");
}

#[test]
fn sales_without_an_amount_are_counted_beside_the_money_in_every_format() {
    let report = report().with_unpriced(24);
    let words = "MYR 1,240.00 from 1 of 25 sales; 24 have no amount";

    let (table, markdown, csv) = (table(&report), markdown(&report), csv(&report));

    assert!(table.contains(&format!("\npeople 250  money {words}\n")), "{table}");
    assert!(markdown.contains(&format!("Money: {words}.\n")), "{markdown}");
    assert!(csv.contains("blast,sales_without_amount,24,,\n"), "{csv}");
    assert!(serde_json::to_string(&report).unwrap().contains("\"sales_without_amount\":24,"));
}

#[test]
fn replies_and_what_messages_cost_are_in_every_format() {
    let card = RateCard::new(vec!["marketing * 0.086 USD from 2026-01-01".parse().unwrap()]);
    let delivered = DeliveredMessages {
        category: Some("marketing".to_owned()),
        is_billable: true,
        day: "2026-11-20".parse().unwrap(),
        phone: None,
        country: None,
        messages: 240,
    };
    let report = report().with(ReplyCounts { replies: 80, texts: 61, writers: 55 }, card.charges(&[delivered]));

    let table = table(&report);
    assert!(
        table.contains("\n80 replies, 61 of them text, by 55 people\ncharged USD 20.64 for 240 marketing\n"),
        "{table}"
    );
    let (markdown, csv) = (markdown(&report), csv(&report));
    assert!(markdown.contains("\ncharged USD 20.64 for 240 marketing.\n"), "{markdown}");
    assert!(csv.contains("replies,texts,61,,\n") && csv.contains("cost,USD,20.64,,\n"), "{csv}");
}

#[test]
fn a_blast_that_asks_for_somebody_reads_so_as_it_does_in_lists() {
    let asks = BlastView { state: BlastState::Paused, state_by: Some(Actor::Engine), ..blast() };

    let report = Report::new(&asks, &[], |_| None);

    assert!(title(&report).ends_with("(blast 1, asks you, by sales)"), "{}", title(&report));
    assert!(serde_json::to_string(&report).unwrap().contains(r#""state":"paused""#), "programs read the state itself");
}

#[test]
fn a_blast_that_sends_nothing_for_long_waits_as_it_does_in_lists() {
    let until = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let waiting = Some(Waiting::Window { window: "09:00-21:00 daily".to_owned(), until });
    let waits = BlastView { state: BlastState::Sending, waiting, ..blast() };

    let report = Report::new(&waits, &[], |_| None);

    assert!(title(&report).ends_with("(blast 1, waits, by sales)"), "{}", title(&report));
}

#[test]
fn a_blast_whose_time_came_while_its_sender_is_stopped_waits_as_it_does_in_lists() {
    let (why, code) = ("Device is offline".to_owned(), "device".to_owned().into());
    let waiting = Some(Waiting::SenderStopped { why, sender: "sales".to_owned(), code, waits_for_token: false });
    let came = DateTime::from_timestamp(1_700_000_000, 0);
    let due = BlastView { state: BlastState::Scheduled, send_after: came, waiting, ..blast() };

    let report = Report::new(&due, &[], |_| None);

    assert!(title(&report).ends_with("(blast 1, waits, by sales)"), "{}", title(&report));
}

#[test]
fn hostile_names_run_nothing_and_break_no_table() {
    let evil = Report::new(&BlastView { tag: "=cmd|' /C calc'!A0,\u{1b}[2J\"x\"".into(), ..blast() }, &[], |_| None);

    assert!(csv(&evil).contains("1,\"'=cmd|' /C calc'!A0,[2J\"\"x\"\"\",blast"), "{}", csv(&evil));
    assert!(markdown(&evil).starts_with("# =cmd\\|' /C calc'\\!A0,\\[2J\"x\", Initial"), "{}", markdown(&evil));
    for text in [table(&evil), markdown(&evil), csv(&evil)] {
        assert!(!text.contains('\u{1b}'));
    }
}

#[test]
fn a_blast_with_nothing_sent_divides_by_nothing() {
    let empty = Report::new(&BlastView { counts: Counts::default(), ..blast() }, &[], |_| None);

    assert!(table(&empty).contains("Sent                 0        -           0"), "{}", table(&empty));
    assert_eq!(number(1_234_567), "1,234,567");
    assert_eq!(number(-999), "-999");
}

#[test]
fn the_page_has_every_picture_loads_nothing_and_escapes_what_others_wrote() {
    let at = |hours: i64| DateTime::UNIX_EPOCH + TimeDelta::hours(hours);
    let times = StageTimes {
        id: RecipientId(1),
        status: Status::Closed,
        sent_at: Some(at(1)),
        delivered_at: Some(at(2)),
        read_at: Some(at(3)),
        replied_at: Some(at(4)),
        closed_at: Some(at(5)),
        changed_at: at(5),
    };
    let people = [SampledPerson { times, weight: 1.0 }];
    let pictures = ReportPictures {
        progress: BlastProgress::of(&people, Tz::UTC),
        revenue: vec![(at(5), Decimal::new(1_250, 2))],
        zone: Tz::UTC,
        made_at: at(6),
    };
    let mut hostile = report();
    hostile.blast.tag = "<script>alert(1)</script>\" onload='x'".into();
    hostile.errors[0].title = "a & <b>".into();

    let page = html(&hostile, &pictures);

    for heading in ["Funnel", "Over time", "Hours of sending", "Revenue", "Why people failed"] {
        assert!(page.contains(&format!("<h2>{heading}")), "{heading}: {page}");
    }
    assert_eq!(page.matches("<svg").count(), 5);
    assert!(page.contains("y=\"16\">12.50</text>"), "the axis of revenue ends at what was sold: {page}");
    assert!(page.contains("a &amp; &lt;b&gt;") && page.contains("prefers-color-scheme:dark"));
    let unpriced = html(&report().with_unpriced(24), &pictures);
    assert!(unpriced.contains("each sale: MYR 12.50 from 1 of 25 sales; 24 have no amount.</p>"), "{unpriced}");
    let none = html(&report().with_unpriced(25), &ReportPictures { revenue: Vec::new(), ..pictures });
    assert!(none.contains("<p>Revenue: MYR 1,240.00 from 0 of 25 sales; 25 have no amount.</p>"), "{none}");
    for wrong in ["<script", "onload='", "http", "url(", "NaN", "inf\""] {
        assert!(!page.contains(wrong), "{wrong}: {page}");
    }
}
