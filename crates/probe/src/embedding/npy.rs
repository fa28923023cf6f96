//! NumPy's file of one array, version 1.0: magic, a Python dictionary as header, values in rows.

use std::io::{self, Write};

use zview_features::TILE_ROWS;

use super::encode::Embedded;

/// The header ends where this divides its end, as NumPy writes it.
const ALIGNMENT: usize = 64;
const MAGIC: &[u8] = b"\x93NUMPY\x01\x00";

/// Writes the features (N, D), little-endian.
///
/// # Errors
/// What `file` gives.
pub(super) fn write(embedded: &Embedded, file: &mut impl Write) -> io::Result<()> {
    let (rows, columns) = (embedded.images(), embedded.dimension());
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}");
    let before = MAGIC.len() + 2 + header.len() + 1;
    let padding = before.next_multiple_of(ALIGNMENT) - before;
    let length = (header.len() + padding + 1) as u16;
    let mut bytes = MAGIC.to_vec();
    bytes.extend(length.to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(std::iter::repeat_n(b' ', padding));
    bytes.push(b'\n');
    file.write_all(&bytes)?;
    for split in &embedded.splits {
        for tile in split.features.tiles(TILE_ROWS) {
            bytes.clear();
            bytes.extend(tile.iter().flat_map(|value| value.to_le_bytes()));
            file.write_all(&bytes)?;
        }
    }
    Ok(())
}
