//! A query as written: every part keeps the bytes of the text that it came from, so that an error can point at them.
//!
//! The parser checks form only. What names mean, and whether they exist, is decided in `plan`.

use crate::model::{Duration, Zone};
use std::ops::Range;

/// Bytes of the query's text.
pub type Span = Range<usize>;

/// A text and where it stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What stood there.
    pub value: T,
    /// Where.
    pub span: Span,
}

/// A name (of a column, a label, a function, a baseline) and where it stood.
pub type Name = Spanned<String>;

/// One statement.
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// A question about samples.
    Query(Box<Query>),
    /// A question about the catalog.
    Show(Box<Show>),
}

impl Statement {
    /// The zone that it names with `in`, which its answer is shown in too.
    pub fn zone(&self) -> Option<Zone> {
        match self {
            Self::Query(query) => query.clauses.timezone.as_ref().map(|z| z.value),
            Self::Show(_) => None,
        }
    }
}

/// Whether to show the plan instead of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Explain {
    /// The plan only.
    Plan,
    /// The plan, run, with times.
    Analyze,
}

/// `columns { clause }`.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// `explain`, `explain analyze`.
    pub explain: Option<Explain>,
    /// What to compute, at least one.
    pub columns: Vec<OutputColumn>,
    /// The clauses.
    pub clauses: Clauses,
    /// The whole text of the statement.
    pub span: Span,
}

/// `expr [as name]`.
#[derive(Debug, Clone, PartialEq)]
pub struct OutputColumn {
    /// What to compute.
    pub expr: Expr,
    /// Its name, if one was given.
    pub alias: Option<Name>,
    /// The expression as written, with runs of white space made one space: the column's name without an alias.
    pub text: String,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stood.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `500ms`, `2`.
    Number(Quantity),
    /// `p95(decision)`.
    Call(Call),
    /// `-x`.
    Negate(Box<Expr>),
    /// `a / b`.
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Left side.
        left: Box<Expr>,
        /// Right side.
        right: Box<Expr>,
    },
}

/// An arithmetic operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

/// A number with the unit that touched it.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantity {
    /// The number as written.
    pub value: f64,
    /// The unit's symbol as written.
    pub unit: Option<String>,
}

/// `function(argument, ...)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The function as written; functions are case-insensitive.
    pub function: Name,
    /// The arguments.
    pub arguments: Vec<Argument>,
}

/// One argument of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// A metric or a pattern of metrics, with matchers.
    Selector(Selector),
    /// A number or a nested call.
    Expr(Expr),
    /// `name = literal`.
    Named {
        /// The argument's name.
        name: Name,
        /// Its value.
        value: Spanned<Literal>,
    },
}

/// `metric{matcher, ...}`.
#[derive(Debug, Clone, PartialEq)]
pub struct Selector {
    /// The name or the glob.
    pub metric: Name,
    /// Whether the name stood in quotes; then `*` is an ordinary character.
    pub quoted: bool,
    /// The matchers, all of which must hold.
    pub matchers: Vec<Matcher>,
    /// Where all of it stood.
    pub span: Span,
}

impl Selector {
    /// Whether it names a pattern of metrics rather than one.
    pub fn is_glob(&self) -> bool {
        !self.quoted && self.metric.value.contains('*')
    }
}

/// `label op value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Matcher {
    /// The label.
    pub label: Name,
    /// How it compares.
    pub op: MatchOp,
    /// With what.
    pub value: Name,
}

/// How a matcher compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`, anchored at both ends.
    Regex,
    /// `!~`, anchored at both ends.
    NotRegex,
}

/// A literal value.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// A number, perhaps with a unit (`500ms` is read as this, not as a duration).
    Number(Quantity),
    /// A quoted text or a bare word.
    Text(String),
}

/// A condition of `where` or `having`.
#[derive(Debug, Clone, PartialEq)]
pub enum Predicate {
    /// All must hold.
    And(Vec<Predicate>),
    /// One must hold.
    Or(Vec<Predicate>),
    /// It must not hold.
    Not(Box<Predicate>),
    /// `left op right`.
    Compare {
        /// A label, a run attribute, `metric`, `value`, a metric named in `points`; in `having` a column or key.
        left: Operand,
        /// The comparison.
        op: CompareOp,
        /// A literal.
        right: Spanned<Literal>,
    },
    /// `left in (a, b)`; `not in` is [`Predicate::Not`] around it.
    In {
        /// As in `Compare`.
        left: Operand,
        /// The literals, at least one.
        list: Vec<Spanned<Literal>>,
    },
}

/// The left side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Operand {
    /// The name, or in `having` and `order by` an expression as written (white space made one space).
    pub text: String,
    /// In `having` and `order by`: the expression, if it is one and not a bare name.
    pub expr: Option<Expr>,
    /// Where it stood.
    pub span: Span,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareOp {
    /// `=` (also `==`)
    Equal,
    /// `!=` (also `<>`)
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

/// The clauses of a query, each at most once.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Clauses {
    /// `where`
    pub filter: Option<Predicate>,
    /// `by`
    pub by: Option<Spanned<By>>,
    /// `every`
    pub every: Option<Spanned<Duration>>,
    /// `since`
    pub since: Option<Spanned<Instant>>,
    /// `until`
    pub until: Option<Spanned<Instant>>,
    /// `last N runs`
    pub last_runs: Option<Spanned<u64>>,
    /// `against`
    pub against: Option<Spanned<Against>>,
    /// `having`
    pub having: Option<Predicate>,
    /// `fill`
    pub fill: Option<Spanned<Fill>>,
    /// `order by`
    pub order: Vec<OrderTerm>,
    /// `limit`
    pub limit: Option<Spanned<Limit>>,
    /// `in "Europe/Berlin"`
    pub timezone: Option<Spanned<Zone>>,
    /// `using rollups`
    pub using_rollups: Option<Span>,
}

/// `by * | key, ...`.
#[derive(Debug, Clone, PartialEq)]
pub enum By {
    /// Each series for itself.
    Series,
    /// The labels, run attributes or `metric`.
    Keys(Vec<Name>),
}

/// A point in time, as written.
#[derive(Debug, Clone, PartialEq)]
pub enum Instant {
    /// That long before now.
    Ago(Duration),
    /// An RFC 3339 date or date-time, to be read in the query's zone where it has no offset.
    Written(String),
    /// `now`
    Now,
    /// The start of this day.
    Today,
    /// The start of the day before.
    Yesterday,
    /// `@unix-seconds`, in ns.
    Unix(i64),
}

/// What a comparison is against.
#[derive(Debug, Clone, PartialEq)]
pub enum Against {
    /// `baseline name`
    Baseline(Name),
    /// `branch name [last N runs]`
    Branch(Name, Option<u64>),
    /// `run id`
    Run(Name),
    /// `previous [duration]`
    Previous(Option<Duration>),
}

/// What stands in a bucket without samples.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fill {
    /// No row at all.
    None,
    /// A missing value.
    Null,
    /// Zero.
    Zero,
    /// The value of the bucket before.
    Previous,
    /// On the line between the neighbours.
    Linear,
    /// This number.
    Number(f64),
}

/// One term of `order by`.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderTerm {
    /// An alias, a key, `time`, `value`, or a column as written.
    pub term: Operand,
    /// Whether the largest comes first.
    pub descending: bool,
}

/// `limit N [per key]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// How many rows.
    pub count: u64,
    /// Of each value of this key.
    pub per: Option<Name>,
}

/// `show what [clauses]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Show {
    /// What to show.
    pub what: ShowWhat,
    /// The clauses; `where`, `order`, `limit`, `since`, `until` and `in` have a meaning here.
    pub clauses: Clauses,
    /// The whole text of the statement.
    pub span: Span,
}

/// What `show` can show.
#[derive(Debug, Clone, PartialEq)]
pub enum ShowWhat {
    /// All metrics with their metadata.
    Metrics,
    /// All series.
    Series,
    /// The names of all labels.
    Labels,
    /// The values of one label.
    Values(Name),
    /// The runs.
    Runs,
    /// The baselines.
    Baselines,
}
