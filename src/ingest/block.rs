//! What a parser makes of one block of whole lines, and the faults that it finds in them.

use super::LINE_LEN_MAX;
use crate::error::Diagnostic;
use crate::model::{Columns, MetricMeta};
use std::ops::{ControlFlow, Range};

/// How many tolerated faults are kept to be listed; all are counted.
pub(super) const BAD_KEPT_MAX: usize = 100;

/// How much of the input a message quotes, in bytes.
const SHOWN_LEN_MAX: usize = 60;

/// How long a message may be, in bytes.
const MESSAGE_LEN_MAX: usize = 800;

/// How much of a wrong line is kept, in bytes.
const TEXT_LEN_MAX: usize = 64 * 1024;

/// Reads blocks of one format.
pub(super) trait Parse: Send {
    /// Reads `bytes`, which are whole lines (of CSV: whole rows), into `out`. After a fault that is not tolerated the rest is left alone.
    fn parse(&mut self, bytes: &[u8], out: &mut Parsed);
}

/// What is wrong with a line, by bytes of that line. It is boxed, since a good line should not pay for it.
#[derive(Debug)]
pub(super) struct Fault(Box<Details>);

#[derive(Debug)]
struct Details {
    message: String,
    span: Range<usize>,
    label: Option<String>,
    help: Option<String>,
}

impl Fault {
    pub(super) fn new(message: impl Into<String>, span: Range<usize>) -> Self {
        let mut message = message.into();
        if message.len() > MESSAGE_LEN_MAX {
            message.truncate(char_start(message.as_bytes(), MESSAGE_LEN_MAX));
            message.push_str("...");
        }
        Self(Box::new(Details { message, span, label: None, help: None }))
    }

    #[must_use]
    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.0.label = Some(label.into());
        self
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// A message about `line`, which is cut where it is long and made valid UTF-8 where it is not.
    pub(super) fn diagnostic(self, line: &[u8]) -> Diagnostic {
        let Details { message, span, label, help } = *self.0;
        let shown = &line[..line.len().min(TEXT_LEN_MAX).min(span.end.saturating_add(200))];
        let start = span.start.min(shown.len());
        let end = span.end.clamp(start, shown.len());
        let mut text = String::from_utf8_lossy(&shown[..start]).into_owned();
        let start_text = text.len();
        text.push_str(&String::from_utf8_lossy(&shown[start..end]));
        let end_text = text.len();
        text.push_str(&String::from_utf8_lossy(&shown[end..]));
        let mut diagnostic = Diagnostic::new(message, text, start_text..end_text);
        diagnostic.label = label;
        diagnostic.help = help;
        diagnostic
    }
}

/// `text` for a message: its first bytes, made valid UTF-8.
pub(super) fn clipped(text: &[u8]) -> String {
    if text.len() <= SHOWN_LEN_MAX {
        return String::from_utf8_lossy(text).into_owned();
    }
    format!("{}...", String::from_utf8_lossy(&text[..char_start(text, SHOWN_LEN_MAX)]))
}

/// Where the character that holds byte `at` of `text` begins.
fn char_start(text: &[u8], mut at: usize) -> usize {
    while at > 0 && text.get(at).is_some_and(|b| b & 0xC0 == 0x80) {
        at -= 1;
    }
    at
}

/// The fault of a line beyond [`LINE_LEN_MAX`].
pub(super) fn too_long() -> Fault {
    Fault::new(format!("a line of more than {} MiB", LINE_LEN_MAX >> 20), 0..0).label("it begins here")
}

/// What is done with values that are not quite what a sample holds, by how often it was done.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    /// String fields left out.
    pub(super) strings: u64,
    /// Whole numbers beyond 2^53 rounded to the next `f64`.
    pub(super) rounded: u64,
    /// Booleans read as 1 and 0.
    pub(super) booleans: u64,
    /// Null values left out.
    pub(super) nulls: u64,
}

impl Counts {
    pub(super) fn add(&mut self, other: Self) {
        self.strings += other.strings;
        self.rounded += other.rounded;
        self.booleans += other.booleans;
        self.nulls += other.nulls;
    }
}

/// A wrong line.
#[derive(Debug)]
pub(super) struct Bad {
    /// How many lines of the block stand before it.
    pub(super) line: u64,
    pub(super) diagnostic: Diagnostic,
}

/// What a parser made of a block.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) columns: Columns,
    /// How many lines were read, the wrong ones included.
    pub(super) lines: u64,
    /// The first wrong lines, at most [`BAD_KEPT_MAX`].
    pub(super) bad: Vec<Bad>,
    /// How many lines were wrong.
    pub(super) bad_count: u64,
    pub(super) counts: Counts,
    /// Whether some line had no time.
    pub(super) missing_time: bool,
    /// The least and the greatest time; the first is above the last where there is no sample.
    pub(super) time_first: i64,
    pub(super) time_last: i64,
    /// What the format itself said about metrics.
    pub(super) metadata: Vec<(String, MetricMeta)>,
    /// Whether wrong lines are left out rather than ending the block.
    tolerant: bool,
}

impl Parsed {
    pub(super) fn new(tolerant: bool) -> Self {
        Self {
            columns: Columns::default(),
            lines: 0,
            bad: Vec::new(),
            bad_count: 0,
            counts: Counts::default(),
            missing_time: false,
            time_first: i64::MAX,
            time_last: i64::MIN,
            metadata: Vec::new(),
            tolerant,
        }
    }

    /// Forgets everything and keeps the room.
    pub(super) fn clear(&mut self) {
        let mut columns = std::mem::take(&mut self.columns);
        columns.clear();
        *self = Self { columns, ..Self::new(self.tolerant) };
    }

    /// Notes that a sample at `time` was added.
    #[inline]
    pub(super) fn saw_time(&mut self, time: i64) {
        self.time_first = self.time_first.min(time);
        self.time_last = self.time_last.max(time);
    }

    /// Runs `parse` for one line that begins after `lines_before` lines, and takes back what it did if it fails.
    #[inline]
    pub(super) fn attempt(
        &mut self,
        lines_before: u64,
        line: &[u8],
        parse: impl FnOnce(&mut Self) -> Result<(), Fault>,
    ) -> ControlFlow<()> {
        let (samples, counts) = (self.columns.times.len(), self.counts);
        match parse(self) {
            Ok(()) => ControlFlow::Continue(()),
            Err(fault) => {
                self.columns.series.truncate(samples);
                self.columns.times.truncate(samples);
                self.columns.values.truncate(samples);
                self.counts = counts;
                self.fail(lines_before, fault, line)
            }
        }
    }

    #[cold]
    fn fail(&mut self, lines_before: u64, fault: Fault, line: &[u8]) -> ControlFlow<()> {
        self.bad_count += 1;
        if self.bad.len() < BAD_KEPT_MAX {
            self.bad.push(Bad { line: lines_before, diagnostic: fault.diagnostic(line) });
        }
        if self.tolerant { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }
}

/// Runs `parse` for every line of `bytes`, without its line end.
#[inline]
pub(super) fn each_line(
    bytes: &[u8],
    out: &mut Parsed,
    mut parse: impl FnMut(&[u8], &mut Parsed) -> Result<(), Fault>,
) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (line, next) = match memchr::memchr(b'\n', rest) {
            Some(end) => (&rest[..end], &rest[end + 1..]),
            None => (rest, &rest[rest.len()..]),
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let lines_before = out.lines;
        out.lines += 1;
        let done = out.attempt(lines_before, line, |out| {
            if line.len() > LINE_LEN_MAX {
                return Err(too_long());
            }
            parse(line, out)
        });
        if done.is_break() {
            return;
        }
        rest = next;
    }
}

/// The text of `bytes`; `offset` is where they stand in their line.
pub(super) fn utf8(bytes: &[u8], offset: usize) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|e| {
        let start = offset + e.valid_up_to();
        let end = start + e.error_len().unwrap_or(bytes.len() - e.valid_up_to());
        Fault::new("invalid UTF-8", start..end).help("convert the file to UTF-8, for instance with `iconv -t utf-8`")
    })
}

/// The text of `bytes`, which hold no NUL; `offset` is where they stand in their line.
pub(super) fn utf8_no_nul(bytes: &[u8], offset: usize) -> Result<&str, Fault> {
    match memchr::memchr(0, bytes) {
        Some(at) => {
            Err(Fault::new("a NUL character", offset + at..offset + at + 1).help("text has none; is the file binary?"))
        }
        None => utf8(bytes, offset),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_points_at_the_same_place_in_a_line_that_is_no_utf8() {
        let line = b"\xff\xffab=c";
        let diagnostic = Fault::new("wrong", 4..5).diagnostic(line);
        assert_eq!(&diagnostic.text[diagnostic.span.clone()], "=");
    }

    #[test]
    fn a_long_line_is_cut_behind_the_fault() {
        let line = vec![b'x'; 1 << 20];
        assert_eq!(Fault::new("wrong", 10..11).diagnostic(&line).text.len(), 211);
        assert_eq!(Fault::new("wrong", 900_000..900_001).diagnostic(&line).text.len(), TEXT_LEN_MAX);
    }

    #[test]
    fn a_failed_line_leaves_no_samples_and_no_counts() {
        let mut out = Parsed::new(true);
        out.columns.push(0, 1, 1.0);
        let done = out.attempt(4, b"x", |out| {
            out.columns.series.push(1);
            out.counts.strings += 1;
            Err(Fault::new("wrong", 0..1))
        });
        assert!(done.is_continue());
        assert_eq!((out.columns.series.len(), out.columns.count(), out.counts), (1, 1, Counts::default()));
        assert_eq!((out.bad_count, out.bad[0].line), (1, 4));
    }
}
