//! How far a commit has come, told from what redb writes to the header of the file.
//!
//! In the modes that share a file redb commits in three writes of the header: the new state as the one that does not count yet; the
//! same as the one that counts, marked as not yet durable; and, once that is synced, without the mark. While it is marked others
//! read the state before. So a commit that fails before it is synced can be taken back by writing the header as it was, and one that
//! is synced is there whatever happens to the last write.

/// Bytes of redb's header.
pub(super) const HEADER_LEN: usize = 320;

/// Where its flags are.
const FLAGS: usize = 9;

/// The flag for a state that counts and is not yet known to be durable (`primary_unflushed`).
const NOT_YET_DURABLE: u8 = 8;

pub(super) type Header = [u8; HEADER_LEN];

/// How far the commit under way has come.
#[derive(Debug, Default)]
pub(super) struct Publishing {
    /// The header as it was last written through this handle.
    last: Option<Box<Header>>,
    phase: Phase,
}

#[derive(Debug, Default)]
enum Phase {
    #[default]
    Quiet,
    /// Marked as not yet durable; the header before.
    Published(Box<Header>),
    /// Synced, and still marked.
    Durable,
    /// As before, but the commit is over: removing the mark failed.
    Owed,
}

/// The header that a write of `data` at `offset` writes, if it does.
pub(super) fn header_in(offset: u64, data: &[u8]) -> Option<&Header> {
    if offset == 0 { data.first_chunk::<HEADER_LEN>() } else { None }
}

impl Publishing {
    /// The header that has to be written again where writing `header` fails, since half of it may be there.
    pub(super) fn before(&self, header: &Header) -> Option<Box<Header>> {
        self.last.clone().filter(|_| header[FLAGS] & NOT_YET_DURABLE != 0)
    }

    /// `header` was written.
    pub(super) fn wrote(&mut self, header: &Header) {
        self.phase = match self.last.take() {
            Some(before) if header[FLAGS] & NOT_YET_DURABLE != 0 => Phase::Published(before),
            _ => Phase::Quiet,
        };
        self.last = Some(Box::new(*header));
    }

    /// All that was written is durable.
    pub(super) fn synced(&mut self) {
        if matches!(self.phase, Phase::Published(_)) {
            self.phase = Phase::Durable;
        }
    }

    /// The header that takes a commit back whose sync failed.
    pub(super) fn take_back(&mut self) -> Option<Box<Header>> {
        match std::mem::take(&mut self.phase) {
            Phase::Published(before) => {
                self.last = Some(before.clone());
                Some(before)
            }
            _ => None,
        }
    }

    /// Whether a commit is durable and only its mark is left to be removed.
    pub(super) fn is_durable(&self) -> bool {
        matches!(self.phase, Phase::Durable)
    }

    /// Removing the mark failed.
    pub(super) fn owe(&mut self) {
        self.phase = Phase::Owed;
    }

    /// Whether others do not see a commit that is over yet.
    pub(super) fn owes(&self) -> bool {
        matches!(self.phase, Phase::Owed)
    }

    /// Somebody has written the header since.
    pub(super) fn settle(&mut self) {
        if self.owes() {
            self.phase = Phase::Quiet;
        }
    }

    /// Whether writing `header` does nothing but remove the mark of a durable commit.
    pub(super) fn only_unmarks(&self, header: &Header) -> bool {
        let Some(mut last) = self.last.clone().filter(|_| self.is_durable()) else { return false };
        last[FLAGS] &= !NOT_YET_DURABLE;
        *last == *header
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_taken_back_until_it_is_synced_and_not_after() {
        let (old, new) = ([1; HEADER_LEN], [2; HEADER_LEN]);
        let mut marked = new;
        marked[FLAGS] |= NOT_YET_DURABLE;
        let mut publishing = Publishing::default();
        publishing.wrote(&old);
        publishing.synced();
        assert_eq!((publishing.take_back(), publishing.before(&new)), (None, None));
        assert_eq!(publishing.before(&marked), Some(Box::new(old)));
        publishing.wrote(&marked);
        assert!(!publishing.is_durable() && !publishing.only_unmarks(&new));
        publishing.synced();
        assert!(publishing.is_durable() && publishing.only_unmarks(&new) && !publishing.only_unmarks(&old));
        assert_eq!(publishing.take_back(), None);
        publishing.owe();
        assert!(publishing.owes() && !publishing.is_durable());
        publishing.settle();
        publishing.wrote(&old);
        publishing.wrote(&marked);
        assert_eq!(publishing.take_back(), Some(Box::new(old)));
    }
}
