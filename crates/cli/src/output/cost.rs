//! Money as people read it. The gateway tells millionths of the currency unit that the price list is in.

const MICRO_UNITS: u64 = 1_000_000;
/// Money has at least these places behind the point.
const FEWEST_PLACES: usize = 2;

/// An amount in currency units, as exact as it is.
pub(crate) fn amount(micro_units: u64) -> String {
    let (whole, rest) = (micro_units / MICRO_UNITS, micro_units % MICRO_UNITS);
    let places = format!("{rest:06}");
    let kept = places.trim_end_matches('0').len().max(FEWEST_PLACES);
    format!("{whole}.{}", places.get(..kept).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_have_at_least_two_places() {
        for (micro_units, told) in
            [(0, "0.00"), (3, "0.000003"), (120_000, "0.12"), (1_500_000, "1.50"), (12_345_678, "12.345678")]
        {
            assert_eq!(amount(micro_units), told);
        }
    }
}
