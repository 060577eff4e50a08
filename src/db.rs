//! A database: a store and the engine over it, for programs and for the command line alike.
//!
//! ```
//! use perfdb::db::{Database, QueryOptions};
//! use perfdb::model::{Columns, Labels, Series, SeriesSet, Timestamp};
//!
//! # fn main() -> perfdb::error::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! let db = Database::create(&folder.path().join("perf.redb"))?;
//! let mut series = SeriesSet::new();
//! let scout = series.id(Series { metric: "decision".into(), labels: Labels::new([("agent", "scout")]).unwrap() });
//! let mut samples = Columns::default();
//! for (i, ms) in [12.5, 14.0, 11.25].into_iter().enumerate() {
//!     samples.push(scout, i as i64 * 1_000_000_000, ms);
//! }
//! db.append(&samples, &series, &[], Timestamp(3_000_000_000))?;
//!
//! let options = QueryOptions { now: Timestamp(3_000_000_000), ..QueryOptions::default() };
//! let answer = db.query("median(decision) by agent", &options)?;
//! assert_eq!(answer.columns[0].cells.text(0), Some("scout"));
//! assert_eq!(answer.columns[1].cells.number(0), Some(12.5));
//! db.close()
//! # }
//! ```

use crate::engine::Embedded;
use crate::error::{Error, Result};
use crate::model::{Cancel, Columns, MetricMeta, SeriesSet, Table, Timestamp, Zone};
use crate::query::exec::{self, Settings};
use crate::query::parser;
use crate::query::source::Source;
use crate::storage::{Bulk, IngestRecord, OpenOptions, Store};
use std::path::Path;
use std::sync::Arc;

/// An open database.
#[derive(Debug)]
pub struct Database {
    store: Arc<Store>,
}

/// How a query is answered.
#[derive(Debug, Clone)]
pub struct QueryOptions {
    /// The moment that `since 1h` counts back from.
    pub now: Timestamp,
    /// The zone of calendar buckets and of dates without an offset.
    pub zone: Zone,
    /// Bytes of samples that may be held at once.
    pub memory_max: u64,
    /// Rows that an answer may have.
    pub row_max: usize,
    /// Stops the query from outside.
    pub cancel: Cancel,
}

impl Default for QueryOptions {
    /// The epoch as now, UTC, 1 GiB, ten million rows.
    fn default() -> Self {
        Self { now: Timestamp(0), zone: Zone::UTC, memory_max: 1 << 30, row_max: 10_000_000, cancel: Cancel::new() }
    }
}

impl Database {
    /// Opens a database.
    ///
    /// # Errors
    /// [`crate::error::Error::Usage`] where there is none, something else, or a newer format; a busy, damaged or unreadable file.
    pub fn open(path: &Path, options: OpenOptions) -> Result<Self> {
        Ok(Self { store: Arc::new(Store::open(path, options)?) })
    }

    /// Opens a database for reading and writing, and makes it if it is not there.
    ///
    /// # Errors
    /// As for [`Database::open`].
    pub fn create(path: &Path) -> Result<Self> {
        Self::open(path, OpenOptions::write())
    }

    /// Appends samples durably, all or none.
    ///
    /// # Errors
    /// A busy or damaged store, a failed write; nothing is kept then.
    pub fn append(
        &self,
        samples: &Columns,
        series: &SeriesSet,
        metas: &[(String, MetricMeta)],
        now: Timestamp,
    ) -> Result<()> {
        self.store.append(samples, series, metas, now.0)
    }

    /// Begins an ingest of any size that goes in whole or not at all. `source` names it to people.
    pub fn bulk(&self, source: &str) -> Bulk {
        Bulk::begin(Arc::clone(&self.store), source)
    }

    /// The engine over what the store holds now.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn engine(&self) -> Result<Embedded> {
        Embedded::new(Arc::clone(&self.store))
    }

    /// Answers one query over what the store holds now.
    ///
    /// # Errors
    /// [`crate::error::Error::Query`] where the query is wrong; a limit, cancellation, a damaged store.
    pub fn query(&self, text: &str, options: &QueryOptions) -> Result<Table> {
        query(text, &self.engine()?, options)
    }

    /// Changes the metadata of metric `name`, which is made if it is new.
    ///
    /// # Errors
    /// A busy or damaged store, a failed write.
    pub fn describe(&self, name: &str, change: impl FnOnce(&mut MetricMeta) -> Result<()>) -> Result<()> {
        self.store.describe(name, change)
    }

    /// The ingests in the store, oldest first, with their numbers.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn ingests(&self) -> Result<Vec<(u64, IngestRecord)>> {
        self.store.ingests()
    }

    /// The number of the ingest with that hash.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn ingest_of_hash(&self, hash: u128) -> Result<Option<u64>> {
        self.store.ingest_of_hash(hash)
    }

    /// Takes ingest `id` back and says how many samples went.
    ///
    /// # Errors
    /// [`crate::error::Error::Usage`] where there is no such ingest; a busy or damaged store, a failed write.
    pub fn undo(&self, id: u64) -> Result<u64> {
        self.store.undo(id)
    }

    /// The store.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Removes the database if nothing is in it and nobody else has it open. Says whether it did.
    ///
    /// # Errors
    /// A damaged store, a failed read or write.
    pub fn discard_if_empty(self) -> Result<bool> {
        match Arc::try_unwrap(self.store) {
            Ok(store) => store.discard_if_empty(),
            Err(_) => Ok(false),
        }
    }

    /// Closes the database, and reports what dropping it would swallow. While an ingest is under way or an engine over it
    /// is in use, the last to let go closes it.
    ///
    /// # Errors
    /// A failed write.
    pub fn close(self) -> Result<()> {
        match Arc::try_unwrap(self.store) {
            Ok(store) => store.close(),
            Err(_) => Ok(()),
        }
    }
}

/// Answers one query over any source.
///
/// # Errors
/// As for [`Database::query`].
pub fn query(text: &str, source: &dyn Source, options: &QueryOptions) -> Result<Table> {
    let statement = parser::parse(text).map_err(Error::Query)?;
    let settings = Settings {
        now: options.now,
        zone: options.zone,
        memory_max: options.memory_max,
        row_max: options.row_max,
        cancel: &options.cancel,
        elapsed: None,
    };
    exec::run(text, &statement, source, &settings)
}
