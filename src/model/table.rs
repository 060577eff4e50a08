//! The result of a query: typed columns of equal length, and notes about them.

use super::Unit;
use std::sync::Arc;

/// A table of typed columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// The columns, all of the same length.
    pub columns: Vec<Column>,
    /// What a reader must know about the answer: partial buckets, nothing found, a guessed unit.
    pub notes: Vec<Note>,
}

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name: an alias, a key, or the expression as written.
    pub name: String,
    /// The unit of its numbers.
    pub unit: Option<Unit>,
    /// The largest relative error of its numbers; `None` where they are exact.
    pub error_bound: Option<f64>,
    /// The values.
    pub cells: Cells,
}

/// The values of a column; `None` is a missing value.
#[derive(Debug, Clone, PartialEq)]
pub enum Cells {
    /// Points in time, ns since the Unix epoch.
    Time(Vec<Option<i64>>),
    /// Texts. Few distinct ones repeat often, so they are shared.
    Text(Vec<Option<Arc<str>>>),
    /// Numbers.
    Number(Vec<Option<f64>>),
    /// Whole numbers: counts.
    Integer(Vec<Option<i64>>),
}

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// See [`Cells::Time`].
    Time,
    /// See [`Cells::Text`].
    Text,
    /// See [`Cells::Number`].
    Number,
    /// See [`Cells::Integer`].
    Integer,
}

/// Something that a reader of the answer must know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// A stable name for programs, such as `empty_range` or `partial_bucket`.
    pub code: &'static str,
    /// The sentence for people.
    pub text: String,
}

impl Note {
    /// A note.
    pub fn new(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl Cells {
    /// How many values there are.
    pub fn count(&self) -> usize {
        match self {
            Self::Time(v) | Self::Integer(v) => v.len(),
            Self::Text(v) => v.len(),
            Self::Number(v) => v.len(),
        }
    }

    /// The type.
    pub fn column_type(&self) -> ColumnType {
        match self {
            Self::Time(_) => ColumnType::Time,
            Self::Text(_) => ColumnType::Text,
            Self::Number(_) => ColumnType::Number,
            Self::Integer(_) => ColumnType::Integer,
        }
    }

    /// The values at `rows`, in that order.
    #[must_use]
    pub fn pick(&self, rows: &[usize]) -> Self {
        match self {
            Self::Time(v) => Self::Time(rows.iter().map(|&i| v[i]).collect()),
            Self::Integer(v) => Self::Integer(rows.iter().map(|&i| v[i]).collect()),
            Self::Text(v) => Self::Text(rows.iter().map(|&i| v[i].clone()).collect()),
            Self::Number(v) => Self::Number(rows.iter().map(|&i| v[i]).collect()),
        }
    }

    /// The number at `row`, of whichever numeric type.
    pub fn number(&self, row: usize) -> Option<f64> {
        match self {
            Self::Time(v) | Self::Integer(v) => v[row].map(|n| n as f64),
            Self::Number(v) => v[row],
            Self::Text(_) => None,
        }
    }

    /// The text at `row`.
    pub fn text(&self, row: usize) -> Option<&str> {
        match self {
            Self::Text(v) => v[row].as_deref(),
            _ => None,
        }
    }
}

impl Column {
    /// A column without a unit.
    pub fn new(name: impl Into<String>, cells: Cells) -> Self {
        Self { name: name.into(), unit: None, error_bound: None, cells }
    }

    /// A column of texts.
    pub fn text<T: Into<Arc<str>>>(name: impl Into<String>, values: impl IntoIterator<Item = Option<T>>) -> Self {
        Self::new(name, Cells::Text(values.into_iter().map(|v| v.map(Into::into)).collect()))
    }

    /// A column of numbers in `unit`.
    pub fn number(name: impl Into<String>, unit: Option<Unit>, values: impl IntoIterator<Item = Option<f64>>) -> Self {
        Self { unit, ..Self::new(name, Cells::Number(values.into_iter().collect())) }
    }

    /// A column of whole numbers.
    pub fn integer(name: impl Into<String>, values: impl IntoIterator<Item = Option<i64>>) -> Self {
        Self::new(name, Cells::Integer(values.into_iter().collect()))
    }

    /// A column of times.
    pub fn time(name: impl Into<String>, values: impl IntoIterator<Item = Option<i64>>) -> Self {
        Self::new(name, Cells::Time(values.into_iter().collect()))
    }
}

impl Table {
    /// How many rows there are.
    pub fn row_count(&self) -> usize {
        self.columns.first().map_or(0, |c| c.cells.count())
    }

    /// The column called `name`.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Keeps the rows `rows`, in that order.
    pub fn pick(&mut self, rows: &[usize]) {
        for column in &mut self.columns {
            column.cells = column.cells.pick(rows);
        }
    }
}
