//! Pages that are lists: commands, the log, what needs a person, people found in other blasts.

use super::{Sheet, clock};
use crate::domain::status::Status;
use crate::tui::action::{ACTIONS, Action, Verb};
use crate::tui::format::number;
use crate::tui::keymap;
use crate::tui::model::{CommandEntry, Commands, Elsewhere, Model, paused_by_itself};
use crate::tui::theme::Meaning;
use crate::tui::widget::Line;

/// The commands that work on the desk as it is, whose title has every word typed.
pub fn commands(model: &Model, asked: &Commands) -> Vec<CommandEntry> {
    let here = keymap::desk_scopes(model.focus);
    let text = asked.field.text().to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    let named = |action: &&Action| words.iter().all(|word| action.title.contains(word));
    let works = |action: &&Action| action.scopes.iter().any(|scope| here.contains(scope));
    let unlisted = [Verb::Commands, Verb::Interrupt, Verb::Choose, Verb::Confirm];
    let listed = ACTIONS.iter().filter(|action| !unlisted.contains(&action.verb));
    listed.filter(named).filter(works).map(entry).collect()
}

fn entry(action: &Action) -> CommandEntry {
    let keys: Vec<String> = action.keys.iter().map(ToString::to_string).collect();
    CommandEntry { verb: action.verb, title: action.title, keys: keys.join(" ") }
}

pub fn commands_sheet(model: &Model, typed: &Commands) -> Sheet {
    let mut lines = vec![typed.field.line(Line::of(" :", Meaning::Accent))];
    let entries = commands(model, typed);
    for (row, entry) in entries.iter().enumerate() {
        let (cursor, meaning) = if row == typed.row { ("> ", Meaning::Strong) } else { ("  ", Meaning::Plain) };
        lines.push(Line::of(cursor, Meaning::Accent).and(entry.title, meaning).right(entry.keys.clone()));
    }
    Sheet { title: super::title(vec!["Commands".to_owned()], None), lines, focus: Some(typed.row + 1) }
}

pub fn log(model: &Model) -> Sheet {
    let clock = clock(model);
    let mut lines = Vec::new();
    for line in model.log.iter().rev() {
        lines.push(Line::dim(format!("  {}  ", clock.second(line.at))).and(line.sentence.clone(), Meaning::Plain));
        lines.push(Line::of(format!("            {}", line.command_line), Meaning::Accent));
    }
    if lines.is_empty() {
        lines.push(Line::dim("  nothing was done from here yet"));
    }
    let title = super::title(vec!["Log".to_owned(), "what you did, and the same as a command".to_owned()], None);
    Sheet { title, lines, focus: None }
}

pub fn needs(model: &Model) -> Sheet {
    let mut lines = Vec::new();
    for sender in &model.senders {
        if let Some(stop) = &sender.stopped {
            let at = clock(model).long(stop.at);
            lines.push(Line::of(format!("  sender {} stopped {at}: {}", sender.name, stop.reason), Meaning::Need));
            lines.push(Line::dim("    mend it, then go on with its blast: 1, S"));
        }
    }
    for blast in model.blasts.rows() {
        if paused_by_itself(blast) {
            let why = blast.state_reason.as_deref().unwrap_or("no reason is kept");
            lines.push(Line::of(format!("  {} paused by itself: {why}", blast.tag), Meaning::Need));
            lines.push(Line::dim("    S on it goes on, X cancels it"));
        }
        if blast.counts.uncertain > 0 {
            let people = number(blast.counts.uncertain);
            let text = format!("  {}: {people} uncertain, nobody knows whether their message went", blast.tag);
            lines.push(Line::of(text, Meaning::Stage(Status::Uncertain)));
            lines.push(Line::dim("    3, / status:uncertain, enter twice: look at the chat on the phone and answer"));
        }
    }
    if lines.is_empty() {
        lines.push(Line::plain("  Nothing needs you."));
    }
    let title = super::title(vec!["What needs you".to_owned(), number(model.needs())], None);
    Sheet { title, lines, focus: None }
}

pub fn elsewhere(model: &Model, found: &Elsewhere) -> Sheet {
    let clock = clock(model);
    let line = |(row, person): (usize, &crate::engine::view::ElsewhereRow)| {
        let (cursor, meaning) = if row == found.row { ("> ", Meaning::Strong) } else { ("  ", Meaning::Plain) };
        let name = person.name.as_deref().unwrap_or("-");
        Line::of(cursor, Meaning::Accent)
            .and(format!("{:<18}{name}  ", person.phone.to_string()), meaning)
            .and(person.status.to_string(), Meaning::Stage(person.status))
            .and(format!(" {}", clock.short(person.changed_at)), Meaning::Plain)
            .right(person.tag.clone())
    };
    let lines = found.rows.iter().enumerate().map(line).collect();
    let title =
        super::title(vec![format!("Found in every blast: {}", found.text)], Some("enter goes there".to_owned()));
    Sheet { title, lines, focus: Some(found.row) }
}
