//! The line of those who are outside of the funnel, where there is little room.

use super::armed::{armed, launched, read};
use super::support::{STACKED, TestDashboard, WIDE, at, raya, senders};
use crate::app::EngineChange;
use crate::app::view::{BlastView, LeaseRow, SenderView};
use crate::domain::engine_role::EngineRole;
use crate::domain::funnel::Counts;
use crate::domain::ids::SenderId;
use crate::tui::Size;
use crate::tui::effect::Completion;
use crate::tui::msg::Msg;

fn counts(size: Size, counts: Counts, opted_out_later: i64) -> String {
    let line = counts_beside(size, counts, opted_out_later);
    assert!(line.contains("skip"), "{line}");
    line
}

fn counts_beside(size: Size, counts: Counts, opted_out_later: i64) -> String {
    let mut dashboard = TestDashboard::new(size);
    let blast = BlastView { counts, opted_out_later, ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![blast]))).keys("2");
    let line = dashboard.screen().into_iter().find(|line| line.contains("queued 1") || line.contains("queued 2"));
    line.unwrap_or_else(|| panic!("{:#?}", dashboard.screen()))
}

#[test]
fn words_are_dropped_before_counts() {
    let few = Counts { queued: 145, skipped: 17, ..raya().counts };
    let many = Counts {
        queued: 12_345,
        sending: 64,
        uncertain: 22,
        failed: 3_333,
        opted_out: 444,
        skipped: 5_555,
        ..raya().counts
    };
    for size in [WIDE, STACKED] {
        let line = counts(size, few, 1);
        assert!(
            (line.contains("later 1 ") || line.contains("(+1 later) ")) && line.trim_end().ends_with("skipped 17"),
            "{size:?}: {line}"
        );
        let line = counts(size, many, 666);
        for count in ["12.3k", " 64 ", " 22 ", "3,333", "444 (+666)", "5,555"] {
            assert!(line.contains(count), "{size:?}: {count} is not in {line}");
        }
        assert!(!line.contains('~'), "{size:?}: {line}");
    }
}

#[test]
fn on_a_laptop_the_words_of_the_counts_are_whole_and_empty_ones_give_way() {
    let few = Counts { queued: 28, sending: 1, uncertain: 0, failed: 2, opted_out: 1, ..Counts::default() };

    let line = counts_beside(WIDE, few, 1);

    assert!(line.contains("queued 28  sending 1  uncertain 0  failed 2  opted out 1 (+1 later)"), "{line}");
    let all = Counts { queued: 145, skipped: 17, opted_out: 0, ..raya().counts };
    let line = counts_beside(WIDE, all, 1);
    assert!(line.contains("queued 145 sending 1 uncertain 1 failed 3 opt-out later 1 skipped 17"), "{line}");
}

#[test]
fn a_window_that_sends_no_more_says_why() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.dispatch(Msg::Retired(EngineChange::Program));
    let line = dashboard.line(0);
    assert!(line.contains("does not send: the program has changed, open it again"), "{line}");
    dashboard.model.senders[0].lease = Some(LeaseRow {
        holder: "another".to_owned(),
        host: "kedai1".to_owned(),
        role: Some(EngineRole::Standby),
        expires_at: at(14, 3),
    });
    let line = dashboard.line(0);
    assert!(line.contains("the standby sends, not this window: reopen it"), "{line}");
    let mut wide = TestDashboard::new(Size { width: 200, height: 50 });
    wide.model.senders = dashboard.model.senders.clone();
    wide.dispatch(Msg::Retired(EngineChange::Settings));
    let line = wide.line(0);
    let words = "this window does not send, the standby does: the configuration has changed, open it again";
    assert!(line.contains(words), "{line}");
}

#[test]
fn a_window_that_sends_no_more_is_to_be_opened_again_also_on_a_small_screen_that_others_have_a_place_on() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.answer(Completion::Others(Ok(vec!["ben@shop".to_owned(), "cara@shop".to_owned()])));
    let uncertain = Counts { uncertain: 2, ..raya().counts };
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { counts: uncertain, ..raya() }])));

    dashboard.dispatch(Msg::Retired(EngineChange::Settings));

    let line = dashboard.line(0);
    assert!(line.contains("live, news") && line.contains("reopen this window"), "{line}");
    assert!(line.contains("! 2 need you") && line.contains('+'), "{line}");
}

/// Somebody else sends, by limits that this window does not know.
#[test]
fn a_window_whose_configuration_has_changed_names_the_earliest_start_and_promises_none() {
    let mut dashboard = launched();
    let row = armed(&dashboard);
    read(&mut dashboard, row);

    dashboard.model.retired = Some(EngineChange::Settings);

    let says = "Raya last call starts at 14:02:10 at the earliest: u or p stops it";
    assert!(dashboard.line(22).contains(says), "{:#?}", dashboard.screen());
}

/// The first line while others are here, beside a sender with its limits.
fn header(columns: u16, others: &[&str]) -> String {
    let mut dashboard = TestDashboard::new(Size { width: columns, height: 24 });
    let others = others.iter().map(|name| format!("{name}@shop")).collect();
    dashboard.answer(Completion::Others(Ok(others)));
    dashboard.line(0)
}

#[test]
fn whoever_else_is_here_is_named_as_far_as_there_is_room_and_the_others_are_counted() {
    let six = ["ben", "cara", "dan", "eva", "fadzil", "goh"];
    for (columns, shown) in [(80, "+ben +5"), (100, "+ben +cara +4"), (160, "+ben +cara +dan +eva +fadzil +goh")] {
        let line = header(columns, &six);
        assert!(line.contains(shown), "{columns}: {line}");
        assert!(!line.contains('~'), "{columns}: {line}");
    }
    // Nobody is left out without a count.
    for columns in 80..160 {
        let line = header(columns, &six);
        let named = six.iter().filter(|name| line.contains(&format!("+{name}"))).count();
        let is_counted = named == 6 || line.contains(&format!("+{}", 6 - named));
        assert!(is_counted, "{columns}: {line}");
    }
    assert!(header(80, &["ben"]).contains("+ben"), "{}", header(80, &["ben"]));
}

#[test]
fn whoever_else_is_here_is_named_or_counted_at_every_width() {
    let long = ["christopher-tan", "maximiliana"];
    for others in [&["ben"][..], &["ben", "cara"], &long, &["ben", "cara", "dan", "eva", "fadzil", "goh"]] {
        for columns in 40..160 {
            let line = header(columns, others);
            let named =
                others.iter().filter(|name| line.contains(&format!("+{}", &name[..name.len().min(12)]))).count();
            let left = others.len() - named;
            assert!(left == 0 || line.contains(&format!("+{left}")), "{columns}: {line}");
        }
    }
}

#[test]
fn the_longest_name_of_a_shop_leaves_room_for_the_count_of_those_who_are_here() {
    for columns in 40..80 {
        let mut dashboard = TestDashboard::new(Size { width: columns, height: 24 });
        dashboard.model.options.name = Some("Kedai Kek dan Roti Aina Sdn Bhd".to_owned());
        dashboard.answer(Completion::Others(Ok(vec!["ben@shop".to_owned(), "cara@shop".to_owned()])));

        let line = dashboard.line(0);
        assert!(line.contains("+2") || line.contains("+ben"), "{columns}: {line}");
    }
}

#[test]
fn a_sender_without_room_is_told_from_another_person_who_is_here() {
    let second = || SenderView { id: SenderId(2), name: "support".to_owned(), ..senders().swap_remove(0) };
    for columns in 40..140 {
        let mut dashboard = TestDashboard::new(Size { width: columns, height: 24 });
        dashboard.answer(Completion::Senders(Ok(vec![senders().swap_remove(0), second()])));
        for others in [&["ben@shop"][..], &["ben@shop", "cara@shop"]] {
            let others = others.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            dashboard.answer(Completion::Others(Ok(others.clone())));

            let line = dashboard.line(0);

            let words: Vec<_> = line.replace("+08", "").split_whitespace().map(str::to_owned).collect();
            let is_number = |word: &str| word.strip_prefix('+').is_some_and(|number| number.parse::<u8>().is_ok());
            let is_bare = |pair: &&[String]| is_number(&pair[0]) && !pair[1].starts_with("sender");
            let bare = [words, vec![String::new()]].concat().windows(2).filter(is_bare).count();
            assert!(bare <= 1, "{columns}: {line}");
        }
    }
}

#[test]
fn a_number_in_the_first_line_says_what_it_counts() {
    for columns in 40..90 {
        let mut dashboard = TestDashboard::new(Size { width: columns, height: 24 });
        let row = |n: i64| SenderView { id: SenderId(n), name: format!("outlet{n}"), ..senders().swap_remove(0) };
        dashboard.answer(Completion::Senders(Ok((1..=3).map(row).collect())));
        dashboard.answer(Completion::Others(Ok(vec!["ben@shop".to_owned(), "cara@shop".to_owned()])));

        let line = dashboard.line(0);

        let words: Vec<&str> = line.split_whitespace().chain([""]).collect();
        let is_number = |word: &str| word.strip_prefix('+').is_some_and(|n| n.len() == 1 && n.parse::<u8>().is_ok());
        let unsaid = words.windows(2).filter(|pair| is_number(pair[0]) && pair[0] != "+08").any(|pair| {
            let after_a_name =
                line.contains(&format!("+ben {}", pair[0])) || line.contains(&format!("+cara {}", pair[0]));
            !after_a_name && !pair[1].starts_with("sender") && !["here", "more"].contains(&pair[1])
        });
        assert!(!unsaid, "{columns}: {line}");
    }
}
