//! The ingests in a store: listed, taken back, and swept away where their process ended before they were complete.

use super::catalog::CatalogWriter;
use super::records::{self, IngestRecord, PendingRecord};
use super::rollup::days;
use super::schema::{CHUNKS, ChunkKey, INGEST_HASHES, INGESTS, LOG, ORIGINS, PENDING, ROLLUPS, RollupKey};
use super::store::Store;
use super::{chunk, log};
use crate::error::{Error, Result};
use redb::{ReadableTable, WriteTransaction};
use std::collections::BTreeSet;

impl Store {
    /// The ingests in the store, oldest first.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn ingests(&self) -> Result<Vec<(u64, IngestRecord)>> {
        self.snapshot()?.ingests()
    }

    /// The ingest with that hash.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn ingest_of_hash(&self, hash: u128) -> Result<Option<u64>> {
        let read = self.begin_read()?;
        Ok(read.open_table(INGEST_HASHES)?.get(hash)?.map(|id| id.value()))
    }

    /// Takes ingest `id` back: its samples, and the series that nothing else has given samples. Says how many samples went.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is no such ingest; as for [`Store::append`].
    pub fn undo(&self, id: u64) -> Result<u64> {
        let txn = self.begin_write()?;
        let record: IngestRecord = {
            let mut table = txn.open_table(INGESTS)?;
            let removed = table.remove(id)?;
            match removed {
                Some(bytes) => records::from_bytes(&format!("ingest {id}"), &id.to_be_bytes(), bytes.value())?,
                None => {
                    return Err(Error::usage_hint(
                        format!("there is no ingest {id}"),
                        "`perfdb ingest list` shows them",
                    ));
                }
            }
        };
        if let Some(hash) = record.hash {
            txn.open_table(INGEST_HASHES)?.remove(hash)?;
        }
        txn.open_table(ORIGINS)?.remove(id)?;
        let removed = chunk::remove(&txn, |_, header| header.batch == id)?;
        if removed.samples < record.samples {
            return Err(Error::usage_hint(
                format!(
                    "of the {} samples of ingest {id}, {} are gone already, by retention or `delete`: it cannot be taken back whole",
                    record.samples,
                    record.samples - removed.samples
                ),
                "`perfdb delete` removes samples by metric, labels and time",
            ));
        }
        days::mark(&txn, &removed.touched)?;
        forget_empty_series(&txn, removed.series)?;
        self.commit(txn)?;
        self.roll_after_write()?;
        Ok(removed.samples)
    }

    /// Removes what ended processes left of ingests that they did not complete.
    pub(super) fn sweep(&self) -> Result<()> {
        let txn = self.begin_write()?;
        let mut ended = Vec::new();
        let mut alive = false;
        for entry in txn.open_table(PENDING)?.iter()? {
            let (key, bytes) = entry?;
            let id = key.value();
            let record: PendingRecord = records::from_bytes("an unfinished ingest", &id.to_be_bytes(), bytes.value())?;
            if record.owner.has_ended() { ended.push(id) } else { alive = true }
        }
        for id in &ended {
            drop_batch(&txn, *id, !alive)?;
        }
        self.commit(txn)?;
        Ok(())
    }

    /// Takes back incomplete ingests of this process.
    pub(super) fn drop_pending(&self, batches: &[u64]) -> Result<()> {
        let txn = self.begin_write()?;
        let alone = txn.open_table(PENDING)?.iter()?.all(|e| e.is_ok_and(|(k, _)| batches.contains(&k.value())));
        for batch in batches {
            drop_batch(&txn, *batch, alone)?;
        }
        self.commit(txn)?;
        Ok(())
    }
}

/// Removes everything of batch `id`. Its own series go only where no other incomplete ingest may be using them.
pub(super) fn drop_batch(txn: &WriteTransaction, id: u64, series_too: bool) -> Result<()> {
    txn.open_table(PENDING)?.remove(id)?;
    chunk::remove(txn, |_, header| header.batch == id)?;
    if series_too {
        let series = {
            let catalog = CatalogWriter::open(txn)?;
            catalog.pending_series(id)?
        };
        remove_series(txn, series.into_iter().collect())?;
    }
    Ok(())
}

/// Removes those of `series` (metric, series) that have no samples left.
pub(super) fn forget_empty_series(txn: &WriteTransaction, mut series: BTreeSet<(u32, u32)>) -> Result<()> {
    for entry in txn.open_table(CHUNKS)?.iter()? {
        let key = ChunkKey::from_bytes(entry?.0.value());
        series.remove(&(key.metric, key.series));
    }
    for (id, rows) in log::read(&txn.open_table(LOG)?)? {
        series.remove(&(rows.metric, id));
    }
    for entry in txn.open_table(ROLLUPS)?.iter()? {
        if let Some(key) = RollupKey::from_bytes(entry?.0.value()) {
            series.remove(&(key.metric, key.series));
        }
    }
    remove_series(txn, series)
}

fn remove_series(txn: &WriteTransaction, series: BTreeSet<(u32, u32)>) -> Result<()> {
    let mut catalog = CatalogWriter::open(txn)?;
    let series: Vec<(u32, u32)> = series.into_iter().collect();
    for of_metric in series.chunk_by(|a, b| a.0 == b.0) {
        let ids: Vec<u32> = of_metric.iter().map(|s| s.1).collect();
        catalog.remove_series(of_metric[0].0, &ids)?;
    }
    catalog.finish()
}
