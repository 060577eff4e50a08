//! The statistics against what NumPy and SciPy make of the same samples; `tests/stats/make_expected.py` says how.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

use perfdb::stats;
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// Each sample with its expected values, and the fractions that they are for.
fn each_sample(check: impl Fn(&str, Vec<f64>, &[f64], &Value)) {
    let text = std::fs::read_to_string("tests/stats/expected.json").unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let fractions = numbers(&expected["fractions"]);
    for (name, case) in expected["samples"].as_object().unwrap() {
        check(name, numbers(&case["values"]), &fractions, case);
    }
}

/// Equal up to the rounding of a sum.
fn assert_near(name: &str, found: Option<f64>, expected: &Value) {
    let (found, expected) = (found.unwrap(), expected.as_f64().unwrap());
    assert!((found - expected).abs() <= expected.abs() * 1e-14, "{name}: {found} is not {expected}");
}

#[test]
fn quantiles_are_numpys_to_the_last_bit() {
    each_sample(|name, values, fractions, case| {
        let expected = numbers(&case["quantiles"]);
        let together = stats::quantiles(&mut values.clone(), fractions).unwrap();
        assert_eq!(together, expected, "{name}");
        let alone: Vec<f64> =
            fractions.iter().map(|f| stats::quantiles(&mut values.clone(), &[*f]).unwrap()[0]).collect();
        assert_eq!(alone, expected, "{name}");
    });
}

#[test]
fn nearest_ranks_are_those_of_exact_arithmetic() {
    each_sample(|name, mut values, fractions, case| {
        for (fraction, expected) in fractions.iter().zip(numbers(&case["nearest"])) {
            assert_eq!(stats::quantile_nearest(&mut values, *fraction), Some(expected), "{name} at {fraction}");
        }
    });
}

#[test]
fn robust_measures_are_scipys() {
    each_sample(|name, mut values, _, case| {
        assert_near(name, stats::median(&mut values), &case["median"]);
        assert_near(name, stats::mad(&mut values), &case["mad"]);
        assert_near(name, stats::iqr(&mut values), &case["iqr"]);
        for (cut, expected) in case["trimmed_mean"].as_object().unwrap() {
            assert_near(name, stats::trimmed_mean(&mut values, cut.parse().unwrap()), expected);
        }
    });
}

#[test]
fn histograms_are_numpys() {
    each_sample(|name, values, _, case| {
        let (counts, edges) = (numbers(&case["histogram_counts"]), numbers(&case["histogram_edges"]));
        if counts.is_empty() {
            return;
        }
        let bins = stats::histogram(&values, counts.len());
        assert_eq!(bins.iter().map(|b| b.count as f64).collect::<Vec<_>>(), counts, "{name}");
        for (bin, edge) in bins.iter().zip(edges.windows(2)) {
            assert!((bin.low - edge[0]).abs() <= edge[0].abs() * 1e-14, "{name}: {bin:?} is not {edge:?}");
        }
    });
}
