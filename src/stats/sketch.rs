//! Values folded into cells of equal relative width, so that distributions of many samples can be kept small and merged.
//!
//! What stays true: cells sort as their values do; a value and the middle of its cell differ by at most [`CELL_ERROR`] of the value;
//! folding first and merging afterwards gives the same cells as the other way round, whatever the scale of the values.
//!
//! A cell is a sign, an exponent and the first ten bits of the mantissa of a double: the layout of an HDR histogram with three significant
//! digits (Tene, <http://hdrhistogram.org>), but without a range that must be known beforehand, and with negative values in their place.

use super::quantile::{Ranks, nearest_rank, select};

/// The largest difference between a value and the middle of its cell, relative to the value. Three significant digits ask for 0.001.
///
/// Values closer to zero than 2.3e-308 (subnormal numbers) may differ by up to that much.
pub const CELL_ERROR: f64 = 1.0 / 2048.0;

/// Bits of a double below those that make the cell.
const SHIFT: u32 = 42;

/// Cells are below this.
pub const CELL_COUNT: u32 = 1 << (64 - SHIFT);

const SIGN: u64 = 1 << 63;

/// The cell of a finite value.
///
/// ```
/// use perfdb::stats::{CELL_ERROR, cell_of, cell_value};
/// for v in [412.5, -0.003, 1e300, 0.0] {
///     assert!((cell_value(cell_of(v)) - v).abs() <= CELL_ERROR * v.abs());
/// }
/// assert!(cell_of(-1.0) < cell_of(0.0) && cell_of(0.0) < cell_of(1e-9));
/// ```
pub fn cell_of(value: f64) -> u32 {
    // -0.0 is 0.0, and lies in its cell.
    let bits = (value + 0.0).to_bits();
    let key = if bits & SIGN == 0 { bits | SIGN } else { !bits };
    (key >> SHIFT) as u32
}

/// The middle of a cell.
pub fn cell_value(cell: u32) -> f64 {
    let low = u64::from(cell) << SHIFT;
    let key = low | 1 << (SHIFT - 1);
    let value = f64::from_bits(if low & SIGN == 0 { !key } else { key & !SIGN });
    // The two cells around zero hold little but zero.
    if value.abs() < f64::MIN_POSITIVE && value.to_bits() & !SIGN < 1 << SHIFT { 0.0 } else { value }
}

/// The quantiles at `fractions` of values of which only the cells are known, as [`super::quantiles`] has them: each rank stands for the middle of
/// its cell, so the result is within [`CELL_ERROR`] of the larger neighbour. Reorders `cells`. `None` without cells.
///
/// ```
/// use perfdb::stats::{cell_of, cell_quantiles, cell_value};
/// let mut cells = [3.0, 1.0, 2.0].map(cell_of);
/// assert_eq!(cell_quantiles(&mut cells, &[0.5]), Some(vec![cell_value(cell_of(2.0))]));
/// ```
pub fn cell_quantiles(cells: &mut [u32], fractions: &[f64]) -> Option<Vec<f64>> {
    let ranks = Ranks::new(cells.len(), fractions)?;
    select(cells, 0, &ranks.all(), u32::cmp);
    Some(ranks.values(|rank| cell_value(cells[rank])))
}

/// Values with how often each occurs, sorted, so that quantiles can be looked up.
#[derive(Debug, Clone)]
pub struct Weighted {
    /// Values, ascending, and how many values there are up to and with each.
    steps: Vec<(f64, u64)>,
}

impl Weighted {
    /// Of values and how often each occurs, in any order.
    ///
    /// ```
    /// use perfdb::stats::{Weighted, median};
    /// let weighted = Weighted::new(vec![(2.0, 3), (1.0, 2)]);
    /// assert_eq!(weighted.quantiles(&[0.5]), median(&mut [1.0, 1.0, 2.0, 2.0, 2.0]).map(|m| vec![m]));
    /// assert_eq!(weighted.nearest(0.4), Some(1.0));
    /// ```
    pub fn new(mut values: Vec<(f64, u64)>) -> Self {
        values.retain(|v| v.1 > 0);
        values.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let mut total = 0;
        for value in &mut values {
            total += value.1;
            value.1 = total;
        }
        Self { steps: values }
    }

    fn count(&self) -> usize {
        self.steps.last().map_or(0, |s| s.1 as usize)
    }

    fn at(&self, rank: usize) -> f64 {
        let step = self.steps.partition_point(|s| s.1 <= rank as u64);
        self.steps.get(step).map_or(f64::NAN, |s| s.0)
    }

    /// As [`super::quantiles`].
    pub fn quantiles(&self, fractions: &[f64]) -> Option<Vec<f64>> {
        Some(Ranks::new(self.count(), fractions)?.values(|rank| self.at(rank)))
    }

    /// As [`super::quantile_nearest`].
    pub fn nearest(&self, fraction: f64) -> Option<f64> {
        nearest_rank(self.count(), fraction).map(|rank| self.at(rank))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn normal() -> impl Strategy<Value = f64> {
        use prop::num::f64::{NEGATIVE, NORMAL, POSITIVE, ZERO};
        NORMAL | POSITIVE | NEGATIVE | ZERO
    }

    proptest! {
        #[test]
        fn the_middle_of_a_cell_is_close(v in normal()) {
            let back = cell_value(cell_of(v));
            prop_assert!((back - v).abs() <= CELL_ERROR * v.abs(), "{v} {back}");
            prop_assert_eq!(cell_of(back), cell_of(v));
        }

        #[test]
        fn cells_sort_as_values(a in normal(), b in normal()) {
            if a <= b { prop_assert!(cell_of(a) <= cell_of(b)); } else { prop_assert!(cell_of(a) >= cell_of(b)); }
            prop_assert!(cell_of(a) < CELL_COUNT);
        }
    }

    #[test]
    fn zero_stays_zero() {
        assert_eq!(cell_value(cell_of(0.0)), 0.0);
        assert_eq!(cell_of(-0.0), cell_of(0.0));
    }
}
