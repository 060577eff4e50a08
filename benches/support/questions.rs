//! The questions that are asked, in each store's words.
//!
//! What stays true: the last `values` columns of all answers to a question are the same numbers, in some order of rows.

use super::support::devops::FIELDS;
use super::support::set::{Kind, START_NS, Set};

/// A question.
pub(crate) struct Question {
    /// What it asks, for people.
    pub(crate) title: &'static str,
    /// In perfdb's language.
    pub(crate) perfdb: String,
    /// In DuckDB's SQL.
    pub(crate) duckdb: String,
    /// In SQLite's SQL; `None` where it has no way that ends soon.
    pub(crate) sqlite: Option<String>,
    /// How many columns at the right hold values.
    pub(crate) values: usize,
    /// What no answer from all samples goes below; `None` where that is too little to measure.
    pub(crate) limit: Option<Limit>,
}

/// Work that a machine must do at least, unless it has summaries.
pub(crate) enum Limit {
    /// Select quantiles exactly in groups of random values.
    Select {
        /// How many values.
        samples: u64,
        /// In how many groups.
        groups: u64,
        /// Which quantiles.
        quantiles: &'static [f64],
    },
    /// Add so many values up from memory.
    Sum(u64),
}

/// A range of time in perfdb's language and as a condition of SQL.
struct Range {
    clause: String,
    condition: String,
    seconds: i64,
}

fn range(from_s: i64, to_s: i64) -> Range {
    const NANO: i64 = 1_000_000_000;
    Range {
        clause: format!("since @{from_s} until @{to_s}"),
        condition: format!("ts >= {} AND ts < {}", from_s * NANO, to_s * NANO),
        seconds: to_s - from_s,
    }
}

/// The questions about `set`.
pub(crate) fn of(set: &Set) -> Vec<Question> {
    let start_s = START_NS / 1_000_000_000;
    match set.kind {
        Kind::Agent => agent(set, &range((set.end_s - 3600).max(start_s), set.end_s)),
        Kind::Devops => {
            let from = if set.end_s - start_s >= 24 * 3600 { start_s + 12 * 3600 } else { start_s };
            devops(&range(from, from + 12 * 3600))
        }
    }
}

fn agent(set: &Set, hour: &Range) -> Vec<Question> {
    let in_hour = set.samples.min(hour.seconds as u64 * 1000);
    let p95 = |title, clause: &str, and: &str, samples: u64| Question {
        title,
        perfdb: format!("p95(decision) by agent {clause}"),
        duckdb: format!(
            "SELECT agent, quantile_cont(value, 0.95) FROM agent WHERE metric = 'decision'{and} GROUP BY agent"
        ),
        sqlite: Some(format!(
            "SELECT agent, sum(value * max(0, 1 - abs(i - 0.95 * (n - 1)))) FROM (SELECT agent, value, \
             row_number() OVER (PARTITION BY agent ORDER BY value) - 1 AS i, count(*) OVER (PARTITION BY agent) AS n \
             FROM agent WHERE metric = 'decision'{and}) GROUP BY agent"
        )),
        values: 1,
        limit: Some(Limit::Select { samples: samples / 4, groups: 50, quantiles: &[0.95] }),
    };
    let everything = "SELECT count(*), min(value), max(value), avg(value) FROM agent";
    let minutes = (hour.seconds as u64).div_ceil(60);
    vec![
        p95("p95(decision) by agent, all time", "", "", set.samples),
        p95("p95(decision) by agent, last hour", &hour.clause, &format!(" AND {}", hour.condition), in_hour),
        Question {
            title: "p50, p95, p99 of all metrics by agent by minute, last hour",
            perfdb: format!("p50(*), p95(*), p99(*) by agent, metric every 1m {}", hour.clause),
            duckdb: format!(
                "SELECT agent, metric, t, l[1], l[2], l[3] FROM (SELECT agent, metric, ts - ts % 60000000000 AS t, \
                 quantile_cont(value, [0.5, 0.95, 0.99]) AS l FROM agent WHERE {} GROUP BY ALL)",
                hour.condition
            ),
            sqlite: None,
            values: 3,
            limit: Some(Limit::Select { samples: in_hour, groups: 200 * minutes, quantiles: &[0.5, 0.95, 0.99] }),
        },
        Question {
            title: "count, min, max, avg of everything",
            perfdb: "count(*), min(*), max(*), avg(*)".into(),
            duckdb: everything.into(),
            sqlite: Some(everything.into()),
            values: 4,
            limit: Some(Limit::Sum(set.samples)),
        },
    ]
}

fn devops(half_day: &Range) -> Vec<Question> {
    let rows = half_day.seconds as u64 / 10;
    let average = format!(
        "SELECT ts - ts % 3600000000000 AS t, avg(usage_user) FROM cpu WHERE hostname = 'host_7' AND {} GROUP BY t",
        half_day.condition
    );
    let busy =
        format!("SELECT hostname, ts, {} FROM cpu WHERE usage_user > 90 AND {}", FIELDS.join(", "), half_day.condition);
    let gauges = FIELDS.map(|f| format!("cpu.{f}")).join(", ");
    vec![
        Question {
            title: "avg of one gauge of one host, 12 h by 1 h",
            perfdb: format!("avg(cpu.usage_user) where hostname = \"host_7\" every 1h {}", half_day.clause),
            duckdb: average.clone(),
            sqlite: Some(average),
            values: 1,
            limit: None,
        },
        Question {
            title: "all ten gauges where one is above 90, 12 h",
            perfdb: format!("points({gauges}) where cpu.usage_user > 90 by hostname {}", half_day.clause),
            duckdb: busy.clone(),
            sqlite: Some(busy),
            values: 10,
            limit: Some(Limit::Sum(100 * rows)),
        },
    ]
}
