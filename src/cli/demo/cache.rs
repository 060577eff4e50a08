//! A cache of a fixed size that gives up what was not asked for the longest, and counts its hits and misses.

use std::collections::HashMap;

/// Values by key. `hits` and `misses` only grow.
#[derive(Debug)]
pub(super) struct Cache<V> {
    entries: HashMap<String, (u64, V)>,
    capacity: usize,
    asked: u64,
    hits: u64,
    misses: u64,
}

impl<V> Cache<V> {
    /// An empty cache for `capacity` values.
    pub(super) fn new(capacity: usize) -> Self {
        Self { entries: HashMap::new(), capacity, asked: 0, hits: 0, misses: 0 }
    }

    /// The value of `key`, where there is one and it is still `fresh`.
    pub(super) fn get(&mut self, key: &str, fresh: impl Fn(&V) -> bool) -> Option<&V> {
        self.asked += 1;
        match self.entries.get_mut(key) {
            Some((asked, value)) if fresh(value) => {
                self.hits += 1;
                *asked = self.asked;
                Some(value)
            }
            _ => {
                self.misses += 1;
                None
            }
        }
    }

    /// Keeps `value`; where the cache is full, in place of the one not asked for the longest.
    pub(super) fn put(&mut self, key: &str, value: V) {
        if self.entries.len() >= self.capacity && !self.entries.contains_key(key) {
            let oldest = self.entries.iter().min_by_key(|(_, (asked, _))| *asked).map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.entries.remove(&oldest);
            }
        }
        self.entries.insert(key.to_owned(), (self.asked, value));
    }

    /// How often `get` found something, and how often it did not.
    pub(super) fn hits_and_misses(&self) -> (u64, u64) {
        (self.hits, self.misses)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_not_asked_for_the_longest_makes_room() {
        let mut cache = Cache::new(2);
        for key in ["a", "b"] {
            assert_eq!(cache.get(key, |_| true), None);
            cache.put(key, key.len());
        }
        assert!(cache.get("a", |_| true).is_some());
        cache.put("c", 1);
        assert!(cache.get("a", |_| true).is_some());
        assert!(cache.get("b", |_| true).is_none());
        assert_eq!(cache.hits_and_misses(), (2, 3));
    }

    #[test]
    fn a_stale_value_is_a_miss() {
        let mut cache = Cache::new(2);
        cache.put("a", 7);
        assert_eq!(cache.get("a", |v| *v > 7), None);
        assert_eq!(cache.hits_and_misses(), (0, 1));
    }
}
