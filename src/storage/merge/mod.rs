//! Another store's samples brought into this one.
//!
//! What stays true: all of another store is brought in or nothing; what is here already is not brought again, however often and in
//! whichever order stores are merged; and no sample that is here goes. See `storage/streams.rs` for how samples are told apart.

mod carry;
mod fingerprint;
mod holdings;
mod metas;
mod plan;
mod rows;

use super::store::Store;
use super::streams;
use crate::error::{Error, Result};
use crate::model::{Cancel, MetricMeta, Progress};
use plan::Side;
use std::sync::Arc;

/// How stores are merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MergeOptions {
    /// Whether metrics are merged whose unit differs: ours then holds for all.
    pub ignore_units: bool,
    /// The present, ns since the Unix epoch.
    pub now: i64,
}

/// What a merge did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Merged {
    /// Samples that were added.
    pub samples: u64,
    /// Ingests that were added.
    pub ingests: u64,
    /// Streams that were added or have grown.
    pub streams: u64,
    /// Ingests and streams that were here already.
    pub known: u64,
    /// Where the metadata of metrics differ, a sentence each. Ours stayed.
    pub conflicts: Vec<String>,
}

/// So often a merge begins anew where others change what it builds on.
const ATTEMPTS: usize = 5;

impl Store {
    /// Brings in what `other` holds and this store does not: samples of ingests with their records, samples of streams (those in
    /// the log too), and what is known of metrics.
    ///
    /// # Errors
    /// [`Error::Usage`] where `other` is this store, or where units differ; a damaged store; [`Error::Busy`], [`Error::Io`],
    /// cancellation. Nothing is brought in then.
    pub fn merge_from(
        self: &Arc<Self>,
        other: &Self,
        options: MergeOptions,
        progress: &dyn Progress,
        cancel: &Cancel,
    ) -> Result<Merged> {
        let shown = |store: &Self| store.path().display().to_string();
        if std::fs::canonicalize(self.path()).ok() == std::fs::canonicalize(other.path()).ok() {
            return Err(Error::usage(format!("`{}` is the store itself", shown(other))));
        }
        let naming = |e| match e {
            Error::Corrupt { what } => Error::corrupt(format!("`{}`: {what}", shown(other))),
            e => e,
        };
        let theirs = other.begin_read().and_then(Side::of).map_err(naming)?;
        let metas = other.snapshot().and_then(|snapshot| snapshot.metrics()).map_err(naming)?;
        let metas: Vec<(String, MetricMeta)> = metas.into_iter().map(|(_, name, meta)| (name, meta)).collect();
        for _ in 0..ATTEMPTS {
            let mut ours = Side::of(self.begin_read()?)?;
            if let Some((name, version)) = ours.holdings.current()
                && theirs.holdings.streams.get(&name).is_some_and(|stream| stream.version > version)
            {
                // This file was put back to an older state. Going on with its stream would give versions twice.
                let txn = self.begin_write()?;
                streams::end_current(&txn)?;
                self.commit(txn)?;
                ours = Side::of(self.begin_read()?)?;
            }
            let plan = plan::plan(&ours, &theirs)?;
            let carried = carry::Carry {
                store: self,
                theirs: &theirs,
                there: &format!("`{}`", shown(other)),
                metas: &metas,
                options,
                cancel,
            };
            if let Some(mut merged) = carried.out(&plan, progress)? {
                merged.conflicts.extend(only_rollups(other)?);
                return Ok(merged);
            }
        }
        Err(Error::Busy {
            what: format!("others keep changing what `{}` holds", shown(self)),
            hint: Some("try again".into()),
        })
    }
}

/// The metrics of which `other` has days whose samples were dropped: their rollups stay there, since they cannot be told from ours.
fn only_rollups(other: &Store) -> Result<Vec<String>> {
    let snapshot = other.snapshot()?;
    let mut found = Vec::new();
    for (metric, name, _) in snapshot.metrics()? {
        let dropped = snapshot.rolled_days(metric)?.iter().filter(|d| d.dropped).count();
        if dropped > 0 {
            found.push(format!("`{name}`: of {dropped} days there are only rollups there, which stay there"));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::schema::{Part, TableVisitor, visit_tables};
    use redb::{Key, TableDefinition, TableHandle, Value};

    /// The tables of facts that a merge brings over, or has a reason to leave.
    const KNOWN: [&str; 12] = [
        "meta", "metrics", "series", "log", "chunks", "extents", "ingests", "streams", "origins", "rollups", "days",
        "policies",
    ];

    #[test]
    fn what_a_merge_does_with_each_table_of_facts_is_decided() {
        struct Unknown(Vec<String>);
        impl TableVisitor for Unknown {
            fn visit<K: Key + 'static, V: Value + 'static>(
                &mut self,
                table: TableDefinition<'static, K, V>,
                part: Part,
            ) -> Result<()> {
                if part == Part::Facts && !KNOWN.contains(&table.name()) {
                    self.0.push(table.name().to_owned());
                }
                Ok(())
            }
        }
        let mut unknown = Unknown(Vec::new());
        visit_tables(&mut unknown).unwrap();
        assert!(unknown.0.is_empty(), "decide what a merge does with {:?}, and add them to KNOWN", unknown.0);
    }
}
