//! Which columns each kind of export has, and what stands in them.

use super::cell::ExportCell;
use super::shop_table::{CART_ITEMS, CARTS, ORDER_ITEMS, ORDERS};
use super::{App, CartExport, Export, OrderExport, PeopleExport};
use crate::app::view::{PersonChange, RecipientRow, ReplyRow};
use crate::app::{CustomerRow, SavedListPerson};
use crate::domain::message::Variables;
use crate::domain::text::count_of;

/// The cells of one row, in the order of the table's columns.
pub type ExportRow = Vec<ExportCell>;

/// A kind of export.
#[derive(Debug)]
pub struct ExportTable {
    /// What it is of, as its file and its sheets are called.
    pub name: &'static str,
    /// Their names, the same in every format.
    pub columns: &'static [&'static str],
    /// A row, and several.
    pub(super) nouns: (&'static str, &'static str),
}

/// Where several blasts are exported, or what belongs to none: the first column.
const BLAST: &str = "blast";

impl Export {
    pub const fn table(&self) -> &'static ExportTable {
        match self {
            Self::People { what: PeopleExport::Recipients, .. } => &RECIPIENTS,
            Self::People { what: PeopleExport::History, .. } => &HISTORY,
            Self::Replies { .. } => &REPLIES,
            Self::Orders { what: OrderExport::Orders, .. } => &ORDERS,
            Self::Orders { what: OrderExport::Items, .. } => &ORDER_ITEMS,
            Self::Carts { what: CartExport::Carts, .. } => &CARTS,
            Self::Carts { what: CartExport::Items, .. } => &CART_ITEMS,
            Self::Customers { .. } => &CUSTOMERS,
            Self::SavedList { .. } => &SAVED_LIST,
        }
    }

    /// `250 people`; of several blasts rows, since somebody may be in each of them.
    pub fn counted(&self, rows: u64) -> String {
        let is_of_several = matches!(self, Self::People { what: PeopleExport::Recipients, .. }) && self.names_blast();
        let (one, many) = if is_of_several { ("row", "rows") } else { self.table().nouns };
        count_of(i64::try_from(rows).unwrap_or(i64::MAX), one, many)
    }

    /// The names of its columns, the list's own last.
    pub(super) fn columns(&self, of_list: &[String]) -> ExportColumns {
        let blast = self.names_blast().then_some(BLAST);
        let names: Vec<_> = blast.into_iter().chain(self.table().columns.iter().copied()).map(str::to_owned).collect();
        let times = names.iter().map(|name| is_time(name)).collect();
        let columns = ExportColumns { names, times };
        of_list.iter().fold(columns, |columns, name| columns.with_own(name))
    }

    /// Whether its rows say which blast they belong to, beside what the table has.
    pub(super) fn names_blast(&self) -> bool {
        match self {
            Self::People { all: true, .. } | Self::Replies { all: true, .. } => true,
            Self::People { blasts, .. } => blasts.len() != 1,
            Self::Replies { blasts, .. } => blasts.as_ref().is_none_or(|blasts| blasts.len() != 1),
            Self::Orders { .. } | Self::Carts { .. } | Self::Customers { .. } | Self::SavedList { .. } => false,
        }
    }
}

/// What an export's columns are called, each by another name.
#[derive(Debug)]
pub(super) struct ExportColumns {
    pub names: Vec<String>,
    /// Which of them hold times.
    pub times: Vec<bool>,
}

impl ExportColumns {
    /// And a column of a list, which may be called like one that is there.
    fn with_own(mut self, name: &str) -> Self {
        let mut own = name.to_owned();
        while self.names.iter().any(|other| other.eq_ignore_ascii_case(&own)) {
            own.insert_str(0, "list_");
        }
        self.names.push(own);
        self.times.push(false);
        self
    }
}

/// Whether a column holds times.
fn is_time(column: &str) -> bool {
    column == "at" || column.ends_with("_at") || column.ends_with("_seen")
}

pub const RECIPIENTS: ExportTable = ExportTable {
    name: "recipients",
    columns: &[
        "id",
        "phone_number",
        "name",
        "status",
        "message_id",
        "sent_at",
        "delivered_at",
        "read_at",
        "replied_at",
        "closed_at",
        "failed_at",
        "opted_out_at",
        "amount",
        "note",
        "error_code",
        "error_message",
        "reason",
        "attempts",
        "external_id",
    ],
    nouns: ("person", "people"),
};

/// The cells of [`RECIPIENTS`]. `external_id`: what the program that made them calls them.
pub fn recipient(row: &RecipientRow, external_id: Option<&String>) -> ExportRow {
    vec![
        ExportCell::of(&row.id),
        ExportCell::of(&row.phone),
        ExportCell::of(&row.name),
        ExportCell::of(&row.status),
        ExportCell::of(&row.message_id),
        ExportCell::time(row.sent_at),
        ExportCell::time(row.delivered_at),
        ExportCell::time(row.read_at),
        ExportCell::time(row.replied_at),
        ExportCell::time(row.closed_at),
        ExportCell::time(row.failed_at),
        ExportCell::time(row.opted_out_at),
        ExportCell::kept(row.amount),
        ExportCell::of(&row.note),
        ExportCell::of(&row.error_code),
        ExportCell::of(&row.error_message),
        ExportCell::of(&row.reason),
        ExportCell::of(&row.attempt),
        ExportCell::of(&external_id),
    ]
}

/// The cells of the list's own columns: what it says of somebody, as their message can use it.
pub(super) fn of_list(variables: Option<&Variables>, columns: &[String]) -> ExportRow {
    let value = |name: &String| variables.and_then(|variables| variables.get(name));
    columns.iter().map(|name| ExportCell::of(&value(name))).collect()
}

pub(super) const REPLIES: ExportTable = ExportTable {
    name: "replies",
    columns: &[
        "id",
        "at",
        "received_at",
        "recipient",
        "phone_number",
        "user_id",
        "name",
        "kind",
        "text",
        "payload",
        "message_id",
        "is_opt_out",
        "file_type",
        "file_state",
    ],
    nouns: ("reply", "replies"),
};

pub(super) fn reply(app: &App, row: &ReplyRow) -> ExportRow {
    vec![
        ExportCell::of(&row.id),
        ExportCell::Time(row.at),
        ExportCell::Time(row.received_at),
        ExportCell::of(&row.recipient),
        ExportCell::of(&row.phone),
        ExportCell::of(&row.user_id),
        ExportCell::of(&row.name),
        ExportCell::of(&row.kind),
        ExportCell::of(&row.body),
        ExportCell::of(&row.payload),
        ExportCell::of(&row.message_id),
        ExportCell::Flag(app.is_stop(row)),
        ExportCell::of(&row.file.file_type),
        ExportCell::of(&row.file.file_state),
    ]
}

pub(super) const HISTORY: ExportTable = ExportTable {
    name: "history",
    columns: &[
        "recipient",
        "phone_number",
        "name",
        "changed_at",
        "happened_at",
        "old_status",
        "new_status",
        "attempt",
        "source",
        "by",
        "amount",
        "detail",
    ],
    nouns: ("change", "changes"),
};

pub(super) fn change(change: &PersonChange) -> ExportRow {
    vec![
        ExportCell::of(&change.recipient_id),
        ExportCell::of(&change.phone),
        ExportCell::of(&change.name),
        ExportCell::Time(change.changed_at),
        ExportCell::time(change.happened_at),
        ExportCell::of(&change.old_status),
        ExportCell::of(&change.new_status),
        ExportCell::of(&change.attempt),
        ExportCell::of(&change.source),
        ExportCell::of(&change.by_whom),
        ExportCell::kept(change.amount),
        ExportCell::of(&change.metadata),
    ]
}

pub(super) const CUSTOMERS: ExportTable = ExportTable {
    name: "customers",
    columns: &[
        "id",
        "numbers",
        "name",
        "first_seen",
        "last_seen",
        "sent",
        "received",
        "read",
        "replied",
        "replies",
        "sales",
        "revenue",
        "opted_out",
        "tags",
        "orders",
        "carts",
    ],
    nouns: ("customer", "customers"),
};

pub(super) const SAVED_LIST: ExportTable =
    ExportTable { name: "list", columns: &["phone_number", "name"], nouns: ("person", "people") };

/// The cells of [`SAVED_LIST`], and of the list's own columns.
pub(super) fn listed(row: &SavedListPerson, columns: &[String]) -> ExportRow {
    let mut cells = vec![ExportCell::of(&row.phone_number), ExportCell::of(&row.name)];
    cells.extend(of_list(row.variables.as_ref().map(|variables| &variables.0), columns));
    cells
}

pub(super) fn customer(row: &CustomerRow) -> ExportRow {
    vec![
        ExportCell::of(&row.id),
        ExportCell::Text(row.numbers.join(" ")),
        ExportCell::of(&row.names.first()),
        ExportCell::time(row.first_seen),
        ExportCell::time(row.last_seen),
        ExportCell::of(&row.sent),
        ExportCell::of(&row.received),
        ExportCell::of(&row.read),
        ExportCell::of(&row.replied),
        ExportCell::of(&row.replies),
        ExportCell::of(&row.sales),
        ExportCell::kept(Some(row.revenue)),
        ExportCell::Text(row.opted_out.join(" ")),
        ExportCell::Text(row.tags.join(" ")),
        ExportCell::of(&row.orders),
        ExportCell::of(&row.carts),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::filter::Filter;
    use crate::domain::ids::BlastId;

    #[test]
    fn no_two_columns_have_one_name() {
        for table in [RECIPIENTS, REPLIES, HISTORY, CUSTOMERS, ORDERS, ORDER_ITEMS, CARTS, CART_ITEMS, SAVED_LIST] {
            let mut names = table.columns.to_vec();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), table.columns.len(), "{}", table.name);
        }
    }

    #[test]
    fn a_column_of_a_list_that_is_called_like_another_one_has_a_name_of_its_own_and_holds_no_times() {
        let (blasts, filter) = (vec![BlastId(1), BlastId(2)], Filter::default());
        let export = Export::People { blasts, all: false, filter, what: PeopleExport::Recipients };

        let columns = export.columns(&["blast", "list_note", "note", "signed_at"].map(str::to_owned));

        assert_eq!(columns.names[20..], ["list_blast", "list_note", "list_list_note", "signed_at"]);
        assert_eq!((columns.times[6], &columns.times[20..]), (true, &[false; 4][..]));
    }
}
