//! What the grammar reads, and that nothing breaks it.

use super::properties::same_when_printed;
use super::*;
use crate::model::{Duration, Zone};
use crate::query::ast::{
    Against, Argument, By, Clauses, CompareOp, ExprKind, Fill, Instant, Literal, Predicate, Quantity, Query, ShowWhat,
};
use std::time::Instant as Clock;

fn query(text: &str) -> Query {
    match parse(text) {
        Ok(Statement::Query(query)) => *query,
        Ok(other) => panic!("{text}: {other:?}"),
        Err(said) => panic!("{text}\n{said}"),
    }
}

fn clauses(text: &str) -> Clauses {
    query(&format!("count(*) {text}")).clauses
}

fn error(text: &str) -> String {
    parse(text).expect_err(&text[..text.len().min(200)]).to_string()
}

/// The text of a value of `where x = ...`, or its number and unit.
fn right_side(text: &str) -> Literal {
    match clauses(&format!("where x = {text}")).filter {
        Some(Predicate::Compare { right, .. }) => right.value,
        other => panic!("{other:?}"),
    }
}

const EXAMPLES: &str = r#"
p95(decision) by agent since 1h;
p50(decision), p95(decision), p99(decision) by agent every 1m since 6h;
avg(cpu.usage{host="web-1"}) every 5m since 2026-11-01 until 2026-11-02;
sum(cache.hits) / (sum(cache.hits) + sum(cache.misses)) as hit_rate by cache every 1h since 7d;
compare(p95(decision)) by agent since 1h against previous 1d;
compare(median(time)) by benchmark against baseline main;
changepoints(median(time{benchmark="json/parse"})) last 200 runs;
anomalies(avg(cpu.usage)) by host every 1m since 1d;
trend(p95(memory_retrieval)) by agent every 1h since 30d;
leak(max(process.memory.rss)) by process every 1m since 12h;
points(db.query) where value > 500ms by statement since 1d order by value desc limit 20;
p99.9(x);
avg(a/b);
quantile(x, 0.95, method="nearest");
points(cpu.*) where cpu.usage_user > 90 by host since 12h;
histogram(x, 20); histogram(x, buckets=20); slowest(x, 5); forecast(avg(disk), 7d); correlate(avg(a), avg(b));
count(*), sum(*{host="a"}), max(cpu.*_ms) by *;
explain p95(decision); explain analyze p95(decision) by agent;
EXPLAIN ANALYZE P95(decision) BY agent SINCE yesterday UNTIL NOW;
last(cpu), first(cpu), -avg(a) * -2, 100 * (1 - avg(a) / avg(b)), 5, 500ms;
compare(avg(x)) against branch main last 20 runs last 5 runs;
compare(avg(x)) against branch feature/x; compare(avg(x)) against run 4f2a9c; compare(avg(x)) against previous;
avg(x) having avg(x) > 5 and (p95(x) - p50(x)) / 2 > 10ms or not count(x) in (1, 2) fill linear;
avg(x) as y having (y > 1 or y < 0) in "Europe/Berlin" every 1d using rollups;
avg(x) order by p95(x) - p50(x) desc, "a b" asc, host limit 5 per host;
avg("a b"{"c d"!='e', f=~"g.*", h!~i, code=500, ip=10.0.0.1}) where metric != "q" and j not in (k, -5, "l");
show metrics; show series where host = a limit 5; show labels; show values agent since 1h; show runs last 5 runs;
show baselines order by name desc; show values "order"
"#;

#[test]
fn every_example_parses_and_prints_to_the_same_tree() {
    let statements = parse_file(EXAMPLES).map_err(|said| said.to_string()).unwrap();
    assert_eq!(statements.len(), split_statements(EXAMPLES).len());
    for (statement, found) in statements.iter().zip(split_statements(EXAMPLES)) {
        same_when_printed(statement);
        let span = match statement {
            Statement::Query(query) => query.span.clone(),
            Statement::Show(show) => show.span.clone(),
        };
        assert_eq!(span, found.span, "{}", &EXAMPLES[found.span.clone()]);
    }
}

#[test]
fn spans_point_at_what_was_read() {
    let text = "p95(decision{a=b}) + 1 as total where host = \"x\" by agent, host every 5m since 1h limit 5 per host";
    let query = query(text);
    let at = |span: &Span| &text[span.clone()];
    let column = &query.columns[0];
    assert_eq!(at(&column.expr.span), "p95(decision{a=b}) + 1");
    assert_eq!(column.text, "p95(decision{a=b}) + 1");
    assert_eq!(at(&column.alias.as_ref().unwrap().span), "total");
    let ExprKind::Binary { left, .. } = &column.expr.kind else { panic!() };
    let ExprKind::Call(call) = &left.kind else { panic!() };
    assert_eq!(at(&call.function.span), "p95");
    let Argument::Selector(selector) = &call.arguments[0] else { panic!() };
    assert_eq!((at(&selector.metric.span), at(&selector.span)), ("decision", "decision{a=b}"));
    assert_eq!(at(&selector.matchers[0].value.span), "b");
    let clauses = &query.clauses;
    assert_eq!(at(&clauses.by.as_ref().unwrap().span), "agent, host");
    assert_eq!(at(&clauses.every.as_ref().unwrap().span), "5m");
    assert_eq!(at(&clauses.since.as_ref().unwrap().span), "1h");
    assert_eq!(at(&clauses.limit.as_ref().unwrap().span), "5 per host");
    assert_eq!(at(&query.span), text);
}

#[test]
fn a_column_is_named_as_written_with_white_space_made_one_space() {
    let query = query("avg( a ) /\n  avg(\"b  c\") # why\n + 1 # because\n by host");
    assert_eq!(query.columns[0].text, "avg( a ) / avg(\"b  c\") + 1");
}

#[test]
fn clauses_come_in_any_order_and_any_case() {
    let one = clauses("by agent every 1m since 1h until now where a = b limit 3 in 'UTC' fill 0");
    let other = clauses(
        "FILL 0 In 'utc' limit 3 WHERE a == b UNTIL NOW since 1H every 1m BY agent".replace("1H", "1h").as_str(),
    );
    assert_eq!(one.by.map(|by| by.value.clone_names()), other.by.map(|by| by.value.clone_names()));
    assert_eq!((one.timezone.unwrap().value, one.fill.unwrap().value), (Zone::UTC, Fill::Number(0.0)));
    assert_eq!((other.timezone.unwrap().value, other.limit.unwrap().value.count), (Zone::UTC, 3));
    assert_eq!((one.until.unwrap().value, other.until.unwrap().value), (Instant::Now, Instant::Now));
}

trait Names {
    fn clone_names(&self) -> Vec<String>;
}

impl Names for By {
    fn clone_names(&self) -> Vec<String> {
        match self {
            By::Series => vec!["*".into()],
            By::Keys(keys) => keys.iter().map(|key| key.value.clone()).collect(),
        }
    }
}

#[test]
fn a_value_is_a_number_only_if_all_of_it_is_one() {
    let number =
        |value, unit: &str| Literal::Number(Quantity { value, unit: (!unit.is_empty()).then(|| unit.to_owned()) });
    for (text, value, unit) in [
        ("500ms", 500.0, "ms"),
        ("2GiB", 2.0, "GiB"),
        ("5%", 5.0, "%"),
        ("1e-3", 1e-3, ""),
        ("-1.5", -1.5, ""),
        (".5", 0.5, ""),
        ("10MB/s", 10.0, "MB/s"),
        ("5µs", 5.0, "µs"),
        ("1m30s", 90.0, "s"),
        ("1e3e", 1000.0, "e"),
    ] {
        assert_eq!(right_side(text), number(value, unit), "{text}");
    }
    for text in ["web-1", "info", "nan", "inf", "10.0.0.1", "4f2a9c", "2026-11-20", "1.2.3", "a/b:c", "Infinity"] {
        assert_eq!(right_side(text), Literal::Text(text.into()), "{text}");
    }
    assert_eq!(right_side(r#""a\"b\\\n\t\u{e4}'""#), Literal::Text("a\"b\\\n\tä'".into()));
    assert_eq!(right_side("'5'"), Literal::Text("5".into()));
}

#[test]
fn instants_are_read_in_all_their_forms() {
    let since = |text: &str| clauses(&format!("since {text}")).since.unwrap().value;
    assert_eq!(since("1h30m"), Instant::Ago(Duration::from_ns(5_400_000_000_000)));
    assert_eq!(since("2026-11-20"), Instant::Written("2026-11-20".into()));
    assert_eq!(since("2026-11-20T12:00:00Z"), Instant::Written("2026-11-20T12:00:00Z".into()));
    assert_eq!(since("2026-11-20T12:00:00+01:00"), Instant::Written("2026-11-20T12:00:00+01:00".into()));
    assert_eq!(since("\"2026-11-20 12:00\""), Instant::Written("2026-11-20 12:00".into()));
    assert_eq!(since("Yesterday"), Instant::Yesterday);
    assert_eq!(since("today"), Instant::Today);
    assert_eq!(since("@1732104000"), Instant::Unix(1_732_104_000_000_000_000));
    assert_eq!(since("@1732104000.25"), Instant::Unix(1_732_104_000_250_000_000));
    assert_eq!(since("@-0.5"), Instant::Unix(-500_000_000));
}

#[test]
fn the_runs_behind_a_branch_are_the_branch_s() {
    let read = clauses("last 5 runs against branch main last 20 runs");
    assert_eq!(read.last_runs.unwrap().value, 5);
    assert!(matches!(read.against.unwrap().value, Against::Branch(name, Some(20)) if name.value == "main"));
}

#[test]
fn and_binds_more_closely_than_or_and_not_more_closely_than_both() {
    let Some(Predicate::Or(parts)) = clauses("where a = 1 or not b = 2 and c = 3").filter else { panic!() };
    let Predicate::And(both) = &parts[1] else { panic!() };
    assert!(matches!(both[0], Predicate::Not(_)));
    assert!(matches!(both[1], Predicate::Compare { op: CompareOp::Equal, .. }));
}

#[test]
fn parentheses_in_having_hold_an_expression_or_a_condition() {
    let compare = |text: &str| matches!(clauses(text).having, Some(Predicate::Compare { .. }));
    assert!(compare("having (avg(a) + avg(b)) / 2 > 5"));
    assert!(compare("having ((avg(a)) + avg(b)) > 5"));
    assert!(compare("having ((avg(a) > 5))"));
    assert!(matches!(clauses("having (avg(a) > 5 or b = 1) and c = 2").having, Some(Predicate::And(_))));
    assert!(clauses("having (avg(a) > 5) in \"UTC\"").timezone.is_some());
    assert!(matches!(clauses("having (avg(a)) not in (5, 6)").having, Some(Predicate::Not(_))));
}

#[test]
fn a_star_is_every_metric_and_quotes_make_it_a_character() {
    let selector = |text: &str| match &query(text).columns[0].expr.kind {
        ExprKind::Call(call) => match &call.arguments[0] {
            Argument::Selector(selector) => (selector.metric.value.clone(), selector.is_glob()),
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert_eq!(selector("count(*)"), ("*".into(), true));
    assert_eq!(selector("count(cpu.*_ms)"), ("cpu.*_ms".into(), true));
    assert_eq!(selector("count('*')"), ("*".into(), false));
    assert_eq!(selector("count(a/b-c:d.e)"), ("a/b-c:d.e".into(), false));
}

#[test]
fn a_number_before_a_slash_and_a_call_is_divided() {
    let query = query("500ms/avg(x), 10MB/count (x), 5%/2");
    assert!(query.columns.iter().all(|column| matches!(column.expr.kind, ExprKind::Binary { .. })));
}

#[test]
fn statements_are_split_outside_texts_and_comments() {
    let text = "# a; b\ncount(a) # c;\n; avg(\"d;e\") ;;; 'f;";
    let found: Vec<_> = split_statements(text).into_iter().map(|s| (text[s.span].to_owned(), s.ended)).collect();
    assert_eq!(found, [("count(a)".into(), true), ("avg(\"d;e\")".into(), true), ("'f;".into(), false)]);
    assert_eq!(split_statements(" # nothing\n"), []);
}

#[test]
fn a_parameter_becomes_one_token_and_spans_stay_those_of_the_text() {
    let parameters = Parameters::from(
        [("m", "cpu.usage"), ("who", "web 1\" by *"), ("since", "1h30m"), ("n", "5"), ("word", "limit")]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
    );
    let text = "avg($m) where host = $who and '$m' = $word since $since limit $n";
    let Statement::Query(query) = parse_with(text, &parameters).unwrap() else { panic!() };
    assert_eq!(query.columns[0].text, "avg(cpu.usage)");
    let Some(Predicate::And(parts)) = &query.clauses.filter else { panic!() };
    let Predicate::Compare { right, .. } = &parts[0] else { panic!() };
    assert_eq!(right.value, Literal::Text("web 1\" by *".into()));
    assert_eq!(&text[right.span.clone()], "$who");
    let Predicate::Compare { left, right, .. } = &parts[1] else { panic!() };
    assert_eq!((left.text.as_str(), &right.value), ("$m", &Literal::Text("limit".into())));
    assert_eq!(&text[query.clauses.since.unwrap().span], "$since");
    assert_eq!(query.clauses.limit.unwrap().value.count, 5);
    assert_eq!(query.span, 0..text.len());
}

#[test]
fn a_parameter_cannot_make_the_text_too_long() {
    let parameters = Parameters::from([("a".to_owned(), "x".repeat(10_000))]);
    let said = parse_with(&"$a ".repeat(1000), &parameters).unwrap_err().to_string();
    assert!(said.starts_with("the query is longer than 1 MiB with its parameters put in"), "{said}");
}

#[test]
fn a_file_is_parsed_with_spans_of_the_whole_text() {
    let said = parse_file("count(a);\n# second\ncount(b) sinse 1h;").unwrap_err();
    assert_eq!(said.span, 28..33);
    assert_eq!(
        said.to_string(),
        "unknown clause `sinse`\n  |\n3 | count(b) sinse 1h;\n  |          ^^^^^ did you mean `since`?"
    );
    assert_eq!(parse_file(" # nothing\n").unwrap(), []);
    assert!(parse("\u{feff}count(a);;").is_ok());
}

#[test]
fn reserved_words_are_sorted_and_need_quotes() {
    assert!(RESERVED.is_sorted());
    for word in RESERVED {
        assert!(!bare_name_ok(word) && !bare_name_ok(&word.to_uppercase()));
        assert_eq!(query(&format!("avg({})", quote_name(word))).columns.len(), 1);
    }
    for name in ["5xx", "a b", "", "cpu.", "a*", "ü\n", "\"", "a=b", "$x", "\u{202e}x"] {
        assert!(!bare_name_ok(name), "{name}");
    }
    assert!(bare_name_ok("größe") && bare_name_ok("_a.b:c/d-e5"));
    let ShowWhat::Values(label) = (match parse(&format!("show values {}", quote_name("\u{202e}\0\"\\\n"))).unwrap() {
        Statement::Show(show) => show.what,
        Statement::Query(_) => panic!(),
    }) else {
        panic!()
    };
    assert_eq!(label.value, "\u{202e}\0\"\\\n");
}

/// Hostile texts, each of which must be refused at once.
#[test]
fn hostile_texts_are_refused_in_one_message_and_no_time() {
    let many = 50_000;
    let mib = TEXT_LEN_MAX;
    let cases = [
        ("(".repeat(many), "nested deeper than 64"),
        (format!("{}1{}", "(".repeat(many), ")".repeat(many)), "nested deeper than 64"),
        ("-".repeat(many), "nested deeper than 64"),
        ("a(".repeat(many), "nested deeper than 64"),
        (format!("count(*) where {}", "not ".repeat(many)), "nested deeper than 64"),
        (format!("count(*) where {}", "(".repeat(many)), "nested deeper than 64"),
        (format!("count(*) having {}", "(".repeat(many)), "nested deeper than 64"),
        (format!("count(*) order by {}", "(".repeat(many)), "nested deeper than 64"),
        (format!("1{}", "+1".repeat(many)), "more than 256 operators in one query"),
        (format!("1{}", ",1".repeat(many)), "more than 1000 columns"),
        (format!("f(1{})", ",1".repeat(many)), "more than 1000 arguments"),
        (format!("count(*{{a=~b{}}})", ",a=~b".repeat(many)), "more than 100 regular expressions in one query"),
        (format!("count(*) by a{}", ",a".repeat(many)), "more than 1000 keys"),
        (format!("count(*) order by a{}", ",a".repeat(many)), "more than 1000 terms of an order"),
        ("count(*), ".repeat(1_000_000), "the query is 10000000 bytes long, more than 1 MiB"),
        (" ".repeat(10_000_000), "the query is 10000000 bytes long, more than 1 MiB"),
        ("ü".repeat(mib / 2), "`üüü"),
        ("9".repeat(mib), "`999"),
        (format!("count(*) limit {}", "9".repeat(mib - 20)), "`999"),
        (format!("count(*) since {}", "9".repeat(mib - 20)), "`999"),
        (format!("count(*) since {}y", "9".repeat(mib - 20)), "`999"),
        (format!("count(*) since @{}", "9".repeat(mib - 20)), "`@999"),
        (format!("count(*) since 2026-{}", "9".repeat(mib - 20)), "`2026-999"),
        (format!("count(*) in '{}'", "x".repeat(mib - 20)), "unknown time zone `xxx"),
        (format!("count(*) {}", "x".repeat(mib - 20)), "unexpected `xxx"),
        (format!("count(*) where a =~ '{}'", "(".repeat(mib - 30)), "`((("),
        (format!("count(*) where a =~ '{}'", "x{9}".repeat(mib / 4 - 30)), "the regular expression is too big"),
        (format!("count(*) where a =~ '{}'", "\\\\w{99}".repeat(10_000)), "the regular expression is too big"),
        ("\0".repeat(many), "unexpected NUL byte"),
        ("count(\"\0\")".into(), "a NUL byte in a string"),
        ("\"".repeat(mib), "unexpected `\"\"`"),
        (format!("\"{}", "\\\"".repeat(many)), "unexpected"),
        ("# comment\n".repeat(many), "there is no query"),
        (";".repeat(mib), "there is no query"),
        ("$a".repeat(many), "no value for the parameter"),
        ("select ".repeat(many), "this is SQL"),
        ("select f( ".repeat(many), "this is SQL"),
        (format!("select {}", "from \" ".repeat(many)), "this is SQL"),
        ("1;".repeat(many), "unexpected `1`"),
    ];
    for (text, expected) in cases {
        let start = Clock::now();
        let said = error(&text);
        let shown = &text[..text.char_indices().nth(40).map_or(text.len(), |(at, _)| at)];
        assert!(said.starts_with(expected), "{shown}: {said}");
        assert!(said.len() < 1500, "{shown}: {} bytes", said.len());
        assert!(start.elapsed().as_secs() < 5, "{shown}: {:?}", start.elapsed());
    }
    assert!(parse_file(&"1;".repeat(many)).unwrap_err().to_string().starts_with("more than 10000 queries in one text"));
}

#[test]
fn long_but_honest_texts_are_read() {
    let values: Vec<String> = (0..50_000).map(|n| format!("h{n}")).collect();
    assert!(parse(&format!("count(*) where host in ({})", values.join(", "))).is_ok());
    assert!(parse(&format!("count(*) where a = 1{}", " or a = 1".repeat(50_000))).is_ok());
    assert!(parse(&format!("count(*) {}", "# comment\n".repeat(50_000))).is_ok());
    let deep = format!("{}1{}", "(".repeat(DEPTH_MAX), ")".repeat(DEPTH_MAX));
    assert!(parse(&deep).is_ok());
}
