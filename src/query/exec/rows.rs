//! What happens to the rows of an answer once they are there: `having`, `order by`, `limit`.

use crate::error::{Error, Result};
use crate::model::{Cells, Table};
use crate::query::plan::having::Having;
use crate::query::plan::schema::{OrderBy, Role, RowLimit, Schema};
use hashbrown::HashMap;
use std::cmp::Ordering;

/// Applies the clauses to `table`, whose columns are those of `schema`, in their default order; then drops the hidden columns.
pub(crate) fn finish(
    table: &mut Table,
    schema: &Schema,
    having: Option<&Having>,
    order: &[OrderBy],
    limit: Option<RowLimit>,
    row_max: usize,
) -> Result<()> {
    let count = table.row_count();
    let mut rows: Vec<usize> = (0..count).filter(|row| having.is_none_or(|h| h.holds(table, *row))).collect();
    if !order.is_empty() {
        sort(table, order, &mut rows, limit.filter(|l| l.per.is_none()).map(|l| l.count));
    }
    if let Some(limit) = limit {
        keep(table, limit, &mut rows);
    }
    if rows.len() > row_max {
        return Err(Error::limit(
            format!("the answer has {} rows, more than {row_max}", rows.len()),
            "add `limit`, ask for a shorter range, wider buckets or fewer keys",
        ));
    }
    let in_place = rows.len() == count && order.is_empty();
    if !in_place {
        table.pick(&rows);
    }
    let mut fields = schema.fields.iter();
    table.columns.retain(|_| fields.next().is_none_or(|f| f.role != Role::Hidden));
    Ok(())
}

/// Sorts `rows`, ties in the order that they are in; of more than `first` rows only the first `first` are kept.
fn sort(table: &Table, order: &[OrderBy], rows: &mut Vec<usize>, first: Option<usize>) {
    let compare = |a: &usize, b: &usize| {
        let by_terms = order.iter().map(|o| compare_cells(&table.columns[o.field].cells, *a, *b, o.descending));
        by_terms.fold(Ordering::Equal, Ordering::then).then(a.cmp(b))
    };
    if let Some(first) = first
        && first < rows.len()
    {
        if first > 0 {
            rows.select_nth_unstable_by(first - 1, compare);
        }
        rows.truncate(first);
    }
    rows.sort_unstable_by(compare);
}

/// The order of two rows by one column; missing values come last either way.
fn compare_cells(cells: &Cells, a: usize, b: usize, descending: bool) -> Ordering {
    fn nulls_last<T>(a: Option<&T>, b: Option<&T>, descending: bool, compare: impl Fn(&T, &T) -> Ordering) -> Ordering {
        match (a, b) {
            (Some(a), Some(b)) if descending => compare(b, a),
            (Some(a), Some(b)) => compare(a, b),
            (a, b) => b.is_some().cmp(&a.is_some()),
        }
    }
    match cells {
        Cells::Time(v) | Cells::Integer(v) => nulls_last(v[a].as_ref(), v[b].as_ref(), descending, i64::cmp),
        Cells::Number(v) => nulls_last(v[a].as_ref(), v[b].as_ref(), descending, f64::total_cmp),
        Cells::Text(v) => nulls_last(v[a].as_ref(), v[b].as_ref(), descending, Ord::cmp),
    }
}

fn keep(table: &Table, limit: RowLimit, rows: &mut Vec<usize>) {
    let Some(per) = limit.per else {
        rows.truncate(limit.count);
        return;
    };
    match &table.columns[per].cells {
        Cells::Text(v) => keep_per(limit.count, rows, |row| v[row].as_deref()),
        Cells::Time(v) | Cells::Integer(v) => keep_per(limit.count, rows, |row| v[row]),
        Cells::Number(v) => keep_per(limit.count, rows, |row| v[row].map(f64::to_bits)),
    }
}

fn keep_per<K: std::hash::Hash + Eq>(count: usize, rows: &mut Vec<usize>, key: impl Fn(usize) -> K) {
    let mut seen: HashMap<K, usize> = HashMap::new();
    rows.retain(|row| {
        let seen = seen.entry(key(*row)).or_default();
        *seen += 1;
        *seen <= count
    });
}
