//! A medium in memory that fails where a test wants it to: once, for good, by halves, or with a loss of power that takes what
//! was not synced.

use super::medium::Medium;
use super::span::Span;
use redb::{BackendError, StorageBackend};
use std::io::{self, ErrorKind};
use std::ops::Bound;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};

/// What goes wrong at a write, sync or change of length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum Fault {
    /// It fails, and all that was not synced before may never be.
    Fail,
    /// Half of it is done before it fails.
    Tear,
    /// From there on there is no room for anything.
    Full,
    /// From there on every write fails, of whatever kind.
    Broken,
    /// The power goes; of what was not synced the given share stays, chosen by the seed.
    PowerLoss { kept_percent: u64, seed: u64 },
    /// A reader takes the header's lock there and stands still.
    StoppedReader,
    /// A read fails, once; counted among the reads.
    Unreadable,
}

/// The medium. Clones are the same one.
#[derive(Debug, Clone)]
pub(in crate::storage) struct Faulty(Arc<Mutex<Disk>>);

#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a state of its own that a disk may be in")]
struct Disk {
    /// What processes see.
    seen: Vec<u8>,
    /// What is there in any case after a loss of power.
    durable: Vec<u8>,
    /// What was done since, in its order.
    unsynced: Vec<Change>,
    locks: Vec<Lock>,
    owners: u64,
    /// Writes, syncs and changes of length so far.
    count: usize,
    /// Reads so far.
    reads: usize,
    plan: Option<(usize, Fault)>,
    /// What every write meets from now on.
    full: bool,
    broken: bool,
    dark: bool,
    /// Whether a reader wants the header and then stops.
    stopping: bool,
}

#[derive(Debug, Clone)]
enum Change {
    Write(u64, Vec<u8>),
    Len(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lock {
    owner: u64,
    span: Span,
    alone: bool,
}

/// The owner of the lock of a stopped reader.
const STOPPED: u64 = 0;

impl Faulty {
    pub(in crate::storage) fn new(bytes: Vec<u8>) -> Self {
        Self(Arc::new(Mutex::new(Disk { seen: bytes.clone(), durable: bytes, owners: STOPPED, ..Disk::default() })))
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.0.lock().unwrap()
    }

    /// Has `fault` come at the `at`-th operation from now on, 0 for the next.
    pub(in crate::storage) fn plan(&self, at: usize, fault: Fault) {
        let mut disk = self.disk();
        (disk.count, disk.reads, disk.plan) = (0, 0, Some((at, fault)));
    }

    /// Operations so far that `fault` can come at.
    pub(in crate::storage) fn count(&self, fault: Fault) -> usize {
        if fault == Fault::Unreadable { self.disk().reads } else { self.disk().count }
    }

    /// Everything works again.
    pub(in crate::storage) fn heal(&self) {
        let mut disk = self.disk();
        (disk.plan, disk.full, disk.broken, disk.stopping) = (None, false, false, false);
        disk.locks.retain(|lock| lock.owner != STOPPED);
    }

    /// What processes see of it.
    pub(in crate::storage) fn bytes(&self) -> Vec<u8> {
        self.disk().seen.clone()
    }

    /// What is there once the power is back.
    pub(in crate::storage) fn after_power_loss(&self) -> Self {
        Self::new(self.disk().durable.clone())
    }

    pub(in crate::storage) fn is_dark(&self) -> bool {
        self.disk().dark
    }
}

impl Disk {
    /// Counts an operation that would make `change`, a sync where it makes none, and has what is planned for it happen.
    fn step(&mut self, change: Option<&Change>) -> io::Result<()> {
        let planned = self.plan.filter(|(at, _)| *at == self.count).map(|(_, fault)| fault);
        self.count += 1;
        match planned {
            None | Some(Fault::Unreadable) => {}
            Some(Fault::Full) => self.full = true,
            Some(Fault::Broken) => self.broken = true,
            Some(Fault::StoppedReader) => {
                self.stopping = true;
                self.stop_reader();
            }
            Some(fault @ (Fault::Fail | Fault::Tear)) => {
                match change {
                    Some(change) if fault == Fault::Tear => self.apply(half(change)),
                    Some(_) => {}
                    None => self.forget(),
                }
                return Err(failed());
            }
            Some(Fault::PowerLoss { kept_percent, seed }) => self.lose_power(change, kept_percent, seed),
        }
        let grows = match change {
            Some(Change::Write(..)) => true,
            Some(Change::Len(len)) => *len > self.seen.len() as u64,
            None => false,
        };
        if self.dark || self.broken {
            return Err(failed());
        }
        if self.full && grows { Err(ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn apply(&mut self, change: Change) {
        apply(&mut self.seen, &change);
        self.unsynced.push(change);
    }

    /// A system that could not sync takes what it tried to write for written. Lengths are kept by its journal.
    fn forget(&mut self) {
        for change in std::mem::take(&mut self.unsynced) {
            if matches!(change, Change::Len(_)) {
                apply(&mut self.durable, &change);
            }
        }
    }

    /// Lengths are kept in their order, since they go through the journal of a file system; writes in any order, and within the length
    /// that there is.
    fn lose_power(&mut self, last: Option<&Change>, kept_percent: u64, seed: u64) {
        let mut random = seed;
        let mut chance = || {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % 100
        };
        let mut lengths_kept = true;
        for change in std::mem::take(&mut self.unsynced).iter().chain(last) {
            let kept = chance() < kept_percent;
            match change {
                Change::Len(_) => {
                    lengths_kept &= kept;
                    if lengths_kept {
                        apply(&mut self.durable, change);
                    }
                }
                Change::Write(offset, data) if kept => {
                    let torn = kept_percent < 100 && chance() < 30;
                    let room = self.durable.len().saturating_sub(*offset as usize);
                    let len = if torn { data.len() / 2 } else { data.len() }.min(room);
                    if len > 0 {
                        apply(&mut self.durable, &Change::Write(*offset, data[..len].to_vec()));
                    }
                }
                Change::Write(..) => {}
            }
        }
        self.dark = true;
    }

    fn conflicts(&self, wanted: Lock) -> bool {
        let meets = |held: &&Lock| held.owner != wanted.owner && held.span.overlaps(wanted.span);
        self.locks.iter().filter(meets).any(|held| held.alone || wanted.alone)
    }

    fn try_lock(&mut self, wanted: Lock) -> bool {
        let free = !self.conflicts(wanted);
        if free {
            self.locks.retain(|held| (held.owner, held.span) != (wanted.owner, wanted.span));
            self.locks.push(wanted);
        }
        free
    }

    fn stop_reader(&mut self) {
        if self.stopping && self.try_lock(Lock { owner: STOPPED, span: Span::HEADER, alone: false }) {
            self.stopping = false;
        }
    }
}

fn failed() -> io::Error {
    io::Error::other("the test had it fail")
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Len(len) => bytes.resize(*len as usize, 0),
        Change::Write(offset, data) => {
            let (start, end) = (*offset as usize, *offset as usize + data.len());
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[start..end].copy_from_slice(data);
        }
    }
}

fn half(change: &Change) -> Change {
    match change {
        Change::Write(offset, data) => Change::Write(*offset, data[..data.len() / 2].to_vec()),
        Change::Len(len) => Change::Len(*len),
    }
}

impl Medium for Faulty {
    fn path(&self) -> &Path {
        Path::new("image.redb")
    }

    fn open(&self, write: bool, _: bool) -> io::Result<Box<dyn StorageBackend>> {
        let mut disk = self.disk();
        if disk.dark {
            return Err(failed());
        }
        disk.owners += 1;
        Ok(Box::new(Handle { medium: self.clone(), owner: disk.owners, write }))
    }

    fn len(&self) -> u64 {
        self.disk().seen.len() as u64
    }
}

/// One opening of the medium.
#[derive(Debug)]
struct Handle {
    medium: Faulty,
    owner: u64,
    write: bool,
}

impl Handle {
    fn change(&self, change: Change) -> io::Result<()> {
        let mut disk = self.medium.disk();
        if !self.write {
            return Err(ErrorKind::PermissionDenied.into());
        }
        disk.step(Some(&change))?;
        disk.apply(change);
        Ok(())
    }

    fn lock(&self, start: Bound<u64>, end: Bound<u64>, alone: bool) -> Lock {
        Lock { owner: self.owner, span: Span::new(start, end), alone }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.medium.disk().locks.retain(|lock| lock.owner != self.owner);
    }
}

impl StorageBackend for Handle {
    fn len(&self) -> io::Result<u64> {
        let disk = self.medium.disk();
        if disk.dark { Err(failed()) } else { Ok(disk.seen.len() as u64) }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let mut disk = self.medium.disk();
        disk.reads += 1;
        if disk.dark || disk.plan == Some((disk.reads - 1, Fault::Unreadable)) {
            return Err(failed());
        }
        let start = offset as usize;
        let bytes = disk.seen.get(start..start + out.len()).ok_or(ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.change(Change::Len(len))
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut disk = self.medium.disk();
        disk.step(None)?;
        let disk = &mut *disk;
        for change in disk.unsynced.drain(..) {
            apply(&mut disk.durable, &change);
        }
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.change(Change::Write(offset, data.to_vec()))
    }

    fn close(&self) -> io::Result<()> {
        self.medium.disk().locks.retain(|lock| lock.owner != self.owner);
        Ok(())
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        Ok(self.medium.disk().try_lock(self.lock(start, end, true)))
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        Ok(self.medium.disk().try_lock(self.lock(start, end, false)))
    }

    fn lock_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Err(BackendError::Unsupported)
    }

    fn lock_shared_range(&self, _: Bound<u64>, _: Bound<u64>) -> Result<(), BackendError> {
        Err(BackendError::Unsupported)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        let mut disk = self.medium.disk();
        let span = Span::new(start, end);
        disk.locks.retain(|lock| (lock.owner, lock.span) != (self.owner, span));
        disk.stop_reader();
        Ok(())
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        Ok(self.medium.disk().conflicts(self.lock(start, end, true)))
    }
}
