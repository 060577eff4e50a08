//! An embedded time-series store with a query engine for performance data.

pub mod cli;
pub mod error;
pub mod model;
pub mod query;
