//! `perfdb delete`: takes samples away by series and time. Without `--yes` it only says what would go.

use super::answer::counted;
use super::args::{DeleteArgs, Global};
use super::config::{Layer, Settings};
use super::io::Io;
use super::select::select;
use crate::error::{Error, Result};
use crate::model::{NoProgress, TimeRange};
use crate::storage::Deleted;

/// Carries out `perfdb delete`.
///
/// # Errors
/// [`Error::Usage`] for a selector that names nothing; what the store and the streams report.
pub fn run(args: &DeleteArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    let settings = Settings::resolve(Layer::default(), global, &io.surroundings)?;
    let time = |moment: Option<&super::args::Moment>, open: i64| -> Result<i64> {
        moment.map_or(Ok(open), |m| m.resolve(io.now, settings.zone).map(|t| t.0))
    };
    let range = TimeRange { start: time(args.since.as_ref(), i64::MIN)?, end: time(args.until.as_ref(), i64::MAX)? };
    if range.is_empty() {
        return Err(Error::usage_hint(
            "the range is empty: it ends before it begins",
            "say `--since` before `--until`",
        ));
    }
    let db = settings.open_to_change()?;
    let chosen = select(Some(&args.selector), &db.engine()?, &settings, io)?;
    let mut series: Vec<(u32, u32)> = chosen.iter().flat_map(|(_, series)| series).map(|s| (s.metric, s.id)).collect();
    series.sort_unstable();
    let dry_run = args.dry_run || !args.yes;
    let deleted = db.store().delete(&series, range, dry_run)?;
    if !dry_run {
        db.store().roll(&NoProgress, &io.cancel)?;
    }
    db.close()?;
    if !settings.quiet {
        io.print_line(&text(&deleted, series.len(), dry_run));
        if deleted.buckets_cut > 0 {
            io.print_note(&format!(
                "{} of rollups reach beyond the range and stay: their samples were dropped before",
                counted(deleted.buckets_cut, "bucket")
            ));
        }
        if dry_run && !args.dry_run && (deleted.samples > 0 || deleted.buckets > 0) {
            io.print_note("nothing was deleted yet: add `--yes`");
        }
    }
    Ok(())
}

fn text(deleted: &Deleted, series: usize, dry_run: bool) -> String {
    let verb = if dry_run { "would delete" } else { "deleted" };
    let mut text = format!("{verb} {} of {series} series", counted(deleted.samples, "sample"));
    if deleted.buckets > 0 {
        text += &format!(" and {} of rollups", counted(deleted.buckets, "bucket"));
    }
    if !deleted.ingests.is_empty() {
        let names: Vec<String> = deleted.ingests.iter().map(|(id, source)| format!("{id} ({source})")).collect();
        text += &format!(
            "; {} forgotten, so that the files may come again: {}",
            counted(names.len() as u64, "ingest"),
            names.join(", ")
        );
    }
    text
}
