//! One customer with what they ordered and what waits in their carts.

use std::cmp::Reverse;

use super::{App, AppError};
use crate::domain::phone::Phone;
use crate::store::cart::{CartQuery, CartRow};
use crate::store::customer::CustomerDetails;
use crate::store::order::{OrderQuery, OrderRow};

/// The most orders and carts of one number that are shown.
const SHOWN: u32 = 100;

/// All that is known of a customer, over all of their numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct CustomerSheet {
    pub details: CustomerDetails,
    /// The newest first.
    pub orders: Vec<OrderRow>,
    /// The newest first.
    pub carts: Vec<CartRow>,
}

impl App {
    /// The customer who has this number, with orders and carts.
    pub async fn customer_sheet(&self, phone: &Phone) -> Result<CustomerSheet, AppError> {
        let details = self.customer(phone).await?;
        let (mut orders, mut carts) = (Vec::new(), Vec::new());
        for number in &details.customer.numbers {
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
        Ok(CustomerSheet { details, orders, carts })
    }
}
