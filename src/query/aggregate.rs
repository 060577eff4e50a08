//! What is known of the samples of one group and bucket while they stream by, and how two such states join.

use super::source::Needs;
use crate::stats::min_max;

pub use crate::stats::Sum;

/// A sample with the order in which it arrived.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Time, ns.
    pub time: i64,
    /// Order of arrival among samples of the same time.
    pub order: u64,
    /// Value.
    pub value: f64,
}

/// The state of one group and bucket. Which fields are filled depends on [`Needs`]; `count` always is.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupState {
    /// How many samples.
    pub count: u64,
    /// Sum of the values, compensated.
    pub sum: Sum,
    /// Smallest value.
    pub min: f64,
    /// Largest value.
    pub max: f64,
    /// The first sample by time, then by order of arrival.
    pub first: Option<Point>,
    /// The last sample by time, then by order of arrival.
    pub last: Option<Point>,
    /// Mean, for the moments.
    pub mean: f64,
    /// Sum of squared deviations from the mean.
    pub squares: f64,
    /// Sum of natural logarithms of the values.
    pub logs: Sum,
    /// Whether a value was zero or below, so that `logs` means nothing.
    pub not_positive: bool,
    /// Sum over the series of the increase from sample to sample, a fall counting as a reset to zero.
    pub increase: Sum,
    /// Sum over the series of last minus first value.
    pub delta: Sum,
    /// How many steps between neighbours there were.
    pub step_count: u64,
    /// All values, in no order.
    pub values: Vec<f64>,
    /// Values known by their cell only ([`crate::stats::cell_of`]), in no order.
    pub cells: Vec<u32>,
    /// Cells with many values each: cell and how many.
    pub runs: Vec<(u32, u64)>,
}

impl Default for GroupState {
    fn default() -> Self {
        Self {
            count: 0,
            sum: Sum::default(),
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            first: None,
            last: None,
            mean: 0.0,
            squares: 0.0,
            logs: Sum::default(),
            not_positive: false,
            increase: Sum::default(),
            delta: Sum::default(),
            step_count: 0,
            values: Vec::new(),
            cells: Vec::new(),
            runs: Vec::new(),
        }
    }
}

impl GroupState {
    /// Takes in samples of one series, in ascending time. `orders` starts at `order` and grows by one a sample. Steps are
    /// taken in by [`GroupState::add_steps`], since they need the neighbour before.
    pub fn add(&mut self, needs: Needs, times: Option<&[i64]>, values: &[f64], order: u64) {
        if values.is_empty() {
            return;
        }
        if needs.summary {
            self.sum.join(Sum::of(values));
            let (low, high) = min_max(values);
            self.min = self.min.min(low);
            self.max = self.max.max(high);
        }
        if let (true, Some(times)) = (needs.ends, times) {
            let last = values.len() - 1;
            // The first of equal times came first, the last of equal times came last.
            self.offer_first(Point { time: times[0], order, value: values[0] });
            self.offer_last(Point { time: times[last], order: order + last as u64, value: values[last] });
        }
        if needs.moments {
            let count = values.len() as f64;
            let mean = Sum::of(values).value() / count;
            let squares = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>();
            self.join_moments(values.len() as u64, mean, squares);
        }
        if needs.logs {
            for value in values {
                self.not_positive |= *value <= 0.0;
                self.logs.add(value.ln());
            }
        }
        if needs.values {
            self.values.extend_from_slice(values);
        }
        self.count += values.len() as u64;
    }

    /// Takes in a summary of `count` samples.
    pub fn add_summary(&mut self, count: u64, sum: f64, min: f64, max: f64) {
        self.count += count;
        self.sum.add(sum);
        self.min = self.min.min(min);
        self.max = self.max.max(max);
    }

    /// Keeps `point` if it is the earliest so far.
    pub fn offer_first(&mut self, point: Point) {
        if self.first.is_none_or(|f| (point.time, point.order) < (f.time, f.order)) {
            self.first = Some(point);
        }
    }

    /// Keeps `point` if it is the latest so far.
    pub fn offer_last(&mut self, point: Point) {
        if self.last.is_none_or(|l| (point.time, point.order) > (l.time, l.order)) {
            self.last = Some(point);
        }
    }

    /// Takes in the step from `before` to `after`, two neighbours of a series.
    pub fn add_step(&mut self, before: f64, after: f64) {
        self.increase.add(if after >= before { after - before } else { after });
        self.step_count += 1;
    }

    /// Takes in one series' last minus first value within this bucket.
    pub fn add_delta(&mut self, first: f64, last: f64) {
        self.delta.add(last - first);
    }

    /// Bytes of the values held.
    pub fn held(&self) -> usize {
        self.values.capacity() * 8 + self.cells.capacity() * 4 + self.runs.capacity() * 16
    }

    fn join_moments(&mut self, count: u64, mean: f64, squares: f64) {
        // Chan, Golub, LeVeque (1979), "Updating formulae and a pairwise algorithm for computing sample variances".
        let (a, b) = (self.count as f64, count as f64);
        if a == 0.0 {
            (self.mean, self.squares) = (mean, squares);
        } else {
            let shift = mean - self.mean;
            self.mean += shift * (b / (a + b));
            self.squares += squares + shift * shift * (a * b / (a + b));
        }
    }

    /// Takes in another state of the same group and bucket, over other samples.
    pub fn join(&mut self, mut other: Self) {
        if other.count > 0 {
            self.join_moments(other.count, other.mean, other.squares);
        }
        self.count += other.count;
        self.sum.join(other.sum);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        if let Some(first) = other.first {
            self.offer_first(first);
        }
        if let Some(last) = other.last {
            self.offer_last(last);
        }
        self.logs.join(other.logs);
        self.not_positive |= other.not_positive;
        self.increase.join(other.increase);
        self.delta.join(other.delta);
        self.step_count += other.step_count;
        if self.values.is_empty() {
            self.values = other.values;
        } else {
            self.values.append(&mut other.values);
        }
        self.cells.append(&mut other.cells);
        self.runs.append(&mut other.runs);
    }
}
