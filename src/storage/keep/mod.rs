//! Looking after a store as a whole: copies of it, and its space on disk.

mod copy;
mod join;
mod left_out;
mod making;
mod space;
mod transfer;

pub use copy::{Copied, restore};
pub(in crate::storage) use making::Making;
pub use space::Space;
