//! The small writes: batches of a stream, and metadata.

use super::catalog::CatalogWriter;
use super::chunk::{self, SeriesRows};
use super::log;
use super::rollup::days::{self, Touched};
use super::schema::{LOG, META, PENDING_SERIES};
use super::store::Store;
use super::streams;
use crate::error::{Error, Result};
use crate::model::{Columns, MetricMeta, Series, SeriesSet};
use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};

/// Batches of this many samples and more do not go through the log.
const DIRECT_COUNT_MIN: usize = 50_000;

impl Store {
    /// Appends `columns` durably, as one transaction: all of it or nothing. For batches that come in a stream.
    ///
    /// # Errors
    /// [`Error::Busy`], [`Error::Io`], [`Error::Corrupt`]; nothing is kept then.
    pub fn append(
        &self,
        columns: &Columns,
        series: &SeriesSet,
        metas: &[(String, MetricMeta)],
        now: i64,
    ) -> Result<()> {
        if columns.is_empty() && metas.is_empty() {
            return Ok(());
        }
        let mut rows = group(columns, series);
        let txn = self.begin_write()?;
        let found = self.number(&txn, &mut rows, series, metas)?;
        let mut sealed = None;
        if !rows.is_empty() {
            streams::ensure(&txn, self)?;
            // Large batches go straight to chunks.
            if columns.count() >= DIRECT_COUNT_MIN {
                let (seq, mut touched) = seal_log(&txn)?;
                let seq = chunk::write(&txn, chunk::encode_all(rows), 0, seq, &mut touched)?;
                days::mark(&txn, &touched)?;
                set_next_seq(&txn, seq)?;
                sealed = Some(touched);
            } else if log::append(&txn, &rows, next_seq(&txn)?, now)? {
                let (seq, touched) = seal_log(&txn)?;
                set_next_seq(&txn, seq)?;
                sealed = Some(touched);
            }
        }
        self.commit(txn)?;
        self.known().learn(found);
        sealed.map_or(Ok(()), |touched| self.tidy_after_write(&touched))
    }

    /// Gives `rows` the numbers of their metrics and series, and sets `metas`. Gives back the series that this process did not know.
    fn number(
        &self,
        txn: &WriteTransaction,
        rows: &mut [SeriesRows],
        series: &SeriesSet,
        metas: &[(String, MetricMeta)],
    ) -> Result<Vec<(Series, (u32, u32))>> {
        let mut known = self.known();
        known.trust(CatalogWriter::removals(&txn.open_table(META)?)?);
        let mut found = Vec::new();
        let mut unknown = Vec::new();
        for row in &mut *rows {
            let name = series.get(row.series).ok_or_else(|| Error::Bug("a sample of an unknown series".into()))?;
            match known.get(name) {
                Some(ids) => (row.metric, row.series) = ids,
                None => unknown.push((row, name)),
            }
        }
        drop(known);
        let some_pending = !txn.open_table(PENDING_SERIES)?.is_empty()?;
        if unknown.is_empty() && metas.is_empty() && !some_pending {
            return Ok(found);
        }
        let mut catalog = CatalogWriter::open(txn)?;
        for (row, name) in unknown {
            (row.metric, row.series) = catalog.series(name, None)?;
            found.push((name.clone(), (row.metric, row.series)));
        }
        set_metas(&mut catalog, metas)?;
        catalog.reveal(rows.iter().map(|r| r.series))?;
        catalog.finish()?;
        Ok(found)
    }

    /// What is due once samples were sealed: rollups, and joining what became many short chunks.
    fn tidy_after_write(&self, touched: &Touched) -> Result<()> {
        self.roll_after_write()?;
        match self.join_choppy(touched.keys().copied()) {
            // It was not asked for, and the next time does it.
            Err(Error::Busy { .. } | Error::Io { .. }) => Ok(()),
            done => done,
        }
    }

    /// Changes the metadata of every metric that `metas` names, making those that are new.
    ///
    /// # Errors
    /// As for [`Store::append`].
    pub fn describe(&self, name: &str, change: impl FnOnce(&mut MetricMeta) -> Result<()>) -> Result<()> {
        let txn = self.begin_write()?;
        let mut kinds = None;
        {
            let mut catalog = CatalogWriter::open(&txn)?;
            catalog.set_meta(name, |meta| {
                let before = meta.kind;
                change(meta)?;
                kinds = Some((before, meta.kind));
                Ok(())
            })?;
            catalog.finish()?;
        }
        let other_kind = kinds.is_some_and(|(before, after)| before != after);
        if other_kind {
            // What a rollup keeps depends on the kind.
            self.mark_all(&txn, name)?;
        }
        self.commit(txn)?;
        if other_kind { self.roll_after_write() } else { Ok(()) }
    }
}

pub(super) fn next_seq(txn: &WriteTransaction) -> Result<u64> {
    Ok(txn.open_table(META)?.get("next_seq")?.map_or(1, |n| n.value()))
}

pub(super) fn set_next_seq(txn: &WriteTransaction, seq: u64) -> Result<()> {
    txn.open_table(META)?.insert("next_seq", seq)?;
    Ok(())
}

/// A number for a new ingest.
pub(super) fn next_ingest(txn: &WriteTransaction) -> Result<u64> {
    let mut meta = txn.open_table(META)?;
    let id = meta.get("next_ingest")?.map_or(1, |n| n.value());
    meta.insert("next_ingest", id + 1)?;
    Ok(id)
}

/// Turns the log into chunks, which whoever writes chunks must do first, and marks the days that they are of. The first free number of arrival
/// afterwards, and the days.
pub(super) fn seal(txn: &WriteTransaction, store: &Store) -> Result<(u64, Touched)> {
    if !txn.open_table(LOG)?.is_empty()? {
        streams::ensure(txn, store)?;
    }
    seal_log(txn)
}

/// [`seal`] for a caller that knows which stream the log belongs to.
pub(super) fn seal_log(txn: &WriteTransaction) -> Result<(u64, Touched)> {
    let last = txn.open_table(LOG)?.last()?.map_or(0, |(key, _)| key.value());
    let rows = log::take(txn)?;
    let mut touched = Touched::new();
    let seq = chunk::write(txn, chunk::encode_all(rows), 0, next_seq(txn)?.max(last + 1), &mut touched)?;
    days::mark(txn, &touched)?;
    Ok((seq, touched))
}

/// Sets what is given in `metas`, leaving alone what is not.
pub(super) fn set_metas(catalog: &mut CatalogWriter<'_>, metas: &[(String, MetricMeta)]) -> Result<()> {
    for (name, new) in metas {
        catalog.set_meta(name, |meta| join_meta(name, meta, new))?;
    }
    Ok(())
}

/// Takes over what `new` knows. A guess never replaces anything; a unit that differs is refused.
fn join_meta(name: &str, meta: &mut MetricMeta, new: &MetricMeta) -> Result<()> {
    if new.guessed {
        return Ok(());
    }
    if let Some(unit) = &new.unit {
        match &meta.unit {
            Some(old) if old != unit && !meta.guessed => {
                return Err(Error::usage_hint(
                    format!("the samples of `{name}` are in {old}; these would be in {unit}"),
                    format!("convert them, or change the unit of all with `perfdb metric set '{name}' --unit {unit}`"),
                ));
            }
            _ => meta.unit = Some(unit.clone()),
        }
    }
    if new.kind.is_some() {
        meta.kind = new.kind;
    }
    if new.better != crate::model::Better::Unknown {
        meta.better = new.better;
    }
    if !new.description.is_empty() {
        meta.description.clone_from(&new.description);
    }
    meta.guessed = meta.guessed && new.unit.is_none() && new.kind.is_none();
    Ok(())
}

/// Samples by series, in order of arrival within each. `series` of the result is still the number within the set.
pub(super) fn group(columns: &Columns, series: &SeriesSet) -> Vec<SeriesRows> {
    let mut place = vec![u32::MAX; series.count()];
    let mut rows: Vec<SeriesRows> = Vec::new();
    for i in 0..columns.count() {
        let id = columns.series[i];
        let slot = &mut place[id as usize];
        if *slot == u32::MAX {
            *slot = rows.len() as u32;
            rows.push(SeriesRows { series: id, ..SeriesRows::default() });
        }
        let row = &mut rows[*slot as usize];
        row.times.push(columns.times[i]);
        row.values.push(columns.values[i]);
    }
    rows
}
