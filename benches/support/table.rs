//! A table of figures, as Markdown or as JSON lines.

use super::Result;
use super::process::Neighbours;
use std::io::Write;

/// One figure.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    /// Words.
    Text(String),
    /// A whole number.
    Count(u64),
    /// A number.
    Number(f64),
    /// How many times another figure it is.
    Ratio(f64),
    /// A number, and how many times another figure it is.
    Beside(f64, f64),
    /// Nothing was measured.
    Missing,
}

/// A table.
pub(crate) struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
    neighbours: Neighbours,
}

impl Cell {
    /// A number that may be missing.
    pub(crate) fn of(number: Option<f64>) -> Self {
        number.map_or(Self::Missing, Self::Number)
    }

    /// `ours / theirs`, if both are there.
    pub(crate) fn ratio(ours: Option<f64>, theirs: Option<f64>) -> Self {
        match (ours, theirs) {
            (Some(a), Some(b)) if b > 0.0 => Self::Ratio(a / b),
            _ => Self::Missing,
        }
    }

    /// `number`, and how many times `unit` it is.
    pub(crate) fn beside(number: Option<f64>, unit: Option<f64>) -> Self {
        match (number, unit) {
            (Some(a), Some(b)) if b > 0.0 => Self::Beside(a, a / b),
            _ => Self::of(number),
        }
    }

    fn markdown(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Number(number) => short(*number),
            Self::Ratio(ratio) => format!("{}x", short(*ratio)),
            Self::Beside(number, ratio) => format!("{} ({}x)", short(*number), short(*ratio)),
            Self::Missing => "-".into(),
        }
    }

    fn json(&self) -> serde_json::Value {
        match self {
            Self::Text(text) => text.clone().into(),
            Self::Count(count) => (*count).into(),
            Self::Number(number) | Self::Ratio(number) | Self::Beside(number, _) => (*number).into(),
            Self::Missing => serde_json::Value::Null,
        }
    }
}

/// Three significant digits.
fn short(number: f64) -> String {
    match number.abs() {
        n if n >= 100.0 => format!("{number:.0}"),
        n if n >= 10.0 => format!("{number:.1}"),
        n if n >= 0.1 || n == 0.0 => format!("{number:.2}"),
        n if n >= 0.01 => format!("{number:.3}"),
        _ => format!("{number:.2e}"),
    }
}

impl Table {
    /// An empty table; make it before its figures are measured.
    pub(crate) fn new(title: impl Into<String>, columns: impl IntoIterator<Item = String>) -> Self {
        Self {
            title: title.into(),
            columns: columns.into_iter().collect(),
            rows: Vec::new(),
            neighbours: Neighbours::watch(),
        }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// Writes the table to the standard output.
    pub(crate) fn print(&self, json: bool) -> Result<()> {
        let others = self.neighbours.cores();
        let mut out = std::io::stdout().lock();
        if json {
            for row in &self.rows {
                let pairs = self.columns.iter().zip(row).map(|(name, cell)| (name.clone(), cell.json()));
                let mut object: serde_json::Map<_, _> = pairs.collect();
                object.insert("table".into(), self.title.clone().into());
                object.insert("cores used by other processes".into(), others.into());
                writeln!(out, "{}", serde_json::Value::Object(object))?;
            }
        } else {
            writeln!(out, "### {}\n\n| {} |", self.title, self.columns.join(" | "))?;
            writeln!(out, "|---{}|", "|--:".repeat(self.columns.len() - 1))?;
            for row in &self.rows {
                let cells: Vec<String> = row.iter().map(Cell::markdown).collect();
                writeln!(out, "| {} |", cells.join(" | "))?;
            }
            let used = others.map_or_else(|| "unknown".into(), short);
            writeln!(out, "\nCores used by other processes meanwhile: {used}.\n")?;
        }
        Ok(out.flush()?)
    }
}
