//! Deployment packages, good and hostile. Written by hand, because no archive library writes hostile ones.

/// A zip archive in the making. Entries are stored, not deflated.
#[derive(Clone, Debug, Default)]
pub struct Package {
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    name: String,
    mode: u32,
    method: u16,
    size: u32,
    bytes: Vec<u8>,
}

impl Package {
    /// An archive with one file.
    pub fn of(name: &str, text: &str) -> Self {
        Self::default().file(name, text)
    }

    /// With one file more. The name is written as it is, also if it leads outside.
    #[must_use]
    pub fn file(self, name: &str, text: &str) -> Self {
        self.entry(name, 0o100_644, text.as_bytes())
    }

    /// With a symbolic link.
    #[must_use]
    pub fn link(self, name: &str, target: &str) -> Self {
        self.entry(name, 0o120_777, target.as_bytes())
    }

    /// With an entry of any kind: `mode` is that of stat(2), file type included.
    #[must_use]
    pub fn entry(mut self, name: &str, mode: u32, bytes: &[u8]) -> Self {
        let size = u32::try_from(bytes.len()).expect("test packages are small");
        self.entries.push(Entry { name: name.to_owned(), mode, method: 0, size, bytes: bytes.to_vec() });
        self
    }

    /// The archive's bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let (mut archive, mut directory) = (Vec::new(), Vec::new());
        for entry in &self.entries {
            let offset = narrow(archive.len());
            let shared = entry.shared_fields();
            archive.extend(b"PK\x03\x04");
            archive.extend(&shared);
            archive.extend(entry.name.as_bytes());
            archive.extend(&entry.bytes);
            directory.extend(b"PK\x01\x02\x14\x03"); // made by version 2.0 on Unix: modes count
            directory.extend(&shared);
            directory.extend([0; 6]); // comment, disk, internal attributes
            directory.extend((entry.mode << 16).to_le_bytes());
            directory.extend(offset.to_le_bytes());
            directory.extend(entry.name.as_bytes());
        }
        let (start, length) = (narrow(archive.len()), narrow(directory.len()));
        let count = u16::try_from(self.entries.len()).expect("test packages are small").to_le_bytes();
        archive.extend(directory);
        archive.extend(b"PK\x05\x06\0\0\0\0");
        archive.extend(count);
        archive.extend(count);
        archive.extend(length.to_le_bytes());
        archive.extend(start.to_le_bytes());
        archive.extend([0, 0]);
        archive
    }
}

impl Entry {
    /// What the local header and the directory both say.
    fn shared_fields(&self) -> Vec<u8> {
        let mut fields = Vec::new();
        fields.extend(20_u16.to_le_bytes()); // needs version 2.0
        fields.extend(0_u16.to_le_bytes());
        fields.extend(self.method.to_le_bytes());
        fields.extend([0, 0, 0x21, 0]); // midnight of 1980-01-01
        let crc = if self.method == 0 { crc32(&self.bytes) } else { 0 };
        fields.extend(crc.to_le_bytes());
        fields.extend(narrow(self.bytes.len()).to_le_bytes());
        fields.extend(self.size.to_le_bytes());
        fields.extend(u16::try_from(self.name.len()).expect("test names are short").to_le_bytes());
        fields.extend([0, 0]);
        fields
    }
}

/// An archive of one file of zeros that unpacks to `size` bytes and declares `declared`.
pub fn bomb(size: u32, declared: u32) -> Package {
    let bytes = deflated_zeros(size);
    Package {
        entries: vec![Entry { name: "zeros".to_owned(), mode: 0o100_644, method: 8, size: declared, bytes }],
    }
}

/// Zeros, deflated as far as deflate can: one literal, then repetitions of 258 bytes from one byte before.
fn deflated_zeros(size: u32) -> Vec<u8> {
    let mut bits = Bits::default();
    bits.low_first(0b011, 3); // the last block, fixed codes
    bits.high_first(0x30, 8); // literal 0
    for _ in 0..(size - 1) / 258 {
        bits.high_first(0b1100_0101, 8); // length 258
        bits.high_first(0, 5); // distance 1
    }
    bits.high_first(0, 7); // end of block
    bits.bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn low_first(&mut self, value: u32, count: u32) {
        for bit in 0..count {
            if self.used.is_multiple_of(8) {
                self.bytes.push(0);
            }
            let last = self.bytes.len() - 1;
            self.bytes[last] |= (((value >> bit) & 1) as u8) << (self.used % 8);
            self.used += 1;
        }
    }

    fn high_first(&mut self, value: u32, count: u32) {
        for bit in (0..count).rev() {
            self.low_first((value >> bit) & 1, 1);
        }
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}

fn narrow(length: usize) -> u32 {
    u32::try_from(length).expect("test packages are small")
}
