//! Pages. A list that is short enough to be read whole has the number shown before as its marker; a long one the
//! last name looked at.

use crate::error::IamError;

/// `MaxItems` when none is given.
const PAGE: u32 = 100;

/// `MaxItems` of the model.
const PAGE_MAX: u32 = 1_000;

pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) is_truncated: bool,
    pub(super) marker: Option<String>,
}

impl<T> Page<T> {
    /// One page of a list that was read whole.
    pub(super) fn of(
        all: impl IntoIterator<Item = T>,
        marker: Option<String>,
        max_items: Option<u32>,
    ) -> Result<Self, IamError> {
        let first: usize = marker.map_or(Ok(0), |marker| marker.parse().map_err(|_| IamError::Marker))?;
        let mut rest = all.into_iter().skip(first);
        let items: Vec<T> = rest.by_ref().take(limit(max_items) as usize).collect();
        let is_truncated = rest.next().is_some();
        let marker = is_truncated.then(|| (first + items.len()).to_string());
        Ok(Self { items, is_truncated, marker })
    }

    /// What was read of a long list: a page may show fewer than were asked for, as AWS's may.
    pub(super) fn read((items, is_truncated): (Vec<T>, bool), marker: impl FnOnce(&T) -> String) -> Self {
        let marker = items.last().filter(|_| is_truncated).map(marker);
        Self { items, is_truncated, marker }
    }

    /// What of it is shown, and how.
    pub(super) fn shown<S>(self, show: impl FnMut(T) -> Option<S>) -> Page<S> {
        Page {
            items: self.items.into_iter().filter_map(show).collect(),
            is_truncated: self.is_truncated,
            marker: self.marker,
        }
    }
}

/// How many are looked at for one page.
pub(super) fn limit(max_items: Option<u32>) -> u32 {
    max_items.unwrap_or(PAGE).clamp(1, PAGE_MAX)
}
