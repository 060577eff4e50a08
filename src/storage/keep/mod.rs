//! Looking after a store as a whole: copies of it, and its space on disk.

mod copy;
mod left_out;
mod making;
mod transfer;

pub use copy::{Copied, restore};
pub(in crate::storage) use making::Making;
