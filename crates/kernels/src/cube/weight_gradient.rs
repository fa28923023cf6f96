//! The gradient of a convolution's weight as a matrix product: rows are output channels, columns the weights of
//! one output channel, and the products run over all pixels of all images. They are cut into parts, so that a
//! few weights keep a whole GPU busy, and the parts are added in a fixed order.

use burn::tensor::Shape;
use burn_cubecl::tensor::CubeTensor;
use cubecl::ir::ElemType;
use cubecl::prelude::*;

use super::launch::{contiguous, numbers, plane_of_workgroups, storage_type};
use super::tile::{Tile, UNITS, add_products};
use crate::convolution::Geometry;

/// Workgroups to aim at.
const WORKGROUPS: usize = 1024;
/// Rounds that a part is worth at least.
const FEWEST_ROUNDS: usize = 16;
/// Most values of all parts together: 64 MiB.
const MOST_VALUES: usize = 1 << 24;

#[derive(CubeLaunch, CubeType, Clone, Copy)]
struct Sizes {
    /// Pixels of the output in all images, and in one part.
    pixels: u32,
    pixels_per_part: u32,
    in_channels: u32,
    height: u32,
    width: u32,
    out_channels: u32,
    out_height: u32,
    out_width: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride_y: u32,
    stride_x: u32,
    padding_y: u32,
    padding_x: u32,
    /// Workgroups that the columns of the product take, and all of a part.
    tiles_across: u32,
    tiles: u32,
}

#[cube(launch_unchecked)]
fn weight_gradient_kernel<F: Float>(
    input: &[F],
    gradient: &[F],
    parts: &mut [f32],
    sizes: Sizes,
    #[comptime] tile: Tile,
    #[define(F)] _element: ElemType,
) {
    let columns = sizes.in_channels * sizes.kernel_height * sizes.kernel_width;
    let place = CUBE_POS_Y * CUBE_COUNT_X + CUBE_POS_X;
    // The same for the whole workgroup.
    if place >= sizes.tiles {
        terminate!();
    }
    let first_row = place / sizes.tiles_across * comptime![tile.height() as u32];
    let first_column = place % sizes.tiles_across * comptime![tile.width() as u32];
    let part = CUBE_POS_Z;
    let mut left = Shared::<[f32]>::new_slice(comptime![tile.depth * tile.left_pitch()]);
    let mut right = Shared::<[f32]>::new_slice(comptime![tile.depth * tile.right_pitch()]);
    let mut sums = Array::<f32>::new(comptime![tile.rows * tile.columns]);
    #[unroll]
    for i in 0..comptime![tile.rows * tile.columns] {
        sums[i] = 0.0f32;
    }

    // This unit gathers one pixel of a round, for every `group_step`-th row and column of the tile.
    let unit = UNIT_POS;
    let product = unit % comptime![tile.depth as u32];
    let group = unit / comptime![tile.depth as u32];
    let groups = comptime![(UNITS / tile.depth) as u32];
    let taps = sizes.kernel_height * sizes.kernel_width;
    let plane = sizes.height * sizes.width;
    let out_plane = sizes.out_height * sizes.out_width;
    // Its columns: channel and tap do not change from round to round.
    let mut offsets = Array::<u32>::new(comptime![tile.width() * tile.depth / UNITS]);
    let mut tap_rows = Array::<i32>::new(comptime![tile.width() * tile.depth / UNITS]);
    let mut tap_columns = Array::<i32>::new(comptime![tile.width() * tile.depth / UNITS]);
    #[unroll]
    for j in 0..comptime![tile.width() * tile.depth / UNITS] {
        let column = first_column + group + j as u32 * groups;
        let tap = column % taps;
        offsets[j] = column / taps * plane;
        tap_rows[j] = (tap / sizes.kernel_width) as i32 - sizes.padding_y as i32;
        tap_columns[j] = (tap % sizes.kernel_width) as i32 - sizes.padding_x as i32;
    }

    let start = part * sizes.pixels_per_part;
    let end =
        select(start + sizes.pixels_per_part < sizes.pixels, start + sizes.pixels_per_part, sizes.pixels);
    for first_pixel in range_stepped(start, end, comptime![tile.depth as u32]) {
        let pixel = first_pixel + product;
        let there = pixel < end;
        let image = pixel / out_plane;
        let place = pixel % out_plane;
        let y = (place / sizes.out_width * sizes.stride_y) as i32;
        let x = (place % sizes.out_width * sizes.stride_x) as i32;
        let gradient_first = image * sizes.out_channels * out_plane + place;
        let input_first = image * sizes.in_channels * plane;
        sync_cube();
        #[unroll]
        for i in 0..comptime![tile.height() * tile.depth / UNITS] {
            let row = group + i as u32 * groups;
            let mut value = 0.0f32;
            if there && first_row + row < sizes.out_channels {
                value = f32::cast_from(gradient[(gradient_first + (first_row + row) * out_plane) as usize]);
            }
            left[product as usize * comptime![tile.left_pitch()] + row as usize] = value;
        }
        #[unroll]
        for j in 0..comptime![tile.width() * tile.depth / UNITS] {
            let column = group + j as u32 * groups;
            let tap_y = y + tap_rows[j];
            let tap_x = x + tap_columns[j];
            let mut value = 0.0f32;
            if there
                && first_column + column < columns
                && tap_y >= 0
                && tap_x >= 0
                && tap_y < sizes.height as i32
                && tap_x < sizes.width as i32
            {
                let from = input_first + offsets[j] + (tap_y * sizes.width as i32 + tap_x) as u32;
                value = f32::cast_from(input[from as usize]);
            }
            right[product as usize * comptime![tile.right_pitch()] + column as usize] = value;
        }
        sync_cube();
        add_products(&left, &right, &mut sums, tile);
    }

    let row = unit / comptime![tile.units_across() as u32];
    let column = unit % comptime![tile.units_across() as u32];
    let to = part * sizes.out_channels * columns;
    #[unroll]
    for i in 0..comptime![tile.rows] {
        let row = first_row + row + comptime![(tile.units_down * i) as u32];
        #[unroll]
        for j in 0..comptime![tile.columns] {
            let column = first_column + column + comptime![(tile.units_across() * j) as u32];
            if row < sizes.out_channels && column < columns {
                parts[(to + row * columns + column) as usize] = sums[i * comptime![tile.columns] + j];
            }
        }
    }
}

/// Adds the parts up, one value per unit.
#[cube(launch_unchecked)]
fn add_parts_kernel(parts: &[f32], total: &mut [f32], values: u32, count: u32) {
    let index = (CUBE_POS_Y * CUBE_COUNT_X + CUBE_POS_X) * CUBE_DIM_X + UNIT_POS_X;
    if index >= values {
        terminate!();
    }
    let mut sum = 0.0f32;
    for part in 0..count {
        sum += parts[(part * values + index) as usize];
    }
    total[index as usize] = sum;
}

/// Gradient (O, I, KH, KW) of the convolution of `geometry` with respect to its weight, from its input
/// (B, I, H, W) and the gradient of its output (B, O, HO, WO).
pub(super) fn weight_gradient(geometry: &Geometry, input: &CubeTensor, gradient: &CubeTensor) -> CubeTensor {
    let (input, gradient) = (contiguous(input), contiguous(gradient));
    let Geometry { batch, in_channels, out_channels, kernel, output: image, .. } = *geometry;
    let columns = in_channels * kernel[0] * kernel[1];
    let pixels = batch * image[0] * image[1];
    let values = out_channels * columns;
    let total = numbers(&input, Shape::from([out_channels, in_channels, kernel[0], kernel[1]]));
    let tile = Tile::for_long_sums(out_channels, columns);
    let tiles = tile.count(out_channels, columns);
    let rounds = pixels.div_ceil(tile.depth);
    let parts =
        (WORKGROUPS / tiles.max(1)).min(MOST_VALUES / values.max(1)).min(rounds / FEWEST_ROUNDS).max(1);
    let rounds_per_part = rounds.div_ceil(parts).max(1);
    let parts = rounds.div_ceil(rounds_per_part).max(1);
    let sums = numbers(&input, Shape::from([parts, values]));
    let size = |value: usize| value as u32;
    let sizes = SizesLaunch::new(
        size(pixels),
        size(rounds_per_part * tile.depth),
        size(in_channels),
        size(geometry.input[0]),
        size(geometry.input[1]),
        size(out_channels),
        size(image[0]),
        size(image[1]),
        size(kernel[0]),
        size(kernel[1]),
        size(geometry.stride[0]),
        size(geometry.stride[1]),
        size(geometry.padding[0]),
        size(geometry.padding[1]),
        size(columns.div_ceil(tile.width())),
        size(tiles),
    );
    let [across, down] = plane_of_workgroups(tiles);
    let [x, y] = plane_of_workgroups(values.div_ceil(UNITS));
    // SAFETY: every index is below the sizes that the tensors were made with (`Geometry`); each part, and each
    // value of the total, is written at a place of its own.
    unsafe {
        weight_gradient_kernel::launch_unchecked(
            &input.client,
            CubeCount::Static(across, down, size(parts)),
            CubeDim::new_1d(UNITS as u32),
            input.clone().into_buffer_arg(),
            gradient.clone().into_buffer_arg(),
            sums.clone().into_buffer_arg(),
            sizes,
            tile,
            storage_type(&input),
        );
        add_parts_kernel::launch_unchecked(
            &input.client,
            CubeCount::Static(x, y, 1),
            CubeDim::new_1d(UNITS as u32),
            sums.into_buffer_arg(),
            total.clone().into_buffer_arg(),
            size(values),
            size(parts),
        );
    }
    total
}
