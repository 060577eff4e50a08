//! Conditions of `where` and `having`, and the operands and literals that they compare.

use super::Grammar;
use super::diagnose::{Problem, shorten};
use super::foreign;
use super::lexical::{self, Parsed, Piece, follows, keyword, next_word, one_line, spaces, symbol};
use crate::query::ast::{CompareOp, Literal, Operand, Predicate, Quantity, Spanned};
use nom::Parser;
use nom::branch::alt;
use nom::combinator::{cut, opt, value};

/// Where a condition stands decides what may be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// `where`: a name.
    Samples,
    /// `having`: a name or an expression.
    Results,
}

impl Grammar<'_> {
    /// `and` binds more closely than `or`, `not` more closely than both.
    pub(super) fn predicate<'i>(&self, i: &'i str, side: Side) -> Parsed<'i, Predicate> {
        let all = |i| Self::joined(i, "and", "&", |i| self.negated(i, side), Predicate::And);
        Self::joined(i, "or", "|", all, Predicate::Or)
    }

    /// Parts with the keyword `word` between; a single part stays as it is.
    fn joined<'i>(
        i: &'i str,
        word: &'static str,
        sign: &str,
        part: impl Fn(&'i str) -> Parsed<'i, Predicate>,
        join: fn(Vec<Predicate>) -> Predicate,
    ) -> Parsed<'i, Predicate> {
        let (mut rest, first) = part(i)?;
        let mut parts = vec![first];
        while let Ok((after, _)) = keyword(word, "")(rest) {
            let (after, next) = part(after)?;
            parts.push(next);
            rest = after;
        }
        if follows(rest, sign) {
            let at = spaces(rest);
            let len = if at[1..].starts_with(sign) { 2 } else { 1 };
            return Problem::said(at, len, format!("unexpected `{}`", &at[..len]))
                .label(format!("did you mean `{word}`?"))
                .stop();
        }
        Ok((rest, if parts.len() == 1 { parts.swap_remove(0) } else { join(parts) }))
    }

    /// `not ...`, `(...)` or one comparison.
    fn negated<'i>(&self, i: &'i str, side: Side) -> Parsed<'i, Predicate> {
        let start = spaces(i);
        if let Ok((rest, _)) = keyword("not", "")(start) {
            let (rest, inner) = self.deeper(start, |_| self.negated(rest, side))?;
            return Ok((rest, Predicate::Not(Box::new(inner))));
        }
        if start.starts_with('!') {
            return Problem::said(start, 1, "unexpected `!`").label("did you mean `not`?").stop();
        }
        if start.starts_with('(') && (side == Side::Samples || !holds_expr(start)) {
            let (rest, inner) = self.deeper(start, |i| self.predicate(&i[1..], side))?;
            let (rest, _) = cut(symbol(")", "`and`, `or` or `)`")).parse_complete(rest)?;
            return Ok((rest, inner));
        }
        self.comparison(start, side)
    }

    /// `left op right`, `left in (...)`, `left not in (...)`
    fn comparison<'i>(&self, i: &'i str, side: Side) -> Parsed<'i, Predicate> {
        let (rest, left) = match side {
            Side::Samples => self.sample_operand(i)?,
            Side::Results => self.operand(i, "a column, an alias or a key")?,
        };
        let (after, not) = opt(keyword("not", "")).parse_complete(rest)?;
        if let Ok((after, _)) = keyword("in", "")(after) {
            let (rest, list) = self.literals(after)?;
            let is_in = Predicate::In { left, list };
            return Ok((rest, if not.is_some() { Predicate::Not(Box::new(is_in)) } else { is_in }));
        }
        if not.is_some() {
            return Problem::unexpected(spaces(rest)).label("expected a comparison, or `not in (...)`").stop();
        }
        let Ok((after, op)) = compare_op(rest) else {
            return foreign::no_comparison(spaces(rest), &left.text).stop();
        };
        if after.starts_with(['=', '<', '>', '~']) {
            let from = spaces(rest);
            return Problem::said(from, from.len() - after.len() + 1, "unknown comparison")
                .label("expected =, !=, <, <=, >, >=, =~ or !~")
                .stop();
        }
        let from = spaces(after);
        let (rest, right) = match op {
            CompareOp::Regex | CompareOp::NotRegex => {
                let (rest, text) = self.text_value(from, "a regular expression in quotes")?;
                self.check_regex(from, rest, &text.value)?;
                (rest, Spanned { value: Literal::Text(text.value), span: text.span })
            }
            _ => self.literal(from)?,
        };
        Ok((rest, Predicate::Compare { left, op, right }))
    }

    /// The left side of a condition on samples: a name.
    fn sample_operand<'i>(&self, i: &'i str) -> Parsed<'i, Operand> {
        let i = spaces(i);
        if Self::begins_expr(i) {
            let problem = Problem::unexpected(i);
            return if i.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '-')) {
                problem.label("the name stands on the left: `value > 500ms`")
            } else {
                problem.label("`where` asks about samples; a condition on results stands in `having`")
            }
            .stop();
        }
        let (rest, name) = cut(|i| self.name(i, "a label, `metric` or `value`")).parse_complete(i)?;
        Ok((rest, Operand { text: name.value, expr: None, span: name.span }))
    }

    /// A column as written, or a name.
    pub(super) fn operand<'i>(&self, i: &'i str, expected: &'static str) -> Parsed<'i, Operand> {
        let start = spaces(i);
        if Self::begins_expr(start) {
            let (rest, expr) = self.expr(start)?;
            let text = one_line(self.between(start, rest));
            return Ok((rest, Operand { text, expr: Some(expr), span: self.span(start, rest) }));
        }
        let (rest, name) = cut(|i| self.name(i, expected)).parse_complete(start)?;
        Ok((rest, Operand { text: name.value, expr: None, span: name.span }))
    }

    /// `(literal, ...)`
    fn literals<'i>(&self, i: &'i str) -> Parsed<'i, Vec<Spanned<Literal>>> {
        let Ok((mut i, _)) = symbol("(", "")(i) else {
            return Problem::unexpected(spaces(i)).label("expected a list such as `in (\"a\", \"b\")`").stop();
        };
        let mut list = Vec::new();
        loop {
            let (rest, literal) = self.literal(i)?;
            list.push(literal);
            let Ok((after, _)) = symbol(",", "")(rest) else {
                let (rest, _) = cut(symbol(")", "`,` or `)`")).parse_complete(rest)?;
                return Ok((rest, list));
            };
            i = after;
        }
    }

    /// A text, a number with its unit, or a bare word, which is a text.
    pub(super) fn literal<'i>(&self, i: &'i str) -> Parsed<'i, Spanned<Literal>> {
        let i = spaces(i);
        match Self::signed_quantity(i) {
            Ok((rest, quantity)) if !rest.starts_with(lexical::is_name_char) && is_plain(&quantity) => {
                return Ok((rest, Spanned { value: Literal::Number(quantity), span: self.span(i, rest) }));
            }
            Err(err @ nom::Err::Failure(_)) => return Err(err),
            _ => {}
        }
        if let (Some(word), true) = (next_word(i), Self::begins_expr(i)) {
            let label =
                "expected a value; a column is compared with another by their difference: `p95(a) - p95(b) > 0`";
            return Problem::about_token(i, format!("`{}` is a call", shorten(word))).label(label).stop();
        }
        let (rest, text) =
            cut(|i| self.text_value(i, "a string, a word or a number such as 500ms")).parse_complete(i)?;
        Ok((rest, Spanned { value: Literal::Text(text.value), span: text.span }))
    }
}

/// Whether the unit is one, and not the rest of a word such as the commit `4f2a9c`.
fn is_plain(quantity: &Quantity) -> bool {
    quantity.unit.as_ref().is_none_or(|unit| !unit.contains(|c: char| c.is_numeric() || c == '_'))
}

/// `=`, `<=` and the others, after white space.
fn compare_op(i: &str) -> Parsed<'_, CompareOp> {
    alt((
        value(CompareOp::Regex, symbol("=~", "")),
        value(CompareOp::NotRegex, symbol("!~", "")),
        value(CompareOp::Equal, alt((symbol("==", ""), symbol("=", "")))),
        value(CompareOp::NotEqual, alt((symbol("!=", ""), symbol("<>", "")))),
        value(CompareOp::LessEqual, symbol("<=", "")),
        value(CompareOp::GreaterEqual, symbol(">=", "")),
        value(CompareOp::Less, symbol("<", "")),
        value(CompareOp::Greater, symbol(">", "")),
    ))
    .parse_complete(i)
}

/// Whether the `(` that `i` begins with holds an expression, not a condition: arithmetic or a comparison follows its `)`.
fn holds_expr(i: &str) -> bool {
    let mut depth = 0usize;
    let mut rest = i;
    while let Some((kind, _, after)) = lexical::piece(rest) {
        match kind {
            Piece::Other('(') => depth += 1,
            Piece::Other(')') => depth -= 1,
            _ => {}
        }
        rest = after;
        if depth == 0 {
            break;
        }
    }
    let next = spaces(rest);
    let is_list = |rest: &str| keyword("in", "")(rest).is_ok_and(|(list, _)| follows(list, "("));
    next.starts_with(['+', '-', '*', '/', '=', '!', '<', '>']) || is_list(next) || keyword("not", "")(next).is_ok()
}
