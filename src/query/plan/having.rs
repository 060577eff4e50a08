//! `having`, and `where` of `show`: a condition over the columns of the answer.

use super::condition::DEPTH_MAX;
use super::context::Context;
use super::schema::{Field, Schema};
use super::text_test::{TextTest, holds};
use super::units::parse;
use crate::error::Result;
use crate::model::{Cells, ColumnType, Table, Timestamp, Unit, Zone};
use crate::query::ast::{CompareOp, Literal, Predicate, Spanned};

/// A condition over the columns of the answer. A missing number or time matches no comparison; a missing text is empty.
#[derive(Debug)]
pub(crate) enum Having {
    /// All hold.
    And(Vec<Having>),
    /// One holds.
    Or(Vec<Having>),
    /// It does not hold.
    Not(Box<Having>),
    /// The text in this column passes.
    Text(usize, TextTest),
    /// The number in this column compares so.
    Number(usize, CompareOp, f64),
    /// The time in this column compares so.
    Time(usize, CompareOp, i64),
}

impl Having {
    /// Compiles `predicate` against the columns of `schema`.
    pub(crate) fn new(ctx: &Context<'_>, predicate: &Predicate, schema: &Schema, zone: Zone) -> Result<Self> {
        Self::nested(ctx, predicate, schema, zone, 0)
    }

    fn nested(ctx: &Context<'_>, predicate: &Predicate, schema: &Schema, zone: Zone, depth: usize) -> Result<Self> {
        if depth > DEPTH_MAX {
            return Err(ctx.wrong(&(0..ctx.text.len()), "this condition is nested too deeply").into());
        }
        let each = |list: &[Predicate]| {
            list.iter().map(|p| Self::nested(ctx, p, schema, zone, depth + 1)).collect::<Result<Vec<_>>>()
        };
        Ok(match predicate {
            Predicate::And(list) => Self::And(each(list)?),
            Predicate::Or(list) => Self::Or(each(list)?),
            Predicate::Not(inner) => Self::Not(Box::new(Self::nested(ctx, inner, schema, zone, depth + 1)?)),
            Predicate::Compare { left, op, right } => {
                let field = schema.resolve(ctx, left)?;
                Self::compare(ctx, field, &schema.fields[field], *op, right, zone)?
            }
            Predicate::In { left, list } => {
                let field = schema.resolve(ctx, left)?;
                if schema.fields[field].kind == ColumnType::Text {
                    return Ok(Self::Text(field, TextTest::one_of(ctx, list)));
                }
                let equal = |l| Self::compare(ctx, field, &schema.fields[field], CompareOp::Equal, l, zone);
                Self::Or(list.iter().map(equal).collect::<Result<Vec<_>>>()?)
            }
        })
    }

    fn compare(
        ctx: &Context<'_>,
        index: usize,
        field: &Field,
        op: CompareOp,
        right: &Spanned<Literal>,
        zone: Zone,
    ) -> Result<Self> {
        let name = &field.name;
        if field.kind == ColumnType::Text {
            return Ok(Self::Text(index, TextTest::compare(ctx, &format!("`{name}`"), op, right)?));
        }
        if matches!(op, CompareOp::Regex | CompareOp::NotRegex) {
            return Err(ctx.wrong(&right.span, format!("`{name}` is no text and matches no pattern")).into());
        }
        match (field.kind, &right.value) {
            (ColumnType::Time, Literal::Text(text)) => match Timestamp::parse(text, zone) {
                Some(t) => Ok(Self::Time(index, op, t.0)),
                None => Err(ctx
                    .wrong(&right.span, format!("`{text}` is no point in time"))
                    .label("such as \"2026-11-20T12:00:00Z\"")
                    .into()),
            },
            (ColumnType::Time, Literal::Number(_)) => {
                let d = ctx.wrong(&right.span, format!("`{name}` is a point in time"));
                Err(d.label("expected a time in quotes, such as \"2026-11-20T12:00:00Z\"").into())
            }
            (_, Literal::Text(text)) => {
                Err(ctx.wrong(&right.span, format!("`{name}` is a number, `{text}` is not")).into())
            }
            (_, Literal::Number(quantity)) => {
                let number = match (parse(ctx, quantity, &right.span)?, &field.unit) {
                    (None, _) => Some(quantity.value),
                    (Some(unit), Some(own)) => unit.convert(quantity.value, own),
                    (Some(unit), None) => {
                        let d = ctx.wrong(&right.span, format!("`{name}` has no unit to compare {unit} with"));
                        return Err(d
                            .help(format!("a metric gets its unit from: perfdb metric set NAME --unit {unit}"))
                            .into());
                    }
                };
                let own = field.unit.as_ref().map_or("", Unit::symbol);
                let wrong = || ctx.wrong(&right.span, format!("`{name}` is in {own}, which this does not convert to"));
                Ok(Self::Number(index, op, number.ok_or_else(wrong)?))
            }
        }
    }

    /// Whether it holds for a row of `table`, whose columns are those of the schema.
    pub(crate) fn holds(&self, table: &Table, row: usize) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|p| p.holds(table, row)),
            Self::Or(parts) => parts.iter().any(|p| p.holds(table, row)),
            Self::Not(inner) => !inner.holds(table, row),
            Self::Text(field, test) => test.holds(table.columns[*field].cells.text(row).unwrap_or("")),
            Self::Number(field, op, number) => {
                table.columns[*field].cells.number(row).is_some_and(|n| holds(*op, n, *number))
            }
            Self::Time(field, op, time) => match &table.columns[*field].cells {
                Cells::Time(times) => times[row].is_some_and(|t| compare_times(*op, t, *time)),
                _ => false,
            },
        }
    }
}

fn compare_times(op: CompareOp, left: i64, right: i64) -> bool {
    match op {
        CompareOp::Equal => left == right,
        CompareOp::NotEqual => left != right,
        CompareOp::Less => left < right,
        CompareOp::LessEqual => left <= right,
        CompareOp::Greater => left > right,
        CompareOp::GreaterEqual => left >= right,
        CompareOp::Regex | CompareOp::NotRegex => false,
    }
}
