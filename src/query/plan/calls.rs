//! A call as written, checked against the table of functions.

use super::context::{Context, did_you_mean};
use super::unavailable;
use crate::error::{Diagnostic, Result};
use crate::query::ast::{Argument, Call, Expr, ExprKind, Literal, Selector, Span};
use crate::query::functions::{Compute, Function, Lookup, Parameter, ParameterKind, find, suggest};

/// What is made of the state of a group.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reduction {
    /// What is computed.
    pub(crate) compute: Compute,
    /// The fraction of a quantile, else 0.
    pub(crate) fraction: f64,
    /// Whether a quantile is a nearest rank.
    pub(crate) nearest: bool,
}

/// A call that fits its function.
#[derive(Debug)]
pub(crate) struct Bound<'q> {
    /// The function.
    pub(crate) function: &'static Function,
    /// Its name as written.
    name: &'q str,
    /// What it reads: one selector in all but `points`.
    pub(crate) selectors: Vec<&'q Selector>,
    /// What it computes.
    pub(crate) reduction: Reduction,
    /// `buckets` of `histogram`, `n` of `slowest`.
    pub(crate) whole: u64,
}

/// The value of an argument as written.
enum Given<'q> {
    Selector(&'q Selector),
    Number(f64, Option<&'q str>),
    Text(&'q str),
    Call(&'q Call),
    Other,
}

/// Checks `call` against the table.
pub(crate) fn bind<'q>(ctx: &Context<'_>, call: &'q Call) -> Result<Bound<'q>> {
    let (function, fraction) = lookup(ctx, call)?;
    unavailable::check_function(ctx, function, &call.function.span)?;
    let reduction = Reduction { compute: function.compute, fraction: fraction.unwrap_or(0.0), nearest: false };
    let mut bound = Bound { function, name: &call.function.value, selectors: Vec::new(), reduction, whole: 0 };
    let mut given = vec![false; function.parameters.len()];
    let mut position = 0;
    for argument in &call.arguments {
        let (index, value, span) = match argument {
            Argument::Selector(s) => (next(ctx, function, call, position, &s.span)?, Given::Selector(s), &s.span),
            Argument::Expr(e) => (next(ctx, function, call, position, &e.span)?, given_of(e), &e.span),
            Argument::Named { name, value } => {
                let index = named(ctx, function, &name.value, &name.span)?;
                let literal = match &value.value {
                    Literal::Number(q) => Given::Number(q.value, q.unit.as_deref()),
                    Literal::Text(text) => Given::Text(text),
                };
                (index, literal, &value.span)
            }
        };
        let parameter = &function.parameters[index];
        if given[index] && parameter.kind != ParameterKind::Metrics {
            return Err(ctx.wrong(span, format!("`{}` is given twice", parameter.name)).into());
        }
        given[index] = true;
        take(ctx, &mut bound, parameter, &value, span)?;
        position += usize::from(!matches!(argument, Argument::Named { .. }));
    }
    for (parameter, given) in function.parameters.iter().zip(given) {
        if !given {
            take_default(ctx, &mut bound, parameter, call)?;
        }
    }
    Ok(bound)
}

fn lookup(ctx: &Context<'_>, call: &Call) -> Result<(&'static Function, Option<f64>)> {
    let (name, span) = (&call.function.value, &call.function.span);
    match find(name) {
        Lookup::Found(function, fraction) => Ok((function, fraction)),
        Lookup::PercentileTooHigh => {
            let d = ctx.wrong(span, format!("`{name}` is no percentile: they go from 0 to 100"));
            // p999 is what other tools call p99.9.
            let dotted = (name.len() > 3 && !name.contains('.') && name[1..].starts_with('9'))
                .then(|| format!("did you mean `p{}.{}`?", &name[1..3], &name[3..]));
            Err(dotted.map_or(d.clone(), |label| d.label(label)).into())
        }
        Lookup::Unknown => {
            let d = ctx.wrong(span, format!("unknown function `{name}`"));
            Err(match did_you_mean(&suggest(name)) {
                Some(label) => d.label(label),
                None => d.help("such as count, sum, avg, min, max, p95, rate, histogram or points"),
            }
            .into())
        }
    }
}

fn given_of(expr: &Expr) -> Given<'_> {
    match &expr.kind {
        ExprKind::Number(q) => Given::Number(q.value, q.unit.as_deref()),
        ExprKind::Call(call) => Given::Call(call),
        ExprKind::Negate(inner) => match &inner.kind {
            ExprKind::Number(q) => Given::Number(-q.value, q.unit.as_deref()),
            _ => Given::Other,
        },
        ExprKind::Binary { .. } => Given::Other,
    }
}

/// The parameter of the argument at `position`.
fn next(ctx: &Context<'_>, function: &Function, call: &Call, position: usize, span: &Span) -> Result<usize> {
    match function.parameters {
        [Parameter { kind: ParameterKind::Metrics, .. }] => Ok(0),
        parameters if position < parameters.len() => Ok(position),
        parameters => {
            let count = parameters.len();
            let plural = if count == 1 { "" } else { "s" };
            let message = format!("`{}` takes {count} argument{plural}", call.function.value);
            let signature = function.signature().replacen(function.name, &call.function.value, 1);
            let d = ctx.wrong(span, message).label(format!("one too many: {signature}"));
            let second_metric = matches!(call.arguments.get(position), Some(Argument::Selector(_)));
            Err(if second_metric {
                d.help(format!("one call for each metric: {0}(a), {0}(b)", call.function.value))
            } else {
                d
            }
            .into())
        }
    }
}

fn named(ctx: &Context<'_>, function: &Function, name: &str, span: &Span) -> Result<usize> {
    let nameable = || function.parameters.iter().filter(|p| is_literal(p.kind)).map(|p| p.name);
    let found = function.parameters.iter().position(|p| p.name == name && is_literal(p.kind));
    found.ok_or_else(|| {
        let message = format!("`{}` has no argument `{name}`", function.name);
        ctx.wrong_name(span, message, name, nameable(), &format!("it is {}", function.signature())).into()
    })
}

fn is_literal(kind: ParameterKind) -> bool {
    !matches!(kind, ParameterKind::Metric | ParameterKind::Metrics | ParameterKind::Aggregate)
}

/// Takes in the value of `parameter`.
fn take<'q>(
    ctx: &Context<'_>,
    bound: &mut Bound<'q>,
    parameter: &Parameter,
    value: &Given<'q>,
    span: &Span,
) -> Result<()> {
    let function = bound.function;
    let name = bound.name;
    let wrong = |expected: &str| -> Diagnostic {
        let d = ctx.wrong(span, format!("`{}` of `{}` is {expected}", parameter.name, name));
        d.label(format!("in {}", function.signature()))
    };
    match (parameter.kind, value) {
        (ParameterKind::Metric | ParameterKind::Metrics, Given::Selector(selector)) => bound.selectors.push(selector),
        (ParameterKind::Metric | ParameterKind::Metrics, Given::Call(inner)) => {
            lookup(ctx, inner)?;
            let message = format!("`{}` takes a metric, not the result of `{}`", bound.name, inner.function.value);
            let help = "an aggregate pools the points of its group: aggregates of aggregates do not exist";
            return Err(ctx.wrong(span, message).label("expected a metric").help(help).into());
        }
        (ParameterKind::Metric | ParameterKind::Metrics, Given::Other) => {
            let d = ctx.wrong(span, format!("`{}` takes a metric, not arithmetic", bound.name));
            return Err(d.help(format!("arithmetic goes between aggregates: {0}(a) + {0}(b)", bound.name)).into());
        }
        (ParameterKind::Metric | ParameterKind::Metrics, _) => return Err(wrong("a metric").into()),
        (ParameterKind::Fraction, Given::Number(number, None)) if (0.0..=1.0).contains(number) => {
            bound.reduction.fraction = *number;
        }
        (ParameterKind::Fraction, Given::Number(number, None)) if (1.0..=100.0).contains(number) => {
            return Err(wrong("a fraction from 0 to 1").help(format!("the percentile is `p{number}(x)`")).into());
        }
        (ParameterKind::Fraction, _) => return Err(wrong("a fraction from 0 to 1").into()),
        (ParameterKind::Whole(low, high), Given::Number(number, None))
            if number.fract() == 0.0 && (low as f64..=high as f64).contains(number) =>
        {
            bound.whole = *number as u64;
        }
        (ParameterKind::Whole(low, high), _) => {
            let up_to = if high == u64::MAX { " on".to_owned() } else { format!(" to {high}") };
            return Err(wrong(&format!("a whole number from {low}{up_to}")).into());
        }
        (ParameterKind::Choice(words), value) => {
            let word = match value {
                Given::Text(text) => text,
                Given::Selector(s) if s.matchers.is_empty() => s.metric.value.as_str(),
                _ => "",
            };
            if !words.contains(&word) {
                let quoted: Vec<String> = words.iter().map(|w| format!("\"{w}\"")).collect();
                return Err(wrong(&quoted.join(" or ")).into());
            }
            bound.reduction.nearest = word == "nearest";
        }
        (ParameterKind::Aggregate | ParameterKind::Duration, _) => {
            return Err(wrong("not available in this version").into());
        }
    }
    Ok(())
}

/// Takes in the value that `parameter` has when it is left out.
fn take_default(ctx: &Context<'_>, bound: &mut Bound<'_>, parameter: &Parameter, call: &Call) -> Result<()> {
    let span = &call.function.span;
    let Some(default) = parameter.default else {
        let what = if is_literal(parameter.kind) { format!("`{}`", parameter.name) } else { "a metric".to_owned() };
        let message = format!("`{}` needs {what}", call.function.value);
        return Err(ctx.wrong(span, message).label(format!("as in {}", bound.function.signature())).into());
    };
    let value = default.parse().map_or(Given::Text(default), |n| Given::Number(n, None));
    take(ctx, bound, parameter, &value, span)
}
