//! The part of a matrix product that one workgroup computes.
//!
//! 16 x 16 units compute a tile of `16 rows` x `16 columns` values, each unit `rows x columns` of them, every
//! sixteenth in both directions, so that neighbouring units read and write neighbouring values. Operands pass
//! through shared memory, `depth` products at a time, in 32 bits whatever the tensors hold.

use cubecl::prelude::*;

/// Units along each side of a workgroup.
pub(super) const SIDE: usize = 16;
/// Units of a workgroup.
pub(super) const UNITS: usize = SIDE * SIDE;

/// Sizes of the tile of a workgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Tile {
    /// Rows of the product that one unit computes.
    pub(super) rows: usize,
    /// Columns of the product that one unit computes.
    pub(super) columns: usize,
    /// Products that one round adds up.
    pub(super) depth: usize,
}

impl Tile {
    /// The tile for a product of `rows` x `columns` values. `products` are summed up for each, in `runs` of which
    /// a round never takes two.
    pub(super) fn for_product(rows: usize, columns: usize, run: usize) -> Self {
        let unit_rows = match rows {
            ..=16 => 1,
            17..=32 => 2,
            33..=64 => 4,
            _ => 8,
        };
        // Many accumulators per unit pay only where there are tiles enough to keep a whole GPU busy.
        let large = Self { rows: unit_rows, columns: 8, depth: 8 };
        let unit_columns = if large.count(rows, columns) >= ENOUGH_TILES { 8 } else { 4 };
        let depth = match run {
            ..=4 => 4,
            _ if unit_rows == 8 && unit_columns == 8 => 8,
            _ => 16,
        };
        Self { rows: unit_rows, columns: unit_columns, depth }
    }

    /// Rows of the tile.
    pub(super) fn height(&self) -> usize {
        SIDE * self.rows
    }

    /// Columns of the tile.
    pub(super) fn width(&self) -> usize {
        SIDE * self.columns
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
    let row = UNIT_POS as usize / comptime![SIDE];
    let column = UNIT_POS as usize % comptime![SIDE];
    let mut left_values = Array::<f32>::new(comptime![tile.rows]);
    let mut right_values = Array::<f32>::new(comptime![tile.columns]);
    for product in 0..comptime![tile.depth] {
        let left_start = product * comptime![tile.left_pitch()] + row;
        let right_start = product * comptime![tile.right_pitch()] + column;
        #[unroll]
        for i in 0..comptime![tile.rows] {
            left_values[i] = left[left_start + i * comptime![SIDE]];
        }
        #[unroll]
        for j in 0..comptime![tile.columns] {
            right_values[j] = right[right_start + j * comptime![SIDE]];
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
