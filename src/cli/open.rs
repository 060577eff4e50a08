//! Opening what a command works on: the store.

use super::config::Settings;
use crate::db::Database;
use crate::error::Result;
use crate::storage::OpenOptions;

impl Settings {
    /// The store, for reading; it must be there.
    ///
    /// # Errors
    /// As for [`Database::open`].
    pub fn open_to_read(&self) -> Result<Database> {
        Database::open(&self.db, OpenOptions { wait: self.wait, ..OpenOptions::read() })
    }

    /// The store, for writing; it must be there.
    ///
    /// # Errors
    /// As for [`Database::open`].
    pub fn open_to_change(&self) -> Result<Database> {
        Database::open(&self.db, OpenOptions { create: false, wait: self.wait, ..OpenOptions::write() })
    }

    /// The store, for writing; it is made if it is not there.
    ///
    /// # Errors
    /// As for [`Database::open`].
    pub fn open_to_fill(&self) -> Result<Database> {
        Database::open(&self.db, OpenOptions { wait: self.wait, ..OpenOptions::write() })
    }

    /// Whether there is something at the store's path that is more than an empty file.
    pub fn store_exists(&self) -> bool {
        std::fs::metadata(&self.db).is_ok_and(|meta| !meta.is_file() || meta.len() > 0)
    }

    /// Bytes of the store's file, 0 where there is none.
    pub fn store_len(&self) -> u64 {
        std::fs::metadata(&self.db).map_or(0, |meta| meta.len())
    }
}
