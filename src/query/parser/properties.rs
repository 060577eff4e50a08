//! No text breaks the parser, and what is printed parses to the same tree.

use super::*;
use crate::model::Duration;
use crate::query::ast::ShowWhat;
use proptest::prelude::*;

/// The tree as text without what printing may change: spans, and how an expression was written.
fn shape(statement: &Statement) -> String {
    let text = format!("{statement:?}");
    let spans =
        regex::Regex::new(r#"span: \d+\.\.\d+|Some\(\d+\.\.\d+\)|text: "(?:[^"\\]|\\.)*"( \}|, expr: Some)"#).unwrap();
    spans.replace_all(&text, "").into_owned()
}

/// Checks that `statement` is the same once printed and parsed, and that its canonical text stays as it is.
pub(super) fn same_when_printed(statement: &Statement) {
    let printed = print(statement);
    let again = parse(&printed).unwrap_or_else(|said| panic!("{printed}\n{said}"));
    assert_eq!(shape(statement), shape(&again), "{printed}");
    assert_eq!(printed, print(&again));
}

/// Texts of pieces of the language, most of them wrong.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "p95(decision)", "avg(a)", "count(*)", "last(x)", "(", ")", ",", "{", "}", "=", "=~", "!=", "<", ">=", "+", "-",
            "*", "/", "%", "\"a b\"", "'c'", "\"", "\\", "#", "\n", ";", "$x", "$", "@", "@1.5", "5", "500ms", "1e5e5",
            "1.0h30m", "5m", "1h30m", "2026-11-20", "2026-13-40", "now", "yesterday", "explain", "show", "metrics", "values",
            "agent", "host", "runs", "run", "branch", "baseline", "previous", "rollups", "per", "as", "linear", "\"UTC\"",
            "a.b/c", "a/", "*.x", "ü", "“", "\0", "\u{feff}", "\u{2028}", "f(", "f(x{", "a=b", "n=5", "a = 1", "in (1, a)",
        ]),
        6 => prop::sample::select(RESERVED.to_vec()),
        1 => any::<String>().prop_map(|_| "x"),
    ];
    prop::collection::vec((piece, prop::sample::select(vec!["", " ", " "])), 0..14)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, space)| [piece, space]).collect())
}

/// Texts that are queries: columns and then clauses in any order.
fn sound() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        any::<u32>().prop_map(|n| n.to_string()),
        (0.0..1e300).prop_map(|n: f64| format!("{n:e}")),
        prop::sample::select(vec!["5ms", "1e5e5", "1.0h30m", "2GiB", "5%", "1h30m", "1y2mo", "1m2"])
            .prop_map(str::to_owned),
    ];
    let selector =
        prop::sample::select(vec!["avg(a)", "p9.9(a/b-c{d=e, f!~'g.*'})", "f(*, n=-5, m=\"x\")", "last('*')"]);
    let leaf = prop_oneof![number, selector.prop_map(str::to_owned)];
    let expr = leaf.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(vec!["+", "-", " - ", "*", "/", " / "]), inner.clone())
                .prop_map(|(a, op, b)| format!("{a}{op}{b}")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.clone().prop_map(|a| format!("-{a}")),
            inner.prop_map(|a| format!("trend({a}, 5)")),
        ]
    });
    let condition = |operand: BoxedStrategy<String>| {
        let right =
            prop::sample::select(vec!["= a", "!= -5ms", "in (b, 'c d', 5)", "not in (4f2)", "=~ 'x.*'", ">= 1e-9"]);
        (operand, right).prop_map(|(left, right)| format!("{left} {right}")).prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("({})", parts.join(" and "))),
                prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.join(" or ")),
                inner.prop_map(|part| format!("not {part}")),
            ]
        })
    };
    let name = prop::sample::select(vec!["host", "\"order\"", "a/b"]).prop_map(str::to_owned).boxed();
    let clauses = vec![
        condition(name.clone()).prop_map(|c| format!("where {c}")).boxed(),
        condition(prop_oneof![name, expr.clone()].boxed()).prop_map(|c| format!("having {c}")).boxed(),
        expr.clone().prop_map(|e| format!("order by {e} desc, host")).boxed(),
        any::<i64>().prop_map(|ns| format!("since {}", print_unix(ns))).boxed(),
        (1..i64::MAX).prop_map(|ns| format!("every {}", Duration::from_ns(ns))).boxed(),
        (1..4000u32, 0..4000u32)
            .prop_map(|(months, days)| format!("against previous {}", Duration { months, days, ns: 7 }))
            .boxed(),
        prop::sample::select(vec!["until \"2026-11-20 12:00\"", "until 2026-11-20T12:00:00.5Z", "until today"])
            .prop_map(str::to_owned)
            .boxed(),
        prop::sample::select(vec!["fill -1.5e-7", "fill 0", "fill linear"]).prop_map(str::to_owned).boxed(),
        prop::sample::select(vec!["limit 5 per host", "limit 0"]).prop_map(str::to_owned).boxed(),
        Just("in 'europe/berlin'".to_owned()).boxed(),
        Just("by a, \"by\", größe".to_owned()).boxed(),
        Just("using rollups".to_owned()).boxed(),
        Just("last 1 run".to_owned()).boxed(),
    ];
    let count = clauses.len();
    let clauses =
        (clauses, Just((0..count).collect::<Vec<_>>()).prop_shuffle(), 0..=count).prop_map(|(texts, order, take)| {
            order.into_iter().take(take).flat_map(|index| [" ", texts[index].as_str()]).collect::<String>()
        });
    (prop::collection::vec(expr, 1..3), clauses)
        .prop_map(|(columns, clauses)| format!("{}{clauses}", columns.join(", ")))
}

fn print_unix(ns: i64) -> String {
    let sign = if ns < 0 { "-" } else { "" };
    format!("@{sign}{}.{:09}", ns.unsigned_abs() / 1_000_000_000, ns.unsigned_abs() % 1_000_000_000)
}

fn harmless(text: &str) {
    let parameters = Parameters::from([("x".to_owned(), "a b".to_owned())]);
    match parse_with(text, &parameters) {
        Ok(statement) if !text.contains('$') => same_when_printed(&statement),
        Ok(_) => {}
        Err(said) => {
            assert!(said.span.start <= said.span.end && said.span.end <= said.text.len(), "{text:?}: {said:?}");
            assert!(said.text.get(said.span.clone()).is_some(), "{text:?}: {said:?}");
            assert!(!said.to_string().is_empty());
        }
    }
    let _ = parse_file(text);
    let found = split_statements(text);
    assert!(found.windows(2).all(|pair| pair[0].span.end <= pair[1].span.start));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        harmless(&text);
    }

    #[test]
    fn pieces_of_the_language_in_any_order_never_panic(text in soup()) {
        harmless(&text);
        harmless(&format!("count(*) {text}"));
    }

    #[test]
    fn a_name_in_quotes_is_read_back((first, rest) in any::<(char, String)>()) {
        let name = format!("{first}{rest}");
        let Statement::Show(show) = parse(&format!("show values {}", quote_name(&name))).unwrap() else { panic!() };
        let ShowWhat::Values(label) = show.what else { panic!() };
        prop_assert_eq!(label.value, name);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_printed_parses_to_the_same_tree(text in sound()) {
        same_when_printed(&parse(&text).map_err(|said| TestCaseError::fail(format!("{text}\n{said}")))?);
    }
}
