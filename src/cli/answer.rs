//! Printing an answer: the table to the standard output, its notes to the standard error.

use super::config::Settings;
use super::io::{Io, out_error};
use crate::error::Result;
use crate::model::{Table, Unit};
use crate::render::{self, Format, Times};

/// `count` and what is counted: `1 sample`, `2 samples`.
pub(super) fn counted(count: u64, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// An amount of memory as people read it.
pub(super) fn human_bytes(bytes: u64) -> String {
    "B".parse::<Unit>().map_or_else(|_| bytes.to_string(), |unit| unit.human(bytes as f64))
}

/// Prints `table` in the form that was asked for. JSON carries its notes; the others have them on the standard error.
///
/// # Errors
/// A failed write.
pub fn print(table: &Table, settings: &Settings, times: Option<Times>, io: &mut Io<'_>) -> Result<()> {
    let style = settings.style(times, io.terminal, &io.surroundings);
    render::write(table, &style, io.out).map_err(out_error)?;
    if settings.format != Format::Json && !settings.quiet && !table.notes.is_empty() {
        io.out.flush().map_err(out_error)?;
        // Whether a note could be printed nobody can be told.
        let _ = render::write_notes(table, io.err);
    }
    Ok(())
}
