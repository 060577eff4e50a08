//! What a copy leaves out: everything of ingests that are not complete.

use crate::error::{Error, Result};
use crate::storage::header::{HEADER_LEN, Header};
use crate::storage::ingests;
use crate::storage::schema::{CHUNKS, ChunkKey, EXTENTS, PENDING, PieceKey};
use hashbrown::HashSet;
use redb::{Database, ReadTransaction, ReadableTable, TableHandle};

/// What belongs to ingests that are not complete.
pub(super) struct LeftOut {
    batches: HashSet<u64>,
    /// Metric, day and number of the extents that such an ingest wrote. A batch owns its extents whole.
    extents: HashSet<(u32, i32, u64)>,
}

impl LeftOut {
    /// Of all that `txn` sees.
    pub(super) fn of(txn: &ReadTransaction) -> Result<Self> {
        let mut batches = HashSet::new();
        for entry in txn.open_table(PENDING)?.iter()? {
            batches.insert(entry?.0.value());
        }
        let mut extents = HashSet::new();
        if !batches.is_empty() {
            for entry in txn.open_table(CHUNKS)?.iter()? {
                let (key, header) = entry?;
                let header = Header::from_bytes(key.value(), header.value())?;
                if batches.contains(&header.batch) {
                    let key = ChunkKey::from_bytes(key.value());
                    extents.insert((key.metric, key.day, header.extent));
                }
            }
        }
        Ok(Self { batches, extents })
    }

    /// Whether the copy has this entry of `table`.
    pub(super) fn keeps(&self, table: &str, key: &[u8], value: &[u8]) -> Result<bool> {
        if self.batches.is_empty() {
            return Ok(true);
        }
        let malformed = || Error::Bug(format!("a key of table `{table}` with another length"));
        if table == CHUNKS.name() {
            let key: &[u8; ChunkKey::LEN] = key.try_into().map_err(|_| malformed())?;
            let value: &[u8; HEADER_LEN] = value.try_into().map_err(|_| malformed())?;
            return Ok(!self.batches.contains(&Header::from_bytes(key, value)?.batch));
        }
        if table == EXTENTS.name() {
            let key: &[u8; PieceKey::LEN] = key.try_into().map_err(|_| malformed())?;
            return Ok(!self.extents.contains(&PieceKey::extent_of(key)));
        }
        Ok(true)
    }

    /// Removes from the copy what is left of these ingests: their names among the pending ones, and series that only they brought.
    pub(super) fn forget_the_rest(&self, copy: &Database) -> Result<()> {
        if self.batches.is_empty() {
            return Ok(());
        }
        let txn = copy.begin_write()?;
        for batch in &self.batches {
            ingests::drop_batch(&txn, *batch, true)?;
        }
        txn.commit()?;
        Ok(())
    }
}
