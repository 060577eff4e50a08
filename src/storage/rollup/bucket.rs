//! One bucket of a rollup: made from samples, merged with others.

use super::Level;
use crate::stats::{Bounds, cell_of};

/// Up to this many values are kept as they are.
pub(in crate::storage) const EXACT_COUNT_MAX: usize = 16;

/// What a rollup keeps of the samples of one series in one bucket.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::storage) struct Bucket {
    /// Start of the bucket, ns.
    pub(in crate::storage) start: i64,
    /// Samples, 1 and more.
    pub(in crate::storage) count: u64,
    pub(in crate::storage) sum: f64,
    pub(in crate::storage) min: f64,
    pub(in crate::storage) max: f64,
    /// Value and time of the first sample by time. Times are kept to 1/60,000 of the bucket.
    pub(in crate::storage) first: (f64, i64),
    /// Value and time of the last sample by time.
    pub(in crate::storage) last: (f64, i64),
    /// Sum of the steps from sample to sample, a fall counting as a reset to zero.
    pub(in crate::storage) increase: f64,
    pub(in crate::storage) spread: Spread,
}

/// The distribution of a bucket's values.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::storage) enum Spread {
    /// It was not kept.
    None,
    /// All values, ascending.
    Exact(Vec<f64>),
    /// The cell of each value, ascending.
    Singles(Vec<u32>),
    /// Where values repeat: cells, ascending and distinct, with how many values lie in each.
    Runs(Vec<(u32, u64)>),
}

/// What is kept of samples beside their summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) struct Keep {
    /// The distribution.
    pub(in crate::storage) spread: bool,
    /// The increase: it is 0 where it is not kept.
    pub(in crate::storage) increase: bool,
}

/// The buckets of samples in ascending time.
pub(in crate::storage) fn buckets_of(level: Level, times: &[i64], values: &[f64], keep: Keep) -> Vec<Bucket> {
    let width = level.width();
    let mut buckets = Vec::new();
    let mut at = 0;
    while at < times.len() {
        let start = times[at].div_euclid(width) * width;
        let end = at + times[at..].partition_point(|t| *t < start.saturating_add(width));
        buckets.push(bucket_of(start, &times[at..end], &values[at..end], keep));
        at = end;
    }
    buckets
}

fn bucket_of(start: i64, times: &[i64], values: &[f64], keep: Keep) -> Bucket {
    let bounds = Bounds::of(values);
    let last = values.len() - 1;
    Bucket {
        start,
        count: values.len() as u64,
        sum: bounds.sum,
        min: bounds.min,
        max: bounds.max,
        first: (values[0], times[0]),
        last: (values[last], times[last]),
        increase: if keep.increase { values.windows(2).map(|w| step(w[0], w[1])).sum() } else { 0.0 },
        spread: if keep.spread { Spread::of(values) } else { Spread::None },
    }
}

/// What a counter grew by from one sample to the next.
fn step(before: f64, after: f64) -> f64 {
    if after >= before { after - before } else { after }
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        if values.len() <= EXACT_COUNT_MAX {
            let mut sorted = values.to_vec();
            sorted.sort_unstable_by(f64::total_cmp);
            return Self::Exact(sorted);
        }
        Self::of_cells(values.iter().map(|v| cell_of(*v)).collect())
    }

    /// Of the cells of all values, in any order.
    fn of_cells(mut cells: Vec<u32>) -> Self {
        sort_cells(&mut cells);
        let distinct = 1 + cells.windows(2).filter(|w| w[0] != w[1]).count();
        if repeats(cells.len() as u64, distinct) { Self::Runs(counted(&cells)) } else { Self::Singles(cells) }
    }

    /// Of distinct cells, ascending, with how many values lie in each.
    pub(in crate::storage) fn of_counted(cells: Vec<(u32, u64)>) -> Self {
        if repeats(cells.iter().map(|c| c.1).sum(), cells.len()) {
            return Self::Runs(cells);
        }
        Self::Singles(cells.iter().flat_map(|c| std::iter::repeat_n(c.0, c.1 as usize)).collect())
    }

    fn into_cells(self) -> Vec<(u32, u64)> {
        match self {
            Self::None => Vec::new(),
            Self::Exact(values) => {
                let cells: Vec<u32> = values.into_iter().map(cell_of).collect();
                counted(&cells)
            }
            Self::Singles(cells) => counted(&cells),
            Self::Runs(cells) => cells,
        }
    }

    /// The distribution of both. One that was not kept leaves none.
    fn merge(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, _) | (_, Self::None) => Self::None,
            (Self::Exact(mut a), Self::Exact(b)) if a.len() + b.len() <= EXACT_COUNT_MAX => {
                a.extend(b);
                a.sort_unstable_by(f64::total_cmp);
                Self::Exact(a)
            }
            (a, b) => Self::of_counted(joined(vec![a.into_cells(), b.into_cells()])),
        }
    }
}

/// Whether `total` values in `distinct` cells are better kept as cells with counts.
fn repeats(total: u64, distinct: usize) -> bool {
    total > 4 * distinct as u64 || total > crate::codec::COLUMN_COUNT_MAX as u64
}

/// Ascending cells with how often each occurs.
fn counted(cells: &[u32]) -> Vec<(u32, u64)> {
    cells.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect()
}

/// Ascending lists of cells in one.
fn joined(lists: Vec<Vec<(u32, u64)>>) -> Vec<(u32, u64)> {
    let mut all: Vec<(u32, u64)> = lists.into_iter().flatten().collect();
    // Stable sorting finds the lists that are sorted already and merges them.
    all.sort_by_key(|c| c.0);
    all.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        kept.1 += if same { next.1 } else { 0 };
        same
    });
    all
}

/// Lists up to this length are sorted by comparison: counting digits would take longer.
const COMPARED_COUNT_MAX: usize = 1024;

/// Bits of a digit: a cell has two.
const DIGIT: u32 = 11;

/// Sorts cells, long lists digit by digit.
fn sort_cells(cells: &mut Vec<u32>) {
    if cells.len() <= COMPARED_COUNT_MAX {
        cells.sort_unstable();
        return;
    }
    let mut sorted = vec![0; cells.len()];
    for shift in [0, DIGIT] {
        let digit = |cell: u32| (cell >> shift) as usize & ((1 << DIGIT) - 1);
        let mut ends = [0usize; 1 << DIGIT];
        for cell in cells.iter() {
            ends[digit(*cell)] += 1;
        }
        let mut start = 0;
        for end in &mut ends {
            start += std::mem::replace(end, start);
        }
        for cell in cells.iter() {
            let at = &mut ends[digit(*cell)];
            sorted[*at] = *cell;
            *at += 1;
        }
        std::mem::swap(cells, &mut sorted);
    }
}

const _: () = assert!(1 << (2 * DIGIT) == crate::stats::CELL_COUNT, "two digits make a cell");

impl Bucket {
    /// Takes in a bucket of other samples of the same series.
    pub(in crate::storage) fn merge(&mut self, other: Self) {
        let (mut early, late) =
            if other.first.1 < self.first.1 { (other, self.clone()) } else { (self.clone(), other) };
        early.increase += late.increase + step(early.last.0, late.first.0);
        early.count += late.count;
        early.sum += late.sum;
        early.min = early.min.min(late.min);
        early.max = early.max.max(late.max);
        if late.last.1 >= early.last.1 {
            early.last = late.last;
        }
        early.spread = early.spread.merge(late.spread);
        early.start = self.start;
        *self = early;
    }
}

/// Buckets of a coarser level from those of a finer one, which are in order of time.
pub(in crate::storage) fn coarser(level: Level, finer: &[Bucket]) -> Vec<Bucket> {
    let width = level.width();
    let start = |b: &Bucket| b.start.div_euclid(width) * width;
    finer.chunk_by(|a, b| start(a) == start(b)).map(|part| whole(start(&part[0]), part)).collect()
}

/// One bucket of all in `part`, which are in order of time.
fn whole(start: i64, part: &[Bucket]) -> Bucket {
    let bare = |b: &Bucket| Bucket { spread: Spread::None, ..b.clone() };
    let mut all = bare(&part[0]);
    for bucket in &part[1..] {
        all.merge(bare(bucket));
    }
    let kept = part.iter().all(|b| b.spread != Spread::None);
    let exact = part.iter().all(|b| matches!(b.spread, Spread::Exact(_))) && all.count <= EXACT_COUNT_MAX as u64;
    all.spread = match (kept, exact) {
        (false, _) => Spread::None,
        (true, true) => part.iter().map(|b| b.spread.clone()).reduce(Spread::merge).unwrap_or(Spread::None),
        (true, false) if part.iter().all(|b| !matches!(b.spread, Spread::Runs(_))) => {
            let mut cells = Vec::with_capacity(all.count as usize);
            for bucket in part {
                match &bucket.spread {
                    Spread::Exact(values) => cells.extend(values.iter().map(|v| cell_of(*v))),
                    Spread::Singles(of_bucket) => cells.extend_from_slice(of_bucket),
                    Spread::None | Spread::Runs(_) => {}
                }
            }
            Spread::of_cells(cells)
        }
        (true, false) => Spread::of_counted(joined(part.iter().map(|b| b.spread.clone().into_cells()).collect())),
    };
    Bucket { start, ..all }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: Keep = Keep { spread: true, increase: true };

    fn samples() -> impl Strategy<Value = (Vec<i64>, Vec<f64>)> {
        prop::collection::vec((0i64..86_400_000, -1e6f64..1e6), 1..400).prop_map(|mut rows| {
            rows.sort_by_key(|r| r.0);
            (rows.iter().map(|r| r.0 * 1_000_000).collect(), rows.iter().map(|r| r.1).collect())
        })
    }

    proptest! {
        #[test]
        fn a_day_made_of_hours_is_the_day_made_of_samples((times, values) in samples()) {
            let hours = buckets_of(Level::Hour, &times, &values, ALL);
            let by_hours = coarser(Level::Day, &hours);
            let direct = buckets_of(Level::Day, &times, &values, ALL);
            prop_assert_eq!(by_hours.len(), 1);
            let (a, b) = (&by_hours[0], &direct[0]);
            prop_assert_eq!((a.count, a.min, a.max, a.first, a.last), (b.count, b.min, b.max, b.first, b.last));
            prop_assert!((a.sum - b.sum).abs() < 1e-6);
            prop_assert_eq!(&a.spread, &b.spread);
            prop_assert!((a.increase - b.increase).abs() < 1e-3);
        }
    }

    proptest! {
        #[test]
        fn cells_are_sorted_whichever_way(mut cells in prop::collection::vec(0..crate::stats::CELL_COUNT, 0..3000)) {
            let mut expected = cells.clone();
            expected.sort_unstable();
            sort_cells(&mut cells);
            prop_assert_eq!(cells, expected);
        }
    }

    #[test]
    fn merging_takes_the_ends_by_time_whatever_the_order() {
        let bucket = |time: i64, value: f64| buckets_of(Level::Day, &[time], &[value], ALL).remove(0);
        let mut late = bucket(20, 2.0);
        late.merge(bucket(10, 1.0));
        assert_eq!((late.first, late.last, late.count), ((1.0, 10), (2.0, 20), 2));
        assert_eq!(late.spread, Spread::Exact(vec![1.0, 2.0]));
        assert_eq!(late.increase, 1.0);
    }
}
