//! How far long work on a store has come, on a terminal.

use super::config::Settings;
use super::io::Io;
use crate::model::Progress;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on the terminal, or nothing.
pub(super) struct Bar(Option<ProgressBar>);

impl Bar {
    /// A bar where somebody watches.
    pub(super) fn new(settings: &Settings, io: &Io<'_>) -> Self {
        let watched = io.terminal.err && !settings.quiet && !io.surroundings.ascii();
        let style = ProgressStyle::with_template("{wide_bar} {percent} %, {eta} left").ok().filter(|_| watched);
        Self(style.map(|s| ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_style(s)))
    }
}

impl Progress for Bar {
    fn update(&self, done: u64, total: u64) {
        if let Some(bar) = &self.0 {
            bar.set_length(total);
            bar.set_position(done);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}
