use super::{LimitOwner, Waiting};
use crate::domain::ids::BlastId;

#[test]
fn every_reason_is_one_sentence_with_its_end() {
    let until = "2026-06-15T04:00:00Z".parse().unwrap();
    let says = |waiting: Waiting| waiting.sentence(|at| at.format("%H:%M").to_string());

    let gap = "20s..1m".to_owned();
    let gap = |next, slowed| says(Waiting::Gap { gap: gap.clone(), next, slowed });
    assert_eq!(gap(Some(until), 0), "waits for: gap 20s..1m, next 04:00");
    assert_eq!(gap(None, 0), "waits for: gap 20s..1m");
    assert_eq!(gap(Some(until), 2), "waits for: gap 20s..1m, made 4 times as long by the provider, next 04:00");
    assert_eq!(gap(None, 1), "waits for: gap 20s..1m, made twice as long by the provider");
    let rate = |whose, slowed| says(Waiting::Rate { rate: "80/s".to_owned(), next: None, whose, slowed });
    assert_eq!(rate(LimitOwner::Sender, 0), "waits for: sender rate 80/s");
    assert_eq!(rate(LimitOwner::Blast, 0), "waits for: blast rate 80/s");
    assert_eq!(rate(LimitOwner::Sender, 2), "waits for: sender rate 80/s, slowed to 1/4 by the provider");
    let slow = Waiting::Rate { rate: "2/h".to_owned(), next: Some(until), whose: LimitOwner::Sender, slowed: 0 };
    assert_eq!(says(slow), "waits for: sender rate 2/h, next 04:00");
    assert_eq!(says(Waiting::Throttled { until }), "waits for: the provider, which asked to slow down, until 04:00");
    assert_eq!(says(Waiting::Backoff { people: 3, until }), "waits for: 3 to be retried, next try 04:00");
    let own = |time| says(Waiting::OwnTime { people: 15, time, until });
    assert_eq!(own("19:00:00".parse().ok()), "waits for: everyone's own 19:00, 15 left, next 04:00");
    assert_eq!(own(None), "waits for: everyone's own hours, 15 left, next 04:00");
    let window = "09:00-21:00 daily (Asia/Kuala_Lumpur)".to_owned();
    assert_eq!(
        says(Waiting::Window { window, until }),
        "waits for: its hours, 09:00-21:00 daily in Kuala Lumpur, until 04:00"
    );
    assert_eq!(says(Waiting::Armed { until }), "starts 04:00");
    assert_eq!(says(Waiting::Uncertain { people: 3 }), "waits for you: 3 uncertain");
}

#[test]
fn everyones_own_time_is_in_json_as_that_of_the_blast() {
    let until = "2026-06-15T04:00:00Z".parse().unwrap();
    let json = |time| serde_json::to_value(Waiting::OwnTime { people: 15, time, until }).unwrap();
    let ten = chrono::NaiveTime::from_hms_opt(10, 0, 0);

    assert_eq!(json(ten)["time"], "10:00");
    assert_eq!(json(None)["time"], serde_json::Value::Null);
    assert_eq!(
        serde_json::from_value::<Waiting>(json(ten)).unwrap(),
        Waiting::OwnTime { people: 15, time: ten, until }
    );
}

#[test]
fn what_opens_closed_hours_says_what_it_asks_where_nobody_can_answer() {
    let window =
        Waiting::Window { window: "09:00-21:00 daily".to_owned(), until: "2026-06-15T04:00:00Z".parse().unwrap() };

    let mend = window.mend(BlastId(7), "sales").unwrap();

    assert!(mend.starts_with("`blastdeck blast edit 7 --clear window,weekdays` has it send at any hour"), "{mend}");
    assert!(mend.ends_with("without `--yes` it asks for the number of people first"), "{mend}");

    let own = window.mend_with((BlastId(7), chrono::NaiveTime::from_hms_opt(10, 0, 0)), "sales").unwrap();
    let begins = "`blastdeck blast edit 7 --clear window,weekdays` has it send at everyone's own 10:00; without";
    assert!(own.starts_with(begins), "{own}");
    assert_eq!(window.mend_with((BlastId(7), None), "sales"), Some(mend));
}

#[test]
fn a_moment_that_has_come_ends_a_wait_but_not_a_gap_or_a_rate() {
    let until = "2026-06-15T04:00:00Z".parse().unwrap();
    let gap = |next| Waiting::Gap { gap: "20s".to_owned(), next, slowed: 1 };
    let rate = |next| Waiting::Rate { rate: "2/h".to_owned(), next, whose: LimitOwner::Blast, slowed: 0 };

    assert_eq!(gap(Some(until)).at(until), Some(gap(None)));
    assert_eq!(rate(Some(until)).at(until), Some(rate(None)));
    assert_eq!(Waiting::Throttled { until }.at(until), None);
    assert_eq!(Waiting::NoEngine.at(until), Some(Waiting::NoEngine));
}

#[test]
fn only_a_wait_with_a_moment_takes_another_one() {
    let [sooner, later] = ["2026-06-15T04:00:00Z", "2026-06-16T01:00:00Z"].map(|at| at.parse().unwrap());
    let gap = |next| Waiting::Gap { gap: "20s".to_owned(), next, slowed: 1 };

    let capped = |until, hours| Waiting::DailyCap { cap: 500, until, hours };
    assert_eq!(capped(sooner, None).ending(later, None), capped(later, None));
    let hours = Some("09:00-18:00 daily (Asia/Kuala_Lumpur)".to_owned());
    assert_eq!(
        capped(sooner, None).ending(later, hours).sentence(|at| at.format("%H:%M").to_string()),
        "waits for: the daily cap, 500 a day, and then its hours, 09:00-18:00 daily in Kuala Lumpur, until 01:00"
    );
    let hours = Some("09:00-21:00 daily by everyone's own clock".to_owned());
    assert_eq!(
        capped(sooner, hours).sentence(|at| at.format("%H:%M").to_string()),
        "waits for: the daily cap, 500 a day, and then its hours, 09:00-21:00 daily by everyone's own clock, until 04:00"
    );
    assert_eq!(gap(Some(sooner)).ending(later, None), gap(Some(later)));
    assert_eq!(gap(None).ending(later, None), gap(None));
    let provider = |until| Waiting::Provider { why: "no connection".to_owned(), until };
    assert_eq!(provider(sooner).ending(later, None), provider(later));
    assert_eq!(Waiting::NoEngine.ending(later, None), Waiting::NoEngine);
}
