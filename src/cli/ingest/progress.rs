//! How far a long ingest has come, on a terminal.

use super::Job;
use crate::cli::Io;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::atomic::{AtomicU64, Ordering};

/// Shorter files are there before a person has seen the bar.
const LEN_MIN: u64 = 32 << 20;

/// A bar, or nothing. It goes away when it is dropped.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    /// How many bytes have been read.
    pub(super) bytes_read: AtomicU64,
}

impl Progress {
    /// A bar for an input of `len` bytes where that is long and somebody watches.
    pub(super) fn new(len: Option<u64>, job: &Job<'_>, io: &Io<'_>) -> Self {
        let watched = io.terminal.err && !job.settings.quiet && !io.surroundings.ascii();
        let len = len.filter(|len| watched && *len >= LEN_MIN);
        let bar = len.and_then(|len| {
            let style = "{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";
            let style = ProgressStyle::with_template(style).ok()?;
            Some(ProgressBar::with_draw_target(Some(len), ProgressDrawTarget::stderr()).with_style(style))
        });
        Self { bar, bytes_read: AtomicU64::new(0) }
    }

    /// Shows what has been read.
    pub(super) fn show(&self) {
        if let Some(bar) = &self.bar {
            bar.set_position(self.bytes_read.load(Ordering::Relaxed));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
