//! Columns, arithmetic and calls.
//!
//! Inside the parentheses of a call `/ - *` belong to names, so arithmetic on metrics is refused there with the way out.

use super::diagnose::{Problem, shorten};
use super::lexical::{self, Parsed, follows, keyword, one_line, spaces, symbol};
use super::names::is_reserved;
use super::{Grammar, OPERATORS_MAX, foreign};
use crate::query::ast::{Argument, BinaryOp, Call, Expr, ExprKind, Name, OutputColumn, Quantity, Spanned};
use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, opt, value};

const SUMS: [(&str, BinaryOp); 2] = [("+", BinaryOp::Add), ("-", BinaryOp::Subtract)];
const PRODUCTS: [(&str, BinaryOp); 2] = [("*", BinaryOp::Multiply), ("/", BinaryOp::Divide)];

impl Grammar<'_> {
    /// `expr [as name]`
    pub(super) fn column<'i>(&self, i: &'i str) -> Parsed<'i, OutputColumn> {
        let start = spaces(i);
        let (rest, expr) = self.expr(start)?;
        let text = one_line(self.between(start, rest));
        let (rest, named) = opt(keyword("as", "`as`")).parse_complete(rest)?;
        let alias = |i| self.name(i, "a name for the column");
        let (rest, alias) = if named.is_some() { cut(alias).map(Some).parse_complete(rest)? } else { (rest, None) };
        Ok((rest, OutputColumn { expr, alias, text }))
    }

    /// A name, bare or in quotes; `expected` says of what.
    pub(super) fn name<'i>(&self, i: &'i str, expected: &'static str) -> Parsed<'i, Name> {
        let i = spaces(i);
        let bare = lexical::bare.map(str::to_owned);
        let read: Parsed<'_, String> = alt((lexical::string, bare)).parse_complete(i);
        let (rest, name) = match read {
            Err(nom::Err::Error(_)) => return Problem::expected(i, expected).error(),
            read => read?,
        };
        if i.starts_with(lexical::is_name_start) && is_reserved(&name) {
            return Problem::about_token(i, format!("`{name}` is a reserved word"))
                .label(format!("expected {expected}; a name like this stands in quotes: \"{name}\""))
                .stop();
        }
        if name.is_empty() {
            return Problem::about_token(i, "an empty name").label(format!("expected {expected}")).stop();
        }
        Ok((rest, Spanned { value: name, span: self.span(i, rest) }))
    }

    /// Sums of products.
    pub(super) fn expr<'i>(&self, i: &'i str) -> Parsed<'i, Expr> {
        self.operators(i, SUMS, |i| self.operators(i, PRODUCTS, |i| self.signed(i)))
    }

    /// Operands with operators of one rank between, from left to right.
    fn operators<'i>(
        &self,
        i: &'i str,
        [first, second]: [(&'static str, BinaryOp); 2],
        operand: impl Fn(&'i str) -> Parsed<'i, Expr>,
    ) -> Parsed<'i, Expr> {
        let start = spaces(i);
        let (mut rest, mut left) = operand(start)?;
        loop {
            let mut operator = alt((value(first.1, symbol(first.0, "")), value(second.1, symbol(second.0, ""))));
            let read: Parsed<'_, BinaryOp> = operator.parse_complete(rest);
            let Ok((after, op)) = read else { return Ok((rest, left)) };
            Self::count(&self.operators, OPERATORS_MAX, spaces(rest), "operators in one query")?;
            let (after, right) = cut(&operand).parse_complete(after)?;
            let kind = ExprKind::Binary { op, left: Box::new(left), right: Box::new(right) };
            left = Expr { kind, span: self.span(start, after) };
            rest = after;
        }
    }

    /// `-x`, or a primary.
    fn signed<'i>(&self, i: &'i str) -> Parsed<'i, Expr> {
        let start = spaces(i);
        let Ok((rest, _)) = symbol("-", "")(start) else { return self.primary(start) };
        let (rest, inner) = self.deeper(rest, |i| cut(|i| self.signed(i)).parse_complete(i))?;
        Ok((rest, Expr { kind: ExprKind::Negate(Box::new(inner)), span: self.span(start, rest) }))
    }

    /// A number, a call or an expression in parentheses.
    fn primary<'i>(&self, start: &'i str) -> Parsed<'i, Expr> {
        let number = lexical::quantity.map(ExprKind::Number);
        let mut any = alt((number, |i| self.parenthesised(i), |i| self.call(i).map(|(i, c)| (i, ExprKind::Call(c)))));
        match any.parse_complete(start) {
            Ok((rest, ExprKind::Number(quantity))) => Self::whole_number(start, rest).map(|()| {
                let span = self.span(start, rest);
                (rest, Expr { kind: ExprKind::Number(quantity), span })
            }),
            Ok((rest, kind)) => Ok((rest, Expr { kind, span: self.span(start, rest) })),
            Err(nom::Err::Error(_)) => foreign::no_expression(start).stop(),
            Err(err) => Err(err),
        }
    }

    /// `(expr)`. The parentheses leave no trace in the tree but its shape.
    fn parenthesised<'i>(&self, i: &'i str) -> Parsed<'i, ExprKind> {
        let (rest, _) = symbol("(", "")(i)?;
        let (rest, inner) = self.deeper(i, |_| cut(|i| self.expr(i)).parse_complete(rest))?;
        let (rest, _) = cut(symbol(")", "`)` or an operator")).parse_complete(rest)?;
        Ok((rest, inner.kind))
    }

    /// Refuses what sticks to a number and is no unit.
    fn whole_number(start: &str, rest: &str) -> Result<(), nom::Err<Problem>> {
        if !rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | ':')) {
            return Ok(());
        }
        let len = start.find(|c: char| !lexical::is_name_char(c)).unwrap_or(start.len());
        let problem = Problem::said(start, len, format!("`{}` is no number", shorten(&start[..len])))
            .label("expected such as 5, 0.5, 1e-3 or 500ms; a name that begins with a digit stands in quotes");
        Err(nom::Err::Failure(problem))
    }

    /// `function(argument, ...)`
    fn call<'i>(&self, i: &'i str) -> Parsed<'i, Call> {
        let (rest, name) = lexical::bare(i)?;
        let Ok((inside, _)) = symbol("(", "")(rest) else { return Problem::nothing(i).error() };
        if is_reserved(name) && !name.eq_ignore_ascii_case("last") {
            return Problem::about_token(i, format!("`{name}` is a reserved word"))
                .label("expected a function such as `avg(...)`")
                .stop();
        }
        let function = Spanned { value: name.to_owned(), span: self.span(i, rest) };
        if follows(inside, ")") {
            return Problem::about_token(spaces(inside), format!("`{}()` computes nothing", shorten(name)))
                .label("expected a metric; `*` is every metric")
                .stop();
        }
        let argument = |i| cut(|i| self.argument(i, name)).parse_complete(i);
        let (rest, arguments) = self.deeper(i, |_| Self::list("arguments", inside, argument))?;
        let (rest, _) = match symbol(")", "`,` or `)`")(rest) {
            Err(_) => return foreign::no_end_of_call(spaces(rest), name).stop(),
            read => read?,
        };
        Ok((rest, Call { function, arguments }))
    }

    /// `expr | selector | name = literal`
    fn argument<'i>(&self, i: &'i str, function: &str) -> Parsed<'i, Argument> {
        let start = spaces(i);
        if let Ok((rest, name)) = lexical::bare(start) {
            if follows(rest, "(") {
                return self.expr(start).map(|(rest, expr)| (rest, Argument::Expr(expr)));
            }
            if follows(rest, "=") && !follows(rest, "==") && !follows(rest, "=~") {
                let name = Spanned { value: name.to_owned(), span: self.span(start, rest) };
                let (rest, _) = symbol("=", "")(rest)?;
                let (rest, value) = cut(|i| self.literal(i)).parse_complete(rest)?;
                return Ok((rest, Argument::Named { name, value }));
            }
        }
        if start.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '(')) {
            return self.expr(start).map(|(rest, expr)| (rest, Argument::Expr(expr)));
        }
        let (rest, selector) = self.selector(start)?;
        match foreign::after_selector(start, spaces(rest), function) {
            Some(problem) => problem.stop(),
            None => Ok((rest, Argument::Selector(selector))),
        }
    }

    /// A number with its sign: `-5%`.
    pub(super) fn signed_quantity(i: &str) -> Parsed<'_, Quantity> {
        let (rest, sign) = opt(alt((symbol("-", ""), symbol("+", "")))).parse_complete(i)?;
        let (rest, mut quantity) = lexical::quantity(rest)?;
        if sign == Some("-") {
            quantity.value = -quantity.value;
        }
        Ok((rest, quantity))
    }

    /// Whether an expression begins here, rather than a name.
    pub(super) fn begins_expr(i: &str) -> bool {
        let i = spaces(i);
        let called = lexical::bare(i)
            .is_ok_and(|(rest, name)| follows(rest, "(") && (!is_reserved(name) || name.eq_ignore_ascii_case("last")));
        called || i.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-' | '('))
    }
}
