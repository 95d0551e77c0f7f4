//! What is counted of people who were forgotten: with it, what is counted of customers comes to what reports say.

use rust_decimal::Decimal;
use serde::Serialize;
use utoipa::ToSchema;

use super::{App, AppError};
use crate::domain::amount;
use crate::domain::text::count_of;
use crate::store::customer::{self, CustomerRow};

/// What is counted of all people who were forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ForgottenCustomers)]
pub struct ForgottenCustomers {
    /// How many numbers they had.
    #[schema(example = 1)]
    pub numbers: u64,
    #[schema(example = 3)]
    pub sent: i64,
    #[schema(example = 3)]
    pub received: i64,
    #[schema(example = 2)]
    pub read: i64,
    #[schema(example = 1)]
    pub replies: i64,
    #[schema(example = 1)]
    pub orders: i64,
    #[schema(example = 1)]
    pub sales: i64,
    #[serde(serialize_with = "amount::in_json")]
    #[schema(value_type = String, example = "6.21")]
    pub revenue: Decimal,
}

impl ForgottenCustomers {
    fn add(mut self, row: &CustomerRow) -> Self {
        self.numbers += 1;
        self.sent += row.sent;
        self.received += row.received;
        self.read += row.read;
        self.replies += row.replies;
        self.orders += row.orders;
        self.sales += row.sales;
        self.revenue += row.revenue;
        self
    }

    /// `not among them, of 1 number that was forgotten: 2 sent, 2 received, 1 read, 1 reply, 1 order, revenue 6.21`.
    pub fn in_words(&self) -> String {
        let numbers = count_of(self.numbers, "number that was", "numbers that were");
        let (replies, orders) = (count_of(self.replies, "reply", "replies"), count_of(self.orders, "order", "orders"));
        let Self { sent, received, read, .. } = self;
        let revenue = amount::money(self.revenue);
        format!(
            "not among them, of {numbers} forgotten: {sent} sent, {received} received, {read} read, {replies}, {orders}, revenue {revenue}"
        )
    }
}

impl App {
    /// What is counted of people who were forgotten; `None`: nobody was.
    pub async fn forgotten_customers(&self) -> Result<Option<ForgottenCustomers>, AppError> {
        self.sees_customers()?;
        let stand_ins = customer::stand_ins(self.pool()).await?;
        if stand_ins.is_empty() {
            return Ok(None);
        }
        let rows = customer::rows(self.pool(), &stand_ins).await?;
        Ok(Some(rows.iter().fold(ForgottenCustomers::default(), ForgottenCustomers::add)))
    }
}
