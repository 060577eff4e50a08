//! A store's file, shared with other processes: no wait for one of them lasts beyond its deadline, and a commit that fails leaves
//! nothing.

use super::patience::{Deadline, Held, Patience};
use super::publish::{self, Publishing};
use super::span::Span;
use redb::{BackendError, StorageBackend};
use std::io;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What redb gets to work on.
#[derive(Debug)]
pub(in crate::storage) struct SharedFile(Arc<Shared>);

/// The same, as the store keeps it.
#[derive(Debug)]
pub(in crate::storage) struct Shared {
    inner: Box<dyn StorageBackend>,
    path: PathBuf,
    wait: Duration,
    /// When the opening that is under way has taken too long. An opening waits for several locks, with one deadline for all.
    opening: Mutex<Option<Deadline>>,
    publishing: Mutex<Publishing>,
    /// Whether the header counts as locked although another process stands still with its lock.
    passed: AtomicBool,
}

impl SharedFile {
    /// `inner` of the file at `path`, and the same to keep. All waits of the opening end at `deadline`, later ones after `wait`.
    pub(in crate::storage) fn new(
        inner: Box<dyn StorageBackend>,
        path: &Path,
        wait: Duration,
        deadline: Deadline,
    ) -> (Self, Arc<Shared>) {
        let shared = Arc::new(Shared {
            inner,
            path: path.to_owned(),
            wait,
            opening: Mutex::new(Some(deadline)),
            publishing: Mutex::default(),
            passed: AtomicBool::new(false),
        });
        (Self(Arc::clone(&shared)), shared)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // None of these holds anything that a panic could leave half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// The opening is over.
    pub(in crate::storage) fn opened(&self) {
        *lock(&self.opening) = None;
    }

    /// Whether a commit is durable that nobody sees before the header is written again, as the next write transaction does.
    pub(in crate::storage) fn owes_header(&self) -> bool {
        lock(&self.publishing).owes()
    }

    /// A write transaction has begun since.
    pub(in crate::storage) fn settle_header(&self) {
        lock(&self.publishing).settle();
    }

    /// Waits until nobody holds `span`.
    pub(in crate::storage) fn wait_until_free(&self, span: Span) -> Result<(), BackendError> {
        let (start, end) = span.bounds();
        self.wait_for(span, true, || self.inner.query_lock_range(start, end).map(|held| !held))
    }

    /// Looks until `attempt` succeeds or the deadline has passed.
    fn wait_for(
        &self,
        span: Span,
        alone: bool,
        attempt: impl Fn() -> Result<bool, BackendError>,
    ) -> Result<(), BackendError> {
        if attempt().map_err(lock_error)? {
            return Ok(());
        }
        let mut patience = Patience::until(lock(&self.opening).unwrap_or_else(|| Deadline::after(self.wait)));
        while patience.wait() {
            if attempt().map_err(lock_error)? {
                return Ok(());
            }
        }
        let held = Held::new(&self.path, span, alone, self.wait);
        Err(BackendError::Io(io::Error::new(io::ErrorKind::TimedOut, held)))
    }

    /// Writes the header as it was before a commit that failed, so that others do not take it for one that is about to be durable.
    /// Where that fails too the medium is beyond help, and the next to open the store decides by what is there.
    fn take_back(&self, before: Option<Box<publish::Header>>) {
        if let Some(before) = before {
            let _ = self.inner.write(0, &*before);
        }
    }
}

/// A failure to lock. A file system without locks has several ways to say so.
fn lock_error(e: BackendError) -> BackendError {
    // ENOLCK of Linux and of macOS: a network file system without its lock service.
    const NO_LOCKS: i32 = if cfg!(target_os = "macos") { 77 } else { 37 };
    match e {
        BackendError::Io(e) if cfg!(unix) && e.raw_os_error() == Some(NO_LOCKS) => BackendError::Unsupported,
        BackendError::Io(e) if e.kind() == io::ErrorKind::Unsupported => BackendError::Unsupported,
        other => other,
    }
}

impl StorageBackend for SharedFile {
    fn len(&self) -> io::Result<u64> {
        self.0.inner.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.inner.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        match self.0.inner.set_len(len) {
            // A file that stays longer than it has to be is no fault. It is cut where the database does so again.
            Err(_) if self.0.inner.len().is_ok_and(|now| now > len) => Ok(()),
            other => other,
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut publishing = lock(&self.0.publishing);
        let synced = self.0.inner.sync_data();
        match &synced {
            Ok(()) => publishing.synced(),
            Err(_) => self.0.take_back(publishing.take_back()),
        }
        synced
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let Some(header) = publish::header_in(offset, data) else { return self.0.inner.write(offset, data) };
        let mut publishing = lock(&self.0.publishing);
        match self.0.inner.write(offset, data) {
            Ok(()) => publishing.wrote(header),
            // The commit is durable, so it must not be reported as failed.
            Err(_) if publishing.only_unmarks(header) => match self.0.inner.write(offset, data) {
                Ok(()) => publishing.wrote(header),
                Err(_) => publishing.owe(),
            },
            Err(e) => {
                self.0.take_back(publishing.before(header));
                return Err(e);
            }
        }
        Ok(())
    }

    fn close(&self) -> io::Result<()> {
        self.0.inner.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.inner.try_lock_range(start, end).map_err(lock_error)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.inner.try_lock_shared_range(start, end).map_err(lock_error)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        let span = Span::new(start, end);
        let locked = self.0.wait_for(span, true, || self.0.inner.try_lock_range(start, end));
        // A durable commit must not be reported as failed because a reader was stopped with the header locked. What is left to write
        // differs in one bit, so a reader sees it before or after, and either way what it reads is there.
        if locked.is_err() && span == Span::HEADER && lock(&self.0.publishing).is_durable() {
            self.0.passed.store(true, Ordering::Release);
            return Ok(());
        }
        locked
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        let span = Span::new(start, end);
        self.0.wait_for(span, false, || self.0.inner.try_lock_shared_range(start, end))
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        if Span::new(start, end) == Span::HEADER && self.0.passed.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        self.0.inner.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.0.inner.query_lock_range(start, end).map_err(lock_error)
    }
}
