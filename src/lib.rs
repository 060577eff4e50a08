//! An embedded time-series store with a query engine for performance data.

pub mod error;
pub mod ingest;
pub mod model;
pub mod query;
