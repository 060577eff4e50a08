//! Measures of place and spread that a few wild values do not bend.

use super::quantile::{median, quantiles, select};

/// The median absolute deviation from the median, raw: not scaled to a standard deviation (which would be times 1.4826).
///
/// Reorders `values`, and takes memory for as many numbers again. `None` without values; infinite where the deviations are
/// too large for a number.
///
/// Source: Hampel (1974), JASA 69(346). Checked against SciPy's `median_abs_deviation` in `tests/stats/`.
///
/// ```
/// assert_eq!(perfdb::stats::mad(&mut [1.0, 1.0, 2.0, 2.0, 4.0, 6.0, 9.0]), Some(1.0));
/// ```
pub fn mad(values: &mut [f64]) -> Option<f64> {
    let middle = median(values)?;
    let mut deviations: Vec<f64> = values.iter().map(|v| (v - middle).abs()).collect();
    median(&mut deviations)
}

/// The interquartile range: the quantile at 0.75 minus the one at 0.25, both of Hyndman & Fan type 7.
///
/// Reorders `values`. `None` without values. Checked against SciPy's `iqr` in `tests/stats/`.
///
/// ```
/// assert_eq!(perfdb::stats::iqr(&mut [1.0, 2.0, 3.0, 4.0, 5.0]), Some(2.0));
/// ```
pub fn iqr(values: &mut [f64]) -> Option<f64> {
    match quantiles(values, &[0.25, 0.75])?.as_slice() {
        [low, high] => Some(high - low),
        _ => None,
    }
}

/// The mean of what is left when `floor(cut * count)` values are cut off at each end; `cut` is from 0 to below 0.5.
///
/// Reorders `values`. `None` without values, or where nothing is left.
///
/// Source: Tukey & McLaughlin (1963), Sankhya A 25. Checked against SciPy's `trim_mean` in `tests/stats/`.
///
/// ```
/// let mut latencies = [10.0, 11.0, 12.0, 11.0, 10.0, 12.0, 11.0, 10.0, 12.0, 9_000.0];
/// assert_eq!(perfdb::stats::trimmed_mean(&mut latencies, 0.1), Some(11.125));
/// ```
pub fn trimmed_mean(values: &mut [f64], cut: f64) -> Option<f64> {
    let count = values.len();
    let first = (cut.max(0.0) * count as f64) as usize;
    let end = count.checked_sub(first).filter(|end| *end > first)?;
    if first > 0 {
        let ranks = if first == end - 1 { vec![first] } else { vec![first, end - 1] };
        select(values, 0, &ranks, f64::total_cmp);
    }
    Some(mean(&values[first..end]))
}

/// The mean of `values` (at least one), with a compensated sum: Neumaier (1974), ZAMM 54.
fn mean(values: &[f64]) -> f64 {
    let sum_of = |scale: f64| {
        let (mut high, mut low) = (0.0_f64, 0.0_f64);
        for value in values {
            let term = value / scale;
            let total = high + term;
            low += if high.abs() >= term.abs() { (high - total) + term } else { (term - total) + high };
            high = total;
        }
        high + low
    };
    let count = values.len() as f64;
    let mean = sum_of(1.0) / count;
    // Values near the end of the number range: divide before adding.
    if mean.is_finite() { mean } else { sum_of(count) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nothing_has_no_spread() {
        assert_eq!(mad(&mut []), None);
        assert_eq!(iqr(&mut []), None);
        assert_eq!(trimmed_mean(&mut [], 0.1), None);
        assert_eq!(trimmed_mean(&mut [1.0, 2.0], 0.5), None);
        assert_eq!(trimmed_mean(&mut [1.0, 2.0], 1e300), None);
    }

    #[test]
    fn huge_values_have_a_mean() {
        assert_eq!(trimmed_mean(&mut [f64::MAX; 5], 0.1), Some(f64::MAX));
    }

    proptest! {
        #[test]
        fn spread_ignores_a_shift_and_follows_a_scale(values in prop::collection::vec(-1000i32..1000, 1..100), shift in -1000i32..1000) {
            let values: Vec<f64> = values.into_iter().map(f64::from).collect();
            let mut moved: Vec<f64> = values.iter().map(|v| v * 4.0 + f64::from(shift)).collect();
            let mut values = values;
            prop_assert_eq!(mad(&mut values).unwrap() * 4.0, mad(&mut moved).unwrap());
            prop_assert_eq!(iqr(&mut values).unwrap() * 4.0, iqr(&mut moved).unwrap());
        }
    }
}
