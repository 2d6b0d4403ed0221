//! The entries as one closure sees and changes them, inside of an SQL transaction that many closures share.
//!
//! ```text
//!   rehearsal  what is not known yet ends the run and is noted; all that was noted is read at once
//!   for good   what is not known yet is read in line, while the closure waits
//! ```
//!
//! Changes stay here until the commit. Never: shows a closure what it is not to see because reading failed.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::known::{self, Changes, Fetched, Known, Reached, Rows, Wish};
use super::reader::Reader;
use super::session::Trouble;
use crate::key::{Key, KeyRange};
use crate::seam::{Each, Kind, Order, StoreError, TxResult};
use crate::transaction::Entries;

/// Rows read in one step: with the largest values 16 MB.
const PAGE: u32 = 256;

/// Rows wished for in a rehearsal, by one closure or by all of a group.
const WISHES_MAX: usize = 4_096;

/// What closures wanted to read in a rehearsal.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) keys: Vec<Vec<u8>>,
    pub(super) ranges: Vec<Wish>,
    pub(super) claims: Vec<(KeyRange, u32)>,
    /// Some wish can only be met in line.
    pub(super) in_line: bool,
}

impl Wishes {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.ranges.is_empty() && self.claims.is_empty() && !self.in_line
    }

    fn claim(&mut self, range: &KeyRange, more: u32) {
        match self.claims.iter_mut().find(|(known, _)| known == range) {
            Some((_, wanted)) => *wanted = wanted.saturating_add(more),
            None => self.claims.push((range.clone(), more)),
        }
    }
}

/// See the module.
pub(super) struct View<'v> {
    kind: Kind,
    known: &'v mut Known,
    reader: &'v mut Reader,
    /// The wishes, in a rehearsal.
    rehearsal: Option<&'v mut Wishes>,
    /// This closure's own changes.
    pub(super) own: Changes,
    /// Why reading failed, which is nobody's verdict.
    pub(super) trouble: Option<Trouble>,
    /// The closure reads what a taker cannot read safely.
    pub(super) reads_beside: bool,
    /// A wish was noted.
    pub(super) wished: bool,
}

impl<'v> View<'v> {
    pub(super) fn new(
        kind: Kind,
        known: &'v mut Known,
        reader: &'v mut Reader,
        rehearsal: Option<&'v mut Wishes>,
    ) -> Self {
        Self {
            kind,
            known,
            reader,
            rehearsal,
            own: Changes::new(),
            trouble: None,
            reads_beside: false,
            wished: false,
        }
    }

    fn changed(&self, key: &[u8]) -> Option<&Option<Bytes>> {
        self.own.get(key).or_else(|| self.known.changes.get(key))
    }

    /// The closure's run ends here; what it answers is not looked at.
    fn not_yet<T>(&mut self) -> TxResult<T> {
        self.wished = true;
        Err(StoreError::Engine("not read yet".into()))
    }

    /// Notes a wish in a rehearsal; otherwise there is none.
    fn wish(&mut self, note: impl FnOnce(&mut Wishes)) -> bool {
        let Some(wishes) = &mut self.rehearsal else { return false };
        if wishes.keys.len() + wishes.ranges.len() + wishes.claims.len() < WISHES_MAX {
            note(wishes);
        } else {
            wishes.in_line = true;
        }
        true
    }

    /// Only under SERIALIZABLE is what is read here still so at the commit.
    fn check_readable(&mut self) -> TxResult<()> {
        if self.kind == Kind::Take {
            self.reads_beside = true;
            return self.not_yet();
        }
        Ok(())
    }

    fn read<T>(&mut self, read: impl FnOnce(&mut Reader) -> Result<T, Trouble>) -> TxResult<T> {
        read(self.reader).map_err(|trouble| {
            let error = StoreError::Engine(trouble.text().into());
            self.trouble = Some(trouble);
            error
        })
    }

    /// The first rows after `last`.
    fn page(&mut self, wish: &Wish, last: Option<&[u8]>, limit: u32) -> TxResult<Fetched> {
        let mut wish = Wish { limit, ..wish.clone() };
        match (last, wish.order) {
            (Some(last), Order::Ascending) => wish.range.from = [last, &[0]].concat(),
            (Some(last), Order::Descending) => wish.range.to = last.to_vec(),
            (None, _) => {}
        }
        // No key is below the empty one, and as the end of a range it would be the end of all.
        let at_first = wish.order == Order::Descending && last.is_some_and(<[u8]>::is_empty);
        if at_first || known::is_empty(&wish.range) {
            return Ok(Fetched { rows: Rows::new(), complete: true });
        }
        self.read(|reader| reader.range(&wish))
    }

    /// Shows rows in their order with the changes over them; asks for more rows as they are needed.
    fn show(&mut self, wish: &Wish, each: &mut Each<'_>) -> TxResult<()> {
        let changes = known::changes_in(&self.known.changes, &self.own, &wish.range);
        let first_limit = wish.limit.min(PAGE);
        let first = Wish { limit: first_limit, ..wish.clone() };
        let known = self.known.range(&first).cloned();
        let mut page = match known {
            Some(known) => known,
            None if self.wish(|wishes| wishes.ranges.push(first.clone())) => return self.not_yet(),
            None => self.page(wish, None, first_limit)?,
        };
        let mut merge = Merge::new(changes, wish);
        loop {
            let last = page.rows.last().map(|(key, _)| key.clone());
            for (key, value) in page.rows {
                if merge.row(key, value, each).is_break() {
                    return Ok(());
                }
            }
            if page.complete {
                let _ = merge.rest(each);
                return Ok(());
            }
            if self.wish(|wishes| wishes.in_line = true) {
                return self.not_yet();
            }
            page = self.page(wish, last.as_deref(), PAGE)?;
        }
    }

    /// Entries of the range that are this transaction's to take, up to where all are claimed.
    fn claimed(&self, range: &KeyRange, reached: &Reached) -> Changes {
        let mut all: Changes = Changes::new();
        all.extend(
            self.known
                .claims
                .rows
                .range::<[u8], _>(known::bounds(range))
                .map(|(k, v)| (k.clone(), Some(v.clone()))),
        );
        all.extend(known::changes_in(&self.known.changes, &self.own, range));
        all.retain(|key, value| {
            value.is_some()
                && match reached {
                    Reached::Nothing => false,
                    Reached::Key(last) => key <= last,
                    Reached::End => true,
                }
        });
        all
    }
}

impl Entries for View<'_> {
    fn get(&mut self, key: &[u8]) -> TxResult<Option<Bytes>> {
        if let Some(change) = self.changed(key) {
            return Ok(change.clone());
        }
        if let Some(value) = self.known.claims.rows.get(key) {
            return Ok(Some(value.clone()));
        }
        self.check_readable()?;
        if let Some(value) = self.known.read(key) {
            return Ok(value.clone());
        }
        if self.wish(|wishes| wishes.keys.push(key.to_vec())) {
            return self.not_yet();
        }
        let keys = vec![key.to_vec()];
        let rows = self.read(|reader| reader.keys(&keys))?;
        self.known.note_reads(keys, rows);
        Ok(self.known.read(key).cloned().flatten())
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> TxResult<()> {
        self.own.insert(key.to_vec(), Some(Bytes::copy_from_slice(value)));
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> TxResult<()> {
        self.own.insert(key.to_vec(), None);
        Ok(())
    }

    fn scan(&mut self, range: &KeyRange, order: Order, limit: u32, each: &mut Each<'_>) -> TxResult<()> {
        if limit == 0 || known::is_empty(range) {
            return Ok(());
        }
        self.check_readable()?;
        self.show(&Wish { range: range.clone(), order, limit }, each)
    }

    fn prefetch(&mut self, keys: &[Key]) -> TxResult<()> {
        let keys = keys.iter().map(Key::as_bytes);
        let unknown = keys.filter(|key| self.changed(key).is_none() && self.known.read(key).is_none());
        let unknown: Vec<Vec<u8>> = unknown.map(<[u8]>::to_vec).collect();
        if unknown.len() < 2 || self.kind == Kind::Take {
            return Ok(());
        }
        if self.wish(|wishes| wishes.keys.extend(unknown.iter().cloned())) {
            return self.not_yet();
        }
        let rows = self.read(|reader| reader.keys(&unknown))?;
        self.known.note_reads(unknown, rows);
        Ok(())
    }

    fn scan_to_take(&mut self, range: &KeyRange, limit: u32, each: &mut Each<'_>) -> TxResult<()> {
        if self.kind != Kind::Take || limit == 0 || known::is_empty(range) {
            return self.scan(range, Order::Ascending, limit, each);
        }
        loop {
            let reached = self.known.claims.reached(range);
            let entries = self.claimed(range, &reached);
            let missing = limit.saturating_sub(u32::try_from(entries.len()).unwrap_or(u32::MAX));
            if missing == 0 || reached == Reached::End {
                for (key, value) in entries.iter().take(limit as usize) {
                    let value = value.as_ref().expect("deletions were left out");
                    if each(key, value).is_break() {
                        break;
                    }
                }
                return Ok(());
            }
            if self.wish(|wishes| wishes.claim(range, missing)) {
                return self.not_yet();
            }
            let (asked, rest) = (missing.min(PAGE), self.known.claims.rest(range));
            let rows = if known::is_empty(&rest) {
                Rows::new()
            } else {
                self.read(|reader| reader.claim(&rest, asked))?
            };
            self.known.claims.note(range, asked, rows);
        }
    }
}

/// Puts changes between rows.
struct Merge {
    changes: std::collections::VecDeque<(Vec<u8>, Option<Bytes>)>,
    order: Order,
    left: u32,
}

impl Merge {
    fn new(changes: Changes, wish: &Wish) -> Self {
        let changes = match wish.order {
            Order::Ascending => changes.into_iter().collect(),
            Order::Descending => changes.into_iter().rev().collect(),
        };
        Self { changes, order: wish.order, left: wish.limit }
    }

    fn show(&mut self, key: &[u8], value: &[u8], each: &mut Each<'_>) -> ControlFlow<()> {
        self.left -= 1;
        let more = each(key, value);
        if self.left == 0 { ControlFlow::Break(()) } else { more }
    }

    fn row(&mut self, key: Vec<u8>, value: Bytes, each: &mut Each<'_>) -> ControlFlow<()> {
        while let Some((changed, _)) = self.changes.front() {
            let before = match self.order {
                Order::Ascending => *changed < key,
                Order::Descending => *changed > key,
            };
            let same = *changed == key;
            if !before && !same {
                break;
            }
            if let Some((changed, Some(value))) = self.changes.pop_front() {
                self.show(&changed, &value, each)?;
            }
            if same {
                return ControlFlow::Continue(());
            }
        }
        self.show(&key, &value, each)
    }

    /// The changes behind the last row.
    fn rest(&mut self, each: &mut Each<'_>) -> ControlFlow<()> {
        while let Some((key, change)) = self.changes.pop_front() {
            if let Some(value) = change {
                self.show(&key, &value, each)?;
            }
        }
        ControlFlow::Continue(())
    }
}
