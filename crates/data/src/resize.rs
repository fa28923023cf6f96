//! Bringing one decoded image to the wanted channels and size.

use fast_image_resize::FilterType;
use image::imageops::{self, resize};
use image::metadata::Orientation;
use image::{ImageBuffer, Luma};

use crate::crop::resized as resized_part;
use crate::image_set::ImageShape;
use crate::options::Fit;

/// One image with its channels one after the other, (C, H, W) bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlanarImage {
    pub(crate) shape: ImageShape,
    pub(crate) pixels: Vec<u8>,
}

impl PlanarImage {
    /// From (H, W, C) samples, of which the first `shape.channels` of every `stored` are kept (alpha is dropped).
    pub(crate) fn from_interleaved(shape: ImageShape, stored: usize, samples: &[u8]) -> Self {
        let mut pixels = Vec::with_capacity(shape.bytes());
        for channel in 0..shape.channels {
            pixels.extend(samples.iter().skip(channel).step_by(stored));
        }
        Self { shape, pixels }
    }

    /// Turned or mirrored as an orientation tag says, like PIL's `ImageOps.exif_transpose`.
    pub(crate) fn turned(self, orientation: Orientation) -> Self {
        let tag = orientation.to_exif();
        if tag == 1 {
            return self;
        }
        let ImageShape { channels, height, width } = self.shape;
        let swaps = tag >= 5;
        let shape = if swaps { ImageShape { channels, height: width, width: height } } else { self.shape };
        let mut pixels = Vec::with_capacity(self.pixels.len());
        for plane in self.pixels.chunks_exact(height * width) {
            for row in 0..shape.height {
                pixels.extend((0..shape.width).map(|column| {
                    // Where in the stored picture that pixel is.
                    let (y, x) = match tag {
                        2 => (row, width - 1 - column),
                        3 => (height - 1 - row, width - 1 - column),
                        4 => (height - 1 - row, column),
                        5 => (column, row),
                        6 => (height - 1 - column, row),
                        7 => (height - 1 - column, width - 1 - row),
                        _ => (column, width - 1 - row),
                    };
                    plane[y * width + x]
                }));
            }
        }
        Self { shape, pixels }
    }

    /// With 1 or 3 channels: grey is repeated; colour becomes luma of ITU-R BT.601 in the 16-bit
    /// fixed-point form that PIL uses, so that the bytes are the same.
    pub(crate) fn with_channels(self, channels: usize) -> Self {
        let shape = ImageShape { channels, ..self.shape };
        let pixels = match (self.shape.channels, channels) {
            (1, 3) => self.pixels.repeat(3),
            (3, 1) => {
                let area = shape.bytes();
                let (red, rest) = self.pixels.split_at(area);
                let (green, blue) = rest.split_at(area);
                red.iter().zip(green).zip(blue).map(|((&r, &g), &b)| luma(r, g, b)).collect()
            }
            _ => return self,
        };
        Self { shape, pixels }
    }

    /// The centre square, `size` pixels per side, resized so that the shorter side fits exactly.
    ///
    /// The square is cut out before resizing: the same picture as the other way round (except at
    /// the cut edges), and a 16,384 x 1 image cannot become millions of pixels wide.
    /// Catmull-Rom (bicubic), its support widened when shrinking so that nothing aliases.
    pub(crate) fn to_square(&self, size: usize) -> Self {
        let ImageShape { channels, height, width } = self.shape;
        let side = height.min(width);
        let (top, left) = ((height - side) / 2, (width - side) / 2);
        let mut pixels = Vec::with_capacity(channels * size * size);
        for plane in self.pixels.chunks_exact(height * width) {
            let square: Vec<u8> =
                (top..top + side).flat_map(|row| &plane[row * width + left..][..side]).copied().collect();
            if side == size {
                pixels.extend(square);
            } else if let Some(square) =
                ImageBuffer::<Luma<u8>, _>::from_raw(side as u32, side as u32, square)
            {
                pixels.extend(
                    resize(&square, size as u32, size as u32, imageops::FilterType::CatmullRom).into_raw(),
                );
            }
        }
        Self { shape: ImageShape { channels, height: size, width: size }, pixels }
    }

    /// The centre, `size` pixels per side, of the picture resized so that the shorter side is `resize`: bicubic and
    /// antialiased, as PIL has it.
    fn to_centre(&self, size: usize, resize: usize) -> Self {
        let ImageShape { channels, height, width } = self.shape;
        // As torchvision rounds them: the longer side down, where the centre begins to the nearest.
        let short = height.min(width);
        let resized = |side: usize| if side == short { resize } else { resize * side / short };
        let line = |side: usize| {
            let start = ((resized(side) - size) as f64 / 2.0).round_ties_even();
            let scale = side as f64 / resized(side) as f64;
            (start * scale, size as f64 * scale)
        };
        let ((left, wide), (top, high)) = (line(width), line(height));
        let mut pixels = Vec::with_capacity(channels * size * size);
        for plane in self.pixels.chunks_exact(height * width) {
            let part = [left, top, wide, high];
            // It fails for no picture that has pixels.
            pixels.extend(
                resized_part(plane, (width, height), 1, part, FilterType::CatmullRom, (size, size))
                    .unwrap_or_default(),
            );
        }
        Self { shape: ImageShape { channels, height: size, width: size }, pixels }
    }

    /// Both of the above.
    pub(crate) fn fit(self, channels: usize, fit: Fit) -> Self {
        // Size first: luma after resizing three planes and before give the same within rounding, and
        // repeating grey afterwards resizes one plane, not three.
        let image = if channels < self.shape.channels { self.with_channels(channels) } else { self };
        let image = match (fit.size, fit.resize) {
            (Some(size), Some(resize)) if resize > size => image.to_centre(size, resize),
            (Some(size), _) => image.to_square(size),
            (None, _) => image,
        };
        image.with_channels(channels)
    }
}

fn luma(red: u8, green: u8, blue: u8) -> u8 {
    let weighted = 19_595 * u32::from(red) + 38_470 * u32::from(green) + 7_471 * u32::from(blue);
    ((weighted + 0x8000) >> 16) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planar(channels: usize, height: usize, width: usize, pixels: Vec<u8>) -> PlanarImage {
        let shape = ImageShape { channels, height, width };
        assert_eq!(shape.bytes(), pixels.len());
        PlanarImage { shape, pixels }
    }

    #[test]
    fn luma_follows_the_standard_to_the_nearest_integer() {
        for (rgb, expected) in [
            ([255, 0, 0], 76),
            ([0, 255, 0], 150),
            ([0, 0, 255], 29),
            ([255, 255, 255], 255),
            ([10, 20, 30], 18),
        ] {
            let exact = 0.299 * f64::from(rgb[0]) + 0.587 * f64::from(rgb[1]) + 0.114 * f64::from(rgb[2]);
            assert!((f64::from(expected) - exact).abs() <= 0.51);
            let grey = planar(3, 1, 1, rgb.map(|value: i32| value as u8).to_vec()).with_channels(1);
            assert_eq!(grey.pixels, [expected as u8], "{rgb:?}");
        }
    }

    #[test]
    fn interleaved_samples_become_planes_without_alpha() {
        let shape = ImageShape { channels: 3, height: 1, width: 2 };
        let image = PlanarImage::from_interleaved(shape, 4, &[1, 2, 3, 99, 4, 5, 6, 99]);
        assert_eq!(image.pixels, [1, 4, 2, 5, 3, 6]);
        assert_eq!(image.with_channels(3).pixels, [1, 4, 2, 5, 3, 6]);
        assert_eq!(planar(1, 1, 2, vec![7, 8]).with_channels(3).pixels, [7, 8, 7, 8, 7, 8]);
    }

    #[test]
    fn the_centre_is_kept_and_constant_pictures_stay_constant() {
        // 2 x 4: the square is columns 1 and 2.
        let wide = planar(1, 2, 4, vec![9, 1, 2, 9, 9, 3, 4, 9]);
        assert_eq!(wide.to_square(2).pixels, [1, 2, 3, 4]);
        let tall = planar(1, 4, 2, vec![9, 9, 1, 2, 3, 4, 9, 9]);
        assert_eq!(tall.to_square(2).pixels, [1, 2, 3, 4]);
        for size in [1, 3, 17] {
            let image = planar(3, 5, 7, [vec![10; 35], vec![20; 35], vec![30; 35]].concat())
                .fit(3, Fit { size: Some(size), resize: None });
            assert_eq!(image.shape, ImageShape { channels: 3, height: size, width: size });
            let area = size * size;
            assert_eq!(image.pixels, [vec![10; area], vec![20; area], vec![30; area]].concat());
        }
    }

    #[test]
    fn shrinking_averages_instead_of_picking() {
        let checkerboard: Vec<u8> =
            (0..32 * 32).map(|at| if (at / 32 + at % 32) % 2 == 0 { 0 } else { 255 }).collect();
        let small = planar(1, 32, 32, checkerboard).to_square(8);
        assert!(small.pixels.iter().all(|&value| (100..156).contains(&value)), "{:?}", small.pixels);
    }

    #[test]
    fn an_extreme_strip_stays_small() {
        let strip = planar(1, 1, 16_384, vec![5; 16_384]).fit(3, Fit { size: Some(64), resize: None });
        assert_eq!(strip.pixels, vec![5; 3 * 64 * 64]);
    }
}
