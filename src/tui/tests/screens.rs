//! What is drawn: the two main layouts to the column, and every size in every state.

use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::plans::plan_of;
use super::since::since_of;
use super::support::{
    RAYA, STACKED, TestDashboard, WIDE, at, blasts, crowd, details_of, draft, marked, noon, people, person, raya,
    senders,
};
use crate::app::SessionAnswer;
use crate::app::view::Total;
use crate::app::view::{
    AnswerRow, BlastView, HistoryRow, RecipientDetails, RecipientRow, ReplyFile, ReplyRow, SenderStop, SenderView,
};
use crate::domain::funnel::Counts;
use crate::domain::ids::{BlastId, RecipientId, ReplyId};
use crate::domain::sender::StopCode;
use crate::domain::session::{SESSION, SessionWindow};
use crate::domain::status::Status;
use crate::tui::Size;
use crate::tui::effect::{Completion, EffectError};
use crate::tui::key::Key;
use crate::tui::model::Pane;
use crate::tui::msg::Msg;

pub const SIZES: [(u16, u16); 7] = [(160, 50), (120, 29), (80, 24), (80, 23), (60, 20), (30, 8), (1, 1)];

#[test]
fn the_wide_dashboard_is_drawn_to_the_column() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("jj\n");
    let siti =
        RecipientRow { status: Status::Read, replied_at: None, changed_at: at(13, 41), ..people().swap_remove(0) };
    let hafiz = RecipientRow {
        sent_at: Some(at(12, 32)),
        delivered_at: Some(at(12, 32)),
        read_at: Some(at(13, 57)),
        ..person(2, "Muhammad Hafiz bin Abdullah", Status::Read, at(13, 40))
    };
    let ming = RecipientRow {
        sent_at: Some(at(12, 34)),
        delivered_at: Some(at(12, 40)),
        read_at: Some(at(13, 56)),
        note: Some("asks the price".to_owned()),
        ..person(3, "陈小明", Status::Read, at(13, 39))
    };
    dashboard.list(vec![siti, hafiz.clone(), ming]).dispatch(Msg::Drawn);
    dashboard.keys("jj ").keys("kk");
    let from = noon() - TimeDelta::minutes(22);
    dashboard.model.last_key = from;
    dashboard.answer(marked(1, "Siti Aminah", Status::Read, Status::Replied));
    let changed = RecipientRow { changed_at: at(13, 57), ..hafiz };
    dashboard.answer(Completion::Rows(Ok(vec![people().swap_remove(0), changed])));
    let ticket = dashboard.model.recipients.ticket;
    dashboard.answer(Completion::CountChanged { ticket, total: Ok(Total::Exactly(3)) });
    dashboard.answer(Completion::ChangesSince { blast: RAYA, since: Ok(since_of(from)) });

    let expected = " REAL Kedai Aina  live, news 14:02 +08  sales 146/500 today, about 90/h                                    ! 2 need you
── 1 Blasts ───────────────────────────────────┬── 2 Funnel ── Raya promo, Initial ── sending ──────────────────────────
  name             date   state     done    RM │   stage          count  of sent  stuck here               everybody 287
- Raya promo       today  sending    51% 1,240 │   Sent             142   100.0%           6   ████████████▌
  Deepavali        13 Nov done      100% 4,905 │   Received         136    95.8%          48   ████████████
  Follow-up 1      15 Nov asks you   80%   310 │ - Read              88    62.0%          67   ███████▌
  Hari Sukan       3 Oct  done      100% 2,130 │   Replied           21    14.8%          15   ██
  Launch           18 Jan done      100% 1,775 │   Closed             6     4.2%           -   ▌
  Raya last call          draft        -     - │   queued 140 sending 1 uncertain 1: ! failed 3 opted out 0 skipped 0
                                               │   waits for: gap 20-60 s, next 14:02:41  90/h  done 15:36   RM 1,240.00
                                               │   since your last key, 13:40: 33 sent, 29 received, 12 read, 1 failed
══ 3 Recipients ══ stuck at read 67 ══ newest change first ══ 1 of these moved on, 2 newer: g ════════════ 4 Activity ══
  phone             name                   stage     sent   received read   replied closed        RM note
> +60 10-012 0001   Siti Aminah            replied   12:31  12:31    13:41  13:58
N +60 10-012 0002   Muhammad Hafiz bin Ab~ read      12:32  12:32    13:57
* +60 10-012 0003   陈小明                 read      12:34  12:40    13:56                           asks the price";
    let screen = dashboard.screen();
    assert_eq!(screen[..16].join("\n"), expected);
    assert_eq!(
        screen[27],
        " Siti Aminah: read -> replied, by you; they stay in this list until you leave it                               u undoes"
    );
    assert_eq!(
        screen[28],
        " r replied  c closed  b stop  U take back  e note  [ ] stage  / find  f follow up  enter details  p pause  ? all"
    );
}

#[test]
fn the_stacked_desk_is_drawn_to_the_column() {
    let mut dashboard = TestDashboard::with(
        STACKED,
        people().into_iter().map(|row| RecipientRow { changed_at: at(13, 50), ..row }).collect(),
    );
    dashboard.keys("jj3");
    dashboard.model.last_key = at(13, 56);
    dashboard.answer(marked(1, "Siti Aminah", Status::Read, Status::Replied)).answer(Completion::Rows(Ok(people())));
    let ticket = dashboard.model.recipients.ticket;
    dashboard.answer(Completion::CountChanged { ticket, total: Ok(Total::Exactly(8)) });

    let expected = " REAL Kedai Aina  live, news 14:02  sales 146/500 today            ! 2 need you
── 2 Funnel ── Raya promo, Initial ── sending ────────────── 1 Blasts: 1 of 6 ──
  stage          count  of sent  stuck here                        everybody 287
  Sent             142   100.0%           6   █████████████████
  Received         136    95.8%          48   ████████████████
- Read              88    62.0%          67   ██████████▌
  Replied           21    14.8%          15   ██▌
  Closed             6     4.2%           -   ▌
  queued 140   sending 1   uncertain 1: !   failed 3   opted out 0   skipped 0
  waits for: gap 20-60 s, next 14:02:41  90/h  done 15:36            RM 1,240.00
══ 3 Recipients ══ everyone 287 ══ newest change first ═════ 3 newer above: g ══
  phone             name                 stage     since        RM note
> +60 10-012 0001   Siti Aminah          replied   13:58
N +60 10-012 0002   Tan Mei Ling         closed    13:57    120.00 2 boxes, Fri
  +60 10-012 0003   Kavitha              received  13:56
  +60 10-012 0004   Lim Ah Kow           failed    13:55           refused
  +60 10-012 0005   Aishah               uncertain 13:54           press enter





 Siti Aminah: read -> replied, by you                                  u undoes
 r replied  c closed  b stop  U take back  / find  enter details  p pause  ? all";
    assert_eq!(dashboard.screen().join("\n"), expected);
}

/// Every size of one state, one after the other.
fn at_every_size(dashboard: &mut TestDashboard) -> String {
    let mut screens = Vec::new();
    for (width, height) in SIZES {
        dashboard.dispatch(Msg::Resized(Size { width, height }));
        let lines: Vec<String> = dashboard.screen().iter().map(|line| format!("|{line}")).collect();
        screens.push(format!("{width}x{height}\n{}", lines.join("\n")));
    }
    screens.join("\n")
}

#[test]
fn nothing_read_yet_at_every_size() {
    insta::assert_snapshot!("loading", at_every_size(&mut TestDashboard::empty(WIDE)));
}

#[test]
fn no_blast_at_all_at_every_size() {
    let mut dashboard = TestDashboard::empty(WIDE);
    dashboard.answer(Completion::Blasts(Ok(Vec::new())));

    insta::assert_snapshot!("empty", at_every_size(&mut dashboard));
}

#[test]
fn a_stale_desk_and_an_error_at_every_size() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::Blasts(Err(EffectError::Unavailable)));
    dashboard.answer(Completion::Senders(Err(EffectError::Other("the database refused a value".to_owned()))));

    insta::assert_snapshot!("stale", at_every_size(&mut dashboard));
}

#[test]
fn a_working_desk_at_every_size() {
    let mut dashboard = TestDashboard::with(WIDE, [people(), crowd(10, 50)].concat());
    dashboard.keys("3j ");

    insta::assert_snapshot!("working", at_every_size(&mut dashboard));
}

#[test]
fn counts_of_nine_digits_at_every_size() {
    let mut dashboard = TestDashboard::new(WIDE);
    let n = 123_456_789;
    let counts = Counts {
        queued: n,
        sending: n,
        uncertain: n,
        sent: n,
        delivered: n,
        read: n,
        replied: n,
        closed: n,
        failed: n,
        opted_out: n,
        skipped: n,
        held_by_meta: 0,
        amount: Decimal::new(999_999_999_999, 2),
    };
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { counts, total_recipients: n * 11, ..raya() }])));

    insta::assert_snapshot!("nine_digits", at_every_size(&mut dashboard));
}

#[test]
fn hostile_and_foreign_names_at_every_size() {
    let names = [
        "陈小明陈小明陈小明陈小明陈小明",
        "قيس بن الملوح",
        "Zoë 👨‍👩‍👧‍👦 e\u{301}le\u{300}ve",
        "\u{1b}[2J\u{1b}]0;owned\u{7}Aina",
        "\u{202e}evil\u{2066}\u{200f}",
        "line\nbreak\ttab",
    ];
    let rows = (1..)
        .zip(names)
        .map(|(id, name)| RecipientRow { note: Some(name.to_owned()), ..person(id, name, Status::Read, at(13, 0)) });
    let mut dashboard = TestDashboard::with(WIDE, rows.collect());
    dashboard.answer(Completion::Blasts(Ok(names
        .iter()
        .zip(blasts())
        .map(|(name, blast)| BlastView { tag: (*name).to_owned(), ..blast })
        .collect())));
    dashboard.keys("3");

    insta::assert_snapshot!("hostile", at_every_size(&mut dashboard));
}

#[test]
fn somebody_uncertain_in_full() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3jjjj\n");
    let row =
        RecipientRow { reason: Some("no answer in 30 s after the request".to_owned()), ..people().swap_remove(4) };
    let step = |minute: u32, new_status, detail: &str| HistoryRow {
        changed_at: at(13, minute),
        happened_at: None,
        old_status: Status::Queued,
        new_status,
        attempt: 1,
        source: "engine".to_owned(),
        by: Some("kedai1".to_owned()),
        detail: Some(detail.to_owned()),
    };
    let answer = AnswerRow {
        attempt: 1,
        outcome: crate::domain::recipient::AttemptOutcome::Unknown,
        received_at: at(13, 54),
        http_status: Some(502),
        body: b"<html>Bad Gateway\x1b[2J</html>".to_vec(),
    };
    let history = vec![step(53, Status::Sending, "attempt 1"), step(54, Status::Uncertain, "no answer in 30 s")];
    let details = RecipientDetails { history, answers: vec![answer], ..details_of(row) };
    dashboard.answer(Completion::Person(Box::new(Ok(details))));

    insta::assert_snapshot!("uncertain", dashboard.screen().join("\n"));
}

#[test]
fn somebody_who_left_the_list_is_not_one_of_none() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3jjjj\n").answer(Completion::Person(Box::new(Ok(details_of(people().swap_remove(4)))))).taken();
    let fewer = blasts().into_iter().map(|blast| BlastView { total_recipients: 0, ..blast });
    dashboard.answer(Completion::Blasts(Ok(fewer.collect())));

    let screen = dashboard.screen().join("\n");

    assert!(screen.contains(" 5 of 5: [ ]"), "{screen}");
}

#[test]
fn somebody_who_wrote_in_full() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("3\n");
    let reply = |id: i64, minute: u32, kind: &str, body: &str, file: ReplyFile| ReplyRow {
        id: ReplyId(id),
        sender: "cloud".to_owned(),
        blast: Some(BlastId(7)),
        recipient: None,
        phone: None,
        user_id: None,
        name: None,
        kind: kind.to_owned(),
        body: body.to_owned(),
        payload: None,
        message_id: format!("wamid.{id}"),
        at: at(13, minute),
        received_at: at(13, minute),
        file,
    };
    let answer = SessionAnswer {
        blast: BlastId(9),
        recipient: RecipientId(90),
        text: "RM 20 each".to_owned(),
        status: Status::Delivered,
        message_id: None,
        written_at: at(13, 59),
        sent_at: Some(at(13, 59)),
        changed_at: at(13, 59),
        by: Some("aina".to_owned()),
        until: at(13, 58) + SESSION,
        error_code: None,
        error_message: None,
        reason: None,
        advice: None,
    };
    let refused = SessionAnswer {
        status: Status::Failed,
        sent_at: None,
        error_code: Some("131047".to_owned()),
        error_message: Some("Re-engagement message.".to_owned()),
        advice: Some("send a template instead of a text"),
        ..answer.clone()
    };
    let stored = ReplyFile { file_state: Some("stored".to_owned()), ..ReplyFile::default() };
    let details = RecipientDetails {
        replies: vec![
            reply(3, 58, "text", "How much?\u{1b}[2J", ReplyFile::default()),
            reply(4, 59, "picture", "picture: paid", stored),
        ],
        session_answers: vec![answer, refused],
        session: Some(SessionWindow::Open { until: at(13, 58) + SESSION }),
        ..details_of(people().swap_remove(0))
    };
    dashboard.answer(Completion::Person(Box::new(Ok(details))));

    insta::assert_snapshot!("replied", dashboard.screen().join("\n"));
}

#[test]
fn the_plan_of_a_draft() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1").key(Key::End).keys("S");
    dashboard.answer(Completion::Plan { blast: draft().id, plan: Box::new(Ok(plan_of(draft(), 289))) });
    dashboard.keys("28\n2");

    insta::assert_snapshot!("plan", dashboard.screen().join("\n"));
}

#[test]
fn the_pages_that_are_lists() {
    let mut dashboard = TestDashboard::new(STACKED);
    let stopped = SenderStop {
        at: at(13, 0),
        code: StopCode::Provider("401".to_owned()),
        reason: "the token is refused".to_owned(),
        waits_for_token: true,
    };
    dashboard.model.senders = vec![SenderView { stopped: Some(stopped), ..senders().swap_remove(0) }];
    let mut screens = Vec::new();
    for keys in ["!j", "?", ":pa"] {
        dashboard.keys(keys);
        screens.push(dashboard.screen().join("\n"));
        dashboard.key(Key::Esc);
    }

    insta::assert_snapshot!("lists", screens.join("\n"));
}

#[test]
fn the_dashboard_is_drawn_at_every_small_size() {
    let mut dashboard = TestDashboard::new(WIDE);
    for focus in Pane::ALL {
        dashboard.model.focus = focus;
        for width in 1..=120 {
            for height in [1, 2, 3, 9, 10, 11, 12, 17, 18, 19] {
                dashboard.dispatch(Msg::Resized(Size { width, height }));
                assert_eq!(dashboard.screen().len(), usize::from(height));
            }
        }
    }
}
