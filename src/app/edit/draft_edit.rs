//! What an edit changes of a draft, or of what has started.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::app::recurring::own_start;
use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::content::BlastContent;
use crate::domain::field_change::FieldChange;
use crate::domain::pace::{Gap, Hours, LimitColumn, LimitColumns, Rate, UnreadableLimit, Weekdays};
use crate::domain::start_at::StartAt;
use crate::store::draft::DraftChange;
use crate::store::view::BlastRow;

/// What changes in a draft; everything absent stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DraftEdit {
    pub tag: Option<String>,
    pub follow_up_stage: Option<String>,
    pub description: FieldChange<String>,
    pub external_id: FieldChange<String>,
    pub content: Option<BlastContent>,
    pub rate: FieldChange<Rate>,
    pub gap: FieldChange<Gap>,
    pub window: FieldChange<Hours>,
    pub weekdays: FieldChange<Weekdays>,
    pub timezone: FieldChange<Tz>,
    /// When it starts by itself once it is launched.
    pub start: FieldChange<StartAt>,
}

impl DraftEdit {
    /// Whether it changes nothing but how fast a blast goes and at which hours.
    pub(super) fn is_of_pace(&self) -> bool {
        let Self { rate, gap, window, weekdays, .. } = *self;
        *self == Self { rate, gap, window, weekdays, ..Self::default() }
    }

    /// Whether it changes at which hours it goes.
    pub(in crate::app) const fn is_of_hours(&self) -> bool {
        !self.window.is_keep() || !self.weekdays.is_keep()
    }

    /// As it is written, but for its start, which depends on the blast.
    pub(super) fn into_change(self) -> DraftChange {
        let template = |content: &BlastContent| content.template().map_or(FieldChange::Clear, FieldChange::Set);
        DraftChange {
            tag: self.tag,
            follow_up_stage: self.follow_up_stage,
            description: self.description,
            external_id: self.external_id,
            message: self.content.as_ref().map(BlastContent::text),
            template: self.content.as_ref().map_or(FieldChange::Keep, template),
            rate: self.rate.map(ToString::to_string),
            gap: self.gap.map(ToString::to_string),
            window: self.window.map(ToString::to_string),
            weekdays: self.weekdays.map(ToString::to_string),
            timezone: self.timezone.map(|zone| zone.name().to_owned()),
            // A content that was read, and comes out for everybody, is finished.
            unfinished: if self.content.is_some() { FieldChange::Clear } else { FieldChange::Keep },
            ..DraftChange::default()
        }
    }

    /// Whether a blast that is outside its hours may send at once after this edit; `zone` is its sender's, `None` where that is not
    /// known here: another machine's configuration has it.
    pub fn opens_hours(&self, blast: &BlastView, zone: Option<Tz>, now: DateTime<Utc>) -> bool {
        self.opens((blast.state, &blast.limits), zone, now)
    }

    /// The same of a state and of limits.
    pub(in crate::app) fn opens(
        &self,
        (state, limits): (BlastState, &LimitColumns),
        zone: Option<Tz>,
        now: DateTime<Utc>,
    ) -> bool {
        if state != BlastState::Sending || !self.is_of_hours() {
            return false;
        }
        let Some(zone) = limits.own_zone().or(zone) else { return true };
        let is_open = |limits: &LimitColumns| limits.own_window(zone).is_none_or(|window| window.is_open(now));
        !is_open(limits) && is_open(&self.limits_after(limits))
    }

    /// The limits of a blast that has started, after this edit.
    pub fn limits_after(&self, before: &LimitColumns) -> LimitColumns {
        LimitColumns {
            rate: after(&self.rate, before.rate.as_ref()),
            gap: after(&self.gap, before.gap.as_ref()),
            hours: after(&self.window, before.hours.as_ref()),
            weekdays: after(&self.weekdays, before.weekdays.as_ref()),
            zone: before.zone.clone(),
        }
    }

    /// Without what is so already: whoever read a blast may write back all of it. `zone`: the blast's.
    pub(super) fn without_unchanged(self, row: &BlastRow, zone: Tz) -> Self {
        let limits = &row.limits;
        let is_to_start = matches!(row.state, BlastState::Draft | BlastState::Scheduled);
        let timezone = self.timezone.unless_so(own(limits.zone.as_ref()));
        // Until it has started a local time moves with the zone, and a moment does not: one that is named beside another zone holds.
        let moves = is_to_start && row.scheduled_local.is_some() && !timezone.is_keep();
        let is_so = |start: StartAt| match start {
            StartAt::Moment(at) => row.scheduled_for == Some(at) && !moves,
            StartAt::Local(local) if is_to_start => row.scheduled_local == Some(local),
            StartAt::Local(_) => start.resolve(zone).is_some_and(|start| row.scheduled_for == Some(start.at)),
        };
        let has_its_start = match self.start {
            FieldChange::Keep => true,
            FieldChange::Clear => own_start(row).is_none(),
            FieldChange::Set(start) => is_so(start),
        };
        Self {
            tag: self.tag.filter(|tag| *tag != row.tag),
            follow_up_stage: self.follow_up_stage.filter(|stage| *stage != row.follow_up_stage),
            description: self.description.unless_so(row.description.as_ref()),
            external_id: self.external_id.unless_so(row.external_id.as_ref()),
            content: self.content.filter(|content| is_new(content, row)),
            rate: self.rate.unless_so(own(limits.rate.as_ref())),
            gap: self.gap.unless_so(own(limits.gap.as_ref())),
            window: self.window.unless_so(own(limits.hours.as_ref())),
            weekdays: self.weekdays.unless_so(own(limits.weekdays.as_ref())),
            timezone,
            start: if has_its_start { FieldChange::Keep } else { self.start },
        }
    }
}

/// Whether a content is another one than the blast's. One that the draft could not be made with yet is looked at again.
fn is_new(content: &BlastContent, row: &BlastRow) -> bool {
    row.unfinished.is_some()
        || match content.template() {
            Some(template) => row.template.as_ref() != Some(&template),
            None => row.template.is_some() || content.text() != row.message,
        }
}

/// A limit that can be read.
fn own<T>(limit: Option<&Result<T, UnreadableLimit>>) -> Option<&T> {
    limit.and_then(|limit| limit.as_ref().ok())
}

/// A limit after an edit.
fn after<T: Copy>(change: &FieldChange<T>, before: Option<&Result<T, UnreadableLimit>>) -> LimitColumn<T> {
    match change {
        FieldChange::Keep => before.cloned(),
        FieldChange::Clear => None,
        FieldChange::Set(value) => Some(Ok(*value)),
    }
}
