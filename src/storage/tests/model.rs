//! What a store shows to a reader, as plain data.

use crate::error::Result;
use crate::model::TimeRange;
use crate::storage::Store;
use std::collections::BTreeMap;

/// What a reader sees of a store.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Model {
    /// Samples in order of time, by series.
    pub(super) samples: BTreeMap<String, Vec<(i64, f64)>>,
    /// Units of the metrics that have one, by metric.
    pub(super) units: BTreeMap<String, String>,
    /// Sources of the ingests.
    pub(super) ingests: Vec<String>,
}

impl Model {
    pub(super) fn add(&mut self, series: &str, samples: impl IntoIterator<Item = (i64, f64)>) {
        let known = self.samples.entry(series.to_owned()).or_default();
        known.extend(samples);
        known.sort_by_key(|sample| sample.0);
    }
}

/// What `store` shows.
pub(super) fn of(store: &Store) -> Result<Model> {
    let snapshot = store.snapshot()?;
    let mut model = Model::default();
    for (metric, name, meta) in snapshot.metrics()? {
        if let Some(unit) = &meta.unit {
            model.units.insert(name.clone(), unit.to_string());
        }
        let series = snapshot.series(metric)?;
        let named = |id: u32| series.iter().find(|s| s.0 == id).map(|s| format!("{name}{}", s.1));
        for chunk in snapshot.chunks(metric, TimeRange::ALL, |_| true, None)? {
            let (mut times, mut values) = (Vec::new(), Vec::new());
            snapshot.values(&chunk, 0..chunk.count(), &mut values)?;
            snapshot.times(&chunk, |column| column.decode(0..chunk.count(), &mut times))?;
            let series = named(chunk.series()).unwrap_or_else(|| format!("a chunk of series {}", chunk.series()));
            model.add(&series, times.into_iter().zip(values));
        }
        for (id, labels) in &series {
            if let Some((times, values)) = snapshot.log_rows(*id)? {
                model.add(&format!("{name}{labels}"), times.iter().copied().zip(values.iter().copied()));
            }
        }
    }
    model.ingests = snapshot.ingests()?.into_iter().map(|(_, record)| record.source).collect();
    Ok(model)
}
