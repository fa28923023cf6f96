//! A small, contrast-free description of an image, in which copies that were shifted a little, recompressed,
//! brightened or resized stay close together.

use zview_data::{DataError, ImageSet, ImageShape};

/// Side of the thumbnail in cells.
const SIDE: usize = 14;
/// Numbers that describe an image.
pub(super) const DIMENSION: usize = SIDE * SIDE;

/// Each image as SIDE x SIDE means of grey, minus their mean, with length 1: (N, DIMENSION) row by row, for each of
/// `shifts`. An image of one colour is all zeros. What the images show is moved (down, right) by so many pixels first,
/// their edges repeated. Each image is read once.
///
/// # Errors
/// Where an image cannot be read.
pub(super) fn thumbnails(images: &ImageSet, shifts: &[(isize, isize)]) -> Result<Vec<Vec<f32>>, DataError> {
    let ImageShape { height, width, .. } = images.shape;
    let cells: Vec<[Cells; 2]> = shifts
        .iter()
        .map(|&(down, right)| [cell_weights(height, down), cell_weights(width, right)])
        .collect();
    let of_image = |_, pixels: &[u8]| -> Vec<[f32; DIMENSION]> {
        let mut grey = vec![0.0f32; height * width];
        for plane in pixels.chunks_exact(grey.len()) {
            grey.iter_mut().zip(plane).for_each(|(sum, &byte)| *sum += f32::from(byte));
        }
        cells.iter().map(|cells| thumbnail(&grey, width, cells)).collect()
    };
    let mut all = vec![Vec::with_capacity(images.len() * DIMENSION); shifts.len()];
    for of_image in images.map(of_image)? {
        all.iter_mut().zip(of_image).for_each(|(all, one)| all.extend(one));
    }
    Ok(all)
}

/// For each cell of a line the pixels that it covers, each with its share of the cell's mean.
type Cells = Vec<Vec<(usize, f32)>>;

fn thumbnail(grey: &[f32], width: usize, [rows, columns]: &[Cells; 2]) -> [f32; DIMENSION] {
    let mut values = [0.0; DIMENSION];
    for (row_weights, values) in rows.iter().zip(values.chunks_exact_mut(SIDE)) {
        // Rows first, so that each pixel is touched once per cell row.
        let mut strip = vec![0.0f32; width];
        for &(row, weight) in row_weights {
            let line = &grey[row * width..(row + 1) * width];
            strip.iter_mut().zip(line).for_each(|(sum, value)| *sum += weight * value);
        }
        for (value, column_weights) in values.iter_mut().zip(columns) {
            *value = column_weights.iter().map(|&(column, weight)| weight * strip[column]).sum();
        }
    }
    centre_and_scale(&mut values);
    values
}

/// Which pixels of a line of `length` each cell covers, with the share of the cell's mean: area weights. The line is
/// moved by `shift` pixels, its ends repeated.
fn cell_weights(length: usize, shift: isize) -> Cells {
    let cell = length as f64 / SIDE as f64;
    (0..SIDE)
        .map(|index| {
            let (low, high) = (index as f64 * cell, (index + 1) as f64 * cell);
            let pixels = low.floor() as usize..(high.ceil() as usize).min(length);
            let covered = |pixel: usize| (high.min(pixel as f64 + 1.0) - low.max(pixel as f64)).max(0.0);
            let from = |pixel: usize| (pixel as isize - shift).clamp(0, length as isize - 1) as usize;
            pixels.map(|pixel| (from(pixel), (covered(pixel) / cell) as f32)).collect()
        })
        .collect()
}

fn centre_and_scale(values: &mut [f32]) {
    let mean = values.iter().sum::<f32>() / values.len() as f32;
    values.iter_mut().for_each(|value| *value -= mean);
    let length = values.iter().map(|value| value * value).sum::<f32>().sqrt();
    // One grey level of 255 in one cell is not structure but rounding.
    let scale = if length > 1.0 { 1.0 / length } else { 0.0 };
    values.iter_mut().for_each(|value| *value *= scale);
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_data::ImageShape;

    fn set(shape: ImageShape, pixels: Vec<u8>) -> ImageSet {
        let images = pixels.len() / shape.bytes();
        ImageSet::new("x", shape, pixels, Some(vec![0; images]), vec!["a".to_owned()]).unwrap()
    }

    #[test]
    fn cells_share_the_pixels_by_area() {
        for length in [1, 7, 14, 28, 32, 100] {
            let cells = cell_weights(length, 0);
            assert!(cells.iter().all(|cell| (cell.iter().map(|(_, w)| w).sum::<f32>() - 1.0).abs() < 1e-5));
            let mut of_pixel = vec![0.0; length];
            cells.iter().flatten().for_each(|&(pixel, weight)| of_pixel[pixel] += weight);
            let even = SIDE as f32 / length as f32;
            assert!(of_pixel.iter().all(|weight| (weight - even).abs() < 1e-4), "{length}: {of_pixel:?}");
        }
    }

    #[test]
    fn brightness_contrast_colour_channels_and_size_do_not_matter() {
        let side = |side: usize, channels: usize| ImageShape { channels, height: side, width: side };
        let pattern = |side: usize, scale: f64, offset: f64| -> Vec<u8> {
            let value = |i: usize| {
                let (y, x) =
                    (((i / side) as f64 + 0.5) / side as f64, ((i % side) as f64 + 0.5) / side as f64);
                (offset + scale * ((7.0 * x).sin() + (5.0 * y * x).cos())) as u8
            };
            (0..side * side).map(value).collect()
        };
        let of = |shape, pixels| thumbnails(&set(shape, pixels), &[(0, 0)]).unwrap().concat();
        let first = of(side(28, 1), pattern(28, 50.0, 120.0));
        let grey = pattern(28, 30.0, 90.0);
        let other = of(side(28, 3), [grey.clone(), grey.clone(), grey].concat());
        let larger = of(side(84, 1), pattern(84, 50.0, 120.0));
        for (name, other) in [("contrast", other), ("size", larger)] {
            let cosine: f32 = first.iter().zip(&other).map(|(a, b)| a * b).sum();
            assert!(cosine > 0.998, "{name}: {cosine}");
        }
        assert!(of(side(28, 1), vec![77; 784]).iter().all(|&value| value == 0.0));
    }
}
