//! Between redb and the system: what a store lies on, and how long anybody waits for anybody.
//!
//! redb waits for the locks of other processes without limit, and a process that is stopped holds its locks for as long as it
//! is. Everything that redb does to a store's file goes through [`SharedFile`], whose waits end.

#[cfg(test)]
pub(super) mod faulty;
mod holder;
mod medium;
mod patience;
mod publish;
mod shared_file;
mod span;

pub(super) use medium::{Medium, OnFile};
pub(super) use patience::{Deadline, Held, Patience};
pub(super) use shared_file::{Shared, SharedFile};
pub(super) use span::Span;
