//! `where`: what it says about series is decided while planning, and what is left about values goes to the scan.

use super::context::{Context, Wanted};
use super::residual::RowFilter;
use super::text_test::TextTest;
use super::unavailable;
use super::units::in_unit_of;
use crate::error::Result;
use crate::query::ast::{CompareOp, Literal, Operand, Predicate, Quantity, Span, Spanned};
use crate::query::source::SeriesInfo;
use hashbrown::HashMap;

/// How deep conditions and expressions may nest; the parser stops well before.
pub(crate) const DEPTH_MAX: usize = 500;

/// What names on the left side may mean.
pub(crate) struct Subjects<'a> {
    /// The metrics that the query reads.
    pub(crate) metrics: &'a [usize],
    /// In `points`: the metric of each column.
    pub(crate) columns: Option<&'a [usize]>,
    /// Whether there are values at all; `show` has none.
    pub(crate) values: bool,
}

/// A compiled `where`.
pub(crate) struct Condition {
    root: Node,
    tests: Vec<NameTest>,
}

/// A test of a label or of the metric's name.
pub(crate) struct NameTest {
    /// The label; `None` for the metric's name.
    pub(crate) label: Option<String>,
    /// The test.
    pub(crate) test: TextTest,
}

enum Node {
    And(Vec<Node>),
    Or(Vec<Node>),
    Not(Box<Node>),
    /// Index into `tests`.
    Name(usize),
    Value(ValueTest),
}

struct ValueTest {
    /// The column that is tested: 0 but in `points`.
    column: u32,
    /// The metric of that column; `None` for the metric of the series at hand.
    metric: Option<usize>,
    /// `None` for `in`.
    op: Option<CompareOp>,
    numbers: Vec<(Quantity, Span)>,
}

impl Condition {
    /// Compiles `predicate`; without one, a condition that always holds.
    pub(crate) fn new(ctx: &Context<'_>, predicate: Option<&Predicate>, subjects: &Subjects<'_>) -> Result<Self> {
        let mut tests = Vec::new();
        let root = match predicate {
            Some(p) => compile(ctx, p, subjects, &mut tests, 0)?,
            None => Node::And(Vec::new()),
        };
        Ok(Self { root, tests })
    }

    /// The tests of names that must all hold: those at the top and joined by `and`.
    pub(crate) fn required(&self) -> Vec<&NameTest> {
        match &self.root {
            Node::And(list) => list.iter().filter_map(|n| self.as_test(n)).collect(),
            one => self.as_test(one).into_iter().collect(),
        }
    }

    fn as_test(&self, node: &Node) -> Option<&NameTest> {
        match node {
            Node::Name(i) => Some(&self.tests[*i]),
            _ => None,
        }
    }

    /// What is left to test of the samples of a series whose name tests came out as `bits`.
    fn residual(ctx: &Context<'_>, node: &Node, bits: &[u64], metric: usize) -> Result<RowFilter> {
        let child = |n: &Node| Self::residual(ctx, n, bits, metric);
        Ok(match node {
            Node::Name(i) => RowFilter::from(bits[i / 64] >> (i % 64) & 1 == 1),
            Node::Not(inner) => child(inner)?.not(),
            Node::And(list) | Node::Or(list) => {
                let all = matches!(node, Node::And(_));
                // Names first: where they decide, values are not looked at, and units that don't fit do no harm.
                let decided = |n: &Node| matches!(n, Node::Name(i) if (bits[i / 64] >> (i % 64) & 1 == 1) != all);
                if list.iter().any(decided) {
                    return Ok(RowFilter::from(!all));
                }
                let parts = list.iter().map(child).collect::<Result<Vec<_>>>()?;
                if all { RowFilter::all(parts) } else { RowFilter::any(parts) }
            }
            Node::Value(test) => {
                let metric = test.metric.unwrap_or(metric);
                let numbers = test.numbers.iter().map(|(q, span)| in_unit_of(ctx, metric, q, span));
                let numbers = numbers.collect::<Result<Vec<f64>>>()?;
                match (test.op, numbers.as_slice()) {
                    (Some(op), [number]) => RowFilter::Compare(test.column, op, *number),
                    _ => RowFilter::In(test.column, numbers),
                }
            }
        })
    }
}

/// What `predicate` asks of every series: labels that are equal to a text. Series without them need not be looked at.
pub(crate) fn wanted(ctx: &Context<'_>, predicate: Option<&Predicate>) -> Wanted {
    let parts = match predicate {
        Some(Predicate::And(parts)) => parts.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    let equal = parts.iter().filter_map(|p| match p {
        Predicate::Compare { left, op: CompareOp::Equal, right } => match &right.value {
            Literal::Text(text) if !text.is_empty() => Some((left.text.clone(), text.clone())),
            _ => None,
        },
        _ => None,
    });
    equal.filter(|(name, _)| name != "value" && name != "metric" && ctx.metric(name).is_none()).collect()
}

fn compile(
    ctx: &Context<'_>,
    predicate: &Predicate,
    subjects: &Subjects<'_>,
    tests: &mut Vec<NameTest>,
    depth: usize,
) -> Result<Node> {
    if depth > DEPTH_MAX {
        return Err(ctx.wrong(&(0..ctx.text.len()), "this condition is nested too deeply").into());
    }
    let mut each = |list: &[Predicate]| {
        list.iter().map(|p| compile(ctx, p, subjects, tests, depth + 1)).collect::<Result<Vec<_>>>()
    };
    Ok(match predicate {
        Predicate::And(list) => Node::And(each(list)?),
        Predicate::Or(list) => Node::Or(each(list)?),
        Predicate::Not(inner) => Node::Not(Box::new(compile(ctx, inner, subjects, tests, depth + 1)?)),
        Predicate::Compare { left, op, right } => match subject(ctx, left, subjects)? {
            Subject::Value(column, metric) => {
                if matches!(op, CompareOp::Regex | CompareOp::NotRegex) {
                    return Err(ctx.wrong(&right.span, "a value is a number and matches no pattern").into());
                }
                Node::Value(ValueTest { column, metric, op: Some(*op), numbers: vec![number(ctx, right)?] })
            }
            Subject::Name(label) => {
                let what = label.as_deref().map_or("`metric`".to_owned(), |l| format!("label `{l}`"));
                let test = TextTest::compare(ctx, &what, *op, right)?;
                tests.push(NameTest { label, test });
                Node::Name(tests.len() - 1)
            }
        },
        Predicate::In { left, list } => match subject(ctx, left, subjects)? {
            Subject::Value(column, metric) => {
                let numbers = list.iter().map(|l| number(ctx, l)).collect::<Result<Vec<_>>>()?;
                Node::Value(ValueTest { column, metric, op: None, numbers })
            }
            Subject::Name(label) => {
                tests.push(NameTest { label, test: TextTest::one_of(ctx, list) });
                Node::Name(tests.len() - 1)
            }
        },
    })
}

/// What the left side of a comparison turned out to be.
enum Subject {
    /// A label, or the metric's name.
    Name(Option<String>),
    /// The value of this column, with its metric where it is fixed.
    Value(u32, Option<usize>),
}

fn subject(ctx: &Context<'_>, left: &Operand, subjects: &Subjects<'_>) -> Result<Subject> {
    let name = left.text.as_str();
    let metric = ctx.metric(name);
    if let (Some(columns), Some(metric)) = (subjects.columns, metric)
        && let Some(column) = columns.iter().position(|c| *c == metric)
    {
        return Ok(Subject::Value(column as u32, Some(metric)));
    }
    match (name, subjects.columns) {
        ("value", Some([_]) | None) if subjects.values => return Ok(Subject::Value(0, None)),
        ("value", Some(_)) => {
            let d = ctx.wrong(&left.span, "`value` is ambiguous: there are several metrics");
            return Err(d.label("name the metric").into());
        }
        ("metric", None) => return Ok(Subject::Name(None)),
        _ => {}
    }
    if ctx.label_exists(subjects.metrics, name)? {
        return Ok(Subject::Name(Some(name.to_owned())));
    }
    unavailable::check_attribute(ctx, name, &left.span)?;
    if name == "time" && subjects.values {
        let d = ctx.wrong(&left.span, "`time` is no label");
        return Err(d.help("`since` and `until` choose the range of time").into());
    }
    if metric.is_some() {
        let d = ctx.wrong(&left.span, format!("`{name}` is a metric that the query does not read row by row"));
        return Err(d.label("`value` stands for the value of a sample, and `points(...)` may name its metrics").into());
    }
    ctx.check_label(subjects.metrics, name, &left.span)?;
    Ok(Subject::Name(Some(name.to_owned())))
}

fn number(ctx: &Context<'_>, literal: &Spanned<Literal>) -> Result<(Quantity, Span)> {
    match &literal.value {
        Literal::Number(q) => Ok((q.clone(), literal.span.clone())),
        Literal::Text(text) => {
            let d = ctx.wrong(&literal.span, format!("`{text}` is no number"));
            Err(d.label("a value compares with a number, such as 500 or 500ms").into())
        }
    }
}

/// Decides series by series, and collects the distinct filters that are left.
pub(crate) struct Chooser<'a> {
    condition: &'a Condition,
    /// By metric and outcome of the name tests: the filter, or `None` where nothing can match.
    memo: HashMap<Box<[u64]>, Option<u32>>,
    key: Vec<u64>,
    /// The distinct filters; the first one is always true.
    pub(crate) filters: Vec<RowFilter>,
}

/// Filters beyond so many are no longer compared with each other.
const COMPARED_FILTERS_MAX: usize = 64;

impl<'a> Chooser<'a> {
    /// A chooser that has decided nothing yet.
    pub(crate) fn new(condition: &'a Condition) -> Self {
        Self { condition, memo: HashMap::new(), key: Vec::new(), filters: vec![RowFilter::True] }
    }

    /// The filter for the samples of `series`, a series of the metric at `metric`; `None` where none can match.
    pub(crate) fn choose(&mut self, ctx: &Context<'_>, metric: usize, series: &SeriesInfo) -> Result<Option<u32>> {
        let tests = &self.condition.tests;
        self.key.clear();
        self.key.resize(tests.len().div_ceil(64) + 1, 0);
        self.key[0] = metric as u64;
        for (i, test) in tests.iter().enumerate() {
            let text = match &test.label {
                Some(label) => series.labels.get(label).unwrap_or(""),
                None => &ctx.metrics[metric].name,
            };
            self.key[1 + i / 64] |= u64::from(test.test.holds(text)) << (i % 64);
        }
        if let Some(found) = self.memo.get(self.key.as_slice()) {
            return Ok(*found);
        }
        let residual = Condition::residual(ctx, &self.condition.root, &self.key[1..], metric)?;
        let found = (residual != RowFilter::False).then(|| self.number_of(residual));
        self.memo.insert(self.key.as_slice().into(), found);
        Ok(found)
    }

    fn number_of(&mut self, filter: RowFilter) -> u32 {
        let known = self.filters.iter().take(COMPARED_FILTERS_MAX).position(|f| *f == filter);
        known.unwrap_or_else(|| {
            self.filters.push(filter);
            self.filters.len() - 1
        }) as u32
    }
}
