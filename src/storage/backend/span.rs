//! Ranges of bytes that are locked. Which of them mean what is redb's locking protocol (`docs/design.md` of redb 4.6).

use std::ops::Bound;

/// Bytes `first..=last` of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) struct Span {
    pub(super) first: u64,
    pub(super) last: u64,
}

impl Span {
    /// The header of the file: held by readers while they begin, by writers while they publish.
    pub(in crate::storage) const HEADER: Self = Self { first: 0, last: super::publish::HEADER_LEN as u64 - 1 };

    /// Held by the process that is in a write transaction.
    pub(in crate::storage) const WRITER: Self = Self { first: 1 << 62, last: 1 << 62 };

    /// Everything there is.
    pub(in crate::storage) const ALL: Self = Self { first: 0, last: u64::MAX };

    pub(super) fn new(start: Bound<u64>, end: Bound<u64>) -> Self {
        let first = match start {
            Bound::Unbounded => 0,
            Bound::Included(n) => n,
            Bound::Excluded(n) => n.saturating_add(1),
        };
        let last = match end {
            Bound::Unbounded => u64::MAX,
            Bound::Included(n) => n,
            Bound::Excluded(n) => n.saturating_sub(1),
        };
        Self { first, last }
    }

    pub(super) fn bounds(self) -> (Bound<u64>, Bound<u64>) {
        (Bound::Included(self.first), Bound::Included(self.last))
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}
