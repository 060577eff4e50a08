//! What is left of a condition once the series is known: a test of the values of a row.
//!
//! A row has one value a column (one in all but `points`); a missing value, NaN here, matches no comparison.

use super::text_test::holds;
use crate::query::ast::CompareOp;
use crate::query::source::ValueFilter;

/// A test of the values of a row.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum RowFilter {
    /// Always holds.
    True,
    /// Never holds.
    False,
    /// The value of this column compares so.
    Compare(u32, CompareOp, f64),
    /// The value of this column is one of these.
    In(u32, Vec<f64>),
    /// All hold.
    And(Vec<RowFilter>),
    /// One holds.
    Or(Vec<RowFilter>),
    /// It does not hold.
    Not(Box<RowFilter>),
}

impl From<bool> for RowFilter {
    fn from(truth: bool) -> Self {
        if truth { Self::True } else { Self::False }
    }
}

impl RowFilter {
    /// The opposite.
    pub(crate) fn not(self) -> Self {
        match self {
            Self::True => Self::False,
            Self::False => Self::True,
            other => Self::Not(Box::new(other)),
        }
    }

    /// All of `parts`.
    pub(crate) fn all(mut parts: Vec<Self>) -> Self {
        if parts.contains(&Self::False) {
            return Self::False;
        }
        parts.retain(|p| *p != Self::True);
        match parts.len() {
            0 => Self::True,
            1 => parts.remove(0),
            _ => Self::And(parts),
        }
    }

    /// One of `parts`.
    pub(crate) fn any(mut parts: Vec<Self>) -> Self {
        if parts.contains(&Self::True) {
            return Self::True;
        }
        parts.retain(|p| *p != Self::False);
        match parts.len() {
            0 => Self::False,
            1 => parts.remove(0),
            _ => Self::Or(parts),
        }
    }

    /// Whether it holds for `row`, one value a column.
    pub(crate) fn holds(&self, row: &[f64]) -> bool {
        let value = |column: &u32| row.get(*column as usize).copied().unwrap_or(f64::NAN);
        match self {
            Self::True => true,
            Self::False => false,
            Self::Compare(column, op, number) => holds(*op, value(column), *number),
            Self::In(column, list) => list.contains(&value(column)),
            Self::And(parts) => parts.iter().all(|p| p.holds(row)),
            Self::Or(parts) => parts.iter().any(|p| p.holds(row)),
            Self::Not(inner) => !inner.holds(row),
        }
    }

    /// As a filter of the one value that it tests.
    pub(crate) fn value_filter(&self) -> ValueFilter {
        match self {
            Self::True => ValueFilter::True,
            Self::False => ValueFilter::False,
            Self::Compare(_, op, number) => ValueFilter::Compare(*op, *number),
            Self::In(_, list) => ValueFilter::In(list.clone()),
            Self::And(parts) => ValueFilter::And(parts.iter().map(Self::value_filter).collect()),
            Self::Or(parts) => ValueFilter::Or(parts.iter().map(Self::value_filter).collect()),
            Self::Not(inner) => ValueFilter::Not(Box::new(inner.value_filter())),
        }
    }

    /// The only column that it tests, if it is only one.
    fn only_column(&self) -> Option<u32> {
        match self {
            Self::True | Self::False => None,
            Self::Compare(column, ..) | Self::In(column, _) => Some(*column),
            Self::Not(inner) => inner.only_column(),
            Self::And(parts) | Self::Or(parts) => {
                let first = parts.first()?.only_column()?;
                parts.iter().all(|p| p.only_column() == Some(first)).then_some(first)
            }
        }
    }

    /// A part of it that must hold, tests one column only, and does not hold where that column's value is missing: a
    /// scan of that column with the part as its filter finds all times that can match.
    pub(crate) fn driver(&self) -> Option<(u32, ValueFilter)> {
        let parts = match self {
            Self::And(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        parts.iter().filter(|p| !p.holds(&[])).find_map(|p| Some((p.only_column()?, p.value_filter())))
    }
}
