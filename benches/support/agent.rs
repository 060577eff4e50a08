//! Latencies of a team of agents: a thousand events a second at irregular nanoseconds, one value each, in 2,000 series.
//!
//! The gaps are exponential, the values lognormal milliseconds with three decimals, the labels uniform and independent.

use super::Result;
use super::random::Random;
use super::set::{START_NS, Texts, Written};

const METRICS: [&str; 4] = ["decision", "memory_retrieval", "action_execution", "communication"];
/// Median of each metric in ms, and the deviation of its logarithm.
const SHAPES: [(f64, f64); 4] = [(45.0, 0.5), (12.0, 0.7), (180.0, 0.8), (8.0, 0.4)];
const PHASES: [&str; 5] = ["observe", "plan", "act", "reflect", "report"];
const MODELS: [&str; 4] = ["model-s", "model-m", "model-l", "model-x"];
const AGENTS: usize = 50;
const HOSTS: usize = 10;
const SERIES: usize = AGENTS * METRICS.len() * PHASES.len() * 2;
const GAP_NS: f64 = 1e6;

/// One agent: how slow it is, and the two models that it uses.
struct Agent {
    factor: f64,
    models: [usize; 2],
}

/// Writes `samples` samples.
pub(crate) fn write(samples: u64, seed: u64, out: &mut Texts) -> Result<Written> {
    let mut random = Random::new(seed);
    let agents: Vec<Agent> = (0..AGENTS)
        .map(|_| {
            let first = random.below(MODELS.len());
            let second = (first + 1 + random.below(MODELS.len() - 1)) % MODELS.len();
            Agent { factor: 0.7 + 0.8 * random.unit(), models: [first, second] }
        })
        .collect();
    let names: Vec<(String, String)> =
        (0..AGENTS).map(|i| (format!("agent-{i:02}"), format!("host-{:02}", i % HOSTS))).collect();
    out.csv.push("ts,metric,agent,host,model,phase,value").end()?;
    let mut time = START_NS;
    for _ in 0..samples {
        time += ((random.exponential() * GAP_NS) as i64).max(1);
        let (i, metric, phase) =
            (random.below(AGENTS), random.below(METRICS.len()), PHASES[random.below(PHASES.len())]);
        let (agent, host) = (names[i].0.as_str(), names[i].1.as_str());
        let model = MODELS[agents[i].models[random.below(2)]];
        let (median, sigma) = SHAPES[metric];
        let value = median * agents[i].factor * (sigma * random.normal()).exp();
        let thousandths = (value * 1000.0).round() as u64;
        let metric = METRICS[metric];
        out.lp.push(metric).push(",agent=").push(agent).push(",host=").push(host).push(",model=").push(model);
        out.lp.push(",phase=").push(phase).push(" value=").push_thousandths(thousandths).push(" ");
        out.lp.push_integer(time).end()?;
        out.csv.push_integer(time);
        for label in [metric, agent, host, model, phase] {
            out.csv.push(",").push(label);
        }
        out.csv.push(",").push_thousandths(thousandths).end()?;
    }
    Ok(Written { samples, series: SERIES, last_ns: time, floor_bytes: floor_bytes(&agents) })
}

/// Entropy of a sample in bytes: of the gap in ns, of the choice of a series, and of the value in thousandths.
///
/// A density rounded to steps of `s` has its differential entropy minus log2(s); the steps are far below the widths here.
fn floor_bytes(agents: &[Agent]) -> f64 {
    let gap = (GAP_NS * std::f64::consts::E).log2();
    let series = (SERIES as f64).log2();
    let value = |factor: f64, (median, sigma): (f64, f64)| {
        let steps = median * factor * 1000.0;
        (steps * sigma * (std::f64::consts::TAU * std::f64::consts::E).sqrt()).log2()
    };
    let sum: f64 = agents.iter().flat_map(|a| SHAPES.map(|shape| value(a.factor, shape))).sum();
    (gap + series + sum / (agents.len() * SHAPES.len()) as f64) / 8.0
}
