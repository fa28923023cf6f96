//! TFRecord: a row of byte strings, each with its length and two checksums.

/// What is added to a rotated checksum, so that a checksum of data that holds checksums is not weak.
const MASK_DELTA: u32 = 0xa282_ead8;

/// `data` as one record: its length in 8 bytes, the masked CRC-32C of these 8 in 4, the data, its masked CRC-32C
/// in 4; numbers are little-endian.
pub(super) fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut bytes = Vec::with_capacity(data.len() + 16);
    bytes.extend_from_slice(&length);
    bytes.extend_from_slice(&masked_crc32c(&length).to_le_bytes());
    bytes.extend_from_slice(data);
    bytes.extend_from_slice(&masked_crc32c(data).to_le_bytes());
    bytes
}

/// CRC-32C (Castagnoli), rotated right by 15 bits, plus a constant.
fn masked_crc32c(data: &[u8]) -> u32 {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(MASK_DELTA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_castagnolis() {
        assert_eq!(crc32c::crc32c(b"123456789"), 0xe306_9283); // the published check value
        assert_eq!(crc32c::crc32c(&[0; 32]), 0x8a91_36aa); // RFC 3720, appendix B.4
        assert_eq!(record(b"").len(), 16);
    }
}
