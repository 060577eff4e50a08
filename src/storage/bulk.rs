//! Bulk writing: an ingest of any size goes in whole or not at all, in bounded memory, and leaves other writers their turn.
//!
//! Samples gather by series. Past a limit, the longest series are encoded and committed as part of a *pending batch*, which readers skip; the last
//! commit makes it visible. A small ingest is one transaction. What a killed process leaves pending is swept at the next open for writing.

use super::append::{next_ingest, seal, set_metas, set_next_seq};
use super::catalog::CatalogWriter;
use super::chunk::{self, EncodedChunk, SeriesRows};
use super::records::{self, IngestRecord, Owner, PendingRecord};
use super::rollup::days::{self, Touched};
use super::schema::{INGEST_HASHES, INGESTS, PENDING};
use super::store::Store;
use super::streams;
use crate::error::{Error, Result};
use crate::model::{Columns, MetricMeta, Series, SeriesSet};
use redb::{ReadableTable, WriteTransaction};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

/// When a bulk write encodes and commits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Samples gathered before some are encoded: 16 bytes each.
    pub(super) gathered_count_max: usize,
    /// Bytes of columns in one commit of a pending batch: other writers get their turn between commits.
    pub(super) commit_len: usize,
}

const LIMITS: Limits = Limits { gathered_count_max: 2_500_000, commit_len: COMMIT_LEN };

/// Bytes of columns in one commit of a pending batch: other writers get their turn between commits.
pub(super) const COMMIT_LEN: usize = 8 << 20;

/// An ingest under way.
pub struct Bulk {
    store: Arc<Store>,
    source: String,
    owner: Owner,
    limits: Limits,
    /// The caller's series, by number.
    series: Vec<Series>,
    /// Rows by number in the caller's [`SeriesSet`].
    rows: Vec<SeriesRows>,
    gathered: usize,
    /// Encoded chunks that wait for a commit, in order of arrival, and their bytes.
    held: Vec<EncodedChunk>,
    held_len: usize,
    /// Metric and series number by the caller's number; both 0 while the series has none, since no sample came.
    ids: Vec<(u32, u32)>,
    /// Number of the pending batch, once there is one.
    batch: Option<u64>,
    writer: Option<Writer>,
    /// The days that the writer wrote to.
    touched: Touched,
    samples: u64,
    first: i64,
    last: i64,
}

/// The thread that commits encoded chunks while the next ones are being made.
struct Writer {
    queue: SyncSender<Vec<EncodedChunk>>,
    thread: JoinHandle<Result<Touched>>,
}

impl std::fmt::Debug for Bulk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bulk").field("source", &self.source).field("batch", &self.batch).finish_non_exhaustive()
    }
}

/// What a completed ingest did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the store under this number.
    Added(u64),
    /// The same was there already, under this number: nothing was added.
    Already(u64),
}

impl Bulk {
    /// Begins an ingest of `source`, a name for people.
    pub fn begin(store: Arc<Store>, source: &str) -> Self {
        Self {
            store,
            source: source.to_owned(),
            owner: Owner::this_process(),
            limits: LIMITS,
            series: Vec::new(),
            rows: Vec::new(),
            gathered: 0,
            held: Vec::new(),
            held_len: 0,
            ids: Vec::new(),
            batch: None,
            writer: None,
            touched: Touched::new(),
            samples: 0,
            first: i64::MAX,
            last: i64::MIN,
        }
    }

    /// As [`Bulk::begin`], as if it were the work of `owner`, and with other limits.
    #[cfg(test)]
    pub(super) fn begin_as(store: Arc<Store>, source: &str, owner: Owner, limits: Limits) -> Self {
        let mut bulk = Self::begin(store, source);
        (bulk.owner, bulk.limits) = (owner, limits);
        bulk
    }

    /// Lets go of it as a killed process does: whatever is in the store stays.
    #[cfg(test)]
    pub(super) fn abandon(mut self) {
        let _ = self.join_writer();
        self.batch = None;
    }

    /// Takes in samples; their series are numbered by `series`, which only grows from call to call.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Io`], [`Error::Corrupt`]; the ingest must then be dropped.
    pub fn add(&mut self, columns: &Columns, series: &SeriesSet) -> Result<()> {
        if self.rows.len() < series.count() {
            self.series.extend_from_slice(&series.list()[self.rows.len()..]);
            self.rows.resize_with(series.count(), SeriesRows::default);
            self.ids.resize(series.count(), (0, 0));
        }
        for ((id, time), value) in columns.series.iter().zip(&columns.times).zip(&columns.values) {
            let row = &mut self.rows[*id as usize];
            row.times.push(*time);
            row.values.push(*value);
        }
        self.gathered += columns.count();
        self.samples += columns.count() as u64;
        for time in &columns.times {
            self.first = self.first.min(*time);
            self.last = self.last.max(*time);
        }
        if self.gathered >= self.limits.gathered_count_max {
            self.write_some()?;
        }
        Ok(())
    }

    /// Samples taken in so far.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Times of the first and last sample so far, ns.
    pub fn extent(&self) -> Option<(i64, i64)> {
        (self.samples > 0).then_some((self.first, self.last))
    }

    /// Encodes and commits the longest series, until half of what was gathered is gone. Long series make small chunks.
    fn write_some(&mut self) -> Result<()> {
        self.number_series()?;
        let mut order: Vec<usize> = (0..self.rows.len()).filter(|i| !self.rows[*i].times.is_empty()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(self.rows[*i].times.len()));
        let mut taken = Vec::new();
        let mut count = 0;
        for i in order {
            if count >= self.gathered / 2 {
                break;
            }
            count += self.rows[i].times.len();
            taken.push(self.take(i));
        }
        self.gathered -= count;
        self.hold(taken)
    }

    fn take(&mut self, i: usize) -> SeriesRows {
        let mut rows = std::mem::take(&mut self.rows[i]);
        (rows.metric, rows.series) = self.ids[i];
        rows
    }

    /// All rows that are there.
    fn take_all(&mut self) -> Vec<SeriesRows> {
        let there: Vec<usize> = (0..self.rows.len()).filter(|i| !self.rows[*i].times.is_empty()).collect();
        there.into_iter().map(|i| self.take(i)).collect()
    }

    /// Gives numbers to new series, and registers the pending batch at first.
    fn number_series(&mut self) -> Result<()> {
        let new = self.unnumbered();
        if self.batch.is_some() && new.is_empty() {
            return Ok(());
        }
        let txn = self.store.begin_write()?;
        let batch = if let Some(batch) = self.batch {
            batch
        } else {
            let batch = next_ingest(&txn)?;
            let record = PendingRecord { source: self.source.clone(), owner: self.owner.clone() };
            txn.open_table(PENDING)?.insert(batch, records::to_bytes(&batch.to_be_bytes(), &record)?.as_slice())?;
            batch
        };
        self.number(&txn, &new, Some(batch))?;
        self.store.commit(txn)?;
        self.batch = Some(batch);
        Ok(())
    }

    /// The series that have samples and no number yet.
    fn unnumbered(&self) -> Vec<usize> {
        (0..self.rows.len()).filter(|i| self.ids[*i].1 == 0 && !self.rows[*i].times.is_empty()).collect()
    }

    /// Gives numbers to the series `new`.
    fn number(&mut self, txn: &WriteTransaction, new: &[usize], batch: Option<u64>) -> Result<()> {
        let mut catalog = CatalogWriter::open(txn)?;
        for i in new {
            self.ids[*i] = catalog.series(&self.series[*i], batch)?;
        }
        catalog.finish()
    }

    /// Encodes rows. The chunks wait until there are enough bytes for a commit: what packs well makes long chunks that way.
    fn hold(&mut self, rows: Vec<SeriesRows>) -> Result<()> {
        let chunks = chunk::encode_all(rows);
        self.held_len += chunks.iter().map(EncodedChunk::len).sum::<usize>();
        self.held.extend(chunks);
        if self.held_len >= self.limits.commit_len { self.hand_over() } else { Ok(()) }
    }

    /// Gives the chunks held to the writing thread.
    fn hand_over(&mut self) -> Result<()> {
        let chunks = chunk::merge_all(std::mem::take(&mut self.held))?;
        self.held_len = 0;
        let batch = self.batch.ok_or_else(|| Error::Bug("chunks without a batch".into()))?;
        if self.writer.is_none() {
            let (queue, work) = sync_channel::<Vec<EncodedChunk>>(0);
            let (store, commit_len) = (Arc::clone(&self.store), self.limits.commit_len);
            let thread = std::thread::Builder::new()
                .name("commit".into())
                .spawn(move || {
                    let mut touched = Touched::new();
                    work.iter()
                        .try_for_each(|chunks| commit_chunks(&store, chunks, batch, commit_len, &mut touched))?;
                    Ok(touched)
                })
                .map_err(|e| Error::io("start a thread to write", self.store.path(), e))?;
            self.writer = Some(Writer { queue, thread });
        }
        let sent = self.writer.as_ref().is_some_and(|w| w.queue.send(chunks).is_ok());
        // The writer only stops listening when it failed: say why.
        if sent { Ok(()) } else { self.join_writer() }
    }

    fn join_writer(&mut self) -> Result<()> {
        match self.writer.take() {
            None => Ok(()),
            Some(Writer { queue, thread }) => {
                drop(queue);
                self.touched = thread.join().map_err(|_| Error::Bug("the writing thread panicked".into()))??;
                Ok(())
            }
        }
    }

    /// Makes the ingest part of the store, at `now` (ns). With a `hash` that is known already, nothing is added.
    ///
    /// # Errors
    /// As for [`Bulk::add`]; nothing is kept then.
    pub fn finish(
        mut self,
        metas: &[(String, MetricMeta)],
        hash: Option<u128>,
        bytes: u64,
        now: i64,
    ) -> Result<Outcome> {
        let record = IngestRecord {
            source: self.source.clone(),
            time: now,
            samples: self.samples,
            first: self.extent().map_or(0, |e| e.0),
            last: self.extent().map_or(0, |e| e.1),
            bytes,
            hash,
            uid: streams::random(),
        };
        if self.batch.is_some() {
            self.number_series()?;
            let rest = self.take_all();
            self.hold(rest)?;
            self.hand_over()?;
            self.join_writer()?;
        }
        let txn = self.store.begin_write()?;
        if let Some(hash) = hash {
            let known = txn.open_table(INGEST_HASHES)?.get(hash)?.map(|id| id.value());
            if let Some(id) = known {
                txn.abort().map_err(Error::from)?;
                return Ok(Outcome::Already(id));
            }
        }
        let id = match self.batch {
            Some(batch) => {
                if txn.open_table(PENDING)?.remove(batch)?.is_none() {
                    return Err(Error::Bug(format!("ingest {batch} was swept away while it was under way")));
                }
                batch
            }
            None => self.write_whole(&txn)?,
        };
        {
            let mut catalog = CatalogWriter::open(&txn)?;
            catalog.reveal(self.ids.iter().map(|(_, series)| *series).filter(|series| *series != 0))?;
            set_metas(&mut catalog, metas)?;
            catalog.finish()?;
        }
        days::mark(&txn, &self.touched)?;
        txn.open_table(INGESTS)?.insert(id, records::to_bytes(&id.to_be_bytes(), &record)?.as_slice())?;
        if let Some(hash) = hash {
            txn.open_table(INGEST_HASHES)?.insert(hash, id)?;
        }
        self.store.commit(txn)?;
        if self.batch.take().is_some() {
            self.store.tidy_at_close();
        }
        self.store.roll_after_write()?;
        Ok(Outcome::Added(id))
    }

    /// A small ingest: numbers, chunks and all in the one transaction.
    fn write_whole(&mut self, txn: &WriteTransaction) -> Result<u64> {
        let new = self.unnumbered();
        self.number(txn, &new, None)?;
        let id = next_ingest(txn)?;
        let rows = self.take_all();
        let (seq, _) = seal(txn, &self.store)?;
        let seq = chunk::write(txn, chunk::encode_all(rows), id, seq, &mut self.touched)?;
        set_next_seq(txn, seq)?;
        Ok(id)
    }
}

impl Drop for Bulk {
    /// An ingest that was not finished leaves nothing. Where that fails, the next open for writing does it.
    fn drop(&mut self) {
        let written = self.join_writer();
        if let Some(batch) = self.batch {
            drop(written.and_then(|()| self.store.drop_pending(&[batch])));
        }
    }
}

/// How long other writers have between two commits: more than they wait between two looks.
const TURN: std::time::Duration = std::time::Duration::from_millis(2);

/// Commits chunks of `batch`, in parts.
pub(super) fn commit_chunks(
    store: &Store,
    chunks: Vec<EncodedChunk>,
    batch: u64,
    commit_len: usize,
    touched: &mut Touched,
) -> Result<()> {
    let mut rest = chunks.into_iter().peekable();
    while rest.peek().is_some() {
        let mut part = Vec::new();
        let mut len = 0;
        while len < commit_len {
            let Some(chunk) = rest.next() else { break };
            len += chunk.len();
            part.push(chunk);
        }
        let txn = store.begin_write()?;
        let (seq, _) = seal(&txn, store)?;
        let seq = chunk::write(&txn, part, batch, seq, touched)?;
        set_next_seq(&txn, seq)?;
        store.commit(txn)?;
        std::thread::sleep(TURN);
    }
    Ok(())
}
