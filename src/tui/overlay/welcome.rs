//! The first screen, and the form that adds a sender.

use super::{OverlayContent, title, wrapped};
use crate::app::TypedToken;
use crate::domain::sender::ProviderKind;
use crate::tui::model::{Model, SenderForm, SenderLine, WELCOME, WelcomeChoice};
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

const WHAT_IT_DOES: &str = "Blastdeck sends one WhatsApp message to each person on a list, then shows who got it, who read it, \
                            who replied, who bought, and who is stuck where.";
const PROMISES: [&str; 2] = [
    "Nothing goes out until you type the number of people. Nobody gets a message twice unless you ask for it.",
    "Closing this window does not stop a blast that is running.",
];

pub fn content(model: &Model, row: usize, width: u16) -> OverlayContent {
    let room = width.saturating_sub(4);
    let mut lines = paragraph(WHAT_IT_DOES, room);
    lines.push(TextLine::default());
    for (n, choice) in WELCOME.into_iter().enumerate() {
        let (name, about) = words(model, choice);
        let cursor = if n == row { "  > " } else { "    " };
        let role = if n == row { TextRole::Strong } else { TextRole::Plain };
        lines.push(TextLine::of(cursor, TextRole::Accent).and(format!("{name:<19}"), role).and(about, TextRole::Dim));
    }
    let focus = Some(lines.len() - WELCOME.len() + row);
    if let Some(facts) = &model.options.welcome {
        lines.push(TextLine::rule("How it stands"));
        let size = format!("{}x{}, {}", model.size.width, model.size.height, facts.terminal);
        for (name, fact) in
            [("database", &facts.database), ("config", &facts.config), ("terminal", &size), ("clock", &facts.clock)]
        {
            for (n, text) in wrapped(fact, room.saturating_sub(11)).into_iter().enumerate() {
                let name = if n == 0 { name } else { "" };
                lines.push(TextLine::dim(format!("  {name:<11}")).and(text, TextRole::Plain));
            }
        }
    }
    lines.push(TextLine::default());
    lines.extend(PROMISES.iter().flat_map(|promise| paragraph(promise, room)));
    OverlayContent { title: title(vec!["Welcome".to_owned()], None), lines, focus }
}

fn paragraph(text: &str, room: u16) -> Vec<TextLine> {
    wrapped(text, room).into_iter().map(|line| TextLine::plain(format!("  {line}"))).collect()
}

fn words(model: &Model, choice: WelcomeChoice) -> (&'static str, &'static str) {
    match choice {
        WelcomeChoice::Practise => ("Practise", "250 made-up people, a pretend phone; nothing leaves here"),
        WelcomeChoice::AddSender => ("Add a sender", "WSAPME device or Meta number; checks it, sends nothing"),
        WelcomeChoice::NewBlast if model.options.is_first_run() => ("New blast", "needs a sender first"),
        WelcomeChoice::NewBlast => ("New blast", "a message, a list, a plan; it asks before it sends"),
        WelcomeChoice::Quit => ("Quit", ""),
    }
}

pub fn new_sender(form: &SenderForm, width: u16) -> OverlayContent {
    let mut lines = Vec::new();
    let mut focus = None;
    for line in form.lines() {
        let is_here = line == form.line;
        let (label, about) = label(form, line);
        if line == SenderLine::Add {
            lines.push(TextLine::default());
        }
        let role = if is_here { TextRole::Accent } else { TextRole::Dim };
        let head = TextLine::of(format!("{} {label:<11}", if is_here { ">" } else { " " }), role);
        lines.push(match form.edit.as_ref().filter(|_| is_here) {
            Some(field) if line == SenderLine::Token && !field.text().starts_with('$') => {
                head.and("*".repeat(field.text().chars().count().min(40)), TextRole::Strong).and("_", TextRole::Accent)
            }
            Some(field) => field.line(head),
            None if form.text(line).trim_start_matches('$').is_empty() && !empty(line).is_empty() => {
                head.and(empty(line), TextRole::Dim)
            }
            None => head.and(shown(form, line), TextRole::Plain),
        });
        if is_here {
            let trouble = form.trouble.as_deref().map(|why| (why, TextRole::Trouble));
            let (words, role) = trouble.unwrap_or((about, TextRole::Dim));
            let words = wrapped(words, width.saturating_sub(15)).into_iter().filter(|words| !words.is_empty());
            lines.extend(words.map(|words| TextLine::of(format!("             {words}"), role)));
            focus = Some(lines.len() - 1);
        }
    }
    let title = title(vec!["Add a sender".to_owned()], Some("nothing is sent".to_owned()));
    OverlayContent { title, lines, focus }
}

fn label(form: &SenderForm, line: SenderLine) -> (&'static str, &'static str) {
    let is_meta = form.sender.provider == ProviderKind::Meta;
    match line {
        SenderLine::Provider => ("Provider", "enter: the other one"),
        SenderLine::Name => ("Name", "what you call it, such as sales"),
        SenderLine::Business => (
            "Opt-outs",
            "enter: the other choice. Whoever opts out of a business is messaged by none of its senders; its catalogues are shared, too",
        ),
        SenderLine::Device if is_meta => ("Number id", "the phone number id, as Meta's API setup shows it"),
        SenderLine::Device => ("Device", "the device's id, as WSAPME's list of devices shows it"),
        SenderLine::Account => ("Account id", "the WhatsApp business account's id, from the same page"),
        SenderLine::Region => ("Country", "of numbers without a country code, such as MY"),
        SenderLine::Token if form.has_token() && form.edit.is_some() => {
            ("Token", "a token is stored; type a new one to replace it, esc keeps it")
        }
        SenderLine::Token => {
            ("Token", "goes into a file that only you may read; or $ and a variable's name, such as $WSAPME_TOKEN")
        }
        SenderLine::Gap => ("Pace", "seconds between two messages, such as 20-60; a blast may be slower, never faster"),
        SenderLine::Address => ("Address", "leave it empty unless you run a gateway of your own"),
        SenderLine::Add if is_meta => (
            "",
            "enter asks Meta whether this number can send, and writes it into the configuration; nothing is sent. Who received, read, replied \
             or wrote STOP is known once app_secret and verify_token stand there and `blastdeck serve` runs (docs/META.md)",
        ),
        SenderLine::Add => (
            "",
            "enter asks the provider whether this sender can send, and writes it into the configuration; nothing is sent",
        ),
    }
}

/// What stands for a text that is missing.
const fn empty(line: SenderLine) -> &'static str {
    match line {
        SenderLine::Provider | SenderLine::Business | SenderLine::Add => "",
        SenderLine::Gap => "20-60 s",
        SenderLine::Address => "the provider's own",
        SenderLine::Name | SenderLine::Device | SenderLine::Account | SenderLine::Region | SenderLine::Token => {
            "not yet"
        }
    }
}

fn shown(form: &SenderForm, line: SenderLine) -> String {
    match (line, &form.sender.token) {
        (SenderLine::Provider, _) if form.sender.provider == ProviderKind::Meta => {
            "Meta (WhatsApp Cloud API)".to_owned()
        }
        (SenderLine::Provider, _) => "WSAPME".to_owned(),
        (SenderLine::Business, _) if form.sender.business.is_empty() => {
            "of its own: it may message who opted out of the others".to_owned()
        }
        (SenderLine::Business, _) => format!("shared with the business {}", form.sender.business),
        (SenderLine::Add, _) if form.is_checking => "asking its provider ...".to_owned(),
        (SenderLine::Add, _) => "Check and add".to_owned(),
        (SenderLine::Token, TypedToken::Secret(secret)) => "*".repeat(secret.chars().count().min(40)),
        _ => form.text(line),
    }
}
