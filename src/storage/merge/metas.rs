//! What two stores say about a metric, put together: ours wins, and where they differ that is said.

use crate::error::{Error, Result};
use crate::model::{Better, MetricMeta};

/// Takes over what `theirs` says and `ours` does not. `differs` hears about
/// what both say and differently. `there` names their store.
///
/// # Errors
/// [`Error::Usage`] where the units differ and `units_may_differ` is false: the numbers would mean different things.
pub(super) fn join(
    (name, there): (&str, &str),
    ours: &mut MetricMeta,
    theirs: &MetricMeta,
    units_may_differ: bool,
    differs: &mut dyn FnMut(String),
) -> Result<()> {
    let mut tell = |what: &str, ours: &str, theirs: &str| {
        differs(format!("{what} of `{name}` is {ours} here and {theirs} in {there}; it stays {ours}"));
    };
    // What was guessed from the name is guessed here too.
    if !theirs.guessed {
        match (&ours.unit, &theirs.unit) {
            (Some(mine), Some(other)) if mine != other && !ours.guessed => {
                if !units_may_differ {
                    return Err(Error::usage_hint(
                        format!("the samples of `{name}` are in {mine} here and in {other} in {there}"),
                        "convert one of them, or say with `--ignore-units` that the unit here holds for both",
                    ));
                }
                tell("the unit", &mine.to_string(), &other.to_string());
            }
            (_, Some(other)) => ours.unit = Some(other.clone()),
            (_, None) => {}
        }
        match (ours.kind, theirs.kind) {
            (Some(mine), Some(other)) if mine != other && !ours.guessed => {
                tell("the kind", &mine.to_string(), &other.to_string());
            }
            (_, Some(other)) => ours.kind = Some(other),
            (_, None) => {}
        }
        ours.guessed = ours.guessed && theirs.unit.is_none() && theirs.kind.is_none();
    }
    match (ours.better, theirs.better) {
        (mine, other) if mine == other || other == Better::Unknown => {}
        (Better::Unknown, other) => ours.better = other,
        (mine, other) => tell("the better direction", &mine.to_string(), &other.to_string()),
    }
    if ours.description.is_empty() {
        ours.description.clone_from(&theirs.description);
    } else if !theirs.description.is_empty() && ours.description != theirs.description {
        tell("the description", &format!("{:?}", ours.description), &format!("{:?}", theirs.description));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Kind;

    fn meta(unit: &str, better: Better, description: &str) -> MetricMeta {
        MetricMeta { unit: unit.parse().ok(), better, description: description.into(), ..MetricMeta::default() }
    }

    #[test]
    fn what_nobody_said_here_is_taken_over_and_what_differs_is_told() {
        let mut told = Vec::new();
        let mut ours = MetricMeta::guess("a_ms").unwrap();
        let mut put = |ours: &mut MetricMeta, theirs: &MetricMeta, any| {
            join(("a_ms", "b.redb"), ours, theirs, any, &mut |t| told.push(t))
        };
        put(&mut ours, &MetricMeta::guess("a_ms").unwrap(), false).unwrap();
        assert!(ours.guessed);
        put(&mut ours, &meta("s", Better::Lower, "one"), false).unwrap();
        assert_eq!(ours, meta("s", Better::Lower, "one"));
        put(&mut ours, &MetricMeta { kind: Some(Kind::Gauge), ..MetricMeta::default() }, false).unwrap();
        assert_eq!(ours, MetricMeta { kind: Some(Kind::Gauge), ..meta("s", Better::Lower, "one") });
        let before = ours.clone();
        assert!(put(&mut ours, &meta("ms", Better::Unknown, ""), false).is_err());
        put(&mut ours, &meta("ms", Better::Higher, "two"), true).unwrap();
        assert_eq!(ours, before, "ours wins");
        assert_eq!(
            told,
            [
                "the unit of `a_ms` is s here and ms in b.redb; it stays s",
                "the better direction of `a_ms` is lower here and higher in b.redb; it stays lower",
                "the description of `a_ms` is \"one\" here and \"two\" in b.redb; it stays \"one\"",
            ]
        );
    }
}
