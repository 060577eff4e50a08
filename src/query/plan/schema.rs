//! The columns of the answer, and what `order by` and `limit` refer to among them.

use super::context::{Context, list};
use crate::error::Result;
use crate::model::{ColumnType, Unit};
use crate::query::ast::{Clauses, Operand, Span};

/// What a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The time of a row: a bucket's start, a sample's time.
    Time,
    /// A key of `by`, or the labels of a sample.
    Key,
    /// A computed value.
    Value,
    /// A value that only `having` or `order by` reads.
    Hidden,
}

/// A column of the answer.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// Its name.
    pub(crate) name: String,
    /// The expression as written, where it is one.
    pub(crate) text: String,
    /// What it is.
    pub(crate) role: Role,
    /// The type of its values.
    pub(crate) kind: ColumnType,
    /// The unit of its values.
    pub(crate) unit: Option<Unit>,
}

impl Field {
    /// A column named `name`.
    pub(crate) fn new(name: impl Into<String>, role: Role, kind: ColumnType, unit: Option<Unit>) -> Self {
        let name = name.into();
        Self { text: name.clone(), name, role, kind, unit }
    }
}

/// The columns of the answer, in order, and with them the hidden ones.
#[derive(Debug, Clone, Default)]
pub(crate) struct Schema {
    /// The columns.
    pub(crate) fields: Vec<Field>,
}

/// One term of `order by`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OrderBy {
    /// The column.
    pub(crate) field: usize,
    /// Whether the largest comes first.
    pub(crate) descending: bool,
}

/// `limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowLimit {
    /// How many rows.
    pub(crate) count: usize,
    /// Of each value of this column.
    pub(crate) per: Option<usize>,
}

impl Schema {
    /// Adds a column. Two of one name are an error at `span`.
    pub(crate) fn push(&mut self, ctx: &Context<'_>, field: Field, span: &Span) -> Result<()> {
        if field.role != Role::Hidden && self.fields.iter().any(|f| f.role != Role::Hidden && f.name == field.name) {
            let d = ctx.wrong(span, format!("two columns are called `{}`", field.name));
            return Err(d.label("give this one another name: `... as name`").into());
        }
        self.fields.push(field);
        Ok(())
    }

    /// The column that `operand` names.
    pub(crate) fn resolve(&self, ctx: &Context<'_>, operand: &Operand) -> Result<usize> {
        let name = operand.text.as_str();
        let visible = |f: &&Field| f.role != Role::Hidden;
        let found = self.fields.iter().position(|f| visible(&f) && f.name == name);
        let found = found.or_else(|| self.fields.iter().position(|f| visible(&f) && f.text == name));
        let found = found.or_else(|| self.fields.iter().position(|f| f.text == name));
        if let Some(found) = found {
            return Ok(found);
        }
        let of_role = |role: Role| self.fields.iter().enumerate().filter(move |(_, f)| f.role == role).map(|(i, _)| i);
        match name {
            "time" => {
                if let Some(time) = of_role(Role::Time).next() {
                    return Ok(time);
                }
                let d = ctx.wrong(&operand.span, "the rows have no `time`");
                return Err(d.label("`every` cuts time into buckets").into());
            }
            "value" => {
                let values: Vec<usize> = of_role(Role::Value).collect();
                if let [one] = values.as_slice() {
                    return Ok(*one);
                }
                let d = ctx.wrong(&operand.span, "`value` is ambiguous: there are several columns");
                return Err(d.label("name the column").into());
            }
            _ => {}
        }
        let names: Vec<&str> = self.fields.iter().filter(visible).map(|f| f.name.as_str()).collect();
        let message = format!("no column or key `{name}` in the answer");
        Err(ctx.wrong_name(&operand.span, message, name, names.iter().copied(), &list("there is", &names)).into())
    }

    /// The terms of `order by`.
    pub(crate) fn order(&self, ctx: &Context<'_>, clauses: &Clauses) -> Result<Vec<OrderBy>> {
        let resolve = |t: &crate::query::ast::OrderTerm| {
            Ok(OrderBy { field: self.resolve(ctx, &t.term)?, descending: t.descending })
        };
        clauses.order.iter().map(resolve).collect()
    }

    /// `limit`, where there is one.
    pub(crate) fn limit(&self, ctx: &Context<'_>, clauses: &Clauses) -> Result<Option<RowLimit>> {
        let Some(limit) = &clauses.limit else { return Ok(None) };
        let per = match &limit.value.per {
            None => None,
            Some(key) => {
                let candidate = |f: &Field| matches!(f.role, Role::Key | Role::Time);
                let found = self.fields.iter().position(|f| candidate(f) && f.name == key.value);
                if found.is_none() {
                    let keys: Vec<&str> =
                        self.fields.iter().filter(|f| candidate(f)).map(|f| f.name.as_str()).collect();
                    let otherwise = if keys.is_empty() {
                        "there are no keys: add `by`".to_owned()
                    } else {
                        list("the keys are", &keys)
                    };
                    let message = format!("no key `{}` to limit by", key.value);
                    return Err(ctx.wrong_name(&key.span, message, &key.value, keys, &otherwise).into());
                }
                found
            }
        };
        Ok(Some(RowLimit { count: usize::try_from(limit.value.count).unwrap_or(usize::MAX), per }))
    }
}
