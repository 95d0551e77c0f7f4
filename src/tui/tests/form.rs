//! The form of a blast: what is typed where, what is written when, and what stands on the screen.

use std::sync::Arc;

use super::late::wants_draft;
use super::support::{DRAFT, TestDashboard, WIDE, buffer, draft, raya};
use crate::app::view::BlastView;
use crate::app::{
    ByHand, DraftAt, DraftForm, DraftList, DraftPerson, Imported, ListToTake, NewRecipient, OpenedDraft, Reason,
    ReasonCount, Rejection, Rejections, SavedDraft, TakenList,
};
use crate::domain::blast::{BlastOrigin, BlastState};
use crate::domain::ids::BlastId;
use crate::domain::list_columns::ChosenColumns;
use crate::domain::message::Variables;
use crate::domain::rejected_rows::{CellMend, RejectedRows, RowDigest, UnusualLengths};
use crate::tui::Size;
use crate::tui::effect::{
    Completion, DraftAnswer, DraftOutcome, DraftWrite, Effect, EffectError, WriteOutcome, WriteRequest,
};
use crate::tui::key::Key;
use crate::tui::model::Overlay;
use crate::tui::msg::Msg;

/// A name that would steer the terminal, shift columns and turn the text around.
const HOSTILE: &str = "\u{1b}[2J\u{202e}evil\tname\u{200d}👨‍👩‍👧 陈小明";

pub fn taken(id: i64, version: i64, unfinished: Option<&str>) -> Completion {
    let person = |n: u32, name: &str| NewRecipient {
        phone: serde_json::from_value(serde_json::json!(format!("+6010012000{n}"))).unwrap(),
        name: Some(name.to_owned()),
        variables: [("name", name), ("bandar", HOSTILE)].into_iter().collect::<Variables>(),
        external_id: None,
        list_row: Some(u64::from(n) + 1),
    };
    let imported = Imported {
        blast: BlastId(id),
        taken: 289,
        rejected: Rejections {
            total: 11,
            reasons: vec![ReasonCount { reason: "not a phone number".to_owned(), rows: 11, first_row: 4 }],
            examples: vec![Rejection {
                row: 4,
                column: "No. Telefon".into(),
                value: HOSTILE.into(),
                name: Some(HOSTILE.to_owned()),
                reason: Reason::NoPhone,
                digest: RowDigest::of_a_row(),
                phone: None,
            }],
        },
        rejected_file: None,
        phone_column: "No. Telefon".to_owned(),
        sheet_words: String::new(),
        members_out: 0,
        name_column: Some(HOSTILE.to_owned()),
        other_phones: Vec::new(),
        opt_outs: None,
        unclear_opt_outs: Vec::new(),
        columns: vec!["No. Telefon".to_owned(), HOSTILE.to_owned()],
        first: vec![(2, person(1, "Siti Aminah")), (3, person(2, HOSTILE))],
        not_utf8: None,
        unusual_lengths: UnusualLengths::default(),
        local: None,
        without_name: 0,
        mends: Vec::new(),
        unfit_mends: Vec::new(),
        changes: None,
        by_hand: 0,
        dropped: None,
        corrected_as_before: 0,
        warning: None,
    };
    let people = i64::try_from(imported.taken).unwrap();
    let saved = saved_draft(id, version, unfinished);
    let list = DraftList::Pasted(Arc::from(""));
    let list = Box::new(ListToTake { list, columns: ChosenColumns::default(), mends: Vec::new() });
    let request = WriteRequest::Draft(DraftWrite::TakeList { at: saved.at, form: Box::new(form()), list });
    let outcome = DraftOutcome::ListTaken(Box::new(TakenList { saved, people, imported, left_out_since: 0 }));
    Completion::Written { request, outcome: Ok(WriteOutcome::Draft(outcome)) }
}

fn saved_draft(id: i64, version: i64, unfinished: Option<&str>) -> SavedDraft {
    SavedDraft { at: DraftAt::new(BlastId(id), version), unfinished: unfinished.map(str::to_owned) }
}

pub fn saved(id: i64, version: i64) -> Completion {
    let request = WriteRequest::Draft(DraftWrite::Save { at: None, form: Box::new(form()) });
    let outcome = DraftOutcome::Saved(saved_draft(id, version, None));
    Completion::Written { request, outcome: Ok(WriteOutcome::Draft(outcome)) }
}

fn form() -> DraftForm {
    DraftForm {
        sender: "sales".to_owned(),
        tag: HOSTILE.to_owned(),
        follow_up_stage: "Initial".to_owned(),
        message: format!("Salam {{name}}\n{HOSTILE}"),
        template: None,
        is_marketing: false,
        rate: None,
        gap: Some("20s..60s".parse().unwrap()),
        window: Some("09:00-21:00".parse().unwrap()),
        weekdays: None,
        timezone: None,
        start: None,
        first: None,
        repeat: None,
        clocks: crate::domain::blast::PersonClocks::default(),
    }
}

pub fn opened() -> Completion {
    opened_with(None)
}

pub fn opened_with(left_out: Option<RejectedRows>) -> Completion {
    let (phone, name) = ("+60100120001".into(), Some(HOSTILE.into()));
    let person = DraftPerson { row: None, phone, name, variables: Variables::default() };
    let opened = OpenedDraft {
        at: DraftAt::new(DRAFT, 3),
        state: BlastState::Draft,
        form: form(),
        unfinished: None,
        people: 289,
        by_hand: ByHand::default(),
        left_out_since: 8,
        first_people: vec![person],
        left_out,
    };
    Completion::Draft(DraftAnswer::Opened(Box::new(Ok(opened))))
}

#[test]
fn a_draft_that_is_opened_says_who_was_added_and_taken_out_by_hand() {
    let list = RejectedRows { file: Some("/home/aina/raya.csv".to_owned()), ..RejectedRows::default() };
    let Completion::Draft(DraftAnswer::Opened(opened)) =
        opened_with(Some(RejectedRows { columns: Some(Box::default()), ..list }))
    else {
        unreachable!()
    };
    let by_hand = ByHand { added: 2, taken_out: 1 };
    let opened = opened.map(|opened| OpenedDraft { by_hand, ..opened });
    let mut dashboard = TestDashboard::new(WIDE);
    wants_draft(&mut dashboard);
    dashboard.answer(Completion::Draft(DraftAnswer::Opened(Box::new(opened))));

    let screen = dashboard.screen().join("\n");

    assert!(screen.contains("287 taken, 2 added by hand, 1 taken out by hand"), "{screen}");
}

#[test]
fn a_draft_whose_people_a_filter_finds_names_it() {
    let mut dashboard = TestDashboard::new(WIDE);
    let origin = BlastOrigin { segment: Some("blast:7 stuck:read".to_owned()), ..BlastOrigin::default() };
    dashboard.answer(Completion::Blasts(Ok(vec![raya(), BlastView { origin, ..draft() }])));
    wants_draft(&mut dashboard).answer(opened());

    let screen = dashboard.screen().join("\n");

    assert!(screen.contains("289 people in it, found by blast:7 stuck:read"), "{screen}");
}

pub fn writes(dashboard: &mut TestDashboard) -> Vec<DraftWrite> {
    let of_draft = |act| if let WriteRequest::Draft(write) = act { Some(write) } else { None };
    dashboard.acts().into_iter().filter_map(of_draft).collect()
}

pub fn new_form(size: Size) -> TestDashboard {
    let mut dashboard = TestDashboard::new(size);
    dashboard.keys("1n");
    dashboard.effects.clear();
    dashboard
}

#[test]
fn every_line_that_is_left_is_saved_one_write_at_a_time() {
    let mut dashboard = new_form(WIDE);

    dashboard.keys("j\nRaya\n");
    dashboard.keys("\nSecond\n");

    let [DraftWrite::Save { at: None, form }] = &writes(&mut dashboard)[..] else { panic!("{:?}", dashboard.effects) };
    assert_eq!((form.tag.as_str(), form.follow_up_stage.as_str()), ("Raya", "Initial"));
    dashboard.answer(saved(9, 1));
    let again = writes(&mut dashboard);
    assert!(
        matches!(&again[..], [DraftWrite::Save { at: Some(DraftAt { id: BlastId(9), version: 1, .. }), form }] if form.follow_up_stage == "InitialSecond"),
        "{again:?}"
    );
    dashboard.answer(saved(9, 2));
    assert!(writes(&mut dashboard).is_empty());
}

#[test]
fn the_plan_that_is_asked_for_while_something_is_saved_begins_no_second_write() {
    let mut dashboard = new_form(WIDE);
    dashboard.keys("j\nRaya\n").keys("\nSecond").key(Key::Esc);
    assert_eq!(writes(&mut dashboard).len(), 1);

    dashboard.keys("S");

    assert!(writes(&mut dashboard).is_empty(), "the first is not saved yet");
    dashboard.answer(saved(9, 1));
    assert_eq!(writes(&mut dashboard).len(), 1);
    dashboard.answer(saved(9, 2));
    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Plan(_))));
}

#[test]
fn letters_are_text_while_a_line_is_edited_and_commands_after_esc() {
    let mut dashboard = new_form(WIDE);

    dashboard.keys("↓↓↓↓\nSXpq1/!?").key(Key::Enter).keys("two").key(Key::Esc);

    let [DraftWrite::Save { form, .. }] = &writes(&mut dashboard)[..] else { panic!("it is not saved") };
    // The first letter is saved at once, the rest when the line is left.
    assert_eq!(form.message, "S");
    assert_eq!(dashboard.model.form.as_ref().unwrap().values.message, "SXpq1/!?\ntwo");
    dashboard.keys("?");
    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Help(_))));
}

#[test]
fn a_list_is_taken_once_the_draft_is_saved_and_again_when_the_message_changes() {
    let mut dashboard = new_form(WIDE);

    dashboard.keys("↓↓↓\nraya.csv\n");
    assert!(matches!(&writes(&mut dashboard)[..], [DraftWrite::Save { form, .. }] if form.tag == "New blast"));
    dashboard.answer(saved(9, 1));
    assert!(matches!(&writes(&mut dashboard)[..], [DraftWrite::TakeList { at: DraftAt { version: 1, .. }, .. }]));
    dashboard.answer(taken(9, 2, None)).answer(saved(9, 3)).effects.clear();
    dashboard.keys("\nHi").key(Key::Esc);

    assert!(matches!(&writes(&mut dashboard)[..], [DraftWrite::Save { at: Some(DraftAt { version: 3, .. }), .. }]));
    dashboard.answer(saved(9, 4));
    assert!(matches!(&writes(&mut dashboard)[..], [DraftWrite::TakeList { at: DraftAt { version: 4, .. }, .. }]));
}

#[test]
fn a_blast_that_has_its_name_from_a_list_is_named_after_the_next_one_and_a_typed_name_stays() {
    let mut dashboard = new_form(WIDE);
    let tag = |dashboard: &TestDashboard| dashboard.model.form.as_ref().unwrap().values.tag.clone();

    dashboard.keys("↓↓↓\nnotes.xlsx\n").answer(saved(9, 1)).answer(taken(9, 2, None)).answer(saved(9, 3));
    assert_eq!(tag(&dashboard), "notes");
    dashboard.keys("↑↑\nl").key(Key::Ctrl('u')).keys("raya.xlsx#People\n");
    dashboard.answer(saved(9, 4)).answer(taken(9, 5, None)).answer(saved(9, 6));
    assert_eq!(tag(&dashboard), "raya");
    dashboard.model.form.as_mut().unwrap().values.tag = "Raya promo".to_owned();
    dashboard.keys("↑↑\nl").key(Key::Ctrl('u')).keys("other.csv\n").answer(saved(9, 7)).answer(taken(9, 8, None));

    assert_eq!(tag(&dashboard), "Raya promo");
}

#[test]
fn a_list_that_is_refused_leaves_the_one_before_with_its_name() {
    let mut dashboard = new_form(WIDE);
    dashboard.keys("↓↓↓\nraya.csv\n").answer(saved(9, 1)).answer(taken(9, 2, None)).answer(saved(9, 3));
    dashboard.effects.clear();
    dashboard.keys("↑↑\nl").key(Key::Ctrl('u')).keys("notes.txt\n").answer(saved(9, 4));
    let request = writes(&mut dashboard).pop().expect("the list is taken");
    assert!(matches!(&request, DraftWrite::TakeList { .. }), "{request:?}");

    let outcome = Err(EffectError::Other("notes.txt has no column of phone numbers".to_owned()));
    dashboard.answer(Completion::Written { request: WriteRequest::Draft(request), outcome });

    let form = dashboard.model.form.as_ref().unwrap();
    assert_eq!(form.list, Some(DraftList::File("raya.csv".into())));
    assert_eq!((form.values.tag.as_str(), form.people), ("raya", 289));
    assert!(form.trouble.as_ref().is_some_and(|trouble| trouble.starts_with("notes.txt")), "{:?}", form.trouble);
    assert!(writes(&mut dashboard).is_empty(), "nothing was named after it");
}

#[test]
fn a_mended_cell_goes_along_with_the_list() {
    let mut dashboard = new_form(WIDE);
    dashboard.keys("↓↓↓\nraya.csv\n").answer(saved(9, 1)).answer(taken(9, 2, None)).answer(saved(9, 3));
    dashboard.effects.clear();

    dashboard.keys("↑↑\n\n").key(Key::Ctrl('u')).keys("0100120003\n");
    dashboard.answer(saved(9, 4));

    let mends = writes(&mut dashboard).into_iter().find_map(|write| match write {
        DraftWrite::TakeList { list, .. } => Some(list.mends),
        _ => None,
    });
    let mend = CellMend {
        row: 4,
        column: "No. Telefon".to_owned(),
        digest: RowDigest::of_a_row(),
        phone: None,
        is_alike: false,
        whose: Some(HOSTILE.to_owned()),
        value: "0100120003".to_owned(),
    };
    assert_eq!(mends, Some(vec![mend]));
}

#[test]
fn what_was_typed_last_is_saved_also_after_the_form_was_left() {
    let mut dashboard = new_form(WIDE);

    dashboard.keys("j\nRaya\n").keys("\n2\n").key(Key::Esc).effects.clear();
    dashboard.answer(saved(9, 1));

    assert!(
        matches!(&writes(&mut dashboard)[..], [DraftWrite::Save { form, .. }] if form.follow_up_stage == "Initial2")
    );
}

#[test]
fn the_plan_waits_for_the_last_save() {
    let mut dashboard = new_form(WIDE);

    dashboard.keys("j\nRaya\nS");
    assert!(!matches!(dashboard.model.overlays.last(), Some(Overlay::Plan(_))));
    dashboard.answer(saved(9, 1));

    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Plan(plan)) if plan.blast == BlastId(9)));
}

#[test]
fn a_pace_that_is_none_stays_to_be_corrected_and_esc_keeps_the_one_before() {
    let mut dashboard = new_form(WIDE);
    dashboard.keys("↓↓↓↓↓\nsoon\n");

    assert!(dashboard.screen().join("\n").contains("write a pause as 20s..60s"), "{:#?}", dashboard.screen());
    dashboard.key(Key::Ctrl('u')).keys("20s..60s 30/min\n");
    let values = &dashboard.model.form.as_ref().unwrap().values;

    assert_eq!(values.gap, Some("20s..60s".parse().unwrap()));
    assert_eq!(values.rate.unwrap().to_string(), "30/min");
}

#[test]
fn the_editor_gets_the_text_and_brings_it_back() {
    let mut dashboard = new_form(WIDE);

    dashboard.model.form.as_mut().unwrap().values.message = "Hi".to_owned();
    dashboard.keys("↓↓↓↓e");
    assert_eq!(dashboard.taken(), [Effect::Edit("Hi".to_owned())]);
    dashboard.answer(Completion::Edited(Ok("Salam\n{name}".to_owned())));

    assert!(dashboard.taken().contains(&Effect::Repaint));
    assert_eq!(dashboard.model.form.as_ref().unwrap().values.message, "Salam\n{name}");
}

#[test]
fn the_form_stands_as_it_is_drawn() {
    let mut dashboard = new_form(Size { width: 80, height: 24 });
    dashboard.keys("j\nRaya last call\n").answer(saved(8, 1));
    dashboard.keys("j\n~/raya.csv\n").answer(saved(8, 2)).answer(taken(8, 3, None));
    dashboard.keys("\nSalam {").key(Key::Enter).keys(", balas YA");

    let screen = dashboard.screen();

    assert!(
        screen[1].starts_with("══ Draft ══ draft 8, ") && screen[1].contains("nothing is sent from here"),
        "{}",
        screen[1]
    );
    assert!(screen[2].starts_with("  Sender     sales            WSAPME, 354 of 500 left today"), "{}", screen[2]);
    assert_eq!(screen[3], "  Tag        Raya last call");
    assert!(screen.iter().any(|line| line == "  People     ~/raya.csv"), "{screen:#?}");
    assert!(
        screen.iter().any(|line| line == "             289 taken, 11 left out (enter here: why, correct)"),
        "{screen:#?}"
    );
    assert!(screen.iter().any(|line| line == "> Message    Salam {name}, balas YA_"), "{screen:#?}");
    assert!(screen.iter().any(|line| line.starts_with("── Row 2 reads ── 27 characters")), "{screen:#?}");
    assert!(screen.iter().any(|line| line == "  Salam Siti Aminah, balas YA"), "{screen:#?}");
}

#[test]
fn hostile_cells_neither_steer_the_terminal_nor_leave_the_screen_at_any_size() {
    for (width, height) in [(200, 50), (120, 29), (80, 24), (60, 20), (40, 10), (30, 8), (1, 1)] {
        let mut dashboard = new_form(Size { width, height });
        dashboard.keys("↓↓↓\nraya.csv\n").answer(saved(8, 1)).answer(taken(8, 2, Some(HOSTILE)));
        for keys in ["", "]", "\n{", "x", "\u{1b}k\n", "\n", "\u{1b}\u{1b}", "G", "g"] {
            for key in keys.chars() {
                match key {
                    '\n' => dashboard.key(Key::Enter),
                    '\u{1b}' => dashboard.key(Key::Esc),
                    key => dashboard.key(Key::Char(key)),
                };
            }
            let drawn = buffer(&dashboard.model);
            for cell in &drawn.content {
                assert!(!cell.symbol().chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)));
            }
        }
        dashboard.model.overlays.clear();
        wants_draft(&mut dashboard).answer(opened());
        dashboard.dispatch(Msg::Resized(Size { width: height, height: width }));
        buffer(&dashboard.model);
    }
}
