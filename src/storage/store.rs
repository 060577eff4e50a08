//! A store: opening, healing, closing, and the small writes.

use super::catalog::CatalogWriter;
use super::check::CheckReport;
use super::chunk::{self, SeriesRows};
use super::create;
use super::log;
use super::records::{self, IngestRecord, PendingRecord};
use super::schema::{
    CHUNKS, EXTENTS, FORMAT_VERSION, INGEST_HASHES, INGESTS, LOG, META, METRIC_NAMES, METRICS, PENDING, PENDING_SERIES,
    POSTINGS, SERIES, SERIES_HASHES,
};
use super::snapshot::Snapshot;
use crate::error::{Error, Result};
use crate::model::{Columns, MetricMeta, SeriesSet};
use redb::{
    Builder, ConcurrencyMode, Database, DatabaseError, ReadOnlyDatabase, ReadableDatabase, ReadableTable,
    TransactionError, WriteTransaction,
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

/// The first bytes of every redb file.
const MAGIC: [u8; 9] = [b'r', b'e', b'd', b'b', 0x1A, 0x0A, 0xA9, 0x0D, 0x0A];

enum Handle {
    Read(ReadOnlyDatabase),
    Write(Database),
}

/// An open store. Reads see snapshots; any number of processes may read and write the same file.
pub struct Store {
    handle: Handle,
    path: PathBuf,
    wait: Duration,
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
        let store = Self { handle, path: path.to_owned(), wait: options.wait, tidy: AtomicBool::new(false) };
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
                    pause = (pause * 2).min(Duration::from_millis(5));
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

    /// Appends `columns` durably, as one transaction: all of it or nothing. For batches that come in a stream.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Io`], [`Error::Corrupt`]; nothing is kept then.
    pub fn append(
        &self,
        columns: &Columns,
        series: &SeriesSet,
        metas: &[(String, MetricMeta)],
        now: i64,
    ) -> Result<()> {
        if columns.is_empty() && metas.is_empty() {
            return Ok(());
        }
        let mut rows = group(columns, series);
        let txn = self.begin_write()?;
        {
            let mut catalog = CatalogWriter::open(&txn)?;
            for row in &mut rows {
                let name = series.get(row.series).ok_or_else(|| Error::Bug("a sample of an unknown series".into()))?;
                (row.metric, row.series) = catalog.series(name, None)?;
            }
            set_metas(&mut catalog, metas)?;
            catalog.reveal(rows.iter().map(|r| r.series))?;
            catalog.finish()?;
        }
        if !rows.is_empty() {
            let seq = next_seq(&txn)?;
            // Large batches go straight to chunks.
            if columns.count() >= DIRECT_COUNT_MIN {
                let seq = seal(&txn, seq)?;
                let seq = chunk::write(&txn, chunk::encode_all(rows), 0, seq)?;
                set_next_seq(&txn, seq)?;
            } else if log::append(&txn, &rows, seq, now)? {
                let seq = seal(&txn, seq)?;
                set_next_seq(&txn, seq)?;
            }
        }
        txn.commit()?;
        Ok(())
    }

    /// Changes the metadata of every metric that `metas` names, making those that are new.
    ///
    /// # Errors
    /// As for [`Store::append`].
    pub fn describe(&self, name: &str, change: impl FnOnce(&mut MetricMeta) -> Result<()>) -> Result<()> {
        let txn = self.begin_write()?;
        {
            let mut catalog = CatalogWriter::open(&txn)?;
            catalog.set_meta(name, change)?;
            catalog.finish()?;
        }
        txn.commit()?;
        Ok(())
    }

    /// The ingests in the store, oldest first.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn ingests(&self) -> Result<Vec<(u64, IngestRecord)>> {
        let read = self.begin_read()?;
        let table = read.open_table(INGESTS)?;
        let mut all = Vec::new();
        for entry in table.iter()? {
            let (id, bytes) = entry?;
            let id = id.value();
            all.push((id, records::from_bytes(&format!("ingest {id}"), &id.to_be_bytes(), bytes.value())?));
        }
        Ok(all)
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
        let removed = chunk::remove(&txn, |_, header| header.batch == id)?;
        forget_empty_series(&txn, removed.series)?;
        txn.commit()?;
        Ok(removed.samples)
    }

    /// Removes what ended processes left of ingests that they did not complete.
    fn sweep(&self) -> Result<()> {
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
        txn.commit()?;
        Ok(())
    }

    /// Takes back an incomplete ingest of this process.
    pub(super) fn drop_pending(&self, batch: u64) -> Result<()> {
        let txn = self.begin_write()?;
        let alone = txn.open_table(PENDING)?.iter()?.all(|e| e.is_ok_and(|(k, _)| k.value() == batch));
        drop_batch(&txn, batch, alone)?;
        txn.commit()?;
        Ok(())
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
fn tidy(db: &mut Database, file_len: u64) -> Result<()> {
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

/// Batches of this many samples and more do not go through the log.
const DIRECT_COUNT_MIN: usize = 50_000;

pub(super) fn builder(cache_len: usize) -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(cache_len).set_concurrency_mode(ConcurrencyMode::MultiWriter);
    builder
}

pub(super) fn create_tables(txn: &WriteTransaction) -> Result<()> {
    txn.open_table(META)?.insert("format", FORMAT_VERSION)?;
    txn.open_table(METRICS)?;
    txn.open_table(METRIC_NAMES)?;
    txn.open_table(SERIES)?;
    txn.open_table(SERIES_HASHES)?;
    txn.open_table(POSTINGS)?;
    txn.open_table(LOG)?;
    txn.open_table(CHUNKS)?;
    txn.open_table(EXTENTS)?;
    txn.open_table(INGESTS)?;
    txn.open_table(INGEST_HASHES)?;
    txn.open_table(PENDING)?;
    txn.open_table(PENDING_SERIES)?;
    Ok(())
}

/// Looks at what is at `path` before the database does: opening a pipe would hang, and a foreign file deserves a clear answer. Says
/// whether there is anything.
fn look_at(path: &Path, options: OpenOptions) -> Result<bool> {
    let shown = path.display();
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound && options.write && options.create => return Ok(false),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::usage_hint(
                format!("there is no store at `{shown}`"),
                "make one with `perfdb ingest FILE`, or name another with `--db FILE`",
            ));
        }
        Err(e) => return Err(Error::io("open the store", path, e)),
    };
    let hint = "name a file with `--db FILE`";
    if meta.is_dir() {
        return Err(Error::usage_hint(format!("`{shown}` is a directory, not a store"), hint));
    }
    if !meta.is_file() {
        return Err(Error::usage_hint(format!("`{shown}` is a pipe, socket or device, not a store"), hint));
    }
    if meta.len() == 0 {
        if options.write && options.create {
            return Ok(false);
        }
        return Err(Error::usage_hint(
            format!("`{shown}` is an empty file, not a store"),
            "feed it: `perfdb ingest FILE`",
        ));
    }
    if options.write && has_second_name(&meta) {
        create::sweep(path);
    }
    let mut head = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| std::io::Read::read_to_end(&mut std::io::Read::take(file, MAGIC.len() as u64), &mut head))
        .map_err(|e| Error::io("open the store", path, e))?;
    if head != MAGIC {
        return Err(Error::usage_hint(
            format!("`{shown}` is not a store"),
            "is it an input file? `perfdb ingest FILE` and `perfdb query --from FILE` read those",
        ));
    }
    Ok(true)
}

/// Whether the file has another name too, as it has when the process that made it was killed right then.
#[cfg(unix)]
fn has_second_name(meta: &std::fs::Metadata) -> bool {
    std::os::unix::fs::MetadataExt::nlink(meta) > 1
}

#[cfg(not(unix))]
fn has_second_name(_: &std::fs::Metadata) -> bool {
    false
}

pub(super) fn open_fault(path: &Path, e: DatabaseError) -> Error {
    match e {
        DatabaseError::Storage(redb::StorageError::Io(source)) => match Error::from(redb::StorageError::Io(source)) {
            Error::Io { source, .. } => Error::io("open the store", path, source),
            other => other,
        },
        other => other.into(),
    }
}

fn busy(path: &Path, wait: Duration) -> Error {
    Error::Busy {
        what: format!(
            "another process has held `{}` for {:.1} s; try again, or wait longer with `--wait`",
            path.display(),
            wait.as_secs_f64()
        ),
    }
}

/// Runs `open` on a thread of its own, since it may wait behind another process without limit.
fn within<T: Send + 'static>(
    path: &Path,
    wait: Duration,
    open: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let (send, receive) = std::sync::mpsc::sync_channel(1);
    let spawned = std::thread::Builder::new().name("open".into()).spawn(move || {
        // Nobody listens any more once the deadline has passed.
        drop(send.send(open()));
    });
    spawned.map_err(|e| Error::io("start a thread to open the store", path, e))?;
    match receive.recv_timeout(wait) {
        Ok(result) => result,
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => Err(busy(path, wait)),
        Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => Err(Error::Bug("opening the store panicked".into())),
    }
}

pub(super) fn next_seq(txn: &WriteTransaction) -> Result<u64> {
    Ok(txn.open_table(META)?.get("next_seq")?.map_or(1, |n| n.value()))
}

pub(super) fn set_next_seq(txn: &WriteTransaction, seq: u64) -> Result<()> {
    txn.open_table(META)?.insert("next_seq", seq)?;
    Ok(())
}

/// A number for a new ingest.
pub(super) fn next_ingest(txn: &WriteTransaction) -> Result<u64> {
    let mut meta = txn.open_table(META)?;
    let id = meta.get("next_ingest")?.map_or(1, |n| n.value());
    meta.insert("next_ingest", id + 1)?;
    Ok(id)
}

/// Turns the log into chunks. The first free number of arrival before and after.
pub(super) fn seal(txn: &WriteTransaction, seq: u64) -> Result<u64> {
    let last = txn.open_table(LOG)?.last()?.map_or(0, |(key, _)| key.value());
    let rows = log::take(txn)?;
    chunk::write(txn, chunk::encode_all(rows), 0, seq.max(last + 1))
}

/// Sets what is given in `metas`, leaving alone what is not.
pub(super) fn set_metas(catalog: &mut CatalogWriter<'_>, metas: &[(String, MetricMeta)]) -> Result<()> {
    for (name, new) in metas {
        catalog.set_meta(name, |meta| join_meta(name, meta, new))?;
    }
    Ok(())
}

/// Takes over what `new` knows. A guess never replaces anything; a unit that differs is refused.
fn join_meta(name: &str, meta: &mut MetricMeta, new: &MetricMeta) -> Result<()> {
    if new.guessed {
        return Ok(());
    }
    if let Some(unit) = &new.unit {
        match &meta.unit {
            Some(old) if old != unit && !meta.guessed => {
                return Err(Error::usage_hint(
                    format!("the samples of `{name}` are in {old}; these would be in {unit}"),
                    format!("convert them, or change the unit of all with `perfdb metric set '{name}' --unit {unit}`"),
                ));
            }
            _ => meta.unit = Some(unit.clone()),
        }
    }
    if new.kind.is_some() {
        meta.kind = new.kind;
    }
    if new.better != crate::model::Better::Unknown {
        meta.better = new.better;
    }
    if !new.description.is_empty() {
        meta.description.clone_from(&new.description);
    }
    meta.guessed = meta.guessed && new.unit.is_none() && new.kind.is_none();
    Ok(())
}

/// Samples by series, in order of arrival within each. `series` of the result is still the number within the set.
pub(super) fn group(columns: &Columns, series: &SeriesSet) -> Vec<SeriesRows> {
    let mut place = vec![u32::MAX; series.count()];
    let mut rows: Vec<SeriesRows> = Vec::new();
    for i in 0..columns.count() {
        let id = columns.series[i];
        let slot = &mut place[id as usize];
        if *slot == u32::MAX {
            *slot = rows.len() as u32;
            rows.push(SeriesRows { series: id, ..SeriesRows::default() });
        }
        let row = &mut rows[*slot as usize];
        row.times.push(columns.times[i]);
        row.values.push(columns.values[i]);
    }
    rows
}

/// Removes everything of batch `id`. Its own series go only where no other incomplete ingest may be using them.
fn drop_batch(txn: &WriteTransaction, id: u64, series_too: bool) -> Result<()> {
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
fn forget_empty_series(txn: &WriteTransaction, mut series: std::collections::BTreeSet<(u32, u32)>) -> Result<()> {
    for entry in txn.open_table(CHUNKS)?.iter()? {
        let key = super::schema::ChunkKey::from_bytes(entry?.0.value());
        series.remove(&(key.metric, key.series));
    }
    for (id, rows) in log::read(&txn.open_table(LOG)?)? {
        series.remove(&(rows.metric, id));
    }
    remove_series(txn, series)
}

fn remove_series(txn: &WriteTransaction, series: std::collections::BTreeSet<(u32, u32)>) -> Result<()> {
    let mut catalog = CatalogWriter::open(txn)?;
    let series: Vec<(u32, u32)> = series.into_iter().collect();
    for of_metric in series.chunk_by(|a, b| a.0 == b.0) {
        let ids: Vec<u32> = of_metric.iter().map(|s| s.1).collect();
        catalog.remove_series(of_metric[0].0, &ids)?;
    }
    catalog.finish()
}
