//! A square of the image's mean colour at a random place.
//!
//! After DeVries and Taylor 2017, "Improved Regularization of Convolutional Neural Networks with Cutout",
//! <https://arxiv.org/abs/1708.04552>, which covers a square by the mean of the data set. The square is always
//! whole inside the image, and that of a higher severity contains that of a lower one.

use zview_data::ImageShape;
use zview_runtime::seed::Stream;

use super::kind::byte;

/// `strength` is the side of the square as a share of the image's shorter side, at least one pixel.
pub(super) fn apply(
    pixels: &[u8],
    shape: ImageShape,
    strength: f64,
    stream: &mut Stream,
) -> Result<Vec<u8>, String> {
    let ImageShape { height, width, .. } = shape;
    let shorter = height.min(width);
    let side = ((strength * shorter as f64).round() as usize).clamp(1, shorter);
    let (down, right) = (f64::from(stream.uniform()), f64::from(stream.uniform()));
    let top = (down * (height - side + 1) as f64) as usize;
    let left = (right * (width - side + 1) as f64) as usize;
    let mut covered = pixels.to_vec();
    for channel in covered.chunks_exact_mut(height * width) {
        let mean = channel.iter().map(|&pixel| f64::from(pixel)).sum::<f64>() / channel.len() as f64;
        for row in channel.chunks_exact_mut(width).skip(top).take(side) {
            row[left..left + side].fill(byte(mean));
        }
    }
    Ok(covered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::Purpose;

    /// Rows and columns that changed: (first row, last row, first column, last column).
    fn square(strength: f64, draw: u64) -> (usize, usize, usize, usize) {
        let shape = ImageShape { channels: 1, height: 20, width: 30 };
        // Of columns in turn 0 and 200 the mean is 100: every covered pixel changes.
        let pixels: Vec<u8> = (0..600).map(|at| if at % 2 == 0 { 0 } else { 200 }).collect();
        let mut stream = Stream::new(0, Purpose::Check, 1, draw);
        let covered = apply(&pixels, shape, strength, &mut stream).unwrap();
        let changed: Vec<usize> = (0..600).filter(|&at| covered[at] != pixels[at]).collect();
        assert!(changed.iter().all(|&at| covered[at] == 100));
        let (rows, columns) = (changed.iter().map(|at| at / 30), changed.iter().map(|at| at % 30));
        let (first, last) = (rows.clone().min().unwrap(), rows.max().unwrap());
        let (left, right) = (columns.clone().min().unwrap(), columns.max().unwrap());
        assert_eq!(changed.len(), (last - first + 1) * (right - left + 1));
        (first, last, left, right)
    }

    #[test]
    fn squares_have_their_side_and_contain_weaker_ones() {
        for draw in 0..50 {
            let mut inner = (20, 0, 30, 0);
            for (strength, side) in [(0.15, 3), (0.35, 7), (0.55, 11), (1.0, 20)] {
                let outer = square(strength, draw);
                let (top, bottom, left, right) = outer;
                assert!(bottom - top + 1 == side && right - left + 1 == side, "{outer:?}");
                assert!(top <= inner.0 && bottom >= inner.1 && left <= inner.2 && right >= inner.3);
                inner = outer;
            }
        }
    }
}
