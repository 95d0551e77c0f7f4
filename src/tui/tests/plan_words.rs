//! The plan's words: its list, its sender's limits and health, and whose days it counts by.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::plans::{plan_of, planned, shows};
use super::support::{DRAFT, RAYA, STACKED, TestDashboard, at, draft, senders, tomorrow};
use crate::app::view::{BlastView, SenderView};
use crate::app::{ConcurrentBlast, EngineChange, HealthCheck, KnownHealth, Plan, PlanGroup, PlanPerson, PlannedStart};
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::pace::{CapLeft, Forecast, ForecastShare, LimitColumns};
use crate::tui::Size;
use crate::tui::effect::{Completion, Effect, ReadRequest, WriteOutcome};
use crate::tui::model::{Overlay, PlanCount};
use crate::tui::msg::Msg;

#[test]
fn the_plan_and_the_form_say_where_the_senders_limits_are_set() {
    let mut dashboard = planned(|plan| plan);
    dashboard.dispatch(Msg::Resized(Size { width: 80, height: 24 }));
    dashboard.keys("j");
    assert!(
        shows(&dashboard, "about 90 an hour") && shows(&dashboard, "config: gap, daily_cap of [[senders]] sales"),
        "{:#?}",
        dashboard.screen()
    );

    let mut form = TestDashboard::new(Size { width: 80, height: 24 });
    form.keys("1n");
    assert!(shows(&form, "WSAPME, 354 of 500 left today  config: daily_cap"), "{:#?}", form.screen());
    assert!(shows(&form, "gap 20-60 s, about 90/h   config: gap of [[senders]] sales"), "{:#?}", form.screen());
}

#[test]
fn a_plan_in_a_window_whose_configuration_has_changed_says_that_its_limits_are_those_of_before() {
    let mut dashboard = planned(|plan| plan);
    assert!(!shows(&dashboard, "the configuration has changed"), "{:#?}", dashboard.screen());

    dashboard.dispatch(Msg::Retired(EngineChange::Settings));

    assert!(shows(&dashboard, "the rate, gap, cap and hours below are those of before"), "{:#?}", dashboard.screen());
}

#[test]
fn the_senders_gap_is_named_beside_a_blast_that_would_be_faster_and_not_beside_one_that_is_slower() {
    for (gap, place) in [("5s", "config: gap, daily_cap of"), ("2m", "config: daily_cap of")] {
        let limits = LimitColumns { gap: Some(Ok(gap.parse().unwrap())), ..LimitColumns::default() };
        let mut dashboard =
            planned(|plan| Plan { blast: BlastView { limits: limits.clone(), ..plan.blast.clone() }, ..plan });
        dashboard.dispatch(Msg::Resized(Size { width: 80, height: 24 }));
        dashboard.keys("j");

        assert!(shows(&dashboard, place), "{gap}: {:#?}", dashboard.screen());
    }
}

#[test]
fn the_health_of_a_sender_of_texts_says_what_is_known_and_what_is_not_in_either_width() {
    let detail = "device 5850 paired, named Kedai".to_owned();
    let check = Some(HealthCheck { detail, is_good: true, at: at(14, 1) });
    let sender = "sales".to_owned();
    let known = KnownHealth { sender, check, last_sent: Some(at(13, 7)), skew: Some(TimeDelta::zero()) };

    let wide = planned(|plan| Plan { sender_health: Some(Box::new(known.clone())), ..plan });
    let words = "  sales: device 5850 paired, named Kedai, checked 14:01   last sent 13:07   template: none needed   clock is right";
    assert!(shows(&wide, words), "{:#?}", wide.screen());

    let mut narrow = planned(|plan| Plan { sender_health: Some(Box::new(known.clone())), ..plan });
    narrow.dispatch(Msg::Resized(Size { width: 80, height: 50 }));
    assert!(shows(&narrow, "checked 14:01   last sent 13:07"), "{:#?}", narrow.screen());
    assert!(shows(&narrow, "  template: none needed   clock is right"), "{:#?}", narrow.screen());

    let unknown = KnownHealth { check: None, last_sent: None, skew: None, ..known };
    let unknown = planned(|plan| Plan { sender_health: Some(Box::new(unknown)), ..plan });
    let words = "  sales: not checked yet   nothing sent yet   template: none needed   clock not checked";
    assert!(shows(&unknown, words), "{:#?}", unknown.screen());
}

#[test]
fn a_plan_for_fewer_than_the_draft_has_says_how_many_those_are() {
    let dashboard = planned(|plan| Plan { people: 286, ..plan });

    assert!(
        shows(&dashboard, "286 people get one message each, 213 of them today, from sales, of 289 in the draft"),
        "{:#?}",
        dashboard.screen()
    );
}

#[test]
fn today_is_named_by_whose_clock_it_is_where_it_is_another_day_here() {
    let left = CapLeft { messages: 57, until: tomorrow(8, 0), zone: Tz::Europe__London };
    let share = ForecastShare { people: 57, from: tomorrow(1, 30), until: Some(tomorrow(2, 27)) };
    let forecast = Forecast { today: Some(share), done_at: share.until, ..Forecast::default() };
    let dashboard = planned(|plan| Plan { left_today: Some(left), forecast, ..plan });

    let screen = dashboard.screen().join("\n");

    let both = "57 today in London, from 21 Nov 01:30 here (20 Nov 17:30 in London) until about 02:27";
    assert!(screen.contains(both), "{screen}");
}

#[test]
fn the_first_line_of_a_plan_says_how_many_go_today_where_others_go_later() {
    let share = |people, from| Some(ForecastShare { people, from, until: None });
    let forecast =
        Forecast { today: share(47, at(14, 0)), tomorrow: share(242, tomorrow(9, 0)), ..Forecast::default() };

    let dashboard = planned(|plan| Plan { forecast, ..plan });

    assert!(
        shows(&dashboard, "289 people get one message each, 47 of them today, from sales"),
        "{:#?}",
        dashboard.screen()
    );
}

#[test]
fn a_plan_tells_hours_and_times_by_one_clock_or_names_both() {
    let mut dashboard = planned(|plan| plan);
    assert!(shows(&dashboard, "hours 09:00-21:00 daily"), "{:#?}", dashboard.screen());
    assert!(!shows(&dashboard, "Asia/Kuala_Lumpur") && !shows(&dashboard, "there"), "{:#?}", dashboard.screen());

    dashboard.model.options.zone = Tz::UTC;

    assert!(
        shows(&dashboard, "hours 09:00-21:00 daily in Kuala Lumpur, where it is 14:02 now"),
        "{:#?}",
        dashboard.screen()
    );
    for words in [
        "213 today, until about 10:04 here",
        "76 tomorrow, from 21 Nov 01:00 here (09:00 in Kuala Lumpur) until about 01:51",
        "done about 21 Nov 01:51 here (09:51 in Kuala Lumpur) if nothing holds it up",
    ] {
        assert!(shows(&dashboard, words), "{:#?}", dashboard.screen());
    }
}

#[test]
fn a_plan_without_hours_says_that_it_goes_out_now_and_what_time_it_is_where_its_people_are() {
    let mut dashboard = planned(|plan| Plan { window: None, ..plan });
    assert!(shows(&dashboard, "no hours set: goes out now, 14:02"), "{:#?}", dashboard.screen());

    dashboard.model.options.zone = Tz::UTC;

    assert!(shows(&dashboard, "no hours set: goes out now, 14:02 in Kuala Lumpur"), "{:#?}", dashboard.screen());
    assert!(shows(&planned(|plan| plan), "from sales; within its hours: goes out now"));
    let start = PlannedStart { at: at(23, 0), zone: Tz::UTC, note: None };
    let dashboard = planned(|plan| Plan { window: None, start: Some(start), ..plan });
    assert!(!shows(&dashboard, "goes out now"), "it starts later");
}

#[test]
fn the_days_of_a_daily_cap_elsewhere_are_said_above_those_that_it_counts() {
    let mut dashboard = planned(|plan| plan);
    dashboard.model.options.zone = Tz::UTC;

    let days = "days are counted in Kuala Lumpur time, as for the daily cap:";
    assert!(shows(&dashboard, days), "{:#?}", dashboard.screen());
}

#[test]
fn what_a_blast_beside_it_takes_is_said_whole_on_a_narrow_screen() {
    let other = ConcurrentBlast {
        blast: RAYA,
        tag: "Raya".to_owned(),
        stage: "Initial".to_owned(),
        queued: 40,
        starts_at: None,
        sends_from: Some(tomorrow(9, 0)),
        assumed: false,
        limits: LimitColumns::default(),
        begins: Vec::new(),
        dues: Vec::new(),
        window_local: false,
        zone: Tz::Asia__Kuala_Lumpur,
    };
    let stopped =
        Plan { stopped: Some("offline".to_owned()), shared_with: vec![other.clone()], ..plan_of(draft(), 289) };
    let screen = |plan: Plan| {
        let mut dashboard = planned(|_| plan);
        dashboard.dispatch(Msg::Resized(Size { width: 80, height: 50 }));
        dashboard.screen().iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
    };

    let words = "shared with Raya, 40 still queued: it sends nothing before 21 Nov 09:00; from then on they take turns, and the times \
                 below allow for it";
    let sends = screen(Plan { shared_with: vec![other], ..plan_of(draft(), 289) });
    assert!(sends.contains(words), "{sends}");
    let stopped = screen(stopped);
    assert!(stopped.contains("from then on they take turns") && !stopped.contains("allow for it"), "{stopped}");
}

#[test]
fn nobody_today_says_why_and_is_not_said_beside_a_start_that_says_its_day() {
    let late = |plan: Plan| Plan { forecast: Forecast { today: None, ..plan.forecast }, ..plan };
    let used_up = |plan: Plan| {
        let left = plan.left_today.map(|left| CapLeft { messages: 0, ..left });
        Plan { left_today: left, ..late(plan) }
    };
    let start = PlannedStart { at: tomorrow(9, 30), zone: Tz::Asia__Kuala_Lumpur, note: None };

    let whole_day = planned(late);
    assert!(whole_day.screen().iter().any(|line| line.trim() == "nobody today"), "{:#?}", whole_day.screen());
    assert!(shows(&planned(used_up), "  nobody today: the daily cap is used up"));
    let without_hours = planned(|plan| Plan { window: None, ..used_up(plan) });
    let screen = without_hours.screen().iter().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join(" ");
    assert!(screen.contains("; first message 21 Nov 09:00"), "{screen}");
    assert!(screen.contains("First message: 21 Nov 09:00."), "{screen}");
    let starts = planned(|plan| Plan { start: Some(start), ..used_up(plan) });
    assert!(!shows(&starts, "nobody today"), "{:#?}", starts.screen());
    assert!(shows(&starts, "It starts 21 Nov 09:30;"), "{:#?}", starts.screen());
}

#[test]
fn a_start_by_other_clocks_has_its_day_before_both_times() {
    let start = PlannedStart { at: tomorrow(9, 30), zone: Tz::Asia__Kuala_Lumpur, note: None };
    let mut dashboard = planned(|plan| Plan { start: Some(start), ..plan });

    dashboard.model.options.zone = Tz::UTC;

    let both = "It starts 21 Nov 09:30 in Kuala Lumpur (01:30 here); until then";
    assert!(shows(&dashboard, both), "{:#?}", dashboard.screen());
}

#[test]
fn a_message_to_oneself_counts_in_the_plan_once_it_is_sent() {
    let mut dashboard = planned(|plan| plan);
    dashboard.keys("My");
    let request = dashboard.acts().remove(0);
    let mut test = BlastView { id: BlastId(99), state: BlastState::Sending, ..draft() };
    test.counts.queued = 1;
    let outcome = Ok(WriteOutcome::Blast(Box::new(test.clone())));
    dashboard.answer(Completion::Written { request, outcome });
    let read_again = |dashboard: &mut TestDashboard, test: BlastView| {
        dashboard.effects.clear();
        dashboard.answer(Completion::Blasts(Ok(vec![draft(), test])));
        dashboard.taken().iter().filter(|effect| matches!(effect, Effect::Read(ReadRequest::Plan(DRAFT, _)))).count()
    };

    assert_eq!(read_again(&mut dashboard, test.clone()), 0, "it is on its way");
    (test.counts.queued, test.state) = (0, BlastState::Completed);
    assert_eq!(read_again(&mut dashboard, test.clone()), 1);
    assert_eq!(read_again(&mut dashboard, test), 0, "once");
    dashboard.keys("28");
    let left = |plan: Plan| Plan { left_today: plan.left_today.map(|left| CapLeft { messages: 353, ..left }), ..plan };
    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(left(plan_of(draft(), 289)))) });
    assert!(shows(&dashboard, "353 left of the daily cap"), "{:#?}", dashboard.screen());
    assert!(shows(&dashboard, "people: 28_"), "what is typed stays: {:#?}", dashboard.screen());
}

#[test]
fn the_header_names_its_clock_at_every_width_where_other_times_name_theirs() {
    for (zone, says) in [(Tz::UTC, "live, news 06:02 UTC "), (Tz::Asia__Singapore, "live, news 14:02  ")] {
        let mut dashboard = TestDashboard::new(STACKED);
        dashboard.model.options.zone = zone;

        assert!(dashboard.line(0).contains(says), "{}", dashboard.line(0));
    }
}

#[test]
fn the_plan_names_the_list_and_the_columns_that_it_was_read_by() {
    let from = "/home/aina/raya.csv   phone = No. Telefon   name = Nama";
    let dashboard = planned(|plan| Plan { read_from: Some(from.to_owned()), ..plan });

    assert!(shows(&dashboard, &format!("  list: {from}")), "{:#?}", dashboard.screen());
}

#[test]
fn a_sample_names_its_row_of_the_list() {
    let dashboard = planned(|plan| plan);

    assert!(shows(&dashboard, "  to Raj, +60 10-012 7781, row 41"), "{:#?}", dashboard.screen());
}

#[test]
fn whose_message_is_uncertain_is_not_said_to_have_been_sent_one() {
    let mut dashboard = planned(|plan| plan);
    dashboard.keys("jj\n");
    let person = |name: &str, is_uncertain| PlanPerson {
        phone_number: serde_json::from_value(serde_json::json!("+60100120001")).unwrap(),
        name: Some(name.to_owned()),
        tag: Some("Deepavali".to_owned()),
        at: Some(at(9, 0)),
        is_uncertain,
    };
    let people = Ok(vec![person("Siti", false), person("Raj", true)]);

    dashboard.answer(Completion::PlanPeople { blast: DRAFT, group: PlanGroup::Recent, people });

    for words in [
        "Plan ══ Had, or may have had, a message in the last 7 days",
        "Siti  sent 09:00, Deepavali",
        "Raj  uncertain since 09:00, Deepavali",
    ] {
        assert!(shows(&dashboard, words), "{words}: {:#?}", dashboard.screen());
    }
}

#[test]
fn a_plan_says_where_its_limits_are_set_at_every_width() {
    for width in 50..110 {
        let mut dashboard = TestDashboard::new(Size { width, height: 60 });
        dashboard.model.blasts.select(DRAFT);
        dashboard.keys("1S");
        dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan_of(draft(), 289))) });

        assert!(shows(&dashboard, "[[senders]] sales"), "{width}: {:#?}", dashboard.screen());
    }
}

#[test]
fn no_line_of_a_plan_is_cut_without_a_mark() {
    for width in 40..110 {
        let mut dashboard = TestDashboard::new(Size { width, height: 60 });
        dashboard.model.blasts.select(DRAFT);
        dashboard.keys("1S");
        dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan_of(draft(), 289))) });

        let screen = dashboard.screen().iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        for words in [
            "a message from us in the last 7 days",
            "still queued in another blast: would get both",
            "tinggal 2 hari lagi!",
            "until then u stops it.",
        ] {
            assert!(screen.contains(words), "{width}: {words}: {:#?}", dashboard.screen());
        }
    }
}

#[test]
fn what_the_check_of_a_sender_found_is_asked_about_before_the_number() {
    let check = Some(HealthCheck {
        detail: "device 5851 is not among the account's devices".to_owned(),
        is_good: false,
        at: at(14, 1),
    });
    let known = KnownHealth { sender: "sales".to_owned(), check, last_sent: None, skew: None };
    let mut dashboard = planned(|plan| Plan { sender_health: Some(Box::new(known)), ..plan });

    for (width, height) in [(120, 29), (80, 24), (60, 20)] {
        dashboard.dispatch(Msg::Resized(Size { width, height }));
        let screen = dashboard.screen();
        let text = screen.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
        let ask = "Sender sales: device 5851 is not among the account's devices. Send all the same?";
        assert!(text.contains(ask) && text.contains("people: "), "{screen:#?}");
    }
}

#[test]
fn whose_messages_are_counted_is_said_where_there_are_several_businesses() {
    let mut dashboard = planned(|plan| plan);
    assert!(shows(&dashboard, "a message from us in the last 7 days"));
    let other = SenderView { id: SenderId(2), business: "bakery".to_owned(), ..senders().swap_remove(0) };

    dashboard.answer(Completion::Senders(Ok(senders().into_iter().chain([other]).collect())));

    assert!(shows(&dashboard, "a message from kedai in the last 7 days"), "{:#?}", dashboard.screen());
}

#[test]
fn what_stays_above_a_number_and_has_no_room_is_seen_to_go_on() {
    let mut dashboard = TestDashboard::new(Size { width: 62, height: 12 });
    dashboard.model.blasts.select(DRAFT);
    dashboard.keys("1S");
    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan_of(draft(), 289))) });

    let screen = dashboard.screen();
    assert!(screen[2..10].iter().any(|line| line.ends_with('~')), "{screen:#?}");
}

#[test]
fn who_is_uncertain_in_a_draft_is_among_those_whom_the_plan_counts() {
    let dashboard = planned(|mut plan| {
        plan.blast.counts.uncertain = 4;
        plan
    });

    assert!(shows(&dashboard, "4 uncertain: they may have had it, and get nothing"), "{:#?}", dashboard.screen());
    let Some(Overlay::Plan(plan)) = dashboard.model.overlays.last() else { panic!("the plan") };
    assert!(plan.counts().contains(&PlanCount::Group(PlanGroup::Uncertain)));
}
