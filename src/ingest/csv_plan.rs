//! What the columns of a CSV file mean: the plan that is made once, from its header, first rows and the options.

use super::block::{Fault, utf8};
use super::csv_guess::{Planner, Sample};
use super::csv_record::{Row, row_len, without_end};
use super::number::{TimeFault, time_decimal, time_text};
use super::options::{CsvOptions, Precision};
use super::series::NAME_LEN_MAX;
use crate::model::MetricMeta;

/// The header, by its place in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// How many bytes the header takes, blank lines before it included.
    pub(super) len: usize,
    /// How many lines that is.
    pub(super) lines: u64,
    /// The delimiter of cells.
    pub(super) delimiter: u8,
}

/// How times are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeForm {
    /// RFC 3339.
    Text,
    /// Decimal numbers since the epoch.
    Number(Precision),
}

impl TimeForm {
    pub(super) fn read(self, text: &[u8]) -> Result<i64, TimeFault> {
        match self {
            Self::Text => time_text(text),
            Self::Number(precision) => time_decimal(text, precision),
        }
    }
}

/// Where the name of a value's metric comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MetricFrom {
    /// Always this one.
    Name(String),
    /// The key column at this index of [`Plan::keys`].
    Key(usize),
}

/// What the columns mean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) delimiter: u8,
    /// The names of all columns.
    pub(super) names: Vec<String>,
    /// The column of times.
    pub(super) time: usize,
    pub(super) time_form: TimeForm,
    /// The columns that tell series apart: labels, and in the long form the metric.
    pub(super) keys: Vec<usize>,
    /// The columns of values, with their metrics.
    pub(super) values: Vec<(usize, MetricFrom)>,
    /// Whether some column is left out, so that nobody else looks at its text.
    pub(super) has_ignored: bool,
    /// What was guessed, for people.
    pub(super) guesses: Vec<String>,
    /// Units that the header names.
    pub(super) metadata: Vec<(String, MetricMeta)>,
}

/// A fault, the number of its line, and the text of its row.
pub(super) type HeaderFault = (u64, Fault, Vec<u8>);

impl Plan {
    /// Decides from the first bytes of a file; `None` while they do not hold the header and a row.
    pub(super) fn of(bytes: &[u8], at_end: bool, options: &CsvOptions) -> Result<Option<(Header, Self)>, HeaderFault> {
        let Some(first) = bytes.iter().position(|b| !matches!(b, b'\n' | b'\r')) else {
            return if at_end { Err((1, Fault::new("no header", 0..0), Vec::new())) } else { Ok(None) };
        };
        let lines_before = count_lines(&bytes[..first]);
        let delimiter = options.delimiter.unwrap_or_else(|| guess_delimiter(&bytes[first..]));
        let (len, ended) = row_len(&bytes[first..], delimiter);
        if !ended && !at_end {
            return Ok(None);
        }
        let header =
            Header { len: first + len, lines: count_lines(&bytes[..first + len]).max(lines_before + 1), delimiter };
        let Some(sample) = Sample::of(&bytes[header.len..], at_end, delimiter) else { return Ok(None) };
        let text = without_end(&bytes[first..header.len]);
        let at_header = |fault: Fault| (lines_before + 1, fault, text.to_vec());
        let mut row = Row::default();
        row.split(text, delimiter).map_err(at_header)?;
        let mut names = Vec::new();
        for i in 0..row.cells.len() {
            names.push(column_name(&row, text, i).map_err(at_header)?);
        }
        let spans = row.cells.iter().map(|c| c.span.clone()).collect();
        let planner = Planner { options, names, spans, sample };
        planner.plan(delimiter).map(|plan| Some((header, plan))).map_err(at_header)
    }
}

fn count_lines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

/// The candidate that occurs most often outside quotes in the first line.
fn guess_delimiter(bytes: &[u8]) -> u8 {
    let line = memchr::memchr(b'\n', bytes).map_or(bytes, |end| &bytes[..end]);
    let mut counts = [(b',', 0usize), (b';', 0), (b'\t', 0)];
    let mut quoted = false;
    for byte in line {
        quoted ^= *byte == b'"';
        if let Some(count) = counts.iter_mut().find(|c| c.0 == *byte && !quoted) {
            count.1 += 1;
        }
    }
    // The first of equals wins, so the order above is the order of preference.
    counts.iter().rev().max_by_key(|c| c.1).map_or(b',', |c| c.0)
}

fn column_name(row: &Row, text: &[u8], cell: usize) -> Result<String, Fault> {
    let name = utf8(row.content(text, cell), row.cells[cell].span.start)?;
    if name.len() > NAME_LEN_MAX {
        let message = format!("the name of this column has {} bytes; at most {NAME_LEN_MAX} are allowed", name.len());
        return Err(Fault::new(message, row.cells[cell].span.clone()));
    }
    Ok(if row.cells[cell].is_quoted() { name } else { name.trim() }.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str, options: &CsvOptions) -> Plan {
        Plan::of(text.as_bytes(), true, options).unwrap().unwrap().1
    }

    #[test]
    fn the_unit_of_numeric_times_is_guessed_by_size_and_by_suffix() {
        for (name, time, unit) in [
            ("ts", "1767225600", Precision::Seconds),
            ("ts", "1767225600.5", Precision::Seconds),
            ("ts", "1767225600000", Precision::Milliseconds),
            ("ts", "1767225600000000", Precision::Microseconds),
            ("ts", "1767225600000000000", Precision::Nanoseconds),
            ("time_ns", "5", Precision::Nanoseconds),
            ("Timestamp_MS", "5", Precision::Milliseconds),
        ] {
            let plan = plan(&format!("{name},cpu\n{time},1\n"), &CsvOptions::default());
            assert_eq!(plan.time_form, TimeForm::Number(unit), "{name} {time}");
        }
    }

    #[test]
    fn the_first_column_that_reads_as_time_is_taken_where_no_name_says_so() {
        let plan = plan("n,when it was,x\n5,2026-11-20T12:00:00Z,1\n", &CsvOptions::default());
        assert_eq!((plan.time, plan.time_form), (1, TimeForm::Text));
        assert_eq!(plan.guesses[0], "column `when it was` is the time");
    }

    #[test]
    fn numbers_are_metrics_and_texts_are_labels_in_the_wide_form() {
        let plan = plan("time;host;cpu (ms);\"mem[MiB]\"\n2026-11-20;a;;5\n2026-11-20;b;7;5\n", &CsvOptions::default());
        assert_eq!((plan.delimiter, &plan.keys[..]), (b';', &[1][..]));
        let metrics: Vec<_> = plan.values.iter().map(|v| v.1.clone()).collect();
        assert_eq!(metrics, [MetricFrom::Name("cpu".into()), MetricFrom::Name("mem".into())]);
        let both = self::plan("time,cpu (ms),cpu (s)\n2026-11-20,1,2\n", &CsvOptions::default());
        assert_eq!(both.values[1].1, MetricFrom::Name("cpu (s)".into()));
        assert_eq!(plan.metadata[0].1.unit.as_ref().unwrap().to_string(), "ms");
    }

    #[test]
    fn metric_and_value_columns_make_the_long_form() {
        let plan = plan("ts,metric,agent,value\n1,decision,a,5\n", &CsvOptions::default());
        assert_eq!((&plan.keys[..], &plan.values[..]), (&[1, 2][..], &[(3, MetricFrom::Key(0))][..]));
        let options = CsvOptions { metric: Some("m".into()), ..CsvOptions::default() };
        let plan = self::plan("ts,agent,value\n1,a,5\n", &options);
        assert_eq!((&plan.keys[..], &plan.values[..]), (&[1][..], &[(2, MetricFrom::Name("m".into()))][..]));
    }

    #[test]
    fn headers_that_make_no_sense_are_faults() {
        let fault = |text: &str, options: CsvOptions| {
            let (line, fault, text) = Plan::of(text.as_bytes(), true, &options).unwrap_err();
            (line, fault.diagnostic(&text).message)
        };
        assert_eq!(fault("\n\na,a\n1,2\n", CsvOptions::default()), (3, "column `a` occurs twice".into()));
        assert_eq!(fault("a,b\n1,2\n", CsvOptions::default()).1, "no column of times");
        assert_eq!(fault("ts,host\n1,a\n", CsvOptions::default()).1, "no column of numbers");
        let time = CsvOptions { time: Some("tiem".into()), ..CsvOptions::default() };
        assert_eq!(fault("time,x\n1,2\n", time).1, "no column `tiem`, which `--time` names");
        assert_eq!(fault("\n\n", CsvOptions::default()).1, "no header");
    }

    #[test]
    fn nothing_is_decided_before_the_first_row_is_whole() {
        let of = |text: &str| Plan::of(text.as_bytes(), false, &CsvOptions::default()).unwrap();
        assert!(of("time,x").is_none() && of("time,x\n").is_none() && of("time,x\n5,").is_none());
        assert!(of("time,x\n5,6\n").is_some());
    }
}
