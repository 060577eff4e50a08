//! The groups of a query: one for each distinct tuple of key values that a matched series has.
//!
//! Values are numbered per key and tuples of those numbers make groups, so that a million series cost a few hash look-ups each.

use crate::model::Labels;
use hashbrown::HashMap;
use std::sync::Arc;

/// What rows are grouped by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Key {
    /// The metric's name.
    Metric,
    /// A label.
    Label(String),
}

impl Key {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Metric => "metric",
            Self::Label(label) => label,
        }
    }
}

/// The groups of a query.
#[derive(Debug)]
pub(crate) struct Groups {
    keys: Vec<Key>,
    values: Vec<Values>,
    /// Numbers of the values of each group, one a key.
    tuples: Vec<u32>,
    by_tuple: HashMap<Box<[u32]>, u32>,
    scratch: Vec<u32>,
    count: u32,
}

/// The distinct values of one key; number 0 is the missing value.
#[derive(Debug)]
struct Values {
    numbers: HashMap<Arc<str>, u32>,
    texts: Vec<Option<Arc<str>>>,
}

impl Groups {
    /// No groups yet.
    pub(crate) fn new(keys: Vec<Key>) -> Self {
        let values = keys.iter().map(|_| Values { numbers: HashMap::new(), texts: vec![None] }).collect();
        Self { keys, values, tuples: Vec::new(), by_tuple: HashMap::new(), scratch: Vec::new(), count: 0 }
    }

    /// The keys.
    pub(crate) fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// How many groups there are.
    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// The group of a series, made now if it is new.
    pub(crate) fn group_of(&mut self, metric: &str, labels: &Labels) -> u32 {
        self.scratch.clear();
        for (key, values) in self.keys.iter().zip(&mut self.values) {
            let text = match key {
                Key::Metric => Some(metric),
                Key::Label(label) => labels.get(label),
            };
            self.scratch.push(text.map_or(0, |t| values.number_of(t)));
        }
        if let Some(group) = self.by_tuple.get(self.scratch.as_slice()) {
            return *group;
        }
        let group = self.count;
        self.tuples.extend_from_slice(&self.scratch);
        self.by_tuple.insert(self.scratch.as_slice().into(), group);
        self.count += 1;
        group
    }

    /// The value of key number `key` in `group`.
    pub(crate) fn text(&self, group: u32, key: usize) -> Option<Arc<str>> {
        let number = self.tuples[group as usize * self.keys.len() + key];
        self.values[key].texts[number as usize].clone()
    }

    /// Renumbers the groups in the order of their keys, missing values last. Gives the new number of each old one.
    pub(crate) fn sort(&mut self) -> Vec<u32> {
        let width = self.keys.len();
        let value_ranks: Vec<Vec<u32>> = self.values.iter().map(Values::ranks).collect();
        let ranked: Vec<u32> =
            self.tuples.iter().enumerate().map(|(i, number)| value_ranks[i % width][*number as usize]).collect();
        let mut order: Vec<u32> = (0..self.count).collect();
        let rank = |group: u32| &ranked[group as usize * width..(group as usize + 1) * width];
        order.sort_unstable_by(|a, b| rank(*a).cmp(rank(*b)));
        let mut renumbered = vec![0; order.len()];
        let mut tuples = Vec::with_capacity(self.tuples.len());
        for (new, old) in order.iter().enumerate() {
            renumbered[*old as usize] = new as u32;
            tuples.extend_from_slice(&self.tuples[*old as usize * width..(*old as usize + 1) * width]);
        }
        self.tuples = tuples;
        for group in self.by_tuple.values_mut() {
            *group = renumbered[*group as usize];
        }
        renumbered
    }
}

impl Values {
    fn number_of(&mut self, text: &str) -> u32 {
        if let Some(number) = self.numbers.get(text) {
            return *number;
        }
        let number = self.texts.len() as u32;
        let shared: Arc<str> = text.into();
        self.texts.push(Some(Arc::clone(&shared)));
        self.numbers.insert(shared, number);
        number
    }

    /// The place of each value in sorted order; the missing value is last.
    fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<usize> = (1..self.texts.len()).collect();
        order.sort_unstable_by(|a, b| self.texts[*a].cmp(&self.texts[*b]));
        let mut ranks = vec![order.len() as u32; self.texts.len()];
        for (rank, number) in order.iter().enumerate() {
            ranks[*number] = rank as u32;
        }
        ranks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_sorted_by_their_keys_with_missing_values_last() {
        let mut groups = Groups::new(vec![Key::Label("a".into()), Key::Metric]);
        let none = Labels::default();
        let x = Labels::new([("a", "x")]).unwrap();
        assert_eq!(groups.group_of("m", &none), 0);
        assert_eq!(groups.group_of("m", &x), 1);
        assert_eq!(groups.group_of("l", &x), 2);
        assert_eq!(groups.group_of("m", &x), 1);
        assert_eq!(groups.sort(), [2, 1, 0]);
        assert_eq!(groups.group_of("m", &none), 2);
        assert_eq!(groups.text(2, 0), None);
        assert_eq!((groups.text(0, 0).as_deref(), groups.text(0, 1).as_deref()), (Some("x"), Some("l")));
    }

    #[test]
    fn without_keys_all_is_one_group() {
        let mut groups = Groups::new(Vec::new());
        assert_eq!(groups.group_of("m", &Labels::default()), 0);
        assert_eq!(groups.group_of("n", &Labels::default()), 0);
        assert_eq!((groups.count(), groups.sort()), (1, vec![0]));
    }
}
