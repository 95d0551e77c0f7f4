//! Every act has its command line in the log, or the log says that no command does it.

use std::num::NonZeroU32;

use chrono::TimeDelta;

use super::armed::{armed, launched, read};
use super::form::{opened, saved};
use super::late::wants_draft;
use super::support::{DRAFT, TestDashboard, WIDE, blast, noon, options};
use crate::app::view::BlastView;
use crate::app::{AddedSender, CopiedPeople, DraftAt, DraftList};
use crate::domain::blast::BlastState;
use crate::domain::ids::{BlastId, RecipientId};
use crate::tui::DashboardOptions;
use crate::tui::effect::{Completion, DraftOutcome, DraftWrite, WriteOutcome, WriteRequest};
use crate::tui::model::{Model, SenderForm};

fn written(dashboard: &mut TestDashboard, request: WriteRequest, outcome: WriteOutcome) {
    dashboard.answer(Completion::Written { request, outcome: Ok(outcome) });
}

fn last(dashboard: &TestDashboard) -> (&str, &str) {
    let line = dashboard.model.log.back().expect("something is logged");
    (&line.sentence, &line.command_line)
}

#[test]
fn a_new_draft_is_one_line_with_the_command_that_makes_it_as_it_is_now() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1n").answer(saved(9, 1));
    assert!(last(&dashboard).1.starts_with("# only begun: `blast new` needs"), "{:?}", last(&dashboard));
    let form = dashboard.model.form.as_mut().unwrap();
    form.values.message = "Salam {name}, it's here".to_owned();
    form.values.tag = "Raya last call".to_owned();
    form.values.first = NonZeroU32::new(25);
    form.values.window = Some("09:00-21:00".parse().unwrap());
    form.list = Some(DraftList::File("~/raya list.csv".into()));

    dashboard.answer(saved(9, 2));

    let line = r"blastdeck blast new --sender sales --message 'Salam {name}, it'\''s here' --recipients ~/'raya list.csv' --tag 'Raya last call' --window '09:00-21:00' --first 25";
    assert_eq!(last(&dashboard), ("draft 9, Raya last call: made", line));
    assert_eq!(dashboard.model.log.len(), 1);
}

#[test]
fn an_edit_names_what_it_changed_and_what_no_command_changes() {
    let mut dashboard = TestDashboard::new(WIDE);
    wants_draft(&mut dashboard).answer(opened()).answer(saved(DRAFT.0, 4));
    assert!(dashboard.model.log.is_empty(), "nothing was changed");
    let form = dashboard.model.form.as_mut().unwrap();
    form.values.follow_up_stage = "Last".to_owned();
    form.values.gap = None;
    form.values.first = NonZeroU32::new(25);

    dashboard.answer(saved(DRAFT.0, 5));

    assert_eq!(
        last(&dashboard),
        (
            "draft 8 is changed; no command changes the first people of a draft",
            "blastdeck blast edit 8 --stage Last --clear gap"
        )
    );
}

#[test]
fn a_copy_a_test_a_plan_in_a_file_and_a_sender_are_in_the_log() {
    let mut dashboard = TestDashboard::new(WIDE);
    let duplicate = WriteRequest::Draft(DraftWrite::Duplicate(BlastId(6)));
    let copy =
        DraftOutcome::Duplicated { copy: DraftAt::new(BlastId(12), 1), people: CopiedPeople::All, dropped_hours: None };
    written(&mut dashboard, duplicate, WriteOutcome::Draft(copy));
    assert_eq!(last(&dashboard).1, "# no command copies a blast; `blast new` makes another one");

    let test = WriteOutcome::Blast(Box::new(blast(13, "one to me", BlastState::Sending, (11, 20))));
    written(
        &mut dashboard,
        WriteRequest::SendTest { blast: DRAFT, version: 3, person: RecipientId(41), to: None },
        test,
    );
    let (sentence, line) = last(&dashboard);
    assert_eq!(sentence, "one message of blast 8 to yourself: blast 13");
    assert!(line.starts_with("# no command sends one message to yourself"), "{line}");

    let save = WriteRequest::SavePlan { blast: DRAFT, people: None, text: String::new() };
    written(&mut dashboard, save, WriteOutcome::PlanSaved("/srv/plan-8.txt".to_owned()));
    assert_eq!(last(&dashboard).1, "blastdeck blast plan 8 > '/srv/plan-8.txt'");

    let sender = AddedSender {
        name: "kedai1".into(),
        health: "paired".into(),
        written: "written into /home/aina/.config/blastdeck/config.toml".into(),
    };
    dashboard.model.options.program = "blastdeck --read-only".to_owned();
    written(
        &mut dashboard,
        WriteRequest::AddSender(Box::new(SenderForm::default().sender)),
        WriteOutcome::SenderAdded(sender),
    );
    let line =
        "# no command adds a sender: kedai1 is written into /home/aina/.config/blastdeck/config.toml; edit that file";
    assert_eq!(last(&dashboard).1, line);
    assert_eq!(dashboard.model.log.len(), 4);
}

#[test]
fn a_window_that_is_opened_again_with_a_sender_has_it_in_its_log() {
    let greeting = Some("kedai1 is added".to_owned());
    let model = Model::new(DashboardOptions { greeting, ..options() }, WIDE, noon());

    let line = model.log.back().unwrap();

    assert_eq!(line.sentence, "kedai1 is added");
    assert_eq!(line.command_line, "# no command adds a sender: edit the configuration file");
}

#[test]
fn a_launch_that_starts_later_by_a_second_is_logged_as_the_line_says_it() {
    let mut dashboard = launched();
    let later = armed(&dashboard).send_after.map(|until| until + TimeDelta::seconds(1));
    let row = BlastView { version: 5, send_after: later, ..armed(&dashboard) };

    read(&mut dashboard, row);

    assert!(dashboard.line(22).contains("starts at 14:02:11:"), "{}", dashboard.line(22));
    assert_eq!(last(&dashboard), ("Raya last call starts at 14:02:11", "blastdeck blast send 8"));
}
