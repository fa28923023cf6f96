//! A correlation of images with kernels as a matrix product: rows are the target's channels, columns its pixels,
//! and the products of a round are channels of the source at one tap of the kernel. The source is gathered on the
//! way into shared memory (implicit GEMM), so that no unfolded copy is made.

use burn::tensor::Shape;
use burn_cubecl::tensor::CubeTensor;
use cubecl::prelude::*;

use super::launch::{contiguous, empty, plane_of_workgroups, storage_type};
use super::tile::{Tile, UNITS, add_products};
use crate::convolution::{Correlation, Geometry};

/// Sizes of a [`Correlation`] for a whole batch, and where its weights and results lie.
#[derive(CubeLaunch, CubeType, Clone, Copy)]
struct Sizes {
    /// Columns of the product: pixels of all targets.
    pixels: u32,
    source_channels: u32,
    source_height: u32,
    source_width: u32,
    /// Of the part of the target that is computed.
    target_channels: u32,
    target_height: u32,
    target_width: u32,
    kernel_height: u32,
    kernel_width: u32,
    stride_y: u32,
    stride_x: u32,
    padding_y: i32,
    padding_x: i32,
    /// Weight of target channel m, source channel c, tap (ky, kx):
    /// `first + m by_target + c by_source + ky by_row + kx by_column`.
    weight_first: i32,
    weight_by_target: i32,
    weight_by_source: i32,
    weight_by_row: i32,
    weight_by_column: i32,
    /// Height and width of the whole images that results are written to, and the place and step of the part.
    image_height: u32,
    image_width: u32,
    origin_y: u32,
    origin_x: u32,
    step_y: u32,
    step_x: u32,
}

#[cube(launch_unchecked)]
fn correlate_kernel<F: Float>(
    source: &[F],
    weight: &[f32],
    target: &mut [F],
    sizes: Sizes,
    #[comptime] tile: Tile,
    #[define(F)] _element: ElemType,
) {
    let height = comptime![tile.height()];
    let width = comptime![tile.width()];
    let first_row = CUBE_POS_Z * height as u32;
    let first_column = (CUBE_POS_Y * CUBE_COUNT_X + CUBE_POS_X) * width as u32;
    // The same for the whole workgroup: none of its units waits for one that has gone.
    if first_column >= sizes.pixels {
        terminate!();
    }
    let mut left = Shared::<[f32]>::new_slice(comptime![tile.depth * tile.left_pitch()]);
    let mut right = Shared::<[f32]>::new_slice(comptime![tile.depth * tile.right_pitch()]);
    let mut sums = Array::<f32>::new(comptime![tile.rows * tile.columns]);
    #[unroll]
    for i in 0..comptime![tile.rows * tile.columns] {
        sums[i] = 0.0f32;
    }

    // The pixel that this unit gathers: one column, and every `row_step`-th channel of a round.
    let unit = UNIT_POS;
    let gather_column = unit % width as u32;
    let gather_row = unit / width as u32;
    let row_step = comptime![(UNITS / tile.width()) as u32];
    let pixel = first_column + gather_column;
    let plane = sizes.target_height * sizes.target_width;
    let image = pixel / plane;
    let place = pixel % plane;
    let first_y = (place / sizes.target_width * sizes.stride_y) as i32 - sizes.padding_y;
    let first_x = (place % sizes.target_width * sizes.stride_x) as i32 - sizes.padding_x;
    let source_plane = sizes.source_height * sizes.source_width;
    let source_first = image * sizes.source_channels * source_plane;

    for ky in 0..sizes.kernel_height {
        for kx in 0..sizes.kernel_width {
            let y = first_y + ky as i32;
            let x = first_x + kx as i32;
            let inside = pixel < sizes.pixels
                && y >= 0
                && x >= 0
                && y < sizes.source_height as i32
                && x < sizes.source_width as i32;
            let from = source_first + select(inside, (y * sizes.source_width as i32 + x) as u32, 0);
            let tap =
                sizes.weight_first + ky as i32 * sizes.weight_by_row + kx as i32 * sizes.weight_by_column;
            for first_channel in range_stepped(0, sizes.source_channels, comptime![tile.depth as u32]) {
                sync_cube();
                #[unroll]
                for round in 0..comptime![(tile.depth * tile.width() / UNITS) as u32] {
                    let row = gather_row + round * row_step;
                    let channel = first_channel + row;
                    let mut value = 0.0f32;
                    if inside && channel < sizes.source_channels {
                        value = f32::cast_from(source[(from + channel * source_plane) as usize]);
                    }
                    right[row as usize * comptime![tile.right_pitch()] + gather_column as usize] = value;
                }
                #[unroll]
                for round in 0..comptime![(tile.depth * tile.height()).div_ceil(UNITS) as u32] {
                    let index = unit + round * comptime![UNITS as u32];
                    let row = index % comptime![tile.depth as u32];
                    let column = index / comptime![tile.depth as u32];
                    if column < height as u32 {
                        let channel = first_channel + row;
                        let target_channel = first_row + column;
                        let mut value = 0.0f32;
                        if channel < sizes.source_channels && target_channel < sizes.target_channels {
                            let index = tap
                                + target_channel as i32 * sizes.weight_by_target
                                + channel as i32 * sizes.weight_by_source;
                            value = weight[index as usize];
                        }
                        left[row as usize * comptime![tile.left_pitch()] + column as usize] = value;
                    }
                }
                sync_cube();
                add_products(&left, &right, &mut sums, tile);
            }
        }
    }

    let row = unit / comptime![tile.units_across() as u32];
    let column = unit % comptime![tile.units_across() as u32];
    let image_plane = sizes.image_height * sizes.image_width;
    #[unroll]
    for j in 0..comptime![tile.columns] {
        let pixel = first_column + column + comptime![(tile.units_across() * j) as u32];
        if pixel < sizes.pixels {
            let image = pixel / plane;
            let place = pixel % plane;
            let y = sizes.origin_y + place / sizes.target_width * sizes.step_y;
            let x = sizes.origin_x + place % sizes.target_width * sizes.step_x;
            let to = image * sizes.target_channels * image_plane + y * sizes.image_width + x;
            #[unroll]
            for i in 0..comptime![tile.rows] {
                let channel = first_row + row + comptime![(tile.units_down * i) as u32];
                if channel < sizes.target_channels {
                    target[(to + channel * image_plane) as usize] =
                        F::cast_from(sums[i * comptime![tile.columns] + j]);
                }
            }
        }
    }
}

/// How the weights of a correlation are found, and where its results go.
struct Placement {
    /// First weight, then the steps by target channel, source channel, kernel row and kernel column.
    weight: [i32; 5],
    image: [usize; 2],
    origin: [usize; 2],
    step: [usize; 2],
}

fn correlate(
    correlation: &Correlation,
    placement: &Placement,
    batch: usize,
    source: &CubeTensor,
    weight: &CubeTensor,
    target: &CubeTensor,
    target_channels: usize,
) {
    let pixels = batch * correlation.target[0] * correlation.target[1];
    if pixels == 0 || target_channels == 0 {
        return;
    }
    let tile = Tile::for_product(target_channels, pixels, correlation.channels);
    let [x, y] = plane_of_workgroups(pixels.div_ceil(tile.width()));
    let groups = CubeCount::Static(x, y, target_channels.div_ceil(tile.height()) as u32);
    let [first, by_target, by_source, by_row, by_column] = placement.weight;
    let size = |value: usize| value as u32;
    let sizes = SizesLaunch::new(
        size(pixels),
        size(correlation.channels),
        size(correlation.source[0]),
        size(correlation.source[1]),
        size(target_channels),
        size(correlation.target[0]),
        size(correlation.target[1]),
        size(correlation.kernel[0]),
        size(correlation.kernel[1]),
        size(correlation.stride[0]),
        size(correlation.stride[1]),
        correlation.padding[0] as i32,
        correlation.padding[1] as i32,
        first,
        by_target,
        by_source,
        by_row,
        by_column,
        size(placement.image[0]),
        size(placement.image[1]),
        size(placement.origin[0]),
        size(placement.origin[1]),
        size(placement.step[0]),
        size(placement.step[1]),
    );
    // SAFETY: every index is below the sizes that the tensors were made with (`Geometry`), and the results of
    // one launch lie at places of their own.
    unsafe {
        correlate_kernel::launch_unchecked(
            &target.client,
            groups,
            CubeDim::new_1d(UNITS as u32),
            source.clone().into_buffer_arg(),
            weight.clone().into_buffer_arg(),
            target.clone().into_buffer_arg(),
            sizes,
            tile,
            storage_type(target),
        );
    }
}

/// The convolution of `geometry`: input (B, I, H, W), weight (O, I, KH, KW).
pub(super) fn convolve(geometry: &Geometry, input: &CubeTensor, weight: &CubeTensor) -> CubeTensor {
    let (input, weight) = (contiguous(input), contiguous(weight));
    let Geometry { batch, in_channels, out_channels, output: image, kernel, .. } = *geometry;
    let output = empty(&input, Shape::from([batch, out_channels, image[0], image[1]]));
    let by = |count: usize| count as i32;
    let taps = kernel[0] * kernel[1];
    let placement = Placement {
        weight: [0, by(in_channels * taps), by(taps), by(kernel[1]), 1],
        image,
        origin: [0, 0],
        step: [1, 1],
    };
    correlate(&geometry.forward(), &placement, batch, &input, &weight, &output, out_channels);
    output
}

/// Gradient (B, I, H, W) of the convolution of `geometry` with respect to its input, from that of its output
/// (B, O, HO, WO): one launch for each phase of the stride.
pub(super) fn input_gradient(geometry: &Geometry, gradient: &CubeTensor, weight: &CubeTensor) -> CubeTensor {
    let (gradient, weight) = (contiguous(gradient), contiguous(weight));
    let Geometry { batch, in_channels, input: image, kernel, stride, .. } = *geometry;
    let output = empty(&gradient, Shape::from([batch, in_channels, image[0], image[1]]));
    let by = |count: usize| count as i32;
    let taps = by(kernel[0] * kernel[1]);
    for phase in geometry.input_gradient() {
        let correlation = phase.correlation;
        // The correlation's taps ascend, the kernel's descend from the last of the phase.
        let last =
            |axis: usize| by(phase.tap[axis] + stride[axis] * correlation.kernel[axis].max(1) - stride[axis]);
        let placement = Placement {
            weight: [
                last(0) * by(kernel[1]) + last(1),
                taps,
                by(in_channels) * taps,
                -by(stride[0] * kernel[1]),
                -by(stride[1]),
            ],
            image,
            origin: phase.origin,
            step: stride,
        };
        correlate(&correlation, &placement, batch, &gradient, &weight, &output, in_channels);
    }
    output
}
