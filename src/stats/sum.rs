//! Sums that keep what rounding takes, and the bounds of a slice.

/// A sum that carries its own rounding error, so that the order of the terms hardly matters.
///
/// Source: Neumaier (1974), ZAMM 54, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen".
///
/// ```
/// use perfdb::stats::Sum;
/// let mut sum = Sum::default();
/// for x in [1.0, 1e100, 1.0, -1e100] {
///     sum.add(x);
/// }
/// assert_eq!(sum.value(), 2.0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sum {
    /// The running sum.
    pub high: f64,
    /// What rounding took from it.
    pub low: f64,
}

impl Sum {
    /// Adds one term.
    #[inline]
    pub fn add(&mut self, term: f64) {
        let total = self.high + term;
        self.low += if self.high.abs() >= term.abs() { (self.high - total) + term } else { (term - total) + self.high };
        self.high = total;
    }

    /// Adds another sum.
    pub fn join(&mut self, other: Self) {
        self.add(other.high);
        self.low += other.low;
    }

    /// The sum. Infinite where the terms overflow.
    pub fn value(self) -> f64 {
        let total = self.high + self.low;
        if total.is_nan() { self.high } else { total }
    }

    /// The sum of a slice, with eight sums side by side: as good as [`Sum::add`] and several times as fast.
    pub fn of(values: &[f64]) -> Self {
        let mut lanes = [Self::default(); 8];
        let chunks = values.chunks_exact(8);
        let rest = chunks.remainder();
        for chunk in chunks {
            for (lane, value) in lanes.iter_mut().zip(chunk) {
                lane.add(*value);
            }
        }
        for (lane, value) in lanes.iter_mut().zip(rest) {
            lane.add(*value);
        }
        let mut sum = Self::default();
        for lane in lanes {
            sum.join(lane);
        }
        sum
    }
}

/// Smallest and largest of `values`; (∞, −∞) of none.
pub fn min_max(values: &[f64]) -> (f64, f64) {
    let mut low = [f64::INFINITY; 8];
    let mut high = [f64::NEG_INFINITY; 8];
    let chunks = values.chunks_exact(8);
    let rest = chunks.remainder();
    for chunk in chunks {
        for i in 0..8 {
            low[i] = if chunk[i] < low[i] { chunk[i] } else { low[i] };
            high[i] = if chunk[i] > high[i] { chunk[i] } else { high[i] };
        }
    }
    for value in rest {
        low[0] = low[0].min(*value);
        high[0] = high[0].max(*value);
    }
    (low.iter().copied().fold(f64::INFINITY, f64::min), high.iter().copied().fold(f64::NEG_INFINITY, f64::max))
}

/// Smallest, largest and compensated sum of some values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bounds {
    /// The smallest value, ∞ of none.
    pub min: f64,
    /// The largest value, −∞ of none.
    pub max: f64,
    /// The sum.
    pub sum: f64,
}

impl Bounds {
    /// The bounds of `values`.
    ///
    /// ```
    /// let bounds = perfdb::stats::Bounds::of(&[2.0, -1.0, 0.5]);
    /// assert_eq!((bounds.min, bounds.max, bounds.sum), (-1.0, 2.0, 1.5));
    /// ```
    pub fn of(values: &[f64]) -> Self {
        let (min, max) = min_max(values);
        Self { min, max, sum: Sum::of(values).value() }
    }
}
