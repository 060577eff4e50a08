//! The space that a store takes, and giving back what it does not need.

use crate::error::{Error, Result};
use crate::model::{Cancel, Progress};
use crate::storage::Store;
use redb::CompactionError;
use std::time::{Duration, Instant};

/// What a store takes on disk, and what compacting it would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes of the file.
    pub file_len: u64,
    /// Bytes of its pages that hold something.
    pub used_len: u64,
    /// Short chunks that can be joined.
    pub short_chunks: u64,
    /// Chunks that they become.
    pub joined_chunks: u64,
}

impl Space {
    /// Bytes of the file that hold nothing: about what compacting gives back.
    pub fn free_len(&self) -> u64 {
        self.file_len.saturating_sub(self.used_len)
    }

    /// The most bytes that compacting moves: it fills the free pages at the front with what stands behind.
    pub fn moved_len_max(&self) -> u64 {
        self.free_len().min(self.used_len)
    }
}

impl Store {
    /// What the store takes.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Io`], [`Error::Corrupt`].
    pub fn space(&self) -> Result<Space> {
        let txn = self.begin_write()?;
        let stats = txn.stats()?;
        txn.abort()?;
        let short = self.count_short_chunks()?;
        Ok(Space {
            file_len: std::fs::metadata(self.path()).map_or(0, |meta| meta.len()),
            used_len: stats.allocated_pages() * stats.page_size() as u64,
            short_chunks: short.from,
            joined_chunks: short.to,
        })
    }

    /// Joins short chunks and gives the space back that nothing takes. No other process may be at work meanwhile: they are waited
    /// for as long as for any write.
    ///
    /// # Errors
    /// [`Error::Busy`] where others are at work for longer; [`Error::Io`], [`Error::Corrupt`], cancellation. Chunks that were
    /// joined until then stay so.
    pub fn compact(&mut self, progress: &dyn Progress, cancel: &Cancel) -> Result<()> {
        self.join_chunks(progress, cancel)?;
        cancel.check()?;
        let (path, wait) = (self.path().to_owned(), self.wait());
        let deadline = Instant::now() + wait;
        loop {
            // The database waits for another writer without limit: this one waits as told.
            self.begin_write()?.abort()?;
            match self.database()?.compact() {
                Err(CompactionError::TransactionInProgress) if Instant::now() < deadline => {
                    cancel.check()?;
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(CompactionError::TransactionInProgress) => {
                    return Err(Error::Busy {
                        what: format!(
                            "other processes have been at work in `{}` for {:.1} s, and nothing can move under them",
                            path.display(),
                            wait.as_secs_f64()
                        ),
                        hint: Some("stop them, or try again with a longer `--wait`".into()),
                    });
                }
                Err(CompactionError::Storage(e)) => return Err(e.into()),
                Err(e) => return Err(Error::Bug(format!("compacting the store: {e}"))),
                Ok(_) => return Ok(()),
            }
        }
    }
}
