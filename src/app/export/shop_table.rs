//! The columns of orders, carts and their items.

use serde_json::json;

use super::cell::ExportCell;
use super::table::{ExportRow, ExportTable};
use crate::app::orders::items::items_in_words;
use crate::app::{CartRow, OrderItemRow, OrderRow};

pub(super) const ORDERS: ExportTable = ExportTable {
    name: "orders",
    columns: &[
        "id",
        "state",
        "ordered_at",
        "blast",
        "blast_tag",
        "sender",
        "recipient",
        "phone_number",
        "user_id",
        "name",
        "items",
        "total",
        "currency",
        "counted",
        "not_counted",
        "note",
        "source",
        "catalogue",
        "message_id",
        "unreadable_items",
        "state_by",
        "edited_by",
        "updated_at",
    ],
    nouns: ("order", "orders"),
};

pub(super) fn order(row: &OrderRow) -> ExportRow {
    vec![
        ExportCell::of(&row.id),
        ExportCell::of(&row.state),
        ExportCell::Time(row.ordered_at),
        ExportCell::of(&row.blast_id),
        ExportCell::of(&row.blast_tag),
        ExportCell::of(&row.sender),
        ExportCell::of(&row.recipient_id),
        ExportCell::of(&row.phone_number),
        ExportCell::of(&row.user_id),
        ExportCell::of(&row.name),
        items(&row.items),
        ExportCell::money(row.total, row.currency.as_deref()),
        ExportCell::of(&row.currency),
        ExportCell::kept(row.counted),
        ExportCell::of(&row.not_counted()),
        ExportCell::of(&row.note),
        ExportCell::of(&row.source),
        ExportCell::of(&row.catalogue),
        ExportCell::of(&row.message_id),
        ExportCell::of(&row.unreadable),
        ExportCell::of(&row.state_by),
        ExportCell::of(&row.edited_by),
        ExportCell::Time(row.updated_at),
    ]
}

/// As words in a spreadsheet, and as they are in JSON.
fn items(items: &[OrderItemRow]) -> ExportCell {
    ExportCell::Parts { words: items_in_words(items), json: json!(items) }
}

pub(super) const ORDER_ITEMS: ExportTable = ExportTable {
    name: "order items",
    columns: &[
        "order",
        "state",
        "ordered_at",
        "blast",
        "phone_number",
        "name",
        "sku",
        "product",
        "quantity",
        "price",
        "total",
        "currency",
    ],
    nouns: ("item", "items"),
};

pub(super) fn order_items(row: &OrderRow) -> impl Iterator<Item = ExportRow> {
    row.items.iter().map(|item| {
        let order = vec![
            ExportCell::of(&row.id),
            ExportCell::of(&row.state),
            ExportCell::Time(row.ordered_at),
            ExportCell::of(&row.blast_id),
            ExportCell::of(&row.phone_number),
            ExportCell::of(&row.name),
        ];
        order.into_iter().chain(item_cells(item)).collect()
    })
}

fn item_cells(item: &OrderItemRow) -> [ExportCell; 6] {
    [
        ExportCell::of(&item.sku),
        ExportCell::of(&item.name),
        ExportCell::typed_amount(Some(&item.quantity)),
        ExportCell::typed_money(item.price.as_deref(), item.currency.as_deref()),
        ExportCell::typed_money(item.total.as_deref(), item.currency.as_deref()),
        ExportCell::of(&item.currency),
    ]
}

pub(super) const CARTS: ExportTable = ExportTable {
    name: "carts",
    columns: &[
        "id",
        "state",
        "created_at",
        "blast",
        "blast_tag",
        "sender",
        "recipient",
        "phone_number",
        "name",
        "items",
        "total",
        "currency",
        "order",
        "note",
        "created_by",
        "state_by",
        "updated_at",
    ],
    nouns: ("cart", "carts"),
};

pub(super) fn cart(row: &CartRow) -> ExportRow {
    vec![
        ExportCell::of(&row.id),
        ExportCell::of(&row.state),
        ExportCell::Time(row.created_at),
        ExportCell::of(&row.blast_id),
        ExportCell::of(&row.blast_tag),
        ExportCell::of(&row.sender),
        ExportCell::of(&row.recipient_id),
        ExportCell::of(&row.phone_number),
        ExportCell::of(&row.name),
        items(&row.items),
        ExportCell::money(row.total, row.currency.as_deref()),
        ExportCell::of(&row.currency),
        ExportCell::of(&row.order_id),
        ExportCell::of(&row.note),
        ExportCell::of(&row.created_by),
        ExportCell::of(&row.state_by),
        ExportCell::Time(row.updated_at),
    ]
}

pub(super) const CART_ITEMS: ExportTable = ExportTable {
    name: "cart items",
    columns: &[
        "cart",
        "state",
        "created_at",
        "blast",
        "phone_number",
        "name",
        "sku",
        "product",
        "quantity",
        "price",
        "total",
        "currency",
    ],
    nouns: ("item", "items"),
};

pub(super) fn cart_items(row: &CartRow) -> impl Iterator<Item = ExportRow> {
    row.items.iter().map(|item| {
        let cart = vec![
            ExportCell::of(&row.id),
            ExportCell::of(&row.state),
            ExportCell::Time(row.created_at),
            ExportCell::of(&row.blast_id),
            ExportCell::of(&row.phone_number),
            ExportCell::of(&row.name),
        ];
        cart.into_iter().chain(item_cells(item)).collect()
    })
}
