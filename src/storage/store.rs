//! A store: opening, healing, closing, and the small writes.

use super::backend::{Held, Medium, OnFile, Patience, Span};
use super::catalog::KnownSeries;
use super::check::CheckReport;
use super::create;
use super::opened::Opened;
use super::opening::{create_tables, look_at};
use super::records::{self, PendingRecord};
use super::schema::{FORMAT_VERSION, FORMAT_VERSION_MIN, META, PENDING};
use super::snapshot::Snapshot;
use super::streams::FileMark;
use crate::error::{Error, Result};
use redb::{DatabaseError, ReadableTable, StorageError, TransactionError, WriteTransaction};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

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

/// An open store. Reads see snapshots; any number of processes may read and write the same file.
pub struct Store {
    medium: Arc<dyn Medium>,
    options: OpenOptions,
    /// The opening in use. A failed read or write makes the database refuse everything after it, so the next use opens anew.
    opened: RwLock<Arc<Opened>>,
    /// The file it is in.
    mark: FileMark,
    /// Whether closing gives unused space back to the system.
    tidy: AtomicBool,
    known: Mutex<KnownSeries>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("path", &self.path()).finish_non_exhaustive()
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
        Self::open_on(Arc::new(OnFile(path.to_owned())), options)
    }

    /// Opens the store on `medium`, which is there.
    pub(super) fn open_on(medium: Arc<dyn Medium>, options: OpenOptions) -> Result<Self> {
        let mark = FileMark::of(medium.path());
        let opened = RwLock::new(Arc::new(Opened::open(&*medium, options)?));
        let store = Self { medium, options, opened, mark, tidy: AtomicBool::new(false), known: Mutex::default() };
        if options.write {
            store.prepare()?;
        } else {
            store.check_format()?;
        }
        Ok(store)
    }

    /// Makes the tables of a new store, checks the format of an old one, and sweeps away what ended ingests left.
    fn prepare(&self) -> Result<()> {
        let state = {
            let read = self.begin_read()?;
            let empty = read.list_tables()?.next().is_none();
            if empty {
                None
            } else {
                // Records of another format need not be readable.
                self.check_format()?;
                Some(Self::pending_ended(&read)?)
            }
        };
        match state {
            None => {
                let txn = self.begin_write()?;
                // Another process may have been first.
                if txn.list_tables()?.next().is_none() {
                    create_tables(&txn)?;
                    self.commit(txn)?;
                }
                Ok(())
            }
            Some(true) => self.sweep(),
            Some(false) => Ok(()),
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
                format!("`{}` is a redb database, but no perfdb store", self.path().display()),
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
                    self.path().display()
                ),
                "update perfdb",
            )),
            Some(v) if v < FORMAT_VERSION_MIN => Err(Error::usage_hint(
                format!(
                    "`{}` has store format {v}, which no release of perfdb wrote; this version reads formats from \
                     {FORMAT_VERSION_MIN} on",
                    self.path().display()
                ),
                "`perfdb export` it with the perfdb that made it, and ingest the export into a new store",
            )),
            Some(_) => Ok(()),
        }
    }

    fn nothing_in_it(&self) -> Error {
        Error::usage_hint(format!("the store `{}` is empty", self.path().display()), "feed it: `perfdb ingest FILE`")
    }

    /// The series that this process knows.
    pub(super) fn known(&self) -> MutexGuard<'_, KnownSeries> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the store is.
    pub fn path(&self) -> &Path {
        self.medium.path()
    }

    fn opened(&self) -> Arc<Opened> {
        Arc::clone(&self.opened.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs `begin` on the opening in use, and on a new one where that is of no use any more: after a failed read or write the
    /// database refuses everything, and so it does where a commit failed because another process held on to the file. `None`
    /// where it would have to wait.
    fn begin<T>(&self, begin: impl Fn(&Opened) -> Result<T, TransactionError>) -> Result<Option<(T, Arc<Opened>)>> {
        let mut opened = self.opened();
        let mut begun = begin(&opened);
        if let Err(TransactionError::Storage(StorageError::PreviousIo | StorageError::Corrupted(_))) = begun {
            let mut current = self.opened.write().unwrap_or_else(PoisonError::into_inner);
            // Another thread may have been first.
            if Arc::ptr_eq(&current, &opened) {
                *current = Arc::new(Opened::open(&*self.medium, self.options)?);
            }
            opened = Arc::clone(&current);
            drop(current);
            begun = begin(&opened);
        }
        match begun {
            Ok(begun) => Ok(Some((begun, opened))),
            Err(TransactionError::WouldBlock) => Ok(None),
            Err(e) => Err(e.into()),
        }
    }

    /// Begins a read transaction. It fails once the opening that it belongs to is dropped.
    fn begin_read_in(&self) -> Result<(redb::ReadTransaction, Arc<Opened>)> {
        self.begin(Opened::begin_read)?.ok_or_else(|| Error::Bug("a read that has to wait".into()))
    }

    /// What tells its file from copies.
    pub(super) fn mark(&self) -> FileMark {
        self.mark
    }

    /// How long it waits for others.
    pub(super) fn wait(&self) -> Duration {
        self.options.wait
    }

    /// The database, of a store that is open for writing and of which no snapshot is in use.
    pub(super) fn database(&mut self) -> Result<&mut redb::Database> {
        let opened = self.opened.get_mut().unwrap_or_else(PoisonError::into_inner);
        let database = Arc::get_mut(opened).and_then(Opened::database);
        database.ok_or_else(|| Error::Bug("a change to a store that is open for reading, or being read".into()))
    }

    pub(super) fn begin_read(&self) -> Result<redb::ReadTransaction> {
        Ok(self.begin_read_in()?.0)
    }

    /// Begins a write transaction once no other process is in one.
    pub(super) fn begin_write(&self) -> Result<WriteTransaction> {
        if !self.options.write {
            return Err(Error::Bug("a write to a store that was opened for reading".into()));
        }
        let mut patience = Patience::of(self.options.wait);
        loop {
            match self.begin(Opened::try_begin_write)? {
                Some((txn, _)) => return Ok(txn),
                None if patience.wait() => {}
                None => return Err(Held::new(self.path(), Span::WRITER, true, self.options.wait).to_error()),
            }
        }
    }

    /// Commits `txn`; nothing of it is kept where that fails.
    pub(super) fn commit(&self, txn: WriteTransaction) -> Result<()> {
        // A commit that meets a stopped reader half way costs a new opening. Before it has begun, giving up costs nothing.
        self.opened().wait_to_commit()?;
        Ok(txn.commit()?)
    }

    /// What the store holds now. Later writes do not show.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn snapshot(&self) -> Result<Snapshot> {
        let (txn, opened) = self.begin_read_in()?;
        let mut snapshot = Snapshot::new(&txn)?;
        snapshot.keep_open(opened);
        Ok(snapshot)
    }

    /// Closes the store and reports what dropping it would swallow.
    ///
    /// # Errors
    /// A failed write.
    pub fn close(self) -> Result<()> {
        let opened = self.opened.into_inner().unwrap_or_else(PoisonError::into_inner);
        let tidy = self.tidy.into_inner().then(|| self.medium.len());
        // While a snapshot is in use, the last to let go closes.
        Arc::into_inner(opened).map_or(Ok(()), |opened| opened.close(tidy))
    }

    /// The database's own check of its structures.
    pub(super) fn check_database(&mut self, report: &mut CheckReport) -> Result<()> {
        let opened = self.opened.get_mut().unwrap_or_else(PoisonError::into_inner);
        let left_out = "the database's own check was left out";
        let checked = match Arc::get_mut(opened).map(Opened::check) {
            Some(Some(checked)) => checked.map_err(Some),
            Some(None) => {
                report.notes.push(format!("the store is open for reading only: {left_out}"));
                return Ok(());
            }
            None => Err(None),
        };
        match checked {
            Ok(true) => {}
            Ok(false) => report.notes.push("the database's own structures needed repair, which is done".into()),
            Err(None | Some(DatabaseError::TransactionInProgress)) => {
                report.notes.push(format!("other processes are at work in the store: {left_out}"));
            }
            Err(Some(e)) => match Error::from(e) {
                Error::Corrupt { what } => report.damages.push(what),
                Error::Busy { what, .. } => report.notes.push(format!("{what}: {left_out}")),
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
