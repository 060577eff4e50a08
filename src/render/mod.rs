//! A [`Table`] as text: for people (table, Markdown) and for programs (JSON, NDJSON, CSV).
//!
//! What stays true: programs get exact values (numbers in the metric's own unit, shortest digits that read back the same,
//! texts as they are), people get values that read well (four digits, a human scale, nothing that could act on a terminal).
//! The JSON form is a stable interface.

mod cells;
mod csv;
mod json;
mod markdown;
mod sink;
mod table;
mod time;
mod trend;

use crate::error::printable;
use crate::model::{Table, Zone};
use sink::Sink;
use std::fmt;
use std::io;
use std::str::FromStr;

/// The form of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns, for people.
    Table,
    /// One JSON object: columns, rows, notes.
    Json,
    /// One JSON object a row.
    Ndjson,
    /// RFC 4180 with a header.
    Csv,
    /// A table of GitHub's Markdown.
    Markdown,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Table, Self::Json, Self::Ndjson, Self::Csv, Self::Markdown];

    /// The name, as an option takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|f| f.name() == name)
            .ok_or_else(|| format!("`{}` is no format: table, json, ndjson, csv or markdown", printable(name)))
    }
}

/// How points in time are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// RFC 3339 in UTC.
    Rfc3339,
    /// Nanoseconds since the Unix epoch, a whole number.
    Ns,
    /// Seconds since the Unix epoch, an exact decimal number.
    S,
    /// Wall-clock time of the style's zone with its offset; RFC 3339 in the formats for programs.
    Local,
}

impl Times {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Rfc3339, Self::Ns, Self::S, Self::Local];

    /// The name, as an option takes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rfc3339 => "rfc3339",
            Self::Ns => "ns",
            Self::S => "s",
            Self::Local => "local",
        }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Times {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|t| t.name() == name)
            .ok_or_else(|| format!("`{}` is no form of time: rfc3339, ns, s or local", printable(name)))
    }
}

/// What an answer shall look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// The form.
    pub format: Format,
    /// How times are written.
    pub times: Times,
    /// The zone of local times.
    pub zone: Zone,
    /// Whether a table may use the terminal's colors.
    pub color: bool,
    /// Columns of the terminal. Then a table is cut to fit, and one with a row for each bucket of time gets a column with
    /// a small bar; `None` where the output is no terminal, and nothing is cut.
    pub width: Option<usize>,
    /// Whether the decoration keeps to ASCII.
    pub ascii: bool,
}

impl Style {
    /// The usual look of `format`: people read local times, programs UTC; no terminal.
    pub fn new(format: Format, zone: Zone) -> Self {
        let times = match format {
            Format::Table | Format::Markdown => Times::Local,
            Format::Json | Format::Ndjson | Format::Csv => Times::Rfc3339,
        };
        Self { format, times, zone, color: false, width: None, ascii: false }
    }
}

/// Writes `table` to `out`. Its notes are written only by JSON; see [`write_notes`] for the others.
///
/// # Errors
/// What `out` says, such as [`io::ErrorKind::BrokenPipe`].
///
/// ```
/// use perfdb::model::{Column, Table, Zone};
/// use perfdb::render::{Format, Style, write};
/// let table = Table {
///     columns: vec![
///         Column::text("agent", [Some("planner"), Some("scout")]),
///         Column::number("p95(decision)", "ms".parse().ok(), [Some(412.5), Some(118.0)]),
///     ],
///     notes: vec![],
/// };
/// let text = |format| {
///     let mut out = Vec::new();
///     write(&table, &Style::new(format, Zone::UTC), &mut out).unwrap();
///     String::from_utf8(out).unwrap()
/// };
/// assert_eq!(text(Format::Csv), "agent,p95(decision)\nplanner,412.5\nscout,118\n");
/// assert_eq!(
///     text(Format::Table),
///     "agent    p95(decision)\n───────  ─────────────\nplanner       412.5 ms\nscout         118.0 ms\n"
/// );
/// ```
pub fn write(table: &Table, style: &Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut sink = Sink::new(out);
    match style.format {
        Format::Table => table::write(table, style, &mut sink)?,
        Format::Json => json::write(table, style, &mut sink)?,
        Format::Ndjson => json::write_lines(table, style, &mut sink)?,
        Format::Csv => csv::write(table, style, &mut sink)?,
        Format::Markdown => markdown::write(table, style, &mut sink)?,
    }
    sink.finish()
}

/// Writes the notes of `table`, one `note: text` line each, with nothing in them that could act on a terminal.
///
/// # Errors
/// What `out` says.
pub fn write_notes(table: &Table, out: &mut dyn io::Write) -> io::Result<()> {
    for note in &table.notes {
        writeln!(out, "note: {}", printable(&note.text))?;
    }
    Ok(())
}
