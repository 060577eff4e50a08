//! The store on disk: the only module that knows redb.
//!
#![doc = include_str!("FORMAT.md")]

mod append;
mod backend;
mod bulk;
mod catalog;
mod check;
mod chunk;
mod create;
mod delete;
mod discard;
mod extent;
mod fault;
mod header;
mod ingests;
mod keep;
mod log;
mod merge;
mod opened;
mod opening;
mod records;
mod retention;
mod rollup;
mod schema;
mod snapshot;
mod store;
mod streams;
#[cfg(test)]
mod tests;

pub use bulk::{Bulk, Outcome};
pub use check::CheckReport;
pub use delete::Deleted;
pub use keep::{Copied, Space, restore};
pub use merge::{MergeOptions, Merged};
pub use records::IngestRecord;
pub use retention::{Applied, ApplyOptions, Policy};
pub use rollup::Level;
pub(crate) use rollup::read::{RolledDay, Rollup};
pub(crate) use rollup::record::{Head, RecordReader, SpreadRef};
pub use snapshot::{Chunk, Snapshot};
pub use store::{OpenOptions, Store};
