//! One customer with what they ordered and what waits in their carts.

use std::cmp::Reverse;

use super::{App, AppError};
use crate::domain::phone::Phone;
use crate::store::cart::{CartQuery, CartRow};
use crate::store::customer::{CustomerDetails, CustomerTotals};
use crate::store::order::{OrderQuery, OrderRow};
use crate::store::view::{StandingOptOut, opt_outs};

/// The most orders and carts of one number that are shown.
const SHOWN: u32 = 100;

/// All that is known of a customer, over all of their numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerSheet {
    pub details: CustomerDetails,
    /// What they opted out of, the oldest first.
    pub opt_outs: Vec<StandingOptOut>,
    /// The newest first.
    pub orders: Vec<OrderRow>,
    /// The newest first.
    pub carts: Vec<CartRow>,
    /// How much there is, also of what is not listed here.
    pub totals: CustomerTotals,
}

impl App {
    /// The customer who has this number, with orders and carts.
    pub async fn customer_sheet(&self, phone: &Phone) -> Result<CustomerSheet, AppError> {
        let details = self.customer(phone).await?;
        let (mut opt_outs, mut orders, mut carts) = (Vec::new(), Vec::new(), Vec::new());
        for number in &details.customer.numbers {
            opt_outs.extend(opt_outs::of_number(self.pool(), number).await?);
            // A stand-in of somebody who was forgotten is no number.
            let own = (number == phone.as_str()).then(|| Ok(phone.clone()));
            let Ok(phone) = own.unwrap_or_else(|| Phone::parse(number, self.own_region())) else { continue };
            let query = OrderQuery { phone: Some(phone.clone()), limit: SHOWN, ..OrderQuery::default() };
            orders.extend(self.orders(&query).await?);
            let query = CartQuery { phone: Some(phone), limit: SHOWN, ..CartQuery::default() };
            carts.extend(self.carts(&query).await?);
        }
        // Two spellings of one number find the same ones.
        orders.sort_by_key(|order| Reverse(order.id));
        orders.dedup_by_key(|order| order.id);
        carts.sort_by_key(|cart| Reverse(cart.id));
        carts.dedup_by_key(|cart| cart.id);
        opt_outs.sort_by(|one, other| (one.since, &one.business).cmp(&(other.since, &other.business)));
        opt_outs.dedup();
        let totals = self.customer_totals(phone).await?;
        Ok(CustomerSheet { details, opt_outs, orders, carts, totals })
    }
}
