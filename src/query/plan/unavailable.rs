//! The parts of the language that this version reads but cannot answer yet, in one place.

use super::context::Context;
use crate::error::Result;
use crate::query::ast::{Clauses, Query, Show, ShowWhat, Span};
use crate::query::functions::{Class, Function};

/// The attributes of runs, which are keys like any label once there are runs.
pub(crate) const RUN_ATTRIBUTES: [&str; 5] = ["run", "suite", "commit", "branch", "machine"];

/// Refuses `what`.
fn refuse(ctx: &Context<'_>, span: &Span, what: &str) -> Result<()> {
    Err(ctx.wrong(span, format!("{what} is not available in this version")).into())
}

/// Refuses the clauses of a query that need runs or baselines.
pub(crate) fn check_query(ctx: &Context<'_>, query: &Query) -> Result<()> {
    check_clauses(ctx, &query.clauses)
}

/// Refuses what `show` cannot show.
pub(crate) fn check_show(ctx: &Context<'_>, show: &Show) -> Result<()> {
    match show.what {
        ShowWhat::Runs => refuse(ctx, &show.span, "`show runs`"),
        ShowWhat::Baselines => refuse(ctx, &show.span, "`show baselines`"),
        _ => check_clauses(ctx, &show.clauses),
    }
}

fn check_clauses(ctx: &Context<'_>, clauses: &Clauses) -> Result<()> {
    if let Some(last) = &clauses.last_runs {
        return refuse(ctx, &last.span, "`last N runs`");
    }
    if let Some(against) = &clauses.against {
        return refuse(ctx, &against.span, "`against`");
    }
    Ok(())
}

/// Refuses the analysis functions.
pub(crate) fn check_function(ctx: &Context<'_>, function: &Function, span: &Span) -> Result<()> {
    if function.class == Class::Analysis { refuse(ctx, span, &format!("`{}`", function.name)) } else { Ok(()) }
}

/// Refuses an attribute of runs as a key or in a condition. Called where no label has that name.
pub(crate) fn check_attribute(ctx: &Context<'_>, name: &str, span: &Span) -> Result<()> {
    if RUN_ATTRIBUTES.contains(&name) {
        return refuse(ctx, span, &format!("the run attribute `{name}`"));
    }
    Ok(())
}
