//! Samples into text: line protocol, CSV in the long form, JSON Lines.
//!
//! Values are written with the fewest digits that read back as the same bits, times as whole ns.

use super::Format;
use crate::error::printable;
use crate::model::{MetricMeta, Series};
use std::fmt::Write as _;
use std::io::{self, Write};

/// Writes series in one format.
pub trait SampleWriter {
    /// Writes what is known about the metric `name`; `false` if the format cannot carry it.
    ///
    /// # Errors
    /// What the output says.
    fn metadata(&mut self, name: &str, meta: &MetricMeta) -> io::Result<bool>;

    /// Writes samples of `series`; `times` (ns) and `values` run in parallel.
    ///
    /// # Errors
    /// What the output says; [`io::ErrorKind::InvalidInput`] for a name or label that the format cannot carry.
    fn series(&mut self, series: &Series, times: &[i64], values: &[f64]) -> io::Result<()>;

    /// Writes what is left, down to the output.
    ///
    /// # Errors
    /// What the output says.
    fn finish(&mut self) -> io::Result<()>;
}

/// A writer of `format` to `out`. CSV needs to know all keys of labels beforehand: they are its columns.
///
/// ```
/// use perfdb::ingest::{Format, writer};
/// use perfdb::model::{Labels, Series};
/// let series = Series { metric: "cpu".into(), labels: Labels::new([("host", "a b")]).unwrap() };
/// let mut text = Vec::new();
/// let mut out = writer(Format::Influx, &mut text, &[]);
/// out.series(&series, &[1767225600000000000], &[1.5])?;
/// out.finish()?;
/// drop(out);
/// assert_eq!(text, b"cpu,host=a\\ b value=1.5 1767225600000000000\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn writer<'a>(format: Format, out: impl Write + 'a, label_keys: &[String]) -> Box<dyn SampleWriter + 'a> {
    let out = io::BufWriter::with_capacity(256 * 1024, out);
    match format {
        Format::Influx => Box::new(InfluxWriter { out, line: String::new() }),
        Format::Csv => Box::new(CsvWriter { out, keys: label_keys.to_vec(), header_due: true }),
        Format::Jsonl => Box::new(JsonlWriter { out, line: String::new() }),
    }
}

/// The shortest text of `value` that reads back as the same bits.
fn push_value(text: &mut String, value: f64) -> io::Result<()> {
    if !value.is_finite() {
        return Err(invalid(&format!("a sample with the value {value}, which no series holds")));
    }
    // `Debug` keeps exponents short where `Display` would write hundreds of zeros.
    let _ = write!(text, "{value:?}");
    if text.ends_with(".0") {
        text.truncate(text.len() - 2);
    }
    Ok(())
}

fn invalid(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, printable(message))
}

/// Refuses text that no reader takes back.
fn no_nul(text: &str) -> io::Result<()> {
    if text.contains('\0') {
        return Err(invalid(&format!("`{text}` contains a NUL character, which text cannot carry")));
    }
    Ok(())
}

struct InfluxWriter<W: Write> {
    out: W,
    /// The line so far; what it begins with is the same for a whole series.
    line: String,
}

impl<W: Write> InfluxWriter<W> {
    fn push_escaped(&mut self, text: &str, special: &[char]) -> io::Result<()> {
        no_nul(text)?;
        let why = if text.contains('\n') {
            "contains a line break"
        } else if text.ends_with('\\') {
            "ends with a backslash"
        } else if text.is_empty() {
            "is empty"
        } else {
            for c in text.chars() {
                if special.contains(&c) {
                    self.line.push('\\');
                }
                self.line.push(c);
            }
            return Ok(());
        };
        Err(invalid(&format!("`{text}` {why}, which line protocol cannot carry; jsonl can")))
    }
}

impl<W: Write> SampleWriter for InfluxWriter<W> {
    fn metadata(&mut self, _: &str, _: &MetricMeta) -> io::Result<bool> {
        Ok(false)
    }

    fn series(&mut self, series: &Series, times: &[i64], values: &[f64]) -> io::Result<()> {
        self.line.clear();
        if series.metric.starts_with(['#', '\t', '\u{feff}']) {
            let name = &series.metric;
            return Err(invalid(&format!(
                "`{name}` begins with a character that line protocol cannot carry there; jsonl can"
            )));
        }
        self.push_escaped(&series.metric, &[',', ' '])?;
        for (key, value) in series.labels.iter() {
            self.line.push(',');
            self.push_escaped(key, &[',', '=', ' '])?;
            self.line.push('=');
            self.push_escaped(value, &[',', '=', ' '])?;
        }
        self.line.push_str(" value=");
        let head = self.line.len();
        for (time, value) in times.iter().zip(values) {
            self.line.truncate(head);
            push_value(&mut self.line, *value)?;
            let _ = writeln!(self.line, " {time}");
            self.out.write_all(self.line.as_bytes())?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

struct CsvWriter<W: Write> {
    out: W,
    keys: Vec<String>,
    header_due: bool,
}

/// The columns of the long form before those of the labels. The suffix of the time's name tells its unit.
const CSV_COLUMNS: [&str; 3] = ["metric", "time_ns", "value"];

impl<W: Write> CsvWriter<W> {
    fn header(&mut self) -> io::Result<()> {
        self.header_due = false;
        // Names that the reader would take for other columns, in any case of letters.
        let taken = |key: &&String| ["metric", "value", "time_ns"].iter().any(|c| key.eq_ignore_ascii_case(c));
        if let Some(key) = self.keys.iter().find(taken) {
            return Err(invalid(&format!("a label called `{key}` would be another column of CSV; jsonl can carry it")));
        }
        let columns = CSV_COLUMNS.into_iter().chain(self.keys.iter().map(String::as_str));
        for (i, name) in columns.enumerate() {
            no_nul(name)?;
            let comma = if i == 0 { "" } else { "," };
            // Quoted names keep their spaces.
            write!(self.out, "{comma}\"{}\"", name.replace('"', "\"\""))?;
        }
        self.out.write_all(b"\n")
    }
}

/// Adds `text` as a cell, in quotes where it needs them.
fn push_cell(line: &mut String, text: &str) -> io::Result<()> {
    no_nul(text)?;
    if text.contains([',', '"', '\n', '\r']) {
        line.push('"');
        line.push_str(&text.replace('"', "\"\""));
        line.push('"');
    } else {
        line.push_str(text);
    }
    Ok(())
}

impl<W: Write> SampleWriter for CsvWriter<W> {
    fn metadata(&mut self, _: &str, _: &MetricMeta) -> io::Result<bool> {
        Ok(false)
    }

    fn series(&mut self, series: &Series, times: &[i64], values: &[f64]) -> io::Result<()> {
        if self.header_due {
            self.header()?;
        }
        let (mut line, mut tail) = (String::new(), String::new());
        push_cell(&mut line, &series.metric)?;
        line.push(',');
        let mut written = 0;
        for key in &self.keys {
            let value = series.labels.get(key);
            written += usize::from(value.is_some());
            tail.push(',');
            push_cell(&mut tail, value.unwrap_or_default())?;
        }
        if written < series.labels.count() {
            let missing = series.labels.iter().find(|(key, _)| !self.keys.iter().any(|k| k == key));
            let key = missing.map_or("", |label| label.0);
            return Err(invalid(&format!("label `{key}` is none of the columns of this CSV")));
        }
        let head = line.len();
        for (time, value) in times.iter().zip(values) {
            line.truncate(head);
            let _ = write!(line, "{time},");
            push_value(&mut line, *value)?;
            line.push_str(&tail);
            line.push('\n');
            self.out.write_all(line.as_bytes())?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        if self.header_due {
            self.header()?;
        }
        self.out.flush()
    }
}

struct JsonlWriter<W: Write> {
    out: W,
    line: String,
}

impl<W: Write> JsonlWriter<W> {
    fn push_text(&mut self, text: &str) -> io::Result<()> {
        no_nul(text)?;
        self.line.push_str(&serde_json::to_string(text)?);
        Ok(())
    }
}

impl<W: Write> SampleWriter for JsonlWriter<W> {
    fn metadata(&mut self, name: &str, meta: &MetricMeta) -> io::Result<bool> {
        self.line.clear();
        self.line.push_str("{\"metric\":");
        self.push_text(name)?;
        let kind = meta.kind.map(|k| k.to_string());
        let better = Some(meta.better.to_string());
        let unit = meta.unit.as_ref().map(|u| u.symbol().to_owned());
        let description = (!meta.description.is_empty()).then(|| meta.description.clone());
        for (key, value) in [("unit", unit), ("kind", kind), ("better", better), ("description", description)] {
            if let Some(value) = value {
                let _ = write!(self.line, ",\"{key}\":");
                self.push_text(&value)?;
            }
        }
        self.line.push_str("}\n");
        self.out.write_all(self.line.as_bytes())?;
        Ok(true)
    }

    fn series(&mut self, series: &Series, times: &[i64], values: &[f64]) -> io::Result<()> {
        self.line.clear();
        self.line.push_str("{\"metric\":");
        self.push_text(&series.metric)?;
        if !series.labels.is_empty() {
            self.line.push_str(",\"labels\":");
            for (i, (key, value)) in series.labels.iter().enumerate() {
                self.line.push(if i == 0 { '{' } else { ',' });
                self.push_text(key)?;
                self.line.push(':');
                self.push_text(value)?;
            }
            self.line.push('}');
        }
        let head = self.line.len();
        for (time, value) in times.iter().zip(values) {
            self.line.truncate(head);
            let _ = write!(self.line, ",\"ts\":{time},\"value\":");
            push_value(&mut self.line, *value)?;
            self.line.push_str("}\n");
            self.out.write_all(self.line.as_bytes())?;
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
