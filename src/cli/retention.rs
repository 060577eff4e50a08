//! `perfdb retention`: how long samples and their rollups are kept.

use super::answer;
use super::args::{Global, Keep, NowArg, RetentionArgs, RetentionCommand, RetentionSetArgs};
use super::bar::Bar;
use super::config::{Layer, Settings};
use super::io::Io;
use crate::error::{Error, Result};
use crate::model::{Column, Duration, Note, Table};
use crate::storage::{Applied, ApplyOptions, Policy};

/// Carries out `perfdb retention`.
///
/// # Errors
/// [`Error::Usage`] for what cannot be kept that way; what the store and the streams report.
pub fn run(args: &RetentionArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    match &args.command {
        RetentionCommand::Set(args) => set(args, global, io),
        RetentionCommand::Show(args) => {
            let typed = Layer { format: args.format, ..Layer::default() };
            let settings = Settings::resolve(typed, global, &io.surroundings)?;
            let db = settings.open_to_read()?;
            answer::print(&policies(&db.store().snapshot()?.policies()?), &settings, None, io)?;
            db.close()
        }
        RetentionCommand::Remove(args) => {
            let settings = Settings::resolve(Layer::default(), global, &io.surroundings)?;
            let db = settings.open_to_change()?;
            if !db.store().remove_policy(&args.pattern)? {
                return Err(Error::usage_hint(
                    format!("there is no retention policy for `{}`", args.pattern),
                    "`perfdb retention show` lists them",
                ));
            }
            db.close()?;
            if !settings.quiet {
                io.print_line(&format!("`{}` is kept for ever again; rollups of dropped samples stay", args.pattern));
            }
            Ok(())
        }
        RetentionCommand::Apply(args) => {
            let typed = Layer { format: args.format, ..Layer::default() };
            let settings = Settings::resolve(typed, global, &io.surroundings)?;
            let db = settings.open_to_change()?;
            let now = match &args.now {
                None => io.now.0,
                Some(NowArg::At(moment)) => moment.resolve(io.now, settings.zone)?.0,
                // The newest sample is the earlier of both then.
                Some(NowArg::Latest) => db.engine()?.newest()?.unwrap_or(io.now.0),
            };
            let options = ApplyOptions { dry_run: args.dry_run, yes: args.yes };
            let applied = {
                let bar = Bar::new(&settings, io);
                db.store().apply_retention(now, options, &bar, &io.cancel)?
            };
            answer::print(&report(&applied, args.dry_run), &settings, None, io)?;
            db.close()
        }
    }
}

fn set(args: &RetentionSetArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    let settings = Settings::resolve(Layer::default(), global, &io.surroundings)?;
    let policy = policy(args)?;
    let db = settings.open_to_fill()?;
    db.store().set_policy(&policy)?;
    let rolled = {
        let bar = Bar::new(&settings, io);
        db.store().roll(&bar, &io.cancel)?
    };
    db.close()?;
    if !settings.quiet {
        let kept = kept(&policy);
        let done = if rolled > 0 { format!("; rolled up {rolled} days of metrics") } else { String::new() };
        io.print_line(&format!(
            "`{}`: samples {}{}{done}",
            policy.pattern,
            kept.0,
            kept.1.map_or_else(String::new, |r| format!(", rollups {r}"))
        ));
        io.print_note("`perfdb retention apply` drops what is older; `--dry-run` shows it first");
    }
    Ok(())
}

/// What was typed as a policy. A rollup that ends before a finer one, or before the samples, would never be read.
fn policy(args: &RetentionSetArgs) -> Result<Policy> {
    let span = |keep: Keep| keep.0.map(Duration::ns_mean);
    let mut rollups: Vec<_> = args.rollup.iter().map(|r| (r.level, span(r.keep))).collect();
    rollups.sort_by_key(|r| r.0);
    if let Some(twice) = rollups.windows(2).find(|w| w[0].0 == w[1].0) {
        return Err(Error::usage_hint(format!("`--rollup {}` is said twice", twice[0].0), "say it once"));
    }
    let raw = span(args.raw);
    let mut before = ("samples".to_owned(), raw);
    for (level, keep) in &rollups {
        let ends_first = match (before.1, keep) {
            (None, Some(_)) => true,
            (Some(finer), Some(keep)) => *keep < finer,
            (_, None) => false,
        };
        if ends_first {
            return Err(Error::usage_hint(
                format!("{level} rollups would be dropped before the {} that they stand for", before.0),
                format!("keep {level} rollups at least as long"),
            ));
        }
        before = (format!("{level} rollups"), *keep);
    }
    Ok(Policy { pattern: args.pattern.clone(), raw, rollups, histograms: args.histograms })
}

/// Spans in words: of the samples, and of the rollups.
fn kept(policy: &Policy) -> (String, Option<String>) {
    let span = |ns: Option<i64>| ns.map_or_else(|| "for ever".to_owned(), |ns| format!("for {}", span(ns)));
    let rollups: Vec<String> = policy.rollups.iter().map(|(level, keep)| format!("{level} {}", span(*keep))).collect();
    (span(policy.raw), (!rollups.is_empty()).then(|| rollups.join(", ")))
}

/// A span in days where it is that long.
fn span(ns: i64) -> String {
    const DAY: i64 = 86_400_000_000_000;
    const YEAR: i64 = 12 * 2_629_746_000_000_000;
    match ns {
        ns if ns >= YEAR && ns % YEAR == 0 => format!("{}y", ns / YEAR),
        ns if ns >= DAY => {
            format!("{:.4}", ns as f64 / DAY as f64).trim_end_matches('0').trim_end_matches('.').to_owned() + "d"
        }
        ns => Duration::from_ns(ns).to_string(),
    }
}

fn policies(all: &[Policy]) -> Table {
    let span = |ns: Option<i64>| Some(ns.map_or_else(|| "for ever".to_owned(), span));
    Table {
        columns: vec![
            Column::text("pattern", all.iter().map(|p| Some(p.pattern.as_str()))),
            Column::text("samples", all.iter().map(|p| span(p.raw))),
            Column::text(
                "rollups",
                all.iter().map(|p| {
                    let of = |(level, keep): &(crate::storage::Level, Option<i64>)| {
                        format!("{level}={}", span(*keep).unwrap_or_default())
                    };
                    (!p.rollups.is_empty()).then(|| p.rollups.iter().map(of).collect::<Vec<_>>().join(" "))
                }),
            ),
            Column::text("histograms", all.iter().map(|p| Some(if p.histograms { "always" } else { "by kind" }))),
        ],
        notes: if all.is_empty() {
            vec![Note::new("no_policies", "everything is kept for ever; `perfdb retention set` changes that")]
        } else {
            Vec::new()
        },
    }
}

fn report(applied: &[Applied], dry_run: bool) -> Table {
    let count = |n: u64| i64::try_from(n).ok();
    let mut bytes = Column::integer("bytes", applied.iter().map(|a| count(a.bytes)));
    bytes.unit = "B".parse().ok();
    let text = match (applied.is_empty(), dry_run) {
        (true, _) => Some("nothing is older than it is kept"),
        (false, true) => Some("nothing was dropped yet: leave `--dry-run` out"),
        (false, false) => None,
    };
    Table {
        columns: vec![
            Column::text("metric", applied.iter().map(|a| Some(a.metric.as_str()))),
            Column::text("action", applied.iter().map(|a| Some(a.action))),
            Column::text("what", applied.iter().map(|a| Some(a.what))),
            Column::time("first_day", applied.iter().map(|a| Some(a.span.0))),
            Column::time("last_day", applied.iter().map(|a| Some(a.span.1))),
            Column::integer("days", applied.iter().map(|a| count(a.days))),
            Column::integer("samples", applied.iter().map(|a| count(a.samples))),
            bytes,
        ],
        notes: text.map(|t| Note::new("retention", t)).into_iter().collect(),
    }
}
