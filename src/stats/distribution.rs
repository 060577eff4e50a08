//! How values are spread over their range.

/// One bin of a histogram: `low <= value < high`, and in the last bin `value <= high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// The smallest value that falls in.
    pub low: f64,
    /// Where the next bin starts.
    pub high: f64,
    /// How many values fell in.
    pub count: u64,
}

/// Counts `values` in `buckets` bins of equal width between the smallest and the largest of them; the last bin is closed.
///
/// No values make no bins, equal values one. There are fewer bins than asked for where the range has not that many
/// numbers. A caller bounds `buckets`: each takes memory.
///
/// The edges and the counts are NumPy's (`numpy.histogram`), checked in `tests/stats/`.
///
/// ```
/// use perfdb::stats::{Bin, histogram};
/// let bins = histogram(&[1.0, 2.0, 2.5, 5.0], 2);
/// assert_eq!(bins, [Bin { low: 1.0, high: 3.0, count: 3 }, Bin { low: 3.0, high: 5.0, count: 1 }]);
/// ```
pub fn histogram(values: &[f64], buckets: usize) -> Vec<Bin> {
    let Some((low, high)) = extent(values) else { return Vec::new() };
    let edges = edges(low, high, buckets.max(1));
    let mut bins: Vec<Bin> = edges.windows(2).map(|e| Bin { low: e[0], high: e[1], count: 0 }).collect();
    let Some(last) = bins.len().checked_sub(1) else {
        return vec![Bin { low, high, count: values.len() as u64 }];
    };
    // Halves do not overflow; the guess is then at most a bin off, save where rounding joined edges.
    let per_half = bins.len() as f64 / (high / 2.0 - low / 2.0);
    for value in values {
        let guess = (((value / 2.0 - low / 2.0) * per_half) as usize).min(last);
        let fits = |i: usize| bins[i].low <= *value && (*value < bins[i].high || i == last);
        let index = [guess, guess.saturating_sub(1), (guess + 1).min(last)].into_iter().find(|i| fits(*i));
        let index = index.unwrap_or_else(|| bins.partition_point(|b| b.low <= *value).saturating_sub(1));
        bins[index].count += 1;
    }
    bins
}

/// The smallest and the largest of `values`.
fn extent(values: &[f64]) -> Option<(f64, f64)> {
    let mut values = values.iter().copied();
    let first = values.next()?;
    Some(values.fold((first, first), |(low, high), v| (low.min(v), high.max(v))))
}

/// The ends of `count` equal parts of `low..=high`, ascending and unique.
fn edges(low: f64, high: f64, count: usize) -> Vec<f64> {
    let parts = count as f64;
    let step = (high - low) / parts;
    let edge = |i: usize| {
        if i == count {
            high
        } else if step.is_finite() {
            (low + i as f64 * step).min(high)
        } else {
            let share = i as f64 / parts;
            low * (1.0 - share) + high * share
        }
    };
    let mut edges: Vec<f64> = (0..=count).map(edge).collect();
    edges.dedup();
    edges
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn equal_values_make_one_bin() {
        assert_eq!(histogram(&[7.0; 3], 10), [Bin { low: 7.0, high: 7.0, count: 3 }]);
        assert_eq!(histogram(&[], 10), []);
    }

    #[test]
    fn a_range_wider_than_any_number_is_still_cut_evenly() {
        let bins = histogram(&[-1e308, 0.0, 1e308], 4);
        assert_eq!(bins.iter().map(|b| b.low).collect::<Vec<_>>(), [-1e308, -5e307, 0.0, 5e307]);
        assert_eq!(bins.iter().map(|b| b.count).collect::<Vec<_>>(), [1, 0, 1, 1]);
    }

    #[test]
    fn a_range_of_few_numbers_has_few_bins() {
        let next = f64::from_bits(1.0_f64.to_bits() + 1);
        let bins = histogram(&[1.0, next, next], 10);
        assert_eq!(bins, [Bin { low: 1.0, high: next, count: 3 }]);
        assert_eq!(histogram(&[0.0, 5e-324], 1000).iter().map(|b| b.count).sum::<u64>(), 2);
    }

    proptest! {
        #[test]
        fn every_value_lies_in_the_bin_that_counts_it(values in prop::collection::vec(any::<f64>().prop_filter("finite", |v| v.is_finite()), 1..60), buckets in 1usize..40) {
            let bins = histogram(&values, buckets);
            let last = bins.len() - 1;
            for (i, bin) in bins.iter().enumerate() {
                prop_assert!(i == 0 || bins[i - 1].high == bin.low);
                let inside = values.iter().filter(|v| bin.low <= **v && (**v < bin.high || i == last)).count();
                prop_assert_eq!(bin.count, inside as u64);
            }
        }
    }
}
