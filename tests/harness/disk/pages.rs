//! The bytes of one file, holes included.

use std::collections::BTreeMap;

/// Bytes in a page.
const PAGE: usize = 4096;

/// A file's content. What was never written reads as zeros and takes no room.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages {
    length: u64,
    pages: BTreeMap<u64, Box<[u8; PAGE]>>,
}

impl Pages {
    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Bytes that really take room.
    pub(super) fn room(&self) -> u64 {
        self.pages.len() as u64 * PAGE as u64
    }

    pub(super) fn write(&mut self, at: u64, bytes: &[u8]) {
        let mut done = 0;
        while done < bytes.len() {
            let (number, inside) = place(at + done as u64);
            let count = (PAGE - inside).min(bytes.len() - done);
            let page = self.pages.entry(number).or_insert_with(|| Box::new([0; PAGE]));
            page[inside..inside + count].copy_from_slice(&bytes[done..done + count]);
            done += count;
        }
        self.length = self.length.max(at + bytes.len() as u64);
    }

    pub(super) fn set_length(&mut self, length: u64) {
        if length < self.length {
            let (number, inside) = place(length);
            self.pages.split_off(&(number + u64::from(inside > 0)));
            if let Some(last) = self.pages.get_mut(&number) {
                last[inside..].fill(0);
            }
        }
        self.length = length;
    }

    /// Up to `count` bytes; fewer at the end.
    pub(super) fn read(&self, at: u64, count: usize) -> Vec<u8> {
        let end = self.length.min(at + count as u64);
        let mut bytes = vec![0; usize::try_from(end.saturating_sub(at)).expect("at most what was asked for")];
        let mut done = 0;
        while done < bytes.len() {
            let (number, inside) = place(at + done as u64);
            let count = (PAGE - inside).min(bytes.len() - done);
            if let Some(page) = self.pages.get(&number) {
                bytes[done..done + count].copy_from_slice(&page[inside..inside + count]);
            }
            done += count;
        }
        bytes
    }

    /// The first place from `at` on that holds data, as SEEK_DATA.
    pub(super) fn data_from(&self, at: u64) -> Option<u64> {
        let (number, _) = place(at);
        let (found, _) = self.pages.range(number..).next()?;
        Some(at.max(found * PAGE as u64)).filter(|start| *start < self.length)
    }

    /// The first hole from `at` on, as SEEK_HOLE; the end counts as one.
    pub(super) fn hole_from(&self, at: u64) -> u64 {
        let (mut number, _) = place(at);
        while self.pages.contains_key(&number) {
            number += 1;
        }
        at.max(number * PAGE as u64).min(self.length)
    }
}

/// The page of a byte, and where it lies in it.
fn place(at: u64) -> (u64, usize) {
    (at / PAGE as u64, usize::try_from(at % PAGE as u64).expect("below the size of a page"))
}
