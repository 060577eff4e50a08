//! Where a plan runs: over a store ([`Embedded`]) or over samples in memory ([`Memory`]), by one and the same code.

mod aggregate;
mod embedded;
mod memory;
mod piece;
mod rolled;
mod samples;

pub use embedded::Embedded;
pub use memory::Memory;
