//! Columns: from an expression to a program over the results of aggregates, in postfix order, so that neither a long sum nor
//! a deep nest costs stack.

use super::calls::{Bound, bind};
use super::context::Context;
use super::inputs::Inputs;
use super::units::{Combined, Conversion, Measure, combine, parse};
use crate::error::Result;
use crate::model::Unit;
use crate::query::ast::{BinaryOp, Expr, ExprKind, Quantity, Span};
use crate::query::functions::{Class, ResultType};

/// An expression in postfix order, before units are known.
pub(crate) struct Draft<'q> {
    steps: Vec<Step<'q>>,
    span: Span,
}

enum Step<'q> {
    Number(&'q Quantity, &'q Span),
    /// The number of the call.
    Call(usize, &'q Span),
    Negate,
    Binary(BinaryOp, &'q Span),
}

/// One operation of a program.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Op {
    /// Pushes a number.
    Number(f64),
    /// Pushes the result of a call.
    Call(usize),
    /// Negates the top.
    Negate,
    /// Joins the two at the top.
    Binary(BinaryOp),
    /// Converts the top.
    Convert(Box<Conversion>),
}

/// A column to compute.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Program {
    /// The operations.
    pub(crate) ops: Vec<Op>,
    /// The unit of the result.
    pub(crate) unit: Option<Unit>,
    /// Its type.
    pub(crate) result: ResultType,
    /// The calls that it reads.
    pub(crate) calls: Vec<usize>,
}

impl<'q> Draft<'q> {
    /// Puts `expr` in postfix order, and its calls into `inputs`.
    pub(crate) fn new(ctx: &Context<'_>, expr: &'q Expr, inputs: &mut Inputs) -> Result<Self> {
        enum Work<'e> {
            Visit(&'e Expr),
            Emit(Step<'e>),
        }
        let mut steps = Vec::new();
        let mut work = vec![Work::Visit(expr)];
        while let Some(next) = work.pop() {
            let expr = match next {
                Work::Emit(step) => {
                    steps.push(step);
                    continue;
                }
                Work::Visit(expr) => expr,
            };
            match &expr.kind {
                ExprKind::Number(quantity) => steps.push(Step::Number(quantity, &expr.span)),
                ExprKind::Call(call) => {
                    let bound = aggregate_only(ctx, bind(ctx, call)?, &call.function.span)?;
                    steps.push(Step::Call(inputs.add(ctx, &bound, &expr.span)?, &expr.span));
                }
                ExprKind::Negate(inner) => {
                    work.push(Work::Emit(Step::Negate));
                    work.push(Work::Visit(inner));
                }
                ExprKind::Binary { op, left, right } => {
                    work.push(Work::Emit(Step::Binary(*op, &expr.span)));
                    work.push(Work::Visit(right));
                    work.push(Work::Visit(left));
                }
            }
        }
        if !steps.iter().any(|s| matches!(s, Step::Call(..))) {
            let d = ctx.wrong(&expr.span, "this column reads no metric");
            return Err(d.label("expected an aggregate, such as avg(x)").into());
        }
        Ok(Self { steps, span: expr.span.clone() })
    }

    /// Settles the units.
    pub(crate) fn program(&self, ctx: &Context<'_>, inputs: &Inputs) -> Result<Program> {
        let mut ops = Vec::with_capacity(self.steps.len());
        let mut stack: Vec<Measure> = Vec::new();
        let mut calls = Vec::new();
        let mut result = ResultType::Number;
        for step in &self.steps {
            match step {
                Step::Number(quantity, span) => {
                    let unit = parse(ctx, quantity, span)?;
                    stack.push(Measure { plain: unit.is_none(), unit });
                    ops.push(Op::Number(quantity.value));
                }
                Step::Call(call, span) => {
                    let (unit, of_call) = inputs.measure(ctx, *call)?;
                    if of_call == ResultType::Time && self.steps.len() > 1 {
                        return Err(ctx.wrong(span, "a point in time does not take part in arithmetic").into());
                    }
                    result = if self.steps.len() == 1 { of_call } else { ResultType::Number };
                    stack.push(Measure { unit, plain: false });
                    ops.push(Op::Call(*call));
                    calls.push(*call);
                }
                Step::Negate => ops.push(Op::Negate),
                Step::Binary(op, span) => {
                    let (right, left) = (stack.pop(), stack.pop());
                    let (Some(left), Some(right)) = (left, right) else {
                        return Err(crate::error::Error::Bug("an operator without two sides".into()));
                    };
                    let Some(combined) = combine(*op, &left, &right) else {
                        return Err(conflict(ctx, &left, &right, span).into());
                    };
                    let Combined { right: before, result: after, unit } = combined;
                    ops.extend(before.map(|c| Op::Convert(Box::new(c))));
                    ops.push(Op::Binary(*op));
                    ops.extend(after.map(|c| Op::Convert(Box::new(c))));
                    stack.push(Measure { plain: left.plain && right.plain, unit });
                }
            }
        }
        let unit = stack.pop().and_then(|m| m.unit);
        Ok(Program { ops, unit, result, calls })
    }

    /// Where the expression stood.
    pub(crate) fn span(&self) -> &Span {
        &self.span
    }
}

fn aggregate_only<'q>(ctx: &Context<'_>, bound: Bound<'q>, span: &Span) -> Result<Bound<'q>> {
    if bound.function.class == Class::Distribution {
        let d = ctx.wrong(span, format!("`{}` answers with rows of its own", bound.function.name));
        return Err(d.label("it must be the only column, without arithmetic").into());
    }
    Ok(bound)
}

fn conflict(ctx: &Context<'_>, left: &Measure, right: &Measure, span: &Span) -> crate::error::Diagnostic {
    let name = |m: &Measure| m.unit.as_ref().map_or("a number without unit".to_owned(), |u| format!("`{u}`"));
    let d = ctx.wrong(span, format!("{} and {} do not add up", name(left), name(right)));
    if left.unit.is_none() || right.unit.is_none() {
        return d.help("a metric gets its unit from: perfdb metric set NAME --unit UNIT");
    }
    d.label("the two sides measure different things")
}

impl Program {
    /// The result, where `call` gives the result of a call. Null where an input is missing, for a division by zero, and
    /// where the result is no finite number.
    pub(crate) fn evaluate(&self, stack: &mut Vec<Option<f64>>, call: impl Fn(usize) -> Option<f64>) -> Option<f64> {
        stack.clear();
        for op in &self.ops {
            let value = match op {
                Op::Number(n) => Some(*n),
                Op::Call(i) => call(*i),
                // Not `-v`, which would make a negative zero.
                Op::Negate => stack.pop().flatten().map(|v| 0.0 - v),
                Op::Convert(units) => stack.pop().flatten().and_then(|v| units.0.convert(v, &units.1)),
                Op::Binary(op) => {
                    let (right, left) = (stack.pop().flatten(), stack.pop().flatten());
                    left.zip(right).map(|(l, r)| match op {
                        BinaryOp::Add => l + r,
                        BinaryOp::Subtract => l - r,
                        BinaryOp::Multiply => l * r,
                        BinaryOp::Divide => l / r,
                    })
                }
            };
            stack.push(value.filter(|v| v.is_finite()));
        }
        stack.pop().flatten()
    }
}
