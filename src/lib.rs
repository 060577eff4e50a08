//! An embedded time-series store with a query engine for performance data.
//!
//! [`db::Database`] is the way in: open a file, append samples, ask questions in the query language, get a
//! [`model::Table`] of typed columns.
//!
//! ```
//! use perfdb::db::{Database, QueryOptions};
//! use perfdb::model::{Columns, Labels, Series, SeriesSet, Timestamp};
//!
//! # fn main() -> perfdb::error::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("perf.redb");
//! let db = Database::create(&path)?;
//!
//! let mut series = SeriesSet::new();
//! let scout = series.id(Series { metric: "decision_ms".into(), labels: Labels::new([("agent", "scout")]).unwrap() });
//! let mut samples = Columns::default();
//! for i in 0..101 {
//!     samples.push(scout, 1_763_640_000_000_000_000 + i * 1_000_000_000, 10.0 + i as f64);
//! }
//! let now = Timestamp(1_763_640_100_000_000_000);
//! db.append(&samples, &series, &[], now)?;
//!
//! let options = QueryOptions { now, ..QueryOptions::default() };
//! let answer = db.query("p90(decision_ms), count(decision_ms) by agent since 1h", &options)?;
//! assert_eq!(answer.column("p90(decision_ms)").unwrap().cells.number(0), Some(100.0));
//! db.close()
//! # }
//! ```
//!
//! | module | what for |
//! | --- | --- |
//! | [`db`] | a store and the engine over it |
//! | [`model`] | time, labels, series, units, tables |
//! | [`query`] | the language: parser, functions, planner, executor, and the traits that a source of samples implements |
//! | [`engine`] | sources: a store's snapshot, samples in memory |
//! | [`ingest`] | text formats in and out |
//! | [`render`] | a table as text |
//! | [`storage`], [`codec`], [`stats`] | what stands below |
//! | [`cli`] | the command line, in-process |
//!
//! `src/ARCHITECTURE.md` says how the modules depend on each other.

pub mod cli;
pub mod codec;
pub mod db;
pub mod engine;
pub mod error;
pub mod ingest;
pub mod model;
pub mod query;
pub mod render;
pub mod stats;
pub mod storage;
