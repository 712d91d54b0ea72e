//! What work costs: tokens times the prices of their tier. Whole numbers only; what is not known stays unknown.

use std::collections::BTreeMap;

use serde::Deserialize;

/// Section `costs` of the settings: the price list in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceList {
    /// The name of this list; kept with every cost that is taken from it.
    pub price_version: Option<String>,
    /// Prices by tier; a tier that is not here has no known price.
    #[serde(default)]
    pub tiers: BTreeMap<String, Option<TierPrice>>,
}

/// Prices of a tier, in millionths of the currency unit per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierPrice {
    /// For tokens read.
    pub input: u64,
    /// For tokens written.
    pub output: u64,
}

/// Millions of tokens that a price is for.
const TOKENS_PER_PRICE: u128 = 1_000_000;

impl PriceList {
    /// Whether the list has prices but no name to keep with them.
    #[must_use]
    pub fn is_nameless(&self) -> bool {
        self.price_version.as_deref().is_none_or(str::is_empty) && self.tiers.values().any(Option::is_some)
    }

    /// The cost in millionths of the currency unit, rounded half up, with the name of the list. `None` where tier,
    /// price or tokens are not known.
    #[must_use]
    pub fn cost(
        &self,
        tier: Option<&str>,
        tokens_input: Option<i64>,
        tokens_output: Option<i64>,
    ) -> Option<(i64, String)> {
        let version = self.price_version.clone()?;
        let price = (*self.tiers.get(tier?)?)?;
        let part =
            |tokens: i64, price: u64| u128::from(tokens.unsigned_abs()).saturating_mul(u128::from(price));
        let whole = part(tokens_input?, price.input).saturating_add(part(tokens_output?, price.output));
        let micros = whole.saturating_add(TOKENS_PER_PRICE / 2) / TOKENS_PER_PRICE;
        Some((i64::try_from(micros).unwrap_or(i64::MAX), version))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list() -> PriceList {
        PriceList {
            price_version: Some("2026-11".to_owned()),
            tiers: BTreeMap::from([
                ("small".to_owned(), Some(TierPrice { input: 150_000, output: 600_000 })),
                ("tiny".to_owned(), Some(TierPrice { input: 0, output: 0 })),
                ("large".to_owned(), None),
            ]),
        }
    }

    #[test]
    fn a_cost_is_the_sum_of_both_directions_rounded_half_up() {
        let cost = |input, output| list().cost(Some("small"), Some(input), Some(output)).unwrap().0;
        assert_eq!(cost(1_000_000, 1_000_000), 750_000);
        assert_eq!(cost(10, 0), 2, "1.5 is rounded up");
        assert_eq!(cost(3, 0), 0, "0.45 is rounded down");
        assert_eq!(cost(0, 0), 0);
        assert_eq!(cost(i64::MAX, i64::MAX), 6_917_529_027_641_081_855);
    }

    #[test]
    fn a_price_of_nothing_is_a_price_and_an_unknown_one_is_none() {
        assert_eq!(list().cost(Some("tiny"), Some(5), Some(5)), Some((0, "2026-11".to_owned())));
        for unknown in [
            list().cost(Some("large"), Some(5), Some(5)),
            list().cost(Some("other"), Some(5), Some(5)),
            list().cost(None, Some(5), Some(5)),
            list().cost(Some("small"), None, Some(5)),
            list().cost(Some("small"), Some(5), None),
            PriceList::default().cost(Some("small"), Some(5), Some(5)),
        ] {
            assert_eq!(unknown, None);
        }
    }

    #[test]
    fn prices_need_a_name() {
        assert!(!PriceList::default().is_nameless());
        assert!(!list().is_nameless());
        assert!(PriceList { price_version: None, ..list() }.is_nameless());
    }
}
