//! Who stays suppressed when a reason for it is taken back, and by what.

use sqlx::PgConnection;

use super::{App, AppError, EVERY_BUSINESS};
use crate::domain::ids::BlastId;
use crate::domain::phone::Phone;
use crate::domain::text::shell_quoted;
use crate::store::person::PersonRow;
use crate::store::suppression::{self, StandingSuppression};

/// Something that suppresses a person still.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct StillSuppressed {
    pub phone_number: String,
    /// `*` for all.
    pub business: String,
    /// `person`, `provider` or `operator`.
    pub source: String,
    pub reason: Option<String>,
    /// Who added it, or whose act holds it.
    pub by: Option<String>,
    /// The blast of the mark that holds it.
    pub marked_in: Option<BlastId>,
    /// The number that is marked there.
    pub marked_as: Option<String>,
}

impl StillSuppressed {
    pub(super) fn holds_for(&self, phone: &Phone, business: &str) -> bool {
        self.phone_number == phone.as_str() && [business, EVERY_BUSINESS].contains(&&*self.business)
    }

    /// `by aina's mark in blast 7`, `by their own word (they asked)`.
    pub fn in_words(&self) -> String {
        let by = self.by.as_deref().filter(|by| !by.is_empty());
        if let Some(blast) = self.marked_in {
            return by.map_or_else(
                || format!("by a mark in blast {blast}"),
                |by| format!("by {by}'s mark in blast {blast}"),
            );
        }
        let who = match (self.source.as_str(), by) {
            ("person", _) => "by their own word".to_owned(),
            ("provider", _) => "by WhatsApp's word".to_owned(),
            (_, Some(by)) => format!("by {by}"),
            (_, None) => "by an operator".to_owned(),
        };
        let everywhere = if self.business == EVERY_BUSINESS { ", for any business" } else { "" };
        let why = self.reason.as_deref().map_or_else(String::new, |reason| format!(" ({reason})"));
        format!("{who}{everywhere}{why}")
    }

    /// `` `blastdeck suppress remove +60…` lifts that``.
    pub fn mend(&self) -> String {
        let phone = &self.phone_number;
        match self.marked_in {
            Some(blast) => {
                let marked = self.marked_as.as_ref().unwrap_or(phone);
                format!("`blastdeck mark {blast} {marked} undo` takes that back as well")
            }
            None => format!("{} lifts that", self.lifting_line()),
        }
    }

    /// `` `blastdeck suppress remove +60… --business 'kedai'` ``: what lifts it, whatever it holds by.
    pub(super) fn lifting_line(&self) -> String {
        let phone = &self.phone_number;
        if self.business == EVERY_BUSINESS {
            return format!("`blastdeck suppress remove {phone}`");
        }
        format!("`blastdeck suppress remove {phone} --business {}`", shell_quoted(&self.business))
    }
}

impl App {
    /// What suppresses these people now.
    pub(super) async fn still_suppressed(
        &self,
        tx: &mut PgConnection,
        people: &[&PersonRow],
    ) -> Result<Vec<StillSuppressed>, AppError> {
        let of = people.iter().map(|person| (person.phone_number.as_str(), &*person.business));
        let standing = self.standing_of(tx, of).await?;
        // A mark in another sender's blast is not there for whoever acts for one: the opt-out is the business's, and is lifted as such.
        let marks = self.visible_blasts(tx, standing.iter().filter_map(|of| of.marked_in).collect()).await?;
        let still = |of: StandingSuppression| {
            let marked_in = of.marked_in.filter(|blast| marks.contains(blast));
            StillSuppressed {
                phone_number: of.phone,
                business: of.business,
                source: of.source,
                reason: of.reason,
                by: of.by,
                marked_in,
                marked_as: of.marked_as.filter(|_| marked_in.is_some()),
            }
        };
        Ok(standing.into_iter().map(still).collect())
    }

    /// What holds for numbers, each in a business.
    pub(super) async fn standing_of<'a>(
        &self,
        tx: &mut PgConnection,
        people: impl Iterator<Item = (&'a str, &'a str)> + Send,
    ) -> Result<Vec<StandingSuppression>, AppError> {
        let people: Vec<_> = people.collect();
        if people.is_empty() {
            return Ok(Vec::new());
        }
        Ok(suppression::standing(tx, &people).await?)
    }
}
