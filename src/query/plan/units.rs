//! What units do in conditions and in arithmetic.
//!
//! Adding and subtracting need units that convert; the result is in the left one. A plain number takes the unit of the other
//! side, but a metric or a count without unit does not. Multiplying and dividing make new units: a share (`%`) vanishes,
//! equal dimensions cancel, anything per time is per second, a rate times a time is an amount, and the rest is written
//! as `a*b` and `a/b`.

use super::context::Context;
use crate::error::Result;
use crate::model::{Dimension, Unit};
use crate::query::ast::{BinaryOp, Quantity, Span};

/// The number of `quantity` in the unit of the metric at `metric`.
pub(crate) fn in_unit_of(ctx: &Context<'_>, metric: usize, quantity: &Quantity, span: &Span) -> Result<f64> {
    let Some(unit) = parse(ctx, quantity, span)? else { return Ok(quantity.value) };
    let info = &ctx.metrics[metric];
    let Some(own) = &info.meta.unit else {
        let d = ctx.wrong(span, format!("metric `{}` has no unit to compare {unit} with", info.name));
        return Err(d.help(format!("give it one: perfdb metric set '{}' --unit {unit}", info.name)).into());
    };
    unit.convert(quantity.value, own).ok_or_else(|| {
        ctx.wrong(span, format!("metric `{}` is in {own}, which {unit} does not convert to", info.name)).into()
    })
}

/// The unit of `quantity`, if it has one.
pub(crate) fn parse(ctx: &Context<'_>, quantity: &Quantity, span: &Span) -> Result<Option<Unit>> {
    match &quantity.unit {
        None => Ok(None),
        Some(symbol) => match symbol.parse() {
            Ok(unit) => Ok(Some(unit)),
            Err(why) => Err(ctx.wrong(span, why).into()),
        },
    }
}

/// The unit of a part of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Measure {
    /// The unit.
    pub(crate) unit: Option<Unit>,
    /// Whether it is a plain number, which takes the unit of what it is added to.
    pub(crate) plain: bool,
}

/// From a unit to another one, applied to a number.
pub(crate) type Conversion = (Unit, Unit);

/// What an operator does to units: a conversion of the right side before it, one of the result after it, and the unit of
/// the result.
pub(crate) struct Combined {
    pub(crate) right: Option<Conversion>,
    pub(crate) result: Option<Conversion>,
    pub(crate) unit: Option<Unit>,
}

impl Combined {
    fn of(unit: Option<Unit>) -> Self {
        Self { right: None, result: None, unit }
    }
}

/// Combines the units of two sides; `None` where they don't go together.
pub(crate) fn combine(op: BinaryOp, left: &Measure, right: &Measure) -> Option<Combined> {
    match op {
        BinaryOp::Add | BinaryOp::Subtract => add(left, right),
        BinaryOp::Multiply => Some(multiply(left.unit.as_ref(), right.unit.as_ref())),
        BinaryOp::Divide => Some(divide(left.unit.as_ref(), right.unit.as_ref())),
    }
}

fn add(left: &Measure, right: &Measure) -> Option<Combined> {
    match (&left.unit, &right.unit) {
        (l, r) if l == r => Some(Combined::of(l.clone())),
        (None, r) if left.plain => Some(Combined::of(r.clone())),
        (l, None) if right.plain => Some(Combined::of(l.clone())),
        (Some(l), Some(r)) if l.dimension() == r.dimension() => {
            Some(Combined { right: Some((r.clone(), l.clone())), ..Combined::of(Some(l.clone())) })
        }
        _ => None,
    }
}

fn multiply(left: Option<&Unit>, right: Option<&Unit>) -> Combined {
    let (Some(l), Some(r)) = (left, right) else { return Combined::of(left.or(right).cloned()) };
    let (ld, rd) = (l.dimension(), r.dimension());
    if ld == Dimension::Ratio {
        return Combined { result: conversion(l, "ratio"), ..Combined::of(Some(r.clone())) };
    }
    if rd == Dimension::Ratio {
        return Combined { result: conversion(r, "ratio"), ..Combined::of(Some(l.clone())) };
    }
    for (time, rate) in [(l, r), (r, l)] {
        if let (Dimension::Time, Some(amount)) = (time.dimension(), rate.symbol().strip_suffix("/s")) {
            let unit = if amount == "1" { None } else { amount.parse().ok() };
            return Combined { result: conversion(time, "s"), ..Combined::of(unit) };
        }
    }
    Combined::of(written(l, '*', r))
}

fn divide(left: Option<&Unit>, right: Option<&Unit>) -> Combined {
    let Some(r) = right else { return Combined::of(left.cloned()) };
    if let Some(l) = left
        && l.dimension() == r.dimension()
    {
        return Combined { right: Some((r.clone(), l.clone())), ..Combined::of(None) };
    }
    match (r.dimension(), left) {
        (Dimension::Ratio, _) => Combined { right: conversion(r, "ratio"), ..Combined::of(left.cloned()) },
        (Dimension::Time, Some(l)) => Combined { right: conversion(r, "s"), ..Combined::of(Some(l.per_second())) },
        (Dimension::Time, None) => {
            Combined { right: conversion(r, "s"), ..Combined::of(Some(Unit::per_second_of_nothing())) }
        }
        (_, Some(l)) => Combined::of(written(l, '/', r)),
        (_, None) => Combined::of(format!("1/{}", in_parentheses(r)).parse().ok()),
    }
}

fn conversion(from: &Unit, to: &str) -> Option<Conversion> {
    Some((from.clone(), to.parse().ok()?)).filter(|(from, to)| from != to)
}

fn written(left: &Unit, op: char, right: &Unit) -> Option<Unit> {
    format!("{left}{op}{}", in_parentheses(right)).parse().ok()
}

fn in_parentheses(unit: &Unit) -> String {
    if unit.symbol().contains(['*', '/']) { format!("({unit})") } else { unit.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn combined(op: BinaryOp, left: &str, right: &str) -> Option<String> {
        let measure = |symbol: &str| Measure {
            unit: (!symbol.is_empty() && symbol != "5").then(|| symbol.parse().unwrap()),
            plain: symbol == "5",
        };
        combine(op, &measure(left), &measure(right)).map(|c| c.unit.map_or(String::new(), |u| u.to_string()))
    }

    #[test]
    fn sums_need_units_that_convert() {
        assert_eq!(combined(BinaryOp::Add, "ms", "s").as_deref(), Some("ms"));
        assert_eq!(combined(BinaryOp::Subtract, "5", "s").as_deref(), Some("s"));
        assert_eq!(combined(BinaryOp::Add, "ms", "B"), None);
        assert_eq!(combined(BinaryOp::Add, "ms", ""), None);
    }

    #[test]
    fn products_and_quotients_make_new_units() {
        for (op, left, right, expected) in [
            (BinaryOp::Multiply, "5", "ms", "ms"),
            (BinaryOp::Multiply, "%", "ms", "ms"),
            (BinaryOp::Multiply, "B/s", "ms", "B"),
            (BinaryOp::Multiply, "1/s", "h", ""),
            (BinaryOp::Multiply, "J", "m", "J*m"),
            (BinaryOp::Divide, "ms", "s", ""),
            (BinaryOp::Divide, "B", "ms", "B/s"),
            (BinaryOp::Divide, "", "s", "1/s"),
            (BinaryOp::Divide, "ms", "", "ms"),
            (BinaryOp::Divide, "J", "req", "J/req"),
            (BinaryOp::Divide, "J", "B/s", "J/(B/s)"),
            (BinaryOp::Divide, "", "req", "1/req"),
        ] {
            assert_eq!(combined(op, left, right).as_deref(), Some(expected), "{left} {op:?} {right}");
        }
    }
}
