//! What an operator asked for, done by the use cases.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::{AnswerText, EffectError, EffectResult, WriteOutcome, WriteRequest, drafts, shop};
use crate::app::view::BlastView;
use crate::app::{
    AnswerRequest, App, AppError, AskedAct, DraftEdit, ForgottenCheck, Imported, Launch, Marked, PeopleFile,
    RepeatedAnswer, SavedFile, StepChange, StepKey, StepSeen, UndoOffer, unread_after,
};
use crate::domain::ids::{BlastId, ReplyId};
use crate::domain::text::people_are;

/// Does what an operator asked for, or asks first.
pub(super) async fn write(app: &App, request: &WriteRequest) -> EffectResult<WriteOutcome> {
    match question(app, request).await? {
        Some((question, then)) => Ok(WriteOutcome::AsksFirst { question, then }),
        None => Box::pin(done(app, request)).await,
    }
}

/// What is asked before something is taken back, and what a yes does.
async fn question(app: &App, request: &WriteRequest) -> EffectResult<Option<(String, WriteRequest)>> {
    let (question, then) = match request {
        WriteRequest::UndoLaunch(id) => match app.others_launch(*id).await? {
            None => (app.ask_to_pause(*id).await?, WriteRequest::Pause(*id)),
            Some((act, question)) => (Some(question), WriteRequest::UndoAnyLaunch(*id, act)),
        },
        WriteRequest::UndoAnyLaunch(id, act) => (app.ask_to_pause_asked(*id, *act).await?, WriteRequest::Pause(*id)),
        WriteRequest::UndoNamed(act) => {
            let asked = app.ask_about_named(*act).await?;
            return Ok(asked.map(|(act, question)| (question, WriteRequest::UndoMyAct(act))));
        }
        WriteRequest::UndoPerson(of) => {
            let marks = app.newest_marks(&[*of]).await?;
            (app.ask_about_mark(*of).await?, WriteRequest::UndoAnyMark(*of, marks))
        }
        WriteRequest::UndoPeople(of) => {
            let marks = app.newest_marks(of).await?;
            (app.ask_about_several(of).await?, WriteRequest::UndoAnyMarks(of.clone(), marks))
        }
        WriteRequest::UndoMine { shown, person, asks } => {
            let asked = if *asks {
                app.ask_about_mine_on_anybody(*shown).await?
            } else {
                app.ask_about_mine(*shown, *person).await?
            };
            let then = |offer| match offer {
                UndoOffer::Undo(act) => WriteRequest::UndoMyAct(act),
                UndoOffer::Pause(id) => WriteRequest::Pause(id),
            };
            return Ok(asked.map(|(offer, question)| (question, then(offer))));
        }
        _ => return Ok(None),
    };
    Ok(question.map(|question| (question, then)))
}

async fn done(app: &App, request: &WriteRequest) -> EffectResult<WriteOutcome> {
    let (blast, undone) = (|row| WriteOutcome::Blast(Box::new(row)), WriteOutcome::Undone);
    Ok(match request {
        WriteRequest::Mark { person, mark } => marked(app.mark(*person, mark.clone()).await?),
        WriteRequest::Resolve { person, attempt, resolution } => {
            marked(app.resolve(*person, Some(*attempt), *resolution).await?)
        }
        WriteRequest::Amend { person, seen, amount } => marked(app.amend(*person, *seen, *amount).await?),
        WriteRequest::UndoLaunch(id) => undone(app.undo_launch_of(*id).await?),
        WriteRequest::UndoAnyLaunch(id, act) => undone(app.undo_asked_start(*id, *act).await?),
        WriteRequest::UndoMine { .. } => undone(app.undo_mine().await?),
        // Nothing was asked of it, since nobody gets a message by it.
        WriteRequest::UndoNamed(act) => undone(app.undo_my_act(&AskedAct::sending_nothing(*act)).await?),
        WriteRequest::UndoMyAct(asked) => undone(app.undo_my_act(asked).await?),
        WriteRequest::UndoPerson(of) => undone(app.undo_person(*of).await?),
        WriteRequest::UndoAnyMark(of, marks) => undone(app.undo_marks(&[*of], marks).await?),
        WriteRequest::UndoPeople(of) => undone(app.undo_people(of).await?),
        WriteRequest::UndoAnyMarks(of, marks) => undone(app.undo_marks(of, marks).await?),
        WriteRequest::MarkSeveral { people, mark } => {
            WriteOutcome::MarkedSeveral(app.mark_several(people, mark).await?)
        }
        WriteRequest::ResolveSeveral { people, shown, resolution } => {
            WriteOutcome::MarkedSeveral(app.resolve_several(people, shown, *resolution).await?)
        }
        WriteRequest::Launch(launch) => blast(app.launch(*launch).await?),
        WriteRequest::Resume(launch) => blast(app.resume(*launch).await?),
        WriteRequest::Pause(id) => blast(app.pause(*id).await?),
        WriteRequest::Cancel { blast: id, version, people } => cancel(app, (*id, *version), *people).await?,
        WriteRequest::Delete { blast: id, version } => delete(app, (*id, *version)).await?,
        WriteRequest::Skip { blast: id, at } => blast(skip(app, *id, *at).await?),
        WriteRequest::EditPace { blast: id, version, people, edit } => {
            blast(paced(app, (*id, *version), (**edit).clone(), *people).await?)
        }
        WriteRequest::Retry { blast, people } => retried(app, *blast, *people).await?,
        WriteRequest::Report(blast) => WriteOutcome::Report(drafts::shortened(&app.write_report(*blast).await?)),
        WriteRequest::Export { blast, filter, .. } => exported(app.write_people(*blast, filter.clone()).await?),
        WriteRequest::FollowUp(from) => drafted(app, app.follow_up_alike(*from).await?).await?,
        WriteRequest::FollowFound(from) => drafted(app, app.follow_up_found(from).await?).await?,
        WriteRequest::AddStep(from) => WriteOutcome::StepAdded(Box::new(app.add_step_alike(*from).await?)),
        WriteRequest::ChangeStep { step, to, seen } => change_step(app, (*step, *to), *seen).await?,
        WriteRequest::SetStepMessage(edit) => {
            step_changed(app.set_step_message(edit.step, &edit.seen, &edit.message).await)?
        }
        WriteRequest::Answer(answer) => WriteOutcome::Answered(app.answer(&answer_request(answer)).await?),
        WriteRequest::Shop(of_shop) => shop::write(app, &of_shop.act).await?,
        WriteRequest::SaveFile(reply) => WriteOutcome::FileSaved(save(app, *reply).await?),
        WriteRequest::SendTest { blast: id, version, person, to } => {
            let sent = app.at_version(*id, *version).send_test(*id, *person, to.as_deref()).await;
            as_shown(app, *id, sent.map(blast)).await?
        }
        WriteRequest::SavePlan { blast, people, text } => {
            WriteOutcome::PlanSaved(drafts::save_plan((*blast, *people), text)?)
        }
        WriteRequest::AddSender(sender) => WriteOutcome::SenderAdded(app.add_sender(sender).await?),
        WriteRequest::Draft(request) => WriteOutcome::Draft(drafts::write(app, request, &Arc::default()).await?),
        WriteRequest::ConfirmSender { name, people } => {
            WriteOutcome::SenderConfirmed(app.confirm_sender(name, ForgottenCheck::Required, Some(*people)).await?)
        }
    })
}

/// The blast, with other hours or another pace.
async fn paced(
    app: &App,
    (id, version): (BlastId, i64),
    edit: DraftEdit,
    people: Option<i64>,
) -> EffectResult<BlastView> {
    app.edit_armed(id, (version, Launch::ARMED_FOR), edit, people).await?;
    Ok(app.blast(id).await.map_err(unread_after("its hours or pace are changed"))?)
}

fn marked(marked: Marked) -> WriteOutcome {
    WriteOutcome::Marked(Box::new(marked))
}

async fn cancel(app: &App, (id, version): (BlastId, i64), people: i64) -> EffectResult<WriteOutcome> {
    let done = app.at_version(id, version).cancel_as_shown(id, people).await;
    as_shown(app, id, done.map(WriteOutcome::Cancelled)).await
}

async fn delete(app: &App, (id, version): (BlastId, i64)) -> EffectResult<WriteOutcome> {
    let done = app.at_version(id, version).delete(id).await;
    as_shown(app, id, done.map(|()| WriteOutcome::Deleted)).await
}

/// What an act on a blast as it was shown came to, or how it stands where it is not so any more.
async fn as_shown(app: &App, id: BlastId, done: Result<WriteOutcome, AppError>) -> EffectResult<WriteOutcome> {
    match done {
        Err(AppError::Changed | AppError::QueuedChanged(_)) => {
            Ok(WriteOutcome::Outdated(Box::new(app.blast(id).await?)))
        }
        done => Ok(done?),
    }
}

async fn change_step(app: &App, (step, to): (StepKey, StepChange), seen: StepSeen) -> EffectResult<WriteOutcome> {
    step_changed(app.change_step_seen(step, to, seen).await.map(|_| ()))
}

fn step_changed(changed: Result<(), AppError>) -> EffectResult<WriteOutcome> {
    Ok(changed.map(|()| WriteOutcome::StepChanged)?)
}

/// Whoever has this text already is not sent it again.
fn answer_request(answer: &AnswerText) -> AnswerRequest {
    let AnswerText { blast, phone, text, .. } = answer.clone();
    AnswerRequest { blast, phone, text, repeat: RepeatedAnswer::Refuse }
}

/// Into the directory that this program was started in.
async fn save(app: &App, reply: ReplyId) -> EffectResult<SavedFile> {
    let dir = std::env::current_dir().map_err(|error| EffectError::Other(format!("the current directory: {error}")))?;
    Ok(app.save_reply_file(reply, &dir).await?)
}

fn exported(PeopleFile { path, people }: PeopleFile) -> WriteOutcome {
    WriteOutcome::Exported { path: drafts::shortened(&path), people }
}

async fn drafted(app: &App, made: Imported) -> EffectResult<WriteOutcome> {
    let done = unread_after(format!("the draft is made: blast {}", made.blast));
    Ok(WriteOutcome::Drafted { blast: Box::new(app.blast(made.blast).await.map_err(done)?), people: made.taken })
}

/// Skips the time that was asked about, and no other.
async fn skip(app: &App, id: BlastId, at: DateTime<Utc>) -> EffectResult<BlastView> {
    if app.blast(id).await?.scheduled_for != Some(at) {
        return Err(EffectError::Other("its next time is another one now: nothing was left out".to_owned()));
    }
    app.skip_occurrence(id).await?;
    Ok(app.blast(id).await.map_err(unread_after("its next time is left out"))?)
}

async fn retried(app: &App, blast: BlastId, shown: i64) -> EffectResult<WriteOutcome> {
    let people = app.retry_as_shown(blast, None, shown).await?;
    let row = app.blast(blast).await.map_err(unread_after(format!("{} queued again", people_are(people))))?;
    Ok(WriteOutcome::Retried { blast: Box::new(row), people })
}
