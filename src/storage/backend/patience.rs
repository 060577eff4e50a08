//! Waiting for other processes: often at first, then less often, and never beyond a deadline.

use super::Span;
use super::holder::{self, Holder};
use crate::error::{Error, printable};
use std::fmt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Looks that follow each other at once: most locks are held for some microseconds.
const YIELDS: u32 = 8;
const PAUSE_MIN: Duration = Duration::from_micros(20);
/// Often enough to catch the turn that a bulk write gives between its commits.
const PAUSE_MAX: Duration = Duration::from_millis(1);

/// When a wait ends.
#[derive(Debug, Clone, Copy)]
pub(in crate::storage) struct Deadline(Option<Instant>);

impl Deadline {
    /// `wait` from now on; never where that is longer than a clock can tell.
    pub(in crate::storage) fn after(wait: Duration) -> Self {
        Self(Instant::now().checked_add(wait))
    }
}

/// A wait for something that has to be looked at again and again.
#[derive(Debug)]
pub(in crate::storage) struct Patience {
    deadline: Deadline,
    looks: u32,
    pause: Duration,
}

impl Patience {
    /// Waits until `deadline`.
    pub(in crate::storage) fn until(deadline: Deadline) -> Self {
        Self { deadline, looks: 0, pause: PAUSE_MIN }
    }

    /// Waits `wait` from now on.
    pub(in crate::storage) fn of(wait: Duration) -> Self {
        Self::until(Deadline::after(wait))
    }

    /// Lets a moment pass before the next look. `false` where the deadline has passed and there should be none.
    pub(in crate::storage) fn wait(&mut self) -> bool {
        let left = match self.deadline.0 {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => Duration::MAX,
        };
        if left.is_zero() {
            return false;
        }
        self.looks = self.looks.saturating_add(1);
        if self.looks <= YIELDS {
            std::thread::yield_now();
        } else {
            std::thread::sleep(self.pause.min(left));
            self.pause = (self.pause * 2).min(PAUSE_MAX);
        }
        true
    }
}

/// What a wait ends in that lasts to its deadline: who holds the store, as far as that can be found out. It travels through redb
/// as the content of an I/O error.
#[derive(Debug)]
pub(in crate::storage) struct Held {
    what: String,
    hint: String,
}

impl Held {
    /// `waited` long for `span` of the file at `path`, to have it alone or together with readers.
    pub(in crate::storage) fn new(path: &Path, span: Span, alone: bool, waited: Duration) -> Self {
        let shown = printable(&path.display().to_string());
        let waited = format!("{:.1} s", waited.as_secs_f64());
        match holder::find(path, span, alone) {
            Some(Holder { pid, stopped: true, command }) => Self {
                what: format!("`{shown}` is busy: process {pid} ({command}, stopped) has held it for {waited}"),
                hint: format!(
                    "resume that process (`kill -CONT {pid}`) or end it (`kill -9 {pid}`), or wait longer with `--wait`"
                ),
            },
            Some(Holder { pid, stopped: false, command }) => Self {
                what: format!("`{shown}` is busy: process {pid} ({command}) has held it for {waited}"),
                hint: "try again, or wait longer with `--wait`".into(),
            },
            None => Self {
                what: format!("`{shown}` is busy: another process has held it for {waited}"),
                hint: "try again, or wait longer with `--wait`".into(),
            },
        }
    }

    pub(in crate::storage) fn to_error(&self) -> Error {
        Error::Busy { what: self.what.clone(), hint: Some(self.hint.clone()) }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Held {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_ends_at_its_deadline() {
        let mut patience = Patience::of(Duration::from_millis(5));
        let started = Instant::now();
        while patience.wait() {}
        assert!(started.elapsed() >= Duration::from_millis(5));
        assert!(!Patience::of(Duration::ZERO).wait());
        assert!(Patience::of(Duration::MAX).wait());
    }
}
