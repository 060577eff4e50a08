//! Names and labels of series: their limits, and the one set of series that all parser threads share.

use crate::model::{LABEL_LEN_MAX, Labels, Series, SeriesSet};
use hashbrown::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The longest name of a metric or label, in bytes.
pub const NAME_LEN_MAX: usize = 512;

/// The most bytes of new series that one line may make. A line of many fields repeats its labels once a field, so that
/// without a limit one line of 1 MiB could ask for gigabytes.
const LINE_SERIES_LEN_MAX: usize = 16 << 20;

/// A cache is dropped when it holds more entries than this,
const CACHE_COUNT_MAX: usize = 200_000;
/// or more bytes than this.
const CACHE_LEN_MAX: usize = 32 << 20;

/// The series of one input, shared by its parser threads.
#[derive(Debug, Default)]
pub(super) struct Registry {
    set: Mutex<SeriesSet>,
    /// Labels that every series gets.
    added: Vec<(String, String)>,
}

impl Registry {
    pub(super) fn new(added: &[(String, String)]) -> Self {
        Self { set: Mutex::default(), added: added.to_vec() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, SeriesSet> {
        // A set is whole after every call on it, so one left by a panicking thread is usable.
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The checked labels `pairs`, with those that every series gets.
    pub(super) fn labels<'a>(&self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Labels, String> {
        let pairs: Vec<(&str, &str)> = pairs.into_iter().collect();
        for (key, value) in &pairs {
            check_name("label", key)?;
            check_value(key, value)?;
        }
        let labels = Labels::new(pairs).map_err(|key| format!("label `{key}` occurs twice"))?;
        Ok(self.added.iter().fold(labels, |labels, (key, value)| labels.with(key, value)))
    }

    /// The number of the series `metric` with `labels`. `budget` is what the line may still spend.
    pub(super) fn id(&self, metric: &str, labels: &Labels, budget: &mut Budget) -> Result<u32, String> {
        check_name("metric", metric)?;
        budget.spend(metric, labels)?;
        Ok(self.lock().id(Series { metric: metric.into(), labels: labels.clone() }))
    }
}

/// How many bytes of new series a line may still make.
#[derive(Debug)]
pub(super) struct Budget(usize);

impl Budget {
    pub(super) fn new() -> Self {
        Self(LINE_SERIES_LEN_MAX)
    }

    fn spend(&mut self, metric: &str, labels: &Labels) -> Result<(), String> {
        let len = metric.len() + labels.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>();
        self.0 = self.0.checked_sub(len).ok_or_else(|| {
            format!(
                "the series of this line take more than {} MiB: too many fields with long labels",
                LINE_SERIES_LEN_MAX >> 20
            )
        })?;
        Ok(())
    }
}

/// Checks a metric's or a label's name; `what` says which.
pub(super) fn check_name(what: &str, name: &str) -> Result<(), String> {
    if name.is_empty() {
        return Err(format!("a {what} without a name"));
    }
    if name.len() > NAME_LEN_MAX {
        return Err(format!("the name of this {what} has {} bytes; at most {NAME_LEN_MAX} are allowed", name.len()));
    }
    no_nul(name).map_err(|()| format!("the name of {what} `{name}` contains a NUL character"))
}

/// Checks the value of label `key`.
pub(super) fn check_value(key: &str, value: &str) -> Result<(), String> {
    if value.len() > LABEL_LEN_MAX {
        let limit = LABEL_LEN_MAX >> 10;
        return Err(format!("the value of label `{key}` has {} bytes; at most {limit} KiB are allowed", value.len()));
    }
    no_nul(value).map_err(|()| format!("the value of label `{key}` contains a NUL character"))
}

fn no_nul(text: &str) -> Result<(), ()> {
    if memchr::memchr(0, text.as_bytes()).is_some() { Err(()) } else { Ok(()) }
}

/// What raw bytes stood for when they were last seen. It forgets everything when it grows too large.
#[derive(Debug)]
pub(super) struct Cache<V> {
    index: HashMap<Box<[u8]>, u32>,
    values: Vec<V>,
    len: usize,
}

impl<V> Cache<V> {
    pub(super) fn new() -> Self {
        Self { index: HashMap::new(), values: Vec::new(), len: 0 }
    }

    /// Where the value for `key` is.
    #[inline]
    pub(super) fn find(&self, key: &[u8]) -> Option<usize> {
        self.index.get(key).map(|i| *i as usize)
    }

    /// The value at `at`, which `find` or `insert` gave.
    #[inline]
    pub(super) fn at(&mut self, at: usize) -> &mut V {
        &mut self.values[at]
    }

    /// Keeps `value` for `key`.
    pub(super) fn insert(&mut self, key: &[u8], value: V) -> usize {
        if self.values.len() >= CACHE_COUNT_MAX || self.len > CACHE_LEN_MAX {
            *self = Self::new();
        }
        self.grown(key.len() + size_of::<V>() + 48);
        let at = self.values.len();
        self.values.push(value);
        self.index.insert(key.into(), at as u32);
        at
    }

    /// Counts `len` more bytes that a value holds.
    pub(super) fn grown(&mut self, len: usize) {
        self.len += len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_labels_replace_those_of_the_input() {
        let registry = Registry::new(&[("host".into(), "set".into()), ("zone".into(), "z".into())]);
        let labels = registry.labels([("host", "file"), ("agent", "a")]).unwrap();
        assert_eq!(labels.to_string(), r#"{agent="a", host="set", zone="z"}"#);
    }

    #[test]
    fn names_and_values_beyond_their_limits_are_refused() {
        let registry = Registry::new(&[]);
        let long = "x".repeat(LABEL_LEN_MAX + 1);
        assert!(registry.labels([("a", long.as_str())]).unwrap_err().contains("at most 64 KiB"));
        assert!(registry.labels([("a", &long[1..])]).is_ok());
        assert!(registry.labels([("a", "1"), ("a", "2")]).unwrap_err().contains("occurs twice"));
        assert!(registry.labels([("a", "x\0y")]).unwrap_err().contains("NUL"));
        assert!(registry.labels([("", "x")]).is_err());
        assert!(check_name("metric", &long[..=NAME_LEN_MAX]).unwrap_err().contains("at most 512"));
    }

    #[test]
    fn a_line_cannot_make_unbounded_series() {
        let registry = Registry::new(&[]);
        let long = "x".repeat(LABEL_LEN_MAX);
        let labels = registry.labels([("a", long.as_str())]).unwrap();
        let mut budget = Budget::new();
        let refused = (0..1_000).find_map(|i| registry.id(&format!("m{i}"), &labels, &mut budget).err());
        assert!(refused.unwrap().contains("16 MiB"));
        assert!(registry.lock().count() < 257);
    }

    #[test]
    fn a_cache_that_grows_too_large_starts_again() {
        let mut cache = Cache::new();
        for i in 0..=CACHE_COUNT_MAX {
            cache.insert(i.to_string().as_bytes(), i);
        }
        assert_eq!((cache.find(b"0"), cache.find(CACHE_COUNT_MAX.to_string().as_bytes())), (None, Some(0)));
    }
}
