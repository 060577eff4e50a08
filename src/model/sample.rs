//! Samples in columns, and the series that they belong to.

use super::Labels;
use hashbrown::{DefaultHashBuilder, HashTable};
use std::hash::BuildHasher;

/// Times are below this, so that `i64::MAX` can stand for "no upper bound".
pub const TIME_MAX: i64 = i64::MAX - 1;

/// A metric and the labels that tell this series from the metric's others.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Series {
    /// The metric's name.
    pub metric: Box<str>,
    /// The labels.
    pub labels: Labels,
}

/// Series numbered in the order in which they were first seen. Samples in [`Columns`] refer to these numbers.
#[derive(Debug, Default, Clone)]
pub struct SeriesSet {
    /// Hashes and numbers; each series is kept once, in `list`. With the hash at hand, growing need not visit all series.
    ids: HashTable<(u64, u32)>,
    hasher: DefaultHashBuilder,
    list: Vec<Series>,
}

impl SeriesSet {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of `series`, given now if it is new.
    pub fn id(&mut self, series: Series) -> u32 {
        let Self { ids, hasher, list } = self;
        let hash = hasher.hash_one(&series);
        let is_same = |known: &(u64, u32)| known.0 == hash && list[known.1 as usize] == series;
        let (_, id) = *ids.entry(hash, is_same, |known| known.0).or_insert((hash, list.len() as u32)).get();
        if id as usize == list.len() {
            list.push(series);
        }
        id
    }

    /// The series numbered `id`.
    pub fn get(&self, id: u32) -> Option<&Series> {
        self.list.get(id as usize)
    }

    /// All series; the index is the number.
    pub fn list(&self) -> &[Series] {
        &self.list
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.list.len()
    }
}

/// Samples in columns of equal length, in order of arrival.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Columns {
    /// The number of each sample's series in a [`SeriesSet`].
    pub series: Vec<u32>,
    /// Time of each sample in ns since the Unix epoch, UTC; at most [`TIME_MAX`].
    pub times: Vec<i64>,
    /// The value of each sample, always finite.
    pub values: Vec<f64>,
}

impl Columns {
    /// Adds one sample.
    pub fn push(&mut self, series: u32, time: i64, value: f64) {
        self.series.push(series);
        self.times.push(time);
        self.values.push(value);
    }

    /// How many samples there are.
    pub fn count(&self) -> usize {
        self.times.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }

    /// Forgets all samples and keeps the room.
    pub fn clear(&mut self) {
        self.series.clear();
        self.times.clear();
        self.values.clear();
    }
}
/// Sorts samples by time; those of equal time keep their order.
///
/// ```
/// let (mut times, mut values) = (vec![2, 1, 2], vec![0.1, 0.2, 0.3]);
/// perfdb::model::sort_by_time(&mut times, &mut values);
/// assert_eq!((times, values), (vec![1, 2, 2], vec![0.2, 0.1, 0.3]));
/// ```
pub fn sort_by_time(times: &mut Vec<i64>, values: &mut Vec<f64>) {
    if !times.is_sorted() {
        let mut order: Vec<usize> = (0..times.len()).collect();
        order.sort_by_key(|i| times[*i]);
        *times = order.iter().map(|i| times[*i]).collect();
        *values = order.iter().map(|i| values[*i]).collect();
    }
}
