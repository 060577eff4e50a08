//! What `points` reads: for each set of labels the series of each metric, since samples of equal labels and time share a row.

use super::condition::Chooser;
use super::context::{Context, SeriesList, Wanted};
use super::groups::Groups;
use super::select::Selected;
use crate::error::Result;
use crate::model::Labels;
use crate::query::ast::Selector;
use crate::query::source::SeriesId;
use hashbrown::HashMap;

/// The metrics of `points`, one a column, each with the selectors that name it.
pub(crate) struct PointColumns {
    /// Index of each column's metric in the context.
    pub(crate) metrics: Vec<usize>,
    selected: Vec<Selected>,
    /// For each column the selectors that name its metric.
    selectors: Vec<Vec<usize>>,
    /// The series of each column by each of its selectors, once they are loaded: column, selector, series.
    lists: Vec<(usize, usize, SeriesList)>,
}

/// The series that share rows.
#[derive(Debug, Clone)]
pub(crate) struct LabelSet {
    /// Index of a list that has these labels, and their place in it.
    pub(crate) labels_of: (usize, usize),
    /// Its group by the keys.
    pub(crate) group: u32,
    /// Index of its filter.
    pub(crate) filter: u32,
    /// The series of each column.
    pub(crate) series: Vec<Option<SeriesId>>,
}

impl PointColumns {
    /// Finds the metrics of `selectors`, in the order in which they are named; a metric named twice is one column.
    pub(crate) fn new(ctx: &Context<'_>, selectors: &[&Selector]) -> Result<Self> {
        let selected = selectors.iter().map(|s| Selected::new(ctx, s)).collect::<Result<Vec<_>>>()?;
        let mut columns: HashMap<usize, usize> = HashMap::new();
        let (mut metrics, mut naming) = (Vec::new(), Vec::new());
        for (i, one) in selected.iter().enumerate() {
            for metric in &one.metrics {
                let column = *columns.entry(*metric).or_insert_with(|| {
                    metrics.push(*metric);
                    naming.push(Vec::new());
                    metrics.len() - 1
                });
                naming[column].push(i);
            }
        }
        Ok(Self { metrics, selected, selectors: naming, lists: Vec::new() })
    }

    /// Reads the series that have the labels `wanted`.
    pub(crate) fn load(&mut self, ctx: &Context<'_>, wanted: &Wanted) -> Result<()> {
        for (column, selectors) in self.selectors.iter().enumerate() {
            for selector in selectors {
                let list = self.selected[*selector].series(ctx, self.metrics[column], wanted)?;
                self.lists.push((column, *selector, list));
            }
        }
        Ok(())
    }

    /// The labels of a label set.
    pub(crate) fn labels(&self, set: &LabelSet) -> &Labels {
        &self.lists[set.labels_of.0].2[set.labels_of.1].labels
    }

    /// The label sets that can match, in the order of the catalog. Their groups are not made yet.
    pub(crate) fn label_sets(&self, ctx: &Context<'_>, chooser: &mut Chooser<'_>) -> Result<Vec<LabelSet>> {
        let first = self.metrics.first().copied().unwrap_or(0);
        // In a single list no labels come twice.
        let several_lists = self.lists.len() > 1;
        let mut by_labels: HashMap<&Labels, usize> = HashMap::new();
        let mut sets: Vec<LabelSet> = Vec::new();
        for (number, (column, selector, list)) in self.lists.iter().enumerate() {
            for (place, series) in list.iter().enumerate() {
                if !self.selected[*selector].holds(series) {
                    continue;
                }
                if let Some(known) = by_labels.get(&series.labels) {
                    sets[*known].series[*column] = Some(series.id);
                } else if let Some(filter) = chooser.choose(ctx, first, series)? {
                    if several_lists {
                        by_labels.insert(&series.labels, sets.len());
                    }
                    let mut of_columns = vec![None; self.metrics.len()];
                    of_columns[*column] = Some(series.id);
                    sets.push(LabelSet { labels_of: (number, place), group: 0, filter, series: of_columns });
                }
            }
        }
        Ok(sets)
    }
}

/// Puts every label set into its group, numbered in the order of the keys.
pub(crate) fn group(columns: &PointColumns, sets: &mut [LabelSet], groups: &mut Groups) {
    for set in &mut *sets {
        set.group = groups.group_of("", columns.labels(set));
    }
    let sorted = groups.sort();
    for set in sets {
        set.group = sorted[set.group as usize];
    }
}
