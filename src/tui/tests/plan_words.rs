//! The plan's words: its list, its sender's limits and health, and whose days it counts by.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::plans::{planned, shows};
use super::support::{TestDashboard, at, tomorrow};
use crate::app::{HealthCheck, KnownHealth, Plan};
use crate::domain::pace::{CapLeft, Forecast, ForecastShare};
use crate::tui::Size;
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
    assert!(shows(&form, "WSAPME, 354 of 500 left today   config: daily_cap"), "{:#?}", form.screen());
    assert!(shows(&form, "gap 20s..1m, at most 90/h   config: gap of [[senders]] sales"), "{:#?}", form.screen());
}

#[test]
fn the_health_of_a_sender_of_texts_says_what_is_known_and_what_is_not_in_either_width() {
    let detail = "device 5850 paired, named Kedai".to_owned();
    let check = Some(HealthCheck { detail, is_good: true, at: at(14, 1) });
    let sender = "sales".to_owned();
    let known = KnownHealth { sender, check, last_sent: Some(at(13, 7)), skew: Some(TimeDelta::zero()) };

    let wide = planned(|plan| Plan { sender_health: Some(Box::new(known.clone())), ..plan });
    let words = "  sales: device 5850 paired, named Kedai, checked 14:01   last sent 13:07   template: none needed   clock right";
    assert!(shows(&wide, words), "{:#?}", wide.screen());

    let mut narrow = planned(|plan| Plan { sender_health: Some(Box::new(known.clone())), ..plan });
    narrow.dispatch(Msg::Resized(Size { width: 80, height: 50 }));
    assert!(shows(&narrow, "checked 14:01   last sent 13:07"), "{:#?}", narrow.screen());
    assert!(shows(&narrow, "  template: none needed   clock right"), "{:#?}", narrow.screen());

    let unknown = KnownHealth { check: None, last_sent: None, skew: None, ..known };
    let unknown = planned(|plan| Plan { sender_health: Some(Box::new(unknown)), ..plan });
    let words = "  sales: not checked yet   nothing sent yet   template: none needed   clock not checked";
    assert!(shows(&unknown, words), "{:#?}", unknown.screen());
}

#[test]
fn a_plan_for_fewer_than_the_draft_has_says_how_many_those_are() {
    let dashboard = planned(|plan| Plan { people: 286, ..plan });

    assert!(
        shows(&dashboard, "286 people get one message each, from sales, of 289 in the draft"),
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

    assert!(screen.contains("57 today in London, from 21 Nov 01:30 until about 02:27"), "{screen}");
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
