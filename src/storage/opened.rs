//! One opening of a store's file: the database over it, healed where a killed process left it in need of that.

use super::backend::{Deadline, Held, Medium, Patience, Shared, SharedFile, Span};
use super::opening::{builder, open_fault};
use super::store::OpenOptions;
use crate::error::{Error, Result};
use redb::{
    Database, DatabaseError, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, TransactionError, WriteTransaction,
};
use std::sync::Arc;

/// Memory for pages of the database. Reading a page again from the system's own cache is cheap.
const CACHE_LEN_READ: usize = 128 << 20;
/// Bulk writing touches a page once.
const CACHE_LEN_WRITE: usize = 32 << 20;

/// One opening. Transactions fail once it is dropped.
pub(super) struct Opened {
    db: Db,
    file: Arc<Shared>,
}

enum Db {
    Read(ReadOnlyDatabase),
    Write(Database),
}

/// What an attempt to open needs to know.
#[derive(Clone, Copy)]
struct Attempt<'a> {
    medium: &'a dyn Medium,
    options: OpenOptions,
    deadline: Deadline,
}

impl Opened {
    /// Opens `medium`; everything together waits no longer than `options.wait` for other processes.
    pub(super) fn open(medium: &dyn Medium, options: OpenOptions) -> Result<Self> {
        let attempt = Attempt { medium, options, deadline: Deadline::after(options.wait) };
        let mut patience = Patience::until(attempt.deadline);
        loop {
            let opened = if options.write { attempt.write() } else { attempt.read() };
            match opened {
                // A process that makes, heals or removes the store has it to itself for a moment.
                Err(DatabaseError::DatabaseAlreadyOpen) if patience.wait() => {}
                Err(DatabaseError::DatabaseAlreadyOpen) => {
                    return Err(Held::new(medium.path(), Span::ALL, false, options.wait).to_error());
                }
                Err(e) => return Err(open_fault(medium.path(), e)),
                Ok(opened) => {
                    opened.file.opened();
                    return Ok(opened);
                }
            }
        }
    }

    pub(super) fn begin_read(&self) -> Result<ReadTransaction, TransactionError> {
        if self.file.owes_header()
            && let Ok(txn) = self.try_begin_write()
        {
            // To have begun is enough. What this handle committed then shows.
            txn.abort()?;
        }
        match &self.db {
            Db::Read(db) => db.begin_read(),
            Db::Write(db) => db.begin_read(),
        }
    }

    /// Begins a write transaction; [`TransactionError::WouldBlock`] while somebody is in one.
    pub(super) fn try_begin_write(&self) -> Result<WriteTransaction, TransactionError> {
        match &self.db {
            Db::Read(_) => Err(TransactionError::Storage(redb::StorageError::Unsupported)),
            Db::Write(db) => {
                let txn = db.try_begin_write()?;
                self.file.settle_header();
                Ok(txn)
            }
        }
    }

    /// Waits until a commit finds nobody in its way.
    pub(super) fn wait_to_commit(&self) -> Result<()> {
        Ok(self.file.wait_until_free(Span::HEADER)?)
    }

    /// The database, of a store that is open for writing.
    pub(super) fn database(&mut self) -> Option<&mut Database> {
        match &mut self.db {
            Db::Read(_) => None,
            Db::Write(db) => Some(db),
        }
    }

    /// The database's own check of its structures; `None` for a store that is open for reading only.
    pub(super) fn check(&mut self) -> Option<Result<bool, DatabaseError>> {
        self.database().map(Database::check_integrity)
    }

    /// Closes the database; with `tidy` it first gives unused space of a file of that length back.
    pub(super) fn close(self, tidy: Option<u64>) -> Result<()> {
        let closed = match self.db {
            Db::Read(db) => db.close().map_err(Error::from),
            Db::Write(mut db) => {
                let tidied = tidy.map_or(Ok(()), |len| give_back(&mut db, len));
                tidied.and(db.close().map_err(Error::from))
            }
        };
        match closed {
            // What was committed is safe, and the next to open the store does what this one could not.
            Err(Error::Busy { .. }) => Ok(()),
            other => other,
        }
    }
}

impl Attempt<'_> {
    fn write(self) -> Result<Opened, DatabaseError> {
        let (backend, file) = self.backend(true)?;
        Ok(Opened { db: Db::Write(builder(CACHE_LEN_WRITE).create_with_backend(backend)?), file })
    }

    fn read(self) -> Result<Opened, DatabaseError> {
        match self.read_sound() {
            // A writer was killed and none is alive: opening for writing repairs the file.
            Err(DatabaseError::RepairAborted) => {
                match self.write()?.db {
                    Db::Read(db) => db.close()?,
                    Db::Write(db) => db.close()?,
                }
                self.read_sound()
            }
            other => other,
        }
    }

    fn read_sound(self) -> Result<Opened, DatabaseError> {
        let (backend, file) = self.backend(false)?;
        Ok(Opened { db: Db::Read(builder(CACHE_LEN_READ).open_read_only_with_backend(backend)?), file })
    }

    fn backend(self, write: bool) -> Result<(SharedFile, Arc<Shared>), DatabaseError> {
        let inner = self.medium.open(write, self.options.create)?;
        Ok(SharedFile::new(inner, self.medium.path(), self.options.wait, self.deadline))
    }
}

/// More unused bytes than this are left alone: giving them back may mean to move as many, which takes too long to do unasked.
const TIDY_LEN_MAX: u64 = 1 << 30;

/// Gives the space back that the commits of a bulk write left behind. The file grows ahead of need and each commit frees what it
/// replaces; right after a bulk write there is little to move, some milliseconds for a hundred megabytes.
pub(super) fn give_back(db: &mut Database, file_len: u64) -> Result<()> {
    let Ok(txn) = db.try_begin_write() else { return Ok(()) };
    let stats = txn.stats()?;
    txn.abort()?;
    let used = stats.allocated_pages() * stats.page_size() as u64;
    if file_len.saturating_sub(used) > TIDY_LEN_MAX {
        return Ok(());
    }
    match db.compact() {
        Err(redb::CompactionError::Storage(e)) => Err(e.into()),
        // Others may be at work in the file: they come first.
        _ => Ok(()),
    }
}
