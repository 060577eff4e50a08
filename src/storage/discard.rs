//! Taking an empty store away again: one that was made for an ingest which then failed.

use super::schema::{INGESTS, LOG, METRICS, PENDING};
use super::store::Store;
use crate::error::Result;
use redb::{Builder, ConcurrencyMode, ReadableTableMetadata};

impl Store {
    /// Removes the store's file if nothing is in it and no other process has it open. Says whether it did.
    ///
    /// # Errors
    /// A damaged store, a failed read or write.
    pub fn discard_if_empty(self) -> Result<bool> {
        let txn = self.begin_read()?;
        let is_empty = txn.open_table(METRICS)?.is_empty()?
            && txn.open_table(INGESTS)?.is_empty()?
            && txn.open_table(LOG)?.is_empty()?
            && txn.open_table(PENDING)?.is_empty()?;
        drop(txn);
        let path = self.path().to_owned();
        self.close()?;
        if !is_empty {
            return Ok(false);
        }
        // Somebody who has the store open would go on writing into a file without a name.
        let alone = Builder::new().set_concurrency_mode(ConcurrencyMode::ExclusiveWriter).open(&path);
        Ok(alone.is_ok_and(|_held| std::fs::remove_file(&path).is_ok()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Columns, Labels, Series, SeriesSet};
    use crate::storage::OpenOptions;

    #[test]
    fn only_a_store_with_nothing_in_it_that_nobody_has_open_goes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("perf.redb");
        let open = || Store::open(&path, OpenOptions::write()).unwrap();
        let other = open();
        assert!(!open().discard_if_empty().unwrap() && path.exists());
        other.close().unwrap();
        assert!(open().discard_if_empty().unwrap() && !path.exists());

        let mut series = SeriesSet::new();
        let mut columns = Columns::default();
        columns.push(series.id(Series { metric: "m".into(), labels: Labels::default() }), 1, 1.0);
        let store = open();
        store.append(&columns, &series, &[], 0).unwrap();
        assert!(!store.discard_if_empty().unwrap() && path.exists());
    }
}
