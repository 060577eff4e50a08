//! What units do on their way through a query.

use super::naive::Naive;
use super::{answer, error, notes, rows};

fn store() -> Naive {
    Naive::default()
        .with("wait", "", &[(-2.0, 1500.0)])
        .meta("wait", "ms", None)
        .with("work", "", &[(-2.0, 2.0)])
        .meta("work", "s", None)
        .with("size", "", &[(-2.0, 4096.0), (-1.0, 8192.0)])
        .meta("size", "B", None)
        .with("share", "", &[(-2.0, 50.0)])
        .meta("share", "%", None)
        .with("plain", "", &[(-2.0, 3.0)])
}

#[test]
fn functions_give_their_results_a_unit() {
    let expected = "max(wait) [ms] | variance(wait) [ms^2] | cv(wait) | count(wait)\n1500 | - | - | 1i";
    assert_eq!(answer(&store(), "max(wait), variance(wait), cv(wait), count(wait)"), expected);
    assert_eq!(
        answer(&store(), "increase(size), rate(size) since 2s"),
        "increase(size) [B] | rate(size) [B/s]\n4096 | 2048"
    );
}

#[test]
fn arithmetic_converts_and_makes_new_units() {
    for (expr, expected) in [
        ("max(wait) + max(work)", "x [ms]\n3500"),
        ("max(work) - max(wait)", "x [s]\n0.5"),
        ("max(wait) - 500ms", "x [ms]\n1000"),
        ("max(wait) - 1s", "x [ms]\n500"),
        ("max(wait) + 5", "x [ms]\n1505"),
        ("2 * max(wait)", "x [ms]\n3000"),
        ("max(wait) / max(work)", "x\n0.75"),
        ("max(size) / max(wait)", "x [B/s]\n5461.333333333333"),
        ("max(size) / max(wait) * max(work)", "x [B]\n10922.666666666666"),
        ("max(share) * max(wait)", "x [ms]\n750"),
        ("max(wait) / max(share)", "x [ms]\n3000"),
        ("count(wait) / max(work)", "x [1/s]\n0.5"),
        ("max(size) * max(wait)", "x [B*ms]\n12288000"),
    ] {
        assert_eq!(answer(&store(), &format!("{expr} as x")), expected, "{expr}");
    }
}

#[test]
fn units_that_do_not_go_together_are_an_error() {
    assert!(error(&store(), "max(wait) + max(size)").starts_with("`ms` and `B` do not add up"));
    assert!(error(&store(), "max(wait) + max(plain)").contains("perfdb metric set"));
    assert!(error(&store(), "last_time(wait) - 5").starts_with("a point in time does not take part in arithmetic"));
    assert!(
        error(&store(), "max(wait) where value > 5B").contains("metric `wait` is in ms, which B does not convert to")
    );
    assert!(error(&store(), "max(plain) where value > 500ms").contains("perfdb metric set 'plain' --unit ms"));
    assert!(error(&store(), "max(wait) having value > 5B").contains("is in ms, which this does not convert to"));
}

#[test]
fn one_column_over_different_units_needs_by_metric() {
    let message = error(&store(), "max(*)");
    assert!(message.contains("`plain` has no unit, `share` is in %"), "{message}");
    assert!(message.contains("`by metric` gives each metric its own row"));
    assert_eq!(rows(&store(), "max(*) by metric").len(), 5);
    assert!(notes(&store(), "max(*) by metric")[0].starts_with("mixed_units"));
    assert_eq!(rows(&store(), "count(*)"), ["6i"]);
    assert_eq!(rows(&store(), "max(w*) where metric = work"), ["2"]);
}
