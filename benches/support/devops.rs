//! Gauges of a hundred hosts: ten whole numbers of 0..=100 a row, a row each ten seconds, each number a random walk.

use super::Result;
use super::random::Random;
use super::set::{START_NS, Texts, Written};

/// The gauges of a row.
pub(crate) const FIELDS: [&str; 10] = [
    "usage_user",
    "usage_system",
    "usage_idle",
    "usage_nice",
    "usage_iowait",
    "usage_irq",
    "usage_softirq",
    "usage_steal",
    "usage_guest",
    "usage_guest_nice",
];
/// The labels of a row.
pub(crate) const LABELS: [&str; 5] = ["hostname", "region", "datacenter", "os", "team"];
const REGIONS: [&str; 4] = ["us-east-1", "us-west-2", "eu-central-1", "ap-southeast-1"];
const SYSTEMS: [&str; 3] = ["Debian12", "Ubuntu22.04", "Ubuntu24.04LTS"];
const TEAMS: [&str; 4] = ["SF", "NYC", "LON", "CHI"];
const HOSTS: usize = 100;
const STEP_NS: i64 = 10_000_000_000;

/// Writes `samples` samples, rounded up to a row of every host.
pub(crate) fn write(samples: u64, seed: u64, out: &mut Texts) -> Result<Written> {
    let mut random = Random::new(seed);
    let steps = samples.div_ceil((HOSTS * FIELDS.len()) as u64).max(1);
    let labels: Vec<[String; 5]> = (0..HOSTS)
        .map(|i| {
            let region = REGIONS[random.below(REGIONS.len())];
            let center = format!("{region}{}", ["a", "b", "c"][random.below(3)]);
            let (system, team) = (SYSTEMS[random.below(SYSTEMS.len())], TEAMS[random.below(TEAMS.len())]);
            [format!("host_{i}"), region.into(), center, system.into(), team.into()]
        })
        .collect();
    let heads: Vec<String> = labels.iter().map(head).collect();
    let tails: Vec<String> = labels.iter().map(|l| l.join(",")).collect();
    let mut states: Vec<[f64; 10]> = (0..HOSTS).map(|_| [(); 10].map(|()| 100.0 * random.unit())).collect();
    out.csv.push("ts,").push(&LABELS.join(",")).push(",").push(&FIELDS.join(",")).end()?;
    let mut time = START_NS;
    for step in 0..steps as i64 {
        time = START_NS + step * STEP_NS;
        for (i, state) in states.iter_mut().enumerate() {
            out.lp.push(&heads[i]);
            out.csv.push_integer(time).push(",").push(&tails[i]);
            for (name, value) in FIELDS.iter().zip(state) {
                *value = (*value + random.normal()).clamp(0.0, 100.0);
                out.lp.push(if *name == FIELDS[0] { " " } else { "," }).push(name).push("=");
                out.lp.push_integer(*value as i64).push("i");
                out.csv.push(",").push_integer(*value as i64);
            }
            out.lp.push(" ").push_integer(time).end()?;
            out.csv.end()?;
        }
    }
    let series = HOSTS * FIELDS.len();
    Ok(Written { samples: steps * series as u64, series, last_ns: time, floor_bytes: floor_bytes() })
}

/// A line up to its fields.
fn head(labels: &[String; 5]) -> String {
    let pairs = LABELS.iter().zip(labels).map(|(name, value)| format!(",{name}={value}"));
    format!("cpu{}", pairs.collect::<String>())
}

/// Entropy of a step of the walk between whole numbers, in bytes; times cost nothing.
///
/// A step `n` from a place of uniform fraction changes the whole part by `k` with probability max(0, 1 - |n - k|). It is the
/// floor of coders that look at one difference; the ends of the walk and the memory of the fraction allow a little less.
fn floor_bytes() -> f64 {
    const CUTS: i32 = 1000;
    let width = 1.0 / f64::from(CUTS);
    let density = |n: f64| (-n * n / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let chance = |k: i32| -> f64 {
        let steps = (k - 1) * CUTS..(k + 1) * CUTS;
        let part = |cut: i32| (f64::from(cut) + 0.5) * width;
        steps.map(|cut| density(part(cut)) * (1.0 - (part(cut) - f64::from(k)).abs()) * width).sum()
    };
    (-8..=8).map(chance).map(|p| -p * p.log2()).sum::<f64>() / 8.0
}
