//! What a person bought, by the acts that closed them: the one rule for amounts that operators type beside those of orders.

use rust_decimal::Decimal;

/// An act that closed somebody, or changed what they bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClosingAct {
    /// An operator closed them. An amount takes the place of everything before it.
    Typed(Option<Decimal>),
    /// An order, with how much of it counts: it is added.
    Ordered(Option<Decimal>),
}

/// What somebody who is closed bought; without an amount where none is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sale {
    pub amount: Option<Decimal>,
}

impl Sale {
    /// The sale after these acts, which are all that stand, in their order. `None`: nothing closes the person.
    pub fn of(acts: &[ClosingAct]) -> Option<Self> {
        acts.iter().fold(None, |sale, act| Some(sale.unwrap_or_default().after(*act)))
    }

    fn after(self, act: ClosingAct) -> Self {
        let amount = match act {
            ClosingAct::Typed(amount) => amount.or(self.amount),
            ClosingAct::Ordered(amount) => match (self.amount, amount) {
                (Some(before), Some(amount)) => before.checked_add(amount),
                (before, amount) => before.or(amount),
            },
        };
        Self { amount }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(acts: &[(char, Option<i64>)]) -> String {
        let act = |(kind, amount): &(char, Option<i64>)| match kind {
            't' => ClosingAct::Typed(amount.map(Decimal::from)),
            _ => ClosingAct::Ordered(amount.map(Decimal::from)),
        };
        let acts: Vec<_> = acts.iter().map(act).collect();
        match Sale::of(&acts) {
            None => "open".to_owned(),
            Some(sale) => sale.amount.map_or_else(|| "closed".to_owned(), |amount| amount.to_string()),
        }
    }

    #[test]
    fn a_typed_amount_takes_the_place_of_orders_before_it_and_later_orders_are_added() {
        assert_eq!(of(&[]), "open");
        assert_eq!(of(&[('o', Some(30)), ('o', Some(5))]), "35");
        assert_eq!(of(&[('o', Some(30)), ('t', Some(45)), ('o', Some(5))]), "50");
        assert_eq!(of(&[('o', Some(30)), ('t', None), ('o', None)]), "30");
        assert_eq!(of(&[('t', None)]), "closed");
    }
}
