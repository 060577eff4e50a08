//! An embedded time-series store with a query engine for performance data.

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
