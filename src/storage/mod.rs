//! The store on disk: the only module that knows redb.
//!
#![doc = include_str!("FORMAT.md")]

mod append;
mod bulk;
mod catalog;
mod check;
mod chunk;
mod create;
mod discard;
mod extent;
mod fault;
mod header;
mod ingests;
mod keep;
mod log;
mod merge;
mod opening;
mod records;
mod schema;
mod snapshot;
mod store;
mod streams;

pub use bulk::{Bulk, Outcome};
pub use check::CheckReport;
pub use keep::{Copied, Space, restore};
pub use merge::{MergeOptions, Merged};
pub use records::IngestRecord;
pub use snapshot::{Chunk, Snapshot};
pub use store::{OpenOptions, Store};
