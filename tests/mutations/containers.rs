//! Checksums of containers made right again, so that damage gets past them.

use flate2::Crc;

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The CRC of every chunk of a PNG picture, as far as its chunks can be followed.
pub fn repair_png(bytes: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        let end = at.saturating_add(8).saturating_add(length);
        let Some(content) = bytes.get(at + 4..end) else { return };
        let crc = crc32(content).to_be_bytes();
        let Some(place) = bytes.get_mut(end..end.saturating_add(4)) else { return };
        place.copy_from_slice(&crc);
        at = end + 4;
    }
}

/// The checksum of every header of a tar archive, as far as they can be followed.
pub fn repair_tar(bytes: &mut [u8]) {
    const BLOCK: usize = 512;
    let mut at = 0;
    while let Some(header) = bytes.get_mut(at..at + BLOCK) {
        if header.iter().all(|&byte| byte == 0) {
            at += BLOCK;
            continue;
        }
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let digits: String =
            header[124..136].iter().map(|&byte| char::from(byte)).filter(char::is_ascii_digit).collect();
        let size = usize::from_str_radix(&digits, 8).unwrap_or(0);
        at = at.saturating_add(BLOCK).saturating_add(size.div_ceil(BLOCK).saturating_mul(BLOCK));
    }
}

/// Members of a zip archive that are stored as they are: name and content. None where it has others.
pub fn stored_members(zip: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let number = |at: usize, width: usize| {
        let bytes = zip.get(at..at + width)?;
        Some(bytes.iter().rev().fold(0usize, |number, &byte| number << 8 | usize::from(byte)))
    };
    let end = zip.windows(4).rposition(|window| window == b"PK\x05\x06")?;
    let (count, mut at) = (number(end + 10, 2)?, number(end + 16, 4)?);
    let mut members = Vec::new();
    for _ in 0..count {
        let (method, size, name_length) = (number(at + 10, 2)?, number(at + 24, 4)?, number(at + 28, 2)?);
        let (extra, comment, local) = (number(at + 30, 2)?, number(at + 32, 2)?, number(at + 42, 4)?);
        let name = String::from_utf8(zip.get(at + 46..at + 46 + name_length)?.to_vec()).ok()?;
        let content = local + 30 + number(local + 26, 2)? + number(local + 28, 2)?;
        if method != 0 {
            return None;
        }
        members.push((name, zip.get(content..content + size)?.to_vec()));
        at += 46 + name_length + extra + comment;
    }
    Some(members)
}

/// A zip archive of stored members.
pub fn zip_of(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in members {
        let offset = (bytes.len() as u32).to_le_bytes();
        let size = (content.len() as u32).to_le_bytes();
        let crc = crc32(content).to_le_bytes();
        let name_length = (name.len() as u16).to_le_bytes();
        let common: Vec<u8> =
            [&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..8], &crc, &size, &size, &name_length, &[0, 0]].concat();
        bytes.extend(b"PK\x03\x04\x14\0");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(content);
        directory.extend(b"PK\x01\x02\x14\0\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset);
        directory.extend(name.as_bytes());
    }
    let (start, size) = ((bytes.len() as u32).to_le_bytes(), (directory.len() as u32).to_le_bytes());
    let count = (members.len() as u16).to_le_bytes();
    bytes.extend(directory);
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend([count, count].concat());
    bytes.extend([size, start].concat());
    bytes.extend([0, 0]);
    bytes
}

#[test]
fn an_archive_that_was_taken_apart_is_put_together_again() {
    let members = vec![("a/data.pkl".to_owned(), vec![1, 2, 3]), ("a/data/0".to_owned(), vec![4; 100])];
    assert_eq!(stored_members(&zip_of(&members)), Some(members));
}
