//! Quantiles of a sample, exact, by selection instead of sorting.
//!
//! What stays true: a function here reorders its slice and changes no value, so that the next one can use it again.

/// Slices up to this length are sorted: below it, selection only costs more.
const SORTED_COUNT_MAX: usize = 32;

/// The quantiles of `values` at `fractions` (0 to 1, in any order), by linear interpolation between the closest ranks.
///
/// Reorders `values`. All fractions are found in one pass: each selection narrows the part in which the others search. A
/// fraction outside 0 to 1 counts as the nearer end. `None` without values.
///
/// Source: Hyndman & Fan (1996), "Sample Quantiles in Statistical Packages", The American Statistician 50(4), type 7, the
/// default of NumPy, R and DuckDB's `quantile_cont`. Checked bit for bit against NumPy in `tests/stats/`.
///
/// ```
/// let mut latencies = [5.0, 1.0, 4.0, 2.0, 3.0];
/// assert_eq!(perfdb::stats::quantiles(&mut latencies, &[0.95, 0.5]), Some(vec![4.8, 3.0]));
/// assert_eq!(perfdb::stats::quantiles(&mut [], &[0.5]), None);
/// ```
pub fn quantiles(values: &mut [f64], fractions: &[f64]) -> Option<Vec<f64>> {
    let ranks = Ranks::new(values.len(), fractions)?;
    select(values, 0, &ranks.all(), f64::total_cmp);
    Some(ranks.values(|rank| values[rank]))
}

/// The ranks that quantiles lie between, and how far.
pub(super) struct Ranks(Vec<(usize, usize, f64)>);

impl Ranks {
    /// Of `count` values at `fractions`; `None` without values.
    pub(super) fn new(count: usize, fractions: &[f64]) -> Option<Self> {
        let last = count.checked_sub(1)?;
        let position = |fraction: &f64| {
            let exact = last as f64 * share(*fraction);
            let below = (exact as usize).min(last);
            (below, (below + 1).min(last), exact - below as f64)
        };
        Some(Self(fractions.iter().map(position).collect()))
    }

    /// All ranks, ascending and unique.
    pub(super) fn all(&self) -> Vec<usize> {
        let mut ranks: Vec<usize> = self.0.iter().flat_map(|p| [p.0, p.1]).collect();
        ranks.sort_unstable();
        ranks.dedup();
        ranks
    }

    /// The quantiles, where `at` gives the value of a rank.
    pub(super) fn values(&self, at: impl Fn(usize) -> f64) -> Vec<f64> {
        self.0.iter().map(|(below, above, weight)| interpolate(at(*below), at(*above), *weight)).collect()
    }
}

/// The quantile of `values` at `fraction` (0 to 1) by nearest rank: the smallest value with at least that share of the
/// sample at or below it, so always one that was measured.
///
/// Reorders `values`. The rank is `ceil(fraction * count)`, where a product that misses a whole number only by
/// floating-point dust counts as that number (0.07 of 100 is 7). `None` without values.
///
/// Source: Hyndman & Fan (1996), type 1, with the fuzz that R's `quantile` uses. Checked against exact rational arithmetic
/// in `tests/stats/`.
///
/// ```
/// assert_eq!(perfdb::stats::quantile_nearest(&mut [15.0, 20.0, 35.0, 40.0, 50.0], 0.4), Some(20.0));
/// ```
pub fn quantile_nearest(values: &mut [f64], fraction: f64) -> Option<f64> {
    let index = nearest_rank(values.len(), fraction)?;
    select(values, 0, &[index], f64::total_cmp);
    Some(values[index])
}

/// The 0-based rank that is nearest to `fraction` of `count` values; `None` without values.
pub(super) fn nearest_rank(count: usize, fraction: f64) -> Option<usize> {
    let last = count.checked_sub(1)?;
    let rank = (count as f64 * share(fraction) * (1.0 - 4.0 * f64::EPSILON)).ceil() as usize;
    Some(rank.saturating_sub(1).min(last))
}

/// The middle value, or the middle between the two middle ones: the quantile at 0.5, reordering `values`.
///
/// `None` without values.
///
/// ```
/// assert_eq!(perfdb::stats::median(&mut [3.0, 1.0, 2.0, 10.0]), Some(2.5));
/// ```
pub fn median(values: &mut [f64]) -> Option<f64> {
    quantiles(values, &[0.5])?.first().copied()
}

/// `fraction` within 0 to 1; what is no number is 0.
fn share(fraction: f64) -> f64 {
    if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) }
}

/// Reorders `values`, whose first element has rank `offset` in the whole, until each of `ranks` (ascending, unique, all
/// within) holds what sorting would put there. Recursion halves `ranks`, so it is as deep as the logarithm of their count.
pub(super) fn select<T: Copy>(
    values: &mut [T],
    offset: usize,
    ranks: &[usize],
    compare: impl Fn(&T, &T) -> std::cmp::Ordering + Copy,
) {
    let Some(&rank) = ranks.get(ranks.len() / 2) else { return };
    if values.len() <= SORTED_COUNT_MAX {
        values.sort_unstable_by(compare);
        return;
    }
    let (low, _, high) = values.select_nth_unstable_by(rank - offset, compare);
    select(low, offset, &ranks[..ranks.len() / 2], compare);
    select(high, rank + 1, &ranks[ranks.len() / 2 + 1..], compare);
}

/// The point at `weight` (0 to 1) of the way from `a` to `b`. From the middle on it is measured back from `b`, as NumPy
/// does, so that the result never falls while `weight` grows and `weight` 1 is exactly `b`.
fn interpolate(a: f64, b: f64, weight: f64) -> f64 {
    let step = b - a;
    if !step.is_finite() {
        // The ends lie further apart than a number can tell.
        return a * (1.0 - weight) + b * weight;
    }
    if weight >= 0.5 { b - step * (1.0 - weight) } else { a + step * weight }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_order_of_fractions_does_not_matter() {
        let values: Vec<f64> = (0..1000).map(|i| f64::from(i * 7919 % 1000)).collect();
        let found = quantiles(&mut values.clone(), &[0.99, 0.01, 0.5, 0.5, 1.0, 0.0]).unwrap();
        assert_eq!(found, [989.01, 9.99, 499.5, 499.5, 999.0, 0.0]);
    }

    #[test]
    fn fractions_outside_of_the_range_are_its_ends() {
        assert_eq!(quantiles(&mut [1.0, 2.0], &[-1.0, 7.0, f64::NAN]), Some(vec![1.0, 2.0, 1.0]));
        assert_eq!(quantile_nearest(&mut [1.0, 2.0], f64::NAN), Some(1.0));
    }

    #[test]
    fn values_at_both_ends_of_the_number_range_do_not_overflow() {
        assert_eq!(median(&mut [-f64::MAX, f64::MAX]), Some(0.0));
    }

    #[test]
    fn nearest_rank_forgives_floating_point_dust() {
        let mut values: Vec<f64> = (1..=100).map(f64::from).collect();
        for percent in 1..=100 {
            assert_eq!(quantile_nearest(&mut values, f64::from(percent) / 100.0), Some(f64::from(percent)));
        }
    }

    proptest! {
        #[test]
        fn selection_finds_what_sorting_finds(
            values in prop::collection::vec(-50i32..50, 1..300),
            fractions in prop::collection::vec(0.0f64..=1.0, 0..9),
        ) {
            let mut values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let found = quantiles(&mut values, &fractions).unwrap();
            values.sort_by(f64::total_cmp);
            for (fraction, found) in fractions.iter().zip(found) {
                let at = fraction * (values.len() - 1) as f64;
                let (below, above) = (values[at.floor() as usize], values[at.ceil() as usize]);
                prop_assert!(below <= found && found <= above);
                prop_assert!((found - (below + (above - below) * at.fract())).abs() < 1e-9);
            }
        }

        #[test]
        fn any_values_are_answered_without_a_panic(mut values in prop::collection::vec(any::<f64>(), 0..100), f in any::<f64>()) {
            let _ = quantiles(&mut values, &[f, 0.5, 0.95]);
            let _ = quantile_nearest(&mut values, f);
        }
    }
}
