//! The list of blasts, newest first.

use std::fmt::Write as _;

use chrono_tz::Tz;

use super::blast::{Audience, PageValues, share};
use super::html::{bar, escaped, live_text, pill};
use super::mask::masked;
use super::standing;
use crate::app::view::BlastView;
use crate::domain::amount::money;
use crate::domain::funnel::percent_words;
use crate::domain::text::number;

/// What the page shows of each blast, in words.
#[derive(Debug, Clone)]
pub(in crate::http) struct ListPage {
    rows: Vec<ListRow>,
    values: PageValues,
}

#[derive(Debug, Clone)]
struct ListRow {
    id: i64,
    title: String,
    stage: String,
    date: String,
    is_rehearsal: bool,
}

/// What stands below each blast.
const FIGURES: [(&str, &str); 5] =
    [("sent", "sent"), ("read", "read"), ("replied", "replied"), ("closed", "closed"), ("amount", "revenue")];

impl ListPage {
    pub(in crate::http) fn new(blasts: &[BlastView], (zone, currency): (Tz, &str)) -> Self {
        let mut values = PageValues::default();
        let mut rows = Vec::new();
        for blast in blasts {
            let id = blast.id.0;
            let funnel = blast.counts.funnel();
            for (key, text) in [
                ("sent", number(funnel.sent)),
                ("read", percent_words(funnel.read, funnel.sent)),
                ("replied", percent_words(funnel.replied, funnel.sent)),
                ("closed", number(funnel.closed)),
                ("amount", format!("{currency} {}", money(blast.counts.amount))),
                ("state", standing::pill(blast).0.to_owned()),
                ("note", standing::note(blast, zone, Audience::SignedIn)),
            ] {
                values.text.insert(format!("{id}.{key}"), text);
            }
            values.bar.insert(format!("{id}.done"), share(blast.settled_percent().unwrap_or_default(), 100));
            values.state.insert(format!("{id}.state"), standing::pill(blast).1);
            rows.push(ListRow {
                id,
                title: masked(&blast.tag),
                stage: masked(&blast.follow_up_stage),
                date: blast.blast_date.with_timezone(&zone).format("%-d %b %Y").to_string(),
                is_rehearsal: blast.rehearsal,
            });
        }
        values.ids = Some(rows.iter().map(|row| row.id.to_string()).collect::<Vec<_>>().join(" "));
        Self { rows, values }
    }

    pub(in crate::http) fn values(&self) -> &PageValues {
        &self.values
    }

    /// Which blasts are on it, in their order.
    pub(super) fn ids(&self) -> Option<String> {
        self.values.ids.clone()
    }

    /// The HTML of its main part.
    pub(super) fn render(&self) -> String {
        let mut html = "<section class=\"head\"><h1>Blasts</h1></section>\n".to_owned();
        if self.rows.is_empty() {
            html.push_str("<section class=\"card notice\"><p>There is no blast yet.</p></section>\n");
            return html;
        }
        html.push_str("<ul class=\"blasts\">\n");
        for row in &self.rows {
            html.push_str(&self.render_row(row));
        }
        html.push_str("</ul>\n");
        html
    }

    fn render_row(&self, row: &ListRow) -> String {
        let id = row.id;
        let text = |key: &str| self.values.text.get(&format!("{id}.{key}")).map_or("", String::as_str);
        let state = (text("state"), self.values.state.get(&format!("{id}.state")).copied().unwrap_or_default());
        let done = format!("{id}.done");
        let rehearsal = if row.is_rehearsal { " <span class=\"pill demo\">rehearsal</span>" } else { "" };
        let mut html = format!(
            "<li class=\"card\"><a href=\"/blasts/{id}\"><span class=\"title\">{}</span></a>\n\
             <p class=\"meta\">{} <span>{}</span> <span>{}</span>{rehearsal}</p>\n{}\n{}\n<dl>",
            escaped(&row.title),
            pill(&format!("{id}.state"), state),
            escaped(&row.stage),
            escaped(&row.date),
            live_text("p", "note", &format!("{id}.note"), text("note")),
            bar(&done, self.values.bar.get(&done).copied().unwrap_or_default()),
        );
        for (key, label) in FIGURES {
            // Writing to memory does not fail.
            _ = write!(html, "<div><dt>{label}</dt>{}</div>", live_text("dd", "", &format!("{id}.{key}"), text(key)));
        }
        html.push_str("</dl></li>\n");
        html
    }
}
