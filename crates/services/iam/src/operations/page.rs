//! One page of a list that is short enough to be read whole: its marker is how many were shown before.

use crate::error::RoleError;

/// `MaxItems` when none is given.
const PAGE: u32 = 100;

pub(super) struct Page<T> {
    pub(super) items: Vec<T>,
    pub(super) is_truncated: bool,
    pub(super) marker: Option<String>,
}

impl<T> Page<T> {
    pub(super) fn of(
        all: impl IntoIterator<Item = T>,
        marker: Option<String>,
        max_items: Option<u32>,
    ) -> Result<Self, RoleError> {
        let first: usize = marker.map_or(Ok(0), |marker| marker.parse().map_err(|_| RoleError::Marker))?;
        let mut rest = all.into_iter().skip(first);
        let items: Vec<T> = rest.by_ref().take(max_items.unwrap_or(PAGE) as usize).collect();
        let is_truncated = rest.next().is_some();
        let marker = is_truncated.then(|| (first + items.len()).to_string());
        Ok(Self { items, is_truncated, marker })
    }
}
