//! Pages of keys, in time that is independent of how many there are beside the page: keys that share a common prefix
//! are passed over by one step, not one by one.

use std::ops::ControlFlow;

use bytes::Bytes;
use hearth_store::{Key, KeyParts, KeyRange, Order, StoreError, Tx};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::Failure;

/// Entries of one page: AWS's limit and default.
pub(crate) const PAGE_MAX: i32 = 1_000;

/// What `encoding-type=url` leaves as it is.
const PLAIN: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'*');

/// Which keys are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) prefix: String,
    /// What follows it in a key, after the prefix, is not shown: the keys are one common prefix.
    pub(crate) delimiter: Option<String>,
    /// Common prefixes up to this one were shown.
    pub(crate) after: Option<String>,
    pub(crate) limit: usize,
}

/// An entry of a listed space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    /// What follows the key in its place.
    pub(crate) number: Option<u64>,
    pub(crate) record: Bytes,
}

/// One page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    pub(crate) prefixes: Vec<String>,
    /// The last key or common prefix of the page, when more follow.
    pub(crate) next: Option<String>,
}

/// What a page that begins after this key, with all that is stored of it, begins with.
pub(crate) fn after_key(space: &Key, key: &str) -> Vec<u8> {
    let key = space.clone().text(key);
    let beyond = key.children().to;
    beyond.max(key.as_bytes().to_vec())
}

/// A page of a space whose keys are a bucket's number, a text, and perhaps a number.
pub(crate) fn page(tx: &mut dyn Tx, space: &Key, query: &Query, start: Vec<u8>) -> Result<Page, Failure> {
    let mut page = Page::default();
    if query.limit == 0 {
        return Ok(page);
    }
    let all = space.children_from(&query.prefix);
    let mut from = all.from.max(start);
    let (mut last, mut more) = (None, false);
    loop {
        let (mut beyond, mut damaged) = (None, false);
        let left = query.limit - page.entries.len() - page.prefixes.len() + 1;
        let range = KeyRange { from, to: all.to.clone() };
        tx.scan(range, Order::Ascending, u32::try_from(left).unwrap_or(u32::MAX), &mut |place, record| {
            let Some((key, number)) = parse(place) else {
                damaged = true;
                return ControlFlow::Break(());
            };
            let common = common_prefix(&key, query);
            if let Some(common) = common.filter(|common| Some(*common) <= query.after.as_deref()) {
                beyond = Some(space.children_from(common).to);
                return ControlFlow::Break(());
            }
            if page.entries.len() + page.prefixes.len() == query.limit {
                more = true;
                return ControlFlow::Break(());
            }
            if let Some(common) = common {
                beyond = Some(space.children_from(common).to);
                page.prefixes.push(common.to_owned());
                last = Some(common.to_owned());
                return ControlFlow::Break(());
            }
            last = Some(key.clone());
            page.entries.push(Entry { key, number, record: Bytes::copy_from_slice(record) });
            ControlFlow::Continue(())
        })?;
        if damaged {
            return Err(StoreError::Engine("the key of an object is damaged".into()).into());
        }
        match beyond {
            Some(beyond) => from = beyond,
            None => break,
        }
    }
    page.next = last.filter(|_| more);
    Ok(page)
}

fn parse(place: &[u8]) -> Option<(String, Option<u64>)> {
    let mut parts = KeyParts::of(place);
    parts.text()?;
    parts.number()?;
    let key = parts.text()?;
    Some((key, parts.number()))
}

fn common_prefix<'k>(key: &'k str, query: &Query) -> Option<&'k str> {
    let delimiter = query.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty())?;
    let rest = key.get(query.prefix.len()..)?;
    let at = rest.find(delimiter)?;
    Some(&key[..query.prefix.len() + at + delimiter.len()])
}

/// The greatest number of entries that a client may have.
pub(crate) fn limit(name: &'static str, given: Option<i32>) -> Result<usize, Failure> {
    match given {
        None => Ok(PAGE_MAX as usize),
        Some(given) if given < 0 => {
            let text = format!("Argument {name} must be an integer between 0 and 2147483647");
            Err(Failure::argument(name, &given.to_string(), &text))
        }
        Some(given) => Ok(given.min(PAGE_MAX) as usize),
    }
}

/// A name as it is shown.
pub(crate) fn shown(name: &str, is_encoded: bool) -> String {
    if is_encoded { utf8_percent_encode(name, PLAIN).to_string() } else { name.to_owned() }
}

#[cfg(test)]
mod tests;
