//! A store: opening, healing, closing, and the small writes.

use super::check::CheckReport;
use super::create;
use super::opening::{builder, busy, create_tables, look_at, open_fault, within};
use super::records::{self, PendingRecord};
use super::schema::{FORMAT_VERSION, META, PENDING};
use super::snapshot::Snapshot;
use super::streams::FileMark;
use crate::error::{Error, Result};
use redb::{
    Database, DatabaseError, ReadOnlyDatabase, ReadableDatabase, ReadableTable, TransactionError, WriteTransaction,
};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOptions {
    /// Whether the store will be written to.
    pub write: bool,
    /// Whether a missing store is made. Only with `write`.
    pub create: bool,
    /// How long to wait for other processes.
    pub wait: Duration,
}

impl OpenOptions {
    /// For reading.
    pub fn read() -> Self {
        Self { write: false, create: false, wait: Duration::from_secs(10) }
    }

    /// For reading and writing; a missing store is made.
    pub fn write() -> Self {
        Self { write: true, create: true, wait: Duration::from_secs(10) }
    }
}

/// Memory for pages of the database. Reading a page again from the system's own cache is cheap.
const CACHE_LEN_READ: usize = 128 << 20;
/// Bulk writing touches a page once.
const CACHE_LEN_WRITE: usize = 32 << 20;

enum Handle {
    Read(ReadOnlyDatabase),
    Write(Database),
}

/// An open store. Reads see snapshots; any number of processes may read and write the same file.
pub struct Store {
    handle: Handle,
    path: PathBuf,
    wait: Duration,
    /// The file it is in.
    mark: FileMark,
    /// Whether closing gives unused space back to the system.
    tidy: AtomicBool,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the store at `path`.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is no store, something else, or a newer format; [`Error::Busy`] past `options.wait`;
    /// [`Error::Corrupt`]; [`Error::Io`].
    pub fn open(path: &Path, options: OpenOptions) -> Result<Self> {
        let exists = look_at(path, options)?;
        if !exists {
            create::create(path)?;
        }
        let handle = if options.write {
            Handle::Write(within(path, options.wait, {
                let path = path.to_owned();
                move || Self::open_write(&path)
            })?)
        } else {
            Handle::Read(within(path, options.wait, {
                let path = path.to_owned();
                move || Self::open_read(&path)
            })?)
        };
        let mark = FileMark::of(path);
        let store = Self { handle, path: path.to_owned(), wait: options.wait, mark, tidy: AtomicBool::new(false) };
        if options.write {
            store.prepare()?;
        } else {
            store.check_format()?;
        }
        Ok(store)
    }

    fn open_write(path: &Path) -> Result<Database> {
        let opened = builder(CACHE_LEN_WRITE).create(path);
        opened.map_err(|e| open_fault(path, e))
    }

    fn open_read(path: &Path) -> Result<ReadOnlyDatabase> {
        let open = || builder(CACHE_LEN_READ).open_read_only(path);
        match open() {
            // A writer was killed and none is alive: opening for writing repairs the file.
            Err(DatabaseError::RepairAborted) => {
                builder(CACHE_LEN_WRITE).open(path).and_then(Database::close).map_err(|e| open_fault(path, e))?;
                open().map_err(|e| open_fault(path, e))
            }
            other => other.map_err(|e| open_fault(path, e)),
        }
    }

    /// Makes the tables of a new store, checks the format of an old one, and sweeps away what ended ingests left.
    fn prepare(&self) -> Result<()> {
        let state = {
            let read = self.begin_read()?;
            let empty = read.list_tables()?.next().is_none();
            if empty { None } else { Some(Self::pending_ended(&read)?) }
        };
        match state {
            None => {
                let txn = self.begin_write()?;
                // Another process may have been first.
                if txn.list_tables()?.next().is_none() {
                    create_tables(&txn)?;
                    txn.commit()?;
                }
                Ok(())
            }
            Some(ended) => {
                self.check_format()?;
                if ended { self.sweep() } else { Ok(()) }
            }
        }
    }

    fn pending_ended(read: &redb::ReadTransaction) -> Result<bool> {
        match read.open_table(PENDING) {
            Ok(table) => {
                for entry in table.iter()? {
                    let (key, bytes) = entry?;
                    let record: PendingRecord =
                        records::from_bytes("an unfinished ingest", &key.value().to_be_bytes(), bytes.value())?;
                    if record.owner.has_ended() {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Err(redb::TableError::TableDoesNotExist(_)) => Ok(false),
            Err(e) => Err(e.into()),
        }
    }

    fn check_format(&self) -> Result<()> {
        let read = self.begin_read()?;
        let not_ours = || {
            Error::usage_hint(
                format!("`{}` is a redb database, but no perfdb store", self.path.display()),
                "name a store with `--db FILE`",
            )
        };
        let version = match read.open_table(META) {
            Ok(table) => table.get("format")?.map(|v| v.value()),
            Err(redb::TableError::TableDoesNotExist(_)) if read.list_tables()?.next().is_none() => {
                return Err(self.nothing_in_it());
            }
            Err(redb::TableError::TableDoesNotExist(_) | redb::TableError::TableTypeMismatch { .. }) => {
                return Err(not_ours());
            }
            Err(e) => return Err(e.into()),
        };
        match version {
            None => Err(not_ours()),
            Some(v) if v > FORMAT_VERSION => Err(Error::usage_hint(
                format!(
                    "`{}` has store format {v}; this version reads formats up to {FORMAT_VERSION}",
                    self.path.display()
                ),
                "update perfdb",
            )),
            Some(_) => Ok(()),
        }
    }

    fn nothing_in_it(&self) -> Error {
        Error::usage_hint(format!("the store `{}` is empty", self.path.display()), "feed it: `perfdb ingest FILE`")
    }

    /// Where the store is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What tells its file from copies.
    pub(super) fn mark(&self) -> FileMark {
        self.mark
    }

    /// How long it waits for others.
    pub(super) fn wait(&self) -> Duration {
        self.wait
    }

    /// The database, of a store that is open for writing.
    pub(super) fn database(&mut self) -> Result<&mut Database> {
        match &mut self.handle {
            Handle::Write(db) => Ok(db),
            Handle::Read(_) => Err(Error::Bug("a change to a store that was opened for reading".into())),
        }
    }

    pub(super) fn begin_read(&self) -> Result<redb::ReadTransaction> {
        match &self.handle {
            Handle::Read(db) => Ok(db.begin_read()?),
            Handle::Write(db) => Ok(db.begin_read()?),
        }
    }

    /// Begins a write transaction once no other process is in one.
    pub(super) fn begin_write(&self) -> Result<WriteTransaction> {
        let Handle::Write(db) = &self.handle else {
            return Err(Error::Bug("a write to a store that was opened for reading".into()));
        };
        let deadline = Instant::now() + self.wait;
        let mut pause = Duration::from_micros(50);
        loop {
            match db.try_begin_write() {
                Err(TransactionError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(pause);
                    // Often enough to catch the turn that a bulk write gives between its commits.
                    pause = (pause * 2).min(Duration::from_millis(1));
                }
                Err(TransactionError::WouldBlock) => return Err(busy(&self.path, self.wait)),
                other => return Ok(other?),
            }
        }
    }

    /// What the store holds now. Later writes do not show.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn snapshot(&self) -> Result<Snapshot> {
        Snapshot::new(&self.begin_read()?)
    }

    /// Closes the store and reports what dropping it would swallow.
    ///
    /// # Errors
    /// A failed write.
    pub fn close(self) -> Result<()> {
        match self.handle {
            Handle::Read(db) => Ok(db.close()?),
            Handle::Write(mut db) => {
                if self.tidy.into_inner() {
                    let len = std::fs::metadata(&self.path).map_or(0, |m| m.len());
                    tidy(&mut db, len)?;
                }
                Ok(db.close()?)
            }
        }
    }

    /// The database's own check of its structures.
    pub(super) fn check_database(&mut self, report: &mut CheckReport) -> Result<()> {
        let Handle::Write(db) = &mut self.handle else {
            report.notes.push("the store is open for reading only: the database's own check was left out".into());
            return Ok(());
        };
        match db.check_integrity() {
            Ok(true) => {}
            Ok(false) => report.notes.push("the database's own structures needed repair, which is done".into()),
            Err(DatabaseError::TransactionInProgress) => {
                report
                    .notes
                    .push("other processes are at work in the store: the database's own check was left out".into());
            }
            Err(e) => match Error::from(e) {
                Error::Corrupt { what } => report.damages.push(what),
                other => return Err(other),
            },
        }
        Ok(())
    }

    /// Has [`Store::close`] give unused space back.
    pub(super) fn tidy_at_close(&self) {
        self.tidy.store(true, Ordering::Relaxed);
    }
}

/// More unused bytes than this are left alone: giving them back may mean to move as many, which takes too long to do unasked.
const TIDY_LEN_MAX: u64 = 1 << 30;

/// Gives the space back that the commits of a bulk write left behind. The file grows ahead of need and each commit frees what it
/// replaces; right after a bulk write there is little to move, some milliseconds for a hundred megabytes.
pub(super) fn tidy(db: &mut Database, file_len: u64) -> Result<()> {
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
