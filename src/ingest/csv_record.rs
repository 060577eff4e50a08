//! Rows of CSV by RFC 4180: where they end, and their cells.
//!
//! A quote opens a quoted cell only at the cell's beginning; elsewhere it is text. A row ends at a line feed outside
//! quotes, with or without a carriage return before it.

use super::block::Fault;
use std::ops::Range;

/// Finds the ends of lines or rows in bytes that come in pieces.
#[derive(Debug, Clone)]
pub(super) struct Cutter {
    /// The delimiter of cells; `None` where quotes mean nothing and every line stands for itself.
    delimiter: Option<u8>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a cell.
    Start,
    /// In a cell without quotes.
    Plain,
    /// Inside quotes.
    Quoted,
    /// Behind a quote inside quotes: it closes the cell, or is the first of a doubled one.
    Closing,
}

impl Cutter {
    /// For formats whose lines stand for themselves.
    pub(super) fn lines() -> Self {
        Self { delimiter: None, state: State::Start }
    }

    /// For CSV.
    pub(super) fn rows(delimiter: u8) -> Self {
        Self { delimiter: Some(delimiter), state: State::Start }
    }

    /// Takes the next bytes; the offset behind the last end of a line or row in them.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Option<usize> {
        let Some(delimiter) = self.delimiter else {
            return memchr::memrchr(b'\n', bytes).map(|at| at + 1);
        };
        let outside = matches!(self.state, State::Start | State::Plain);
        if outside && memchr::memchr(b'"', bytes).is_none() {
            if let Some(&last) = bytes.last() {
                self.state = if last == delimiter || last == b'\n' { State::Start } else { State::Plain };
            }
            return memchr::memrchr(b'\n', bytes).map(|at| at + 1);
        }
        let mut cut = None;
        let mut at = 0;
        while let Some(end) = self.next_end(bytes, at, delimiter) {
            cut = Some(end);
            at = end;
        }
        cut
    }

    /// The offset behind the first end of a row from `at` on.
    fn next_end(&mut self, bytes: &[u8], mut at: usize, delimiter: u8) -> Option<usize> {
        while let Some(&byte) = bytes.get(at) {
            at += 1;
            self.state = match (self.state, byte) {
                (State::Quoted, b'"') => State::Closing,
                (State::Quoted, _) => {
                    at = memchr::memchr(b'"', &bytes[at..]).map_or(bytes.len(), |i| at + i);
                    State::Quoted
                }
                (State::Start | State::Closing, b'"') => State::Quoted,
                (_, b'\n') => {
                    self.state = State::Start;
                    return Some(at);
                }
                (_, byte) if byte == delimiter => State::Start,
                _ => State::Plain,
            };
        }
        None
    }
}

/// The length of the first row of `bytes`, its line end included, and whether it has one.
pub(super) fn row_len(bytes: &[u8], delimiter: u8) -> (usize, bool) {
    match Cutter::rows(delimiter).next_end(bytes, 0, delimiter) {
        Some(end) => (end, true),
        None => (bytes.len(), false),
    }
}

/// `row` without its line end.
pub(super) fn without_end(row: &[u8]) -> &[u8] {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    row.strip_suffix(b"\r").unwrap_or(row)
}

/// A cell of a row.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// The cell's bytes in the row, quotes included.
    pub(super) span: Range<usize>,
    /// Where its content is in the row, or in the scratch space if the row does not hold it as it is.
    content: Range<usize>,
    in_scratch: bool,
}

impl Cell {
    /// Whether it was written in quotes.
    pub(super) fn is_quoted(&self) -> bool {
        self.in_scratch || self.content != self.span
    }
}

/// The cells of one row; it is reused for the next.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    scratch: Vec<u8>,
}

impl Row {
    /// Splits `text`, a row without its line end.
    pub(super) fn split(&mut self, text: &[u8], delimiter: u8) -> Result<(), Fault> {
        self.cells.clear();
        self.scratch.clear();
        let plain = |span: Range<usize>| Cell { content: span.clone(), span, in_scratch: false };
        if memchr::memchr(b'"', text).is_none() {
            let mut start = 0;
            for end in memchr::memchr_iter(delimiter, text) {
                self.cells.push(plain(start..end));
                start = end + 1;
            }
            self.cells.push(plain(start..text.len()));
            return Ok(());
        }
        let mut start = 0;
        loop {
            let cell = if text.get(start) == Some(&b'"') {
                self.quoted(text, start, delimiter)?
            } else {
                let end = memchr::memchr(delimiter, &text[start..]).map_or(text.len(), |i| start + i);
                plain(start..end)
            };
            let end = cell.span.end;
            self.cells.push(cell);
            if end == text.len() {
                return Ok(());
            }
            start = end + 1;
        }
    }

    /// The cell whose opening quote stands at `start`.
    fn quoted(&mut self, text: &[u8], start: usize, delimiter: u8) -> Result<Cell, Fault> {
        let from = self.scratch.len();
        let mut at = start + 1;
        loop {
            let Some(quote) = memchr::memchr(b'"', &text[at..]).map(|i| at + i) else {
                return Err(Fault::new("a quote that is never closed", start..start + 1).label("it opens here"));
            };
            self.scratch.extend_from_slice(&text[at..quote]);
            at = quote + 1;
            match text.get(at) {
                Some(b'"') => {
                    self.scratch.push(b'"');
                    at += 1;
                }
                Some(&byte) if byte != delimiter => {
                    return Err(Fault::new("text behind a closing quote", at..at + 1)
                        .label("expected the delimiter or the end of the row")
                        .help("a quote inside a quoted cell is doubled: \"\""));
                }
                _ => break,
            }
        }
        // Without doubled quotes the row itself holds the content.
        if self.scratch.len() - from == at - start - 2 {
            self.scratch.truncate(from);
            return Ok(Cell { span: start..at, content: start + 1..at - 1, in_scratch: false });
        }
        Ok(Cell { span: start..at, content: from..self.scratch.len(), in_scratch: true })
    }

    /// The content of `cell` of the row `text`.
    #[inline]
    pub(super) fn content<'a>(&'a self, text: &'a [u8], cell: usize) -> &'a [u8] {
        let cell = &self.cells[cell];
        let from = if cell.in_scratch { &self.scratch } else { text };
        &from[cell.content.clone()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cells(text: &str) -> Vec<String> {
        let mut row = Row::default();
        row.split(text.as_bytes(), b',').unwrap();
        (0..row.cells.len()).map(|i| String::from_utf8(row.content(text.as_bytes(), i).to_vec()).unwrap()).collect()
    }

    #[test]
    fn quotes_protect_delimiters_quotes_and_line_ends() {
        assert_eq!(cells(r#"a,"b,c","d ""e""",,"""#.trim_end_matches('"')), ["a", "b,c", "d \"e\"", "", ""]);
        assert_eq!(cells("\"x\ny\",5\" disk"), ["x\ny", "5\" disk"]);
        assert_eq!(cells("\"\",\"\"\"\""), ["", "\""]);
        assert_eq!(cells(""), [""]);
    }

    #[test]
    fn broken_quotes_are_faults() {
        let mut row = Row::default();
        assert!(row.split(b"\"a\"b,c", b',').is_err());
        assert!(row.split(b"x,\"a", b',').is_err());
    }

    #[test]
    fn a_row_ends_outside_quotes_only() {
        assert_eq!(row_len(b"a,\"x\ny\"\r\nb", b','), (9, true));
        assert_eq!(row_len(b"5\" disk\nb", b','), (8, true));
        assert_eq!(row_len(b"a,b", b','), (3, false));
    }

    proptest! {
        #[test]
        fn rows_agree_with_the_csv_crate(cells in proptest::collection::vec("[a-c,\"\n; ]{0,6}", 1..5)) {
            let mut writer = ::csv::Writer::from_writer(Vec::new());
            writer.write_record(&cells).unwrap();
            let text = writer.into_inner().unwrap();
            let (len, ended) = row_len(&text, b',');
            prop_assert_eq!((len, ended), (text.len(), true));
            let line = without_end(&text);
            let mut row = Row::default();
            row.split(line, b',').unwrap();
            let read: Vec<&[u8]> = (0..row.cells.len()).map(|i| row.content(line, i)).collect();
            prop_assert_eq!(read, cells.iter().map(String::as_bytes).collect::<Vec<_>>());
        }

        #[test]
        fn cutting_does_not_depend_on_how_the_bytes_arrive(text in "[a,\"\n]{0,40}", size in 1usize..8) {
            let mut whole = Cutter::rows(b',');
            let mut pieces = Cutter::rows(b',');
            let mut cut = None;
            for (i, piece) in text.as_bytes().chunks(size).enumerate() {
                cut = pieces.feed(piece).map(|end| i * size + end).or(cut);
            }
            prop_assert_eq!(whole.feed(text.as_bytes()), cut);
            prop_assert_eq!(whole.state, pieces.state);
        }
    }
}
