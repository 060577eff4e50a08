//! Entries from one store to another, table by table, and read back.

use super::left_out::LeftOut;
use crate::error::Result;
use crate::model::{Cancel, Progress};
use crate::storage::schema::{Part, TableVisitor, visit_tables};
use redb::{
    Key, ReadTransaction, ReadableTable, ReadableTableMetadata, TableDefinition, TableHandle, Value, WriteTransaction,
};
use twox_hash::xxhash3_128::Hasher;

/// Entries of all tables.
pub(super) fn entries(txn: &ReadTransaction) -> Result<u64> {
    struct Count<'t>(&'t ReadTransaction, u64);
    impl TableVisitor for Count<'_> {
        fn visit<K: Key + 'static, V: Value + 'static>(
            &mut self,
            table: TableDefinition<'static, K, V>,
            _: Part,
        ) -> Result<()> {
            self.1 += self.0.open_table(table)?.len()?;
            Ok(())
        }
    }
    let mut count = Count(txn, 0);
    visit_tables(&mut count)?;
    Ok(count.1)
}

/// How far the work has come.
pub(super) struct Steps<'a> {
    pub(super) progress: &'a dyn Progress,
    pub(super) cancel: &'a Cancel,
    pub(super) done: u64,
    pub(super) total: u64,
}

impl Steps<'_> {
    fn step(&mut self) -> Result<()> {
        if self.done.is_multiple_of(64) {
            self.progress.update(self.done.min(self.total), self.total);
            self.cancel.check()?;
        }
        self.done += 1;
        Ok(())
    }
}

/// What a table holds, in short: its name, how many entries, and their hash.
pub(super) type Digest = (String, u64, u128);

struct Digester {
    count: u64,
    hasher: Hasher,
}

impl Digester {
    fn new() -> Self {
        Self { count: 0, hasher: Hasher::new() }
    }

    fn add(&mut self, key: &[u8], value: &[u8]) {
        self.count += 1;
        // Their lengths keep apart what the bytes alone would not.
        self.hasher.write(&(key.len() as u64).to_le_bytes());
        self.hasher.write(&(value.len() as u64).to_le_bytes());
        self.hasher.write(key);
        self.hasher.write(value);
    }

    fn finish(self, table: &impl TableHandle) -> Digest {
        (table.name().to_owned(), self.count, self.hasher.finish_128())
    }
}

/// Copies tables.
pub(super) struct Copier<'a, 's> {
    pub(super) from: &'a ReadTransaction,
    pub(super) to: &'a WriteTransaction,
    pub(super) left_out: &'a LeftOut,
    pub(super) steps: &'a mut Steps<'s>,
    pub(super) digests: Vec<Digest>,
}

impl TableVisitor for Copier<'_, '_> {
    fn visit<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
        _: Part,
    ) -> Result<()> {
        let mut to = self.to.open_table(table)?;
        let mut digester = Digester::new();
        for entry in self.from.open_table(table)?.iter()? {
            self.steps.step()?;
            let (key, value) = entry?;
            let (key, value) = (key.value(), value.value());
            let keeps = {
                let (key, value) = (K::as_bytes(&key), V::as_bytes(&value));
                let keeps = self.left_out.keeps(table.name(), key.as_ref(), value.as_ref())?;
                if keeps {
                    digester.add(key.as_ref(), value.as_ref());
                }
                keeps
            };
            if keeps {
                to.insert(key, value)?;
            }
        }
        self.digests.push(digester.finish(&table));
        Ok(())
    }
}

/// Reads tables back.
pub(super) struct ReadBack<'a, 's> {
    pub(super) from: &'a ReadTransaction,
    pub(super) steps: &'a mut Steps<'s>,
    pub(super) digests: Vec<Digest>,
}

impl TableVisitor for ReadBack<'_, '_> {
    fn visit<K: Key + 'static, V: Value + 'static>(
        &mut self,
        table: TableDefinition<'static, K, V>,
        _: Part,
    ) -> Result<()> {
        let mut digester = Digester::new();
        for entry in self.from.open_table(table)?.iter()? {
            self.steps.step()?;
            let (key, value) = entry?;
            let (key, value) = (key.value(), value.value());
            digester.add(K::as_bytes(&key).as_ref(), V::as_bytes(&value).as_ref());
        }
        self.digests.push(digester.finish(&table));
        Ok(())
    }
}
