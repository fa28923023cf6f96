//! The part of a matrix product that one workgroup computes.
//!
//! A workgroup is a grid of units, `units_down` rows of them. Each unit computes `rows` x `columns` values, not
//! side by side but a whole grid apart, so that neighbouring units read and write neighbouring values. Operands
//! pass through shared memory, `depth` products at a time, in 32 bits whatever the tensors hold.

use cubecl::prelude::*;

/// Units of a workgroup.
pub(super) const UNITS: usize = 256;

/// Sizes of the tile of a workgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tile {
    /// Rows of the grid of units.
    pub(super) units_down: usize,
    /// Rows of the product that one unit computes.
    pub(super) rows: usize,
    /// Columns of the product that one unit computes.
    pub(super) columns: usize,
    /// Products that one round adds up.
    pub(super) depth: usize,
}

impl Tile {
    /// The tile for a product of `rows` x `columns` values, for which runs of `run` products are summed up; a round
    /// stays within a run.
    pub(super) fn for_product(rows: usize, columns: usize, run: usize) -> Self {
        let (units_down, unit_rows) = match rows {
            ..=16 => (4, 4),
            17..=32 => (8, 4),
            33..=64 => (16, 4),
            _ => (16, 8),
        };
        let tile = Self { units_down, rows: unit_rows, columns: 8, depth: 8 };
        // Many accumulators per unit pay only where there are tiles enough to keep a whole GPU busy.
        let columns = if tile.width() <= 128 && tile.count(rows, columns) >= ENOUGH_TILES { 8 } else { 4 };
        let tile = Self { columns, ..tile };
        let depth = match run {
            ..=4 => 4,
            _ if tile.width() + tile.height() > 200 => 8,
            _ => 16,
        };
        Self { depth, ..tile }
    }

    /// The tile for a product of few values, for each of which many products are summed up.
    pub(super) fn for_long_sums(rows: usize, columns: usize) -> Self {
        let (units_down, unit_rows) = match rows {
            ..=16 => (4, 4),
            17..=32 => (8, 4),
            _ => (16, 4),
        };
        // At most 192 columns: with 16 products a round they fill the shared memory that every adapter has.
        let across = UNITS / units_down;
        let unit_columns = columns.div_ceil(across).clamp(1, (192 / across).min(4));
        Self { units_down, rows: unit_rows, columns: unit_columns, depth: 16 }
    }

    /// Columns of the grid of units.
    pub(super) fn units_across(&self) -> usize {
        UNITS / self.units_down
    }

    /// Rows of the tile.
    pub(super) fn height(&self) -> usize {
        self.units_down * self.rows
    }

    /// Columns of the tile.
    pub(super) fn width(&self) -> usize {
        self.units_across() * self.columns
    }

    /// Tiles that cover a product of `rows` x `columns` values.
    pub(super) fn count(&self, rows: usize, columns: usize) -> usize {
        rows.div_ceil(self.height()) * columns.div_ceil(self.width())
    }

    /// Values between the starts of two rows of products in shared memory; odd, so that they lie in other banks.
    pub(super) fn left_pitch(&self) -> usize {
        self.height() + 1
    }

    /// The same for the right operand.
    pub(super) fn right_pitch(&self) -> usize {
        self.width() + 1
    }
}

/// Workgroups from which a large GPU is busy.
const ENOUGH_TILES: usize = 512;

/// Adds the products of one round to `sums`: `left` holds `depth` rows of the tile's height, `right` `depth` rows
/// of its width.
#[cube]
pub(super) fn add_products(
    left: &Shared<[f32]>,
    right: &Shared<[f32]>,
    sums: &mut Array<f32>,
    #[comptime] tile: Tile,
) {
    let row = UNIT_POS as usize / comptime![tile.units_across()];
    let column = UNIT_POS as usize % comptime![tile.units_across()];
    let mut left_values = Array::<f32>::new(comptime![tile.rows]);
    let mut right_values = Array::<f32>::new(comptime![tile.columns]);
    for product in 0..comptime![tile.depth] {
        let left_start = product * comptime![tile.left_pitch()] + row;
        let right_start = product * comptime![tile.right_pitch()] + column;
        #[unroll]
        for i in 0..comptime![tile.rows] {
            left_values[i] = left[left_start + i * comptime![tile.units_down]];
        }
        #[unroll]
        for j in 0..comptime![tile.columns] {
            right_values[j] = right[right_start + j * comptime![tile.units_across()]];
        }
        #[unroll]
        for i in 0..comptime![tile.rows] {
            #[unroll]
            for j in 0..comptime![tile.columns] {
                sums[i * comptime![tile.columns] + j] += left_values[i] * right_values[j];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of shared memory that every adapter has (WebGPU's default limit).
    const SHARED_MEMORY: usize = 16_384;

    #[test]
    fn every_tile_is_gathered_in_whole_rounds_and_fits_shared_memory() {
        for rows in [1, 3, 16, 17, 32, 33, 64, 65, 128, 512] {
            for columns in [1, 9, 64, 144, 1000, 70_000, 10_000_000] {
                for run in [1, 3, 4, 5, 64, 512] {
                    let tile = Tile::for_product(rows, columns, run);
                    assert_eq!(tile.depth * tile.width() % UNITS, 0, "{tile:?}");
                    assert!(tile.width() <= UNITS, "{tile:?}");
                    check(tile);
                }
                let tile = Tile::for_long_sums(rows, columns);
                assert_eq!(tile.depth * tile.width() % UNITS, 0, "{tile:?}");
                assert_eq!(tile.depth * tile.height() % UNITS, 0, "{tile:?}");
                check(tile);
            }
        }
    }

    fn check(tile: Tile) {
        assert_eq!(UNITS % tile.units_down, 0, "{tile:?}");
        let bytes = 4 * tile.depth * (tile.left_pitch() + tile.right_pitch());
        assert!(bytes <= SHARED_MEMORY, "{tile:?}: {bytes} bytes");
    }
}
