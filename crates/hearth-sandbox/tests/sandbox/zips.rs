//! Archives written byte by byte, so that they can be as wrong as an attacker's.

/// One entry as the archive declares it.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) content: Vec<u8>,
    /// Unix mode with its type bits; 0 as archives from Windows have it.
    pub(crate) mode: u32,
    pub(crate) flags: u16,
    /// Size that is told instead of the true one.
    pub(crate) told_bytes: Option<u32>,
}

pub(crate) fn file(name: &str, content: &str) -> Entry {
    entry(name, content, 0o100_644)
}

pub(crate) fn directory(name: &str, mode: u32) -> Entry {
    entry(name, "", 0o040_000 | mode)
}

pub(crate) fn link(name: &str, target: &str) -> Entry {
    entry(name, target, 0o120_777)
}

pub(crate) fn entry(name: &str, content: &str, mode: u32) -> Entry {
    Entry { name: name.into(), content: content.into(), mode, flags: 0, told_bytes: None }
}

/// A zip archive of stored entries.
pub(crate) fn archive(entries: &[Entry]) -> Vec<u8> {
    let (mut bytes, mut contents) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = bytes.len() as u32;
        let told = entry.told_bytes.unwrap_or(entry.content.len() as u32);
        let mut facts = Vec::new();
        facts.extend([20, 0]); // version needed
        facts.extend(entry.flags.to_le_bytes());
        facts.extend([0; 6]); // stored; no time, no date
        facts.extend(checksum(&entry.content).to_le_bytes());
        facts.extend((entry.content.len() as u32).to_le_bytes());
        facts.extend(told.to_le_bytes());
        facts.extend((entry.name.len() as u16).to_le_bytes());
        facts.extend([0; 2]); // no extra field

        bytes.extend(b"PK\x03\x04");
        bytes.extend(&facts);
        bytes.extend(&entry.name);
        bytes.extend(&entry.content);

        contents.extend(b"PK\x01\x02\x14\x03"); // made on Unix
        contents.extend(&facts);
        contents.extend([0; 6]); // no comment, first disk, no internal attributes
        contents.extend((entry.mode << 16).to_le_bytes());
        contents.extend(offset.to_le_bytes());
        contents.extend(&entry.name);
    }
    let start = bytes.len() as u32;
    bytes.extend(&contents);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend((entries.len() as u16).to_le_bytes());
    bytes.extend((entries.len() as u16).to_le_bytes());
    bytes.extend((contents.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0; 2]);
    bytes
}

fn checksum(content: &[u8]) -> u32 {
    !content.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 },
        )
    })
}
