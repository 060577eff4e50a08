//! A query as canonical text: one line, clauses in the order of the grammar, no needless parentheses, every text in quotes.
//!
//! What is printed parses to the same tree, but for spans and the white space inside a column's name.

use super::names::{quote_name, quote_text};
use super::time::is_instant;
use crate::query::ast::{
    Against, Argument, BinaryOp, By, Call, Clauses, CompareOp, Explain, Expr, ExprKind, Fill, Instant, Literal,
    MatchOp, Name, Operand, Predicate, Quantity, Query, Selector, Show, ShowWhat, Statement,
};

/// The canonical text of `statement`, without a `;`.
///
/// ```
/// use perfdb::query::parser::{parse, print};
/// let query = parse("P95( decision )/2  since 60m BY agent where host=web-1").unwrap();
/// assert_eq!(print(&query), r#"P95(decision) / 2 where host = "web-1" by agent since 1h"#);
/// ```
pub fn print(statement: &Statement) -> String {
    match statement {
        Statement::Query(query) => print_query(query),
        Statement::Show(show) => print_show(show),
    }
}

fn print_query(query: &Query) -> String {
    let explain = match query.explain {
        None => "",
        Some(Explain::Plan) => "explain ",
        Some(Explain::Analyze) => "explain analyze ",
    };
    let column = |column: &crate::query::ast::OutputColumn| {
        let name = column.alias.as_ref().map_or(String::new(), |alias| format!(" as {}", name(alias)));
        format!("{}{name}", expr(&column.expr))
    };
    format!("{explain}{}{}", list(&query.columns, column), clauses(&query.clauses))
}

fn print_show(show: &Show) -> String {
    let what = match &show.what {
        ShowWhat::Metrics => "metrics".to_owned(),
        ShowWhat::Series => "series".to_owned(),
        ShowWhat::Labels => "labels".to_owned(),
        ShowWhat::Values(label) => format!("values {}", name(label)),
        ShowWhat::Runs => "runs".to_owned(),
        ShowWhat::Baselines => "baselines".to_owned(),
    };
    format!("show {what}{}", clauses(&show.clauses))
}

fn list<T>(items: &[T], print: impl Fn(&T) -> String) -> String {
    items.iter().map(print).collect::<Vec<_>>().join(", ")
}

fn name(name: &Name) -> String {
    quote_name(&name.value)
}

/// How closely an expression holds together: sums 1, products 2, signs 3, the rest 4.
fn rank(kind: &ExprKind) -> u8 {
    match kind {
        ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Subtract, .. } => 1,
        ExprKind::Binary { op: BinaryOp::Multiply | BinaryOp::Divide, .. } => 2,
        ExprKind::Negate(_) => 3,
        ExprKind::Number(_) | ExprKind::Call(_) => 4,
    }
}

/// `inner`, in parentheses unless it holds together at least as closely as `rank_min`.
fn part(inner: &Expr, rank_min: u8) -> String {
    if rank(&inner.kind) < rank_min { format!("({})", expr(inner)) } else { expr(inner) }
}

fn expr(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Number(number) => quantity(number),
        ExprKind::Call(c) => call(c),
        ExprKind::Negate(inner) => format!("-{}", part(inner, 3)),
        ExprKind::Binary { op, left, right } => {
            let sign = match op {
                BinaryOp::Add => "+",
                BinaryOp::Subtract => "-",
                BinaryOp::Multiply => "*",
                BinaryOp::Divide => "/",
            };
            // Operators of one rank are read from left to right.
            format!("{} {sign} {}", part(left, rank(&e.kind)), part(right, rank(&e.kind) + 1))
        }
    }
}

fn call(call: &Call) -> String {
    let argument = |argument: &Argument| match argument {
        Argument::Selector(s) => selector(s),
        Argument::Expr(e) => expr(e),
        Argument::Named { name, value } => format!("{}={}", name.value, literal(&value.value)),
    };
    format!("{}({})", call.function.value, list(&call.arguments, argument))
}

fn selector(selector: &Selector) -> String {
    let metric = &selector.metric.value;
    let mut text = if selector.quoted { quote_text(metric) } else { metric.clone() };
    if !selector.matchers.is_empty() {
        let matcher = |m: &crate::query::ast::Matcher| {
            let op = match m.op {
                MatchOp::Equal => "=",
                MatchOp::NotEqual => "!=",
                MatchOp::Regex => "=~",
                MatchOp::NotRegex => "!~",
            };
            format!("{}{op}{}", name(&m.label), quote_text(&m.value.value))
        };
        text = format!("{text}{{{}}}", list(&selector.matchers, matcher));
    }
    text
}

fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-5..1e15).contains(&size) { format!("{value:e}") } else { value.to_string() }
}

fn quantity(quantity: &Quantity) -> String {
    let unit = quantity.unit.as_deref().unwrap_or("");
    // Touching such a unit, plain digits would be read as an exponent or as a sum of durations.
    if unit.starts_with(['e', 'E']) || unit.contains(char::is_numeric) {
        return format!("{:e}{unit}", quantity.value);
    }
    format!("{}{unit}", number(quantity.value))
}

fn literal(literal: &Literal) -> String {
    match literal {
        Literal::Number(number) => quantity(number),
        Literal::Text(text) => quote_text(text),
    }
}

fn operand(operand: &Operand) -> String {
    operand.expr.as_ref().map_or_else(|| quote_name(&operand.text), expr)
}

fn predicate(p: &Predicate) -> String {
    let joined = |parts: &[Predicate], word: &str, wrap: fn(&Predicate) -> bool| {
        let part = |p: &Predicate| if wrap(p) { format!("({})", predicate(p)) } else { predicate(p) };
        parts.iter().map(part).collect::<Vec<_>>().join(word)
    };
    let is_joined = |p: &Predicate| matches!(p, Predicate::And(_) | Predicate::Or(_));
    match p {
        Predicate::And(parts) => joined(parts, " and ", is_joined),
        Predicate::Or(parts) => joined(parts, " or ", |p| matches!(p, Predicate::Or(_))),
        Predicate::Not(inner) => match &**inner {
            Predicate::In { left, list } => membership(left, "not in", list),
            inner if is_joined(inner) => format!("not ({})", predicate(inner)),
            inner => format!("not {}", predicate(inner)),
        },
        Predicate::In { left, list } => membership(left, "in", list),
        Predicate::Compare { left, op, right } => {
            format!("{} {} {}", operand(left), compare(*op), literal(&right.value))
        }
    }
}

fn membership(left: &Operand, word: &str, items: &[crate::query::ast::Spanned<Literal>]) -> String {
    format!("{} {word} ({})", operand(left), list(items, |item| literal(&item.value)))
}

fn compare(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Equal => "=",
        CompareOp::NotEqual => "!=",
        CompareOp::Less => "<",
        CompareOp::LessEqual => "<=",
        CompareOp::Greater => ">",
        CompareOp::GreaterEqual => ">=",
        CompareOp::Regex => "=~",
        CompareOp::NotRegex => "!~",
    }
}

fn instant(instant: &Instant) -> String {
    match instant {
        Instant::Ago(length) => length.to_string(),
        Instant::Written(text) if is_instant(text) => text.clone(),
        Instant::Written(text) => quote_text(text),
        Instant::Now => "now".to_owned(),
        Instant::Today => "today".to_owned(),
        Instant::Yesterday => "yesterday".to_owned(),
        Instant::Unix(ns) => {
            let (sign, ns) = (if *ns < 0 { "-" } else { "" }, ns.unsigned_abs());
            let fraction = format!(".{:09}", ns % 1_000_000_000);
            format!("@{sign}{}{}", ns / 1_000_000_000, fraction.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

fn against(against: &Against) -> String {
    match against {
        Against::Baseline(baseline) => format!("baseline {}", name(baseline)),
        Against::Branch(branch, None) => format!("branch {}", name(branch)),
        Against::Branch(branch, Some(count)) => format!("branch {} last {count} runs", name(branch)),
        Against::Run(run) => format!("run {}", name(run)),
        Against::Previous(None) => "previous".to_owned(),
        Against::Previous(Some(shift)) => format!("previous {shift}"),
    }
}

fn fill(fill: Fill) -> String {
    match fill {
        Fill::None => "none".to_owned(),
        Fill::Null => "null".to_owned(),
        Fill::Zero => "zero".to_owned(),
        Fill::Previous => "previous".to_owned(),
        Fill::Linear => "linear".to_owned(),
        Fill::Number(value) => number(value),
    }
}

/// All clauses, each with a space before it.
fn clauses(c: &Clauses) -> String {
    let mut text = String::new();
    let mut clause = |word: &str, rest: Option<String>| {
        if let Some(rest) = rest {
            text.push_str(word);
            text.push_str(&rest);
        }
    };
    let by = |by: &By| match by {
        By::Series => "*".to_owned(),
        By::Keys(keys) => list(keys, name),
    };
    let per = |key: &Option<Name>| key.as_ref().map_or(String::new(), |key| format!(" per {}", name(key)));
    let term =
        |t: &crate::query::ast::OrderTerm| format!("{}{}", operand(&t.term), if t.descending { " desc" } else { "" });
    clause(" where ", c.filter.as_ref().map(predicate));
    clause(" by ", c.by.as_ref().map(|keys| by(&keys.value)));
    clause(" every ", c.every.as_ref().map(|every| every.value.to_string()));
    clause(" since ", c.since.as_ref().map(|since| instant(&since.value)));
    clause(" until ", c.until.as_ref().map(|until| instant(&until.value)));
    clause(" last ", c.last_runs.as_ref().map(|count| format!("{} runs", count.value)));
    clause(" against ", c.against.as_ref().map(|what| against(&what.value)));
    clause(" having ", c.having.as_ref().map(predicate));
    clause(" fill ", c.fill.as_ref().map(|with| fill(with.value)));
    clause(" order by ", (!c.order.is_empty()).then(|| list(&c.order, term)));
    clause(" limit ", c.limit.as_ref().map(|l| format!("{}{}", l.value.count, per(&l.value.per))));
    clause(" in ", c.timezone.as_ref().map(|zone| quote_text(zone.value.name())));
    clause(" using ", c.using_rollups.as_ref().map(|_| "rollups".to_owned()));
    text
}
