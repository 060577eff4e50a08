//! Statistics: slices in, numbers out. Nothing here knows a type of perfdb, reads a clock or draws a random number.
//!
//! What stays true: an empty sample has no statistic (`None`, or no bins), a source is cited for every method, and
//! `tests/stats/` holds values computed by NumPy and SciPy that the functions are checked against. Values are expected
//! to be finite; other values make a result meaningless, but never a panic.

mod distribution;
mod quantile;
mod robust;
mod sketch;
mod sum;

pub use distribution::{Bin, histogram};
pub use quantile::{median, quantile_nearest, quantiles};
pub use robust::{iqr, mad, trimmed_mean};
pub use sketch::{CELL_COUNT, CELL_ERROR, Weighted, cell_of, cell_quantiles, cell_value};
pub use sum::{Bounds, Sum, min_max};
