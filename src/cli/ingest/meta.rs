//! What is known about the metrics of an input: from the input itself, and from `--unit`.

use crate::cli::args::UnitOf;
use crate::model::{MetricMeta, SeriesSet};
use std::collections::{BTreeMap, BTreeSet};

/// The metadata of the metrics of `series`: what the input said, then what was typed. Guesses are left to the store.
pub(in crate::cli) fn metas(
    said: &[(String, MetricMeta)],
    typed: &[UnitOf],
    series: &SeriesSet,
) -> Vec<(String, MetricMeta)> {
    let mut all: BTreeMap<String, MetricMeta> = said.iter().filter(|m| !m.1.guessed).cloned().collect();
    for name in names(series) {
        // The last word counts.
        if let Some(unit) = typed.iter().rev().find(|unit| crate::model::matches(&unit.metric, name)) {
            all.entry(name.to_owned()).or_default().unit = Some(unit.unit.clone());
        }
    }
    all.into_iter().collect()
}

/// The patterns of `typed` that no metric of `series` has.
pub(super) fn unused<'a>(typed: &'a [UnitOf], series: &SeriesSet) -> Vec<&'a str> {
    let names = names(series);
    let is_unused = |unit: &&UnitOf| !names.iter().any(|name| crate::model::matches(&unit.metric, name));
    typed.iter().filter(is_unused).map(|unit| unit.metric.as_str()).collect()
}

/// The names of the metrics of `series`.
pub(super) fn names(series: &SeriesSet) -> BTreeSet<&str> {
    series.list().iter().map(|s| &*s.metric).collect()
}
