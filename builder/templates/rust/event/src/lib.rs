//! Adds up an order: `{"items": [{"price": "9.90", "count": 2}]}`.

use std::fmt;

use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Order {
    items: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    price: String,
    count: u64,
}

#[derive(Debug, PartialEq, Serialize)]
struct Bill {
    total: String,
    items: usize,
}

/// The caller sees it as the error of the execution, by this name.
#[derive(Debug, PartialEq)]
struct InvalidPrice(String);

impl fmt::Display for InvalidPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no price, such as 9.90", self.0)
    }
}

impl std::error::Error for InvalidPrice {}

#[hks_sdk::handler]
fn handler(order: Order) -> Result<Bill, InvalidPrice> {
    let mut total = 0;
    for item in &order.items {
        let price = cents(&item.price).ok_or_else(|| InvalidPrice(item.price.clone()))?;
        total += price * item.count;
    }
    Ok(Bill { total: format!("{}.{:02}", total / 100, total % 100), items: order.items.len() })
}

fn cents(price: &str) -> Option<u64> {
    let (whole, cents) = price.split_once('.').filter(|(_, cents)| cents.len() == 2)?;
    Some(whole.parse::<u64>().ok()? * 100 + cents.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(price: &str) -> Order {
        Order { items: vec![Item { price: price.into(), count: 2 }] }
    }

    #[test]
    fn items_are_added_up() {
        assert_eq!(handler(order("9.90")), Ok(Bill { total: "19.80".into(), items: 1 }));
        assert_eq!(handler(order("free")), Err(InvalidPrice("free".into())));
    }
}
