//! What is left at sizes where no pane fits: the selected blast in a line, and what needs a person.

use crate::tui::format::number;
use crate::tui::model::{Model, Tone};
use crate::tui::theme::TextRole;
use crate::tui::widget::{Pen, TextLine};

pub fn draw(model: &Model, pen: &mut Pen<'_>) {
    let area = pen.screen();
    for (line, y) in lines(model).iter().zip(0..area.height) {
        line.draw(pen, (0, y), area.width);
    }
    if area.height < 2 {
        return;
    }
    let last = area.height - 1;
    if let Some(prompt) = &model.prompt {
        let blank = " ".repeat(usize::from(area.width));
        pen.put((0, last), &blank, area.width, TextRole::Plain);
        super::footer::question(model, prompt).draw(pen, (0, last), area.width);
    } else if let Some(notice) = model.notice.as_ref().filter(|notice| notice.tone == Tone::Refused || area.height > 2)
    {
        let blank = " ".repeat(usize::from(area.width));
        pen.put((0, last), &blank, area.width, TextRole::Plain);
        pen.put((0, last), &notice.text, area.width, TextRole::Plain);
    }
}

fn lines(model: &Model) -> Vec<TextLine> {
    let Some(blast) = model.blast() else { return vec![TextLine::plain("blastdeck: no blast")] };
    let funnel = blast.counts.funnel();
    let needs = model.needs();
    let need = if needs > 0 { format!("!{} ", number(needs)) } else { String::new() };
    let first = TextLine::of(need, TextRole::Need).and(
        format!("{}/{} {}", number(funnel.sent), number(blast.total_recipients), blast.state_words()),
        TextRole::Plain,
    );
    let stages =
        [("received", funnel.received), ("read", funnel.read), ("replied", funnel.replied), ("closed", funnel.closed)];
    let stages = stages.map(|(stage, people)| TextLine::plain(format!("{:>11} {stage}", number(people))));
    [first, TextLine::plain(blast.tag.clone())].into_iter().chain(stages).collect()
}
