//! Writing images as PNG files.

mod blocks;
mod letters;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{DynamicImage, GrayImage, ImageFormat, RgbImage};
use zview_runtime::atomic::{WriteError, write_file};

pub use self::blocks::{Blocks, write_blocks};
use crate::image_set::ImageShape;

/// Largest picture that is written, in pixels.
const MAX_PIXELS: usize = 256 << 20;
const BACKGROUND: u8 = 255;
const INK: u8 = 0;

/// Why a picture was not written.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// The images or the layout cannot make a picture.
    #[error("cannot draw {}: {field}: expected {expected}, got {got}", path.display())]
    Invalid {
        /// The file that was to be written.
        path: PathBuf,
        /// Which argument.
        field: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// The picture could not be encoded.
    #[error("cannot encode {}: {source}", path.display())]
    Encode {
        /// The file that was to be written.
        path: PathBuf,
        /// What the encoder said.
        source: image::ImageError,
    },
    /// The file could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
}

/// Bytes from numbers in 0 to 1: rounded to the nearest, clamped; not-a-number is 0.
#[must_use]
pub fn unit_floats_to_u8(values: &[f32]) -> Vec<u8> {
    values.iter().map(|value| (value.clamp(0.0, 1.0) * 255.0).round() as u8).collect()
}

/// Writes one image, (C, H, W) bytes with 1 or 3 channels, as PNG.
///
/// # Errors
/// [`PictureError`] with the path.
pub fn write_image(path: &Path, pixels: &[u8], shape: ImageShape) -> Result<(), PictureError> {
    write_grid(path, &[pixels], shape, 1, 0)
}

/// Writes images of one shape, (C, H, W) bytes with 1 or 3 channels, as a PNG grid on white, row by row;
/// `gap` pixels between them. The file appears whole or not at all.
///
/// # Errors
/// [`PictureError`] with the path.
pub fn write_grid(
    path: &Path,
    images: &[&[u8]],
    shape: ImageShape,
    columns: usize,
    gap: usize,
) -> Result<(), PictureError> {
    Ok(write_file(path, &encode_grid(path, images, shape, columns, gap)?)?)
}

/// Width and height of the grid that [`write_grid`] makes of so many images: a look ahead, before there are any.
///
/// # Errors
/// [`PictureError::Invalid`] where such a picture cannot be drawn.
pub fn grid_size(
    path: &Path,
    images: usize,
    shape: ImageShape,
    columns: usize,
    gap: usize,
) -> Result<[usize; 2], PictureError> {
    if !matches!(shape.channels, 1 | 3) {
        return Err(invalid(path, "channels", "1 or 3", shape.channels.to_string()));
    }
    if images == 0 || columns == 0 || shape.bytes() == 0 {
        let got = format!("{images} images of {shape:?} in {columns} columns");
        return Err(invalid(path, "grid", "at least one image, column and pixel", got));
    }
    let columns = columns.min(images);
    let extent = |count: usize, side: usize| {
        count.saturating_mul(side).saturating_add((count - 1).saturating_mul(gap))
    };
    let size = [extent(columns, shape.width), extent(images.div_ceil(columns), shape.height)];
    not_too_large(path, size, images, shape)
}

/// `size` of a picture of so many images, if such a picture is written.
fn not_too_large(
    path: &Path,
    [width, height]: [usize; 2],
    images: usize,
    shape: ImageShape,
) -> Result<[usize; 2], PictureError> {
    if width.saturating_mul(height) > MAX_PIXELS {
        let got = format!("{width} x {height} of {images} images of {} x {}", shape.width, shape.height);
        return Err(invalid(path, "picture", &format!("at most {MAX_PIXELS} pixels"), got));
    }
    Ok([width, height])
}

fn invalid(path: &Path, field: &'static str, expected: &str, got: String) -> PictureError {
    PictureError::Invalid { path: path.to_owned(), field, expected: expected.to_owned(), got }
}

/// The bytes of the PNG file that [`write_grid`] writes; `path` is only named in errors.
///
/// # Errors
/// [`PictureError`] with the path.
pub fn encode_grid(
    path: &Path,
    images: &[&[u8]],
    shape: ImageShape,
    columns: usize,
    gap: usize,
) -> Result<Vec<u8>, PictureError> {
    let size = grid_size(path, images.len(), shape, columns, gap)?;
    let mut canvas = Canvas::new(size, shape.channels);
    canvas.draw_grid(path, images, shape, (columns, gap), 0)?;
    canvas.encode(path)
}

/// A white picture to draw on.
struct Canvas {
    width: usize,
    height: usize,
    channels: usize,
    /// (H, W, C)
    pixels: Vec<u8>,
}

impl Canvas {
    fn new([width, height]: [usize; 2], channels: usize) -> Self {
        Self { width, height, channels, pixels: vec![BACKGROUND; width * height * channels] }
    }

    /// Draws images row by row from `top` on, in so many columns with so many pixels between them.
    fn draw_grid(
        &mut self,
        path: &Path,
        images: &[&[u8]],
        shape: ImageShape,
        (columns, gap): (usize, usize),
        top: usize,
    ) -> Result<(), PictureError> {
        if let Some(image) = images.iter().find(|image| image.len() != shape.bytes()) {
            let expected = format!("{} bytes per image", shape.bytes());
            return Err(invalid(path, "pixels", &expected, image.len().to_string()));
        }
        let columns = columns.min(images.len());
        for (number, image) in images.iter().enumerate() {
            let top = top + (number / columns) * (shape.height + gap);
            let left = (number % columns) * (shape.width + gap);
            for (at, &byte) in image.iter().enumerate() {
                let (channel, within) =
                    (at / (shape.height * shape.width), at % (shape.height * shape.width));
                let (row, column) = (top + within / shape.width, left + within % shape.width);
                self.pixels[(row * self.width + column) * self.channels + channel] = byte;
            }
        }
        Ok(())
    }

    /// Makes a square of `side` pixels black.
    fn ink(&mut self, [left, top]: [usize; 2], side: usize) {
        for row in top..top + side {
            let start = (row * self.width + left) * self.channels;
            self.pixels[start..start + side * self.channels].fill(INK);
        }
    }

    fn encode(self, path: &Path) -> Result<Vec<u8>, PictureError> {
        let (width, height) = (self.width, self.height);
        let picture = if self.channels == 1 {
            GrayImage::from_raw(width as u32, height as u32, self.pixels).map(DynamicImage::ImageLuma8)
        } else {
            RgbImage::from_raw(width as u32, height as u32, self.pixels).map(DynamicImage::ImageRgb8)
        };
        let Some(picture) = picture else {
            let got = format!("{width} x {height}");
            return Err(invalid(path, "picture", "a width and height that fit", got));
        };
        let mut bytes = Cursor::new(Vec::new());
        picture
            .write_to(&mut bytes, ImageFormat::Png)
            .map_err(|source| PictureError::Encode { path: path.to_owned(), source })?;
        Ok(bytes.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::test_files::ramp;
    use crate::{LoadOptions, Split, load};

    #[test]
    fn what_is_written_is_read_back() {
        let root = tempfile::tempdir().unwrap();
        for channels in [1, 3] {
            let shape = ImageShape { channels, height: 5, width: 4 };
            let pixels = ramp(4, 5, channels, 3);
            let folder = root.path().join(format!("größe {channels}"));
            fs::create_dir(&folder).unwrap();
            write_image(&folder.join("one.png"), &pixels, shape).unwrap();
            write_image(&folder.join("one.png"), &pixels, shape).unwrap(); // replaces
            let set = load(folder.to_str().unwrap(), Split::Train, &LoadOptions::default()).unwrap();
            assert_eq!((set.shape, &*set.pixels(0).unwrap()), (shape, pixels.as_slice()));
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "a temporary file is left");
        }
    }

    #[test]
    fn a_grid_places_images_row_by_row_with_gaps() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("grid.png");
        let shape = ImageShape { channels: 1, height: 1, width: 2 };
        write_grid(&path, &[&[1, 2], &[3, 4], &[5, 6]], shape, 2, 1).unwrap();
        let picture = image::open(&path).unwrap().into_luma8();
        assert_eq!(picture.dimensions(), (5, 3));
        let expected = [1, 2, 255, 3, 4, 255, 255, 255, 255, 255, 5, 6, 255, 255, 255];
        assert_eq!(picture.into_raw(), expected);
    }

    #[test]
    fn impossible_pictures_and_places_are_errors_with_the_path() {
        let root = tempfile::tempdir().unwrap();
        let shape = ImageShape { channels: 1, height: 1, width: 2 };
        let told = |path: &Path, images: &[&[u8]], shape, columns, gap| {
            write_grid(path, images, shape, columns, gap).unwrap_err().to_string()
        };
        let path = root.path().join("x.png");
        assert!(told(&path, &[&[1]], shape, 1, 0).contains("x.png: pixels: expected 2 bytes"));
        assert!(told(&path, &[], shape, 1, 0).contains("grid"));
        assert!(told(&path, &[&[1, 2]], shape, 0, 0).contains("columns"));
        assert!(told(&path, &[&[1, 2]], ImageShape { channels: 2, ..shape }, 1, 0).contains("1 or 3"));
        assert!(told(&path, &[&[1, 2], &[1, 2]], shape, 2, usize::MAX).contains("at most"));
        let absent = root.path().join("absent/x.png");
        assert!(told(&absent, &[&[1, 2]], shape, 1, 0).contains("absent"));
        assert!(told(root.path(), &[&[1, 2]], shape, 1, 0).contains("cannot write"));
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn floats_are_rounded_and_clamped() {
        let values = [0.0, 1.0, -3.0, 7.0, f32::NAN, 0.5, 1.0 / 255.0, 0.4999 / 255.0];
        assert_eq!(unit_floats_to_u8(&values), [0, 255, 0, 255, 0, 128, 1, 0]);
        let every: Vec<u8> = (0..=255).collect();
        let floats: Vec<f32> = every.iter().map(|&byte| f32::from(byte) / 255.0).collect();
        assert_eq!(unit_floats_to_u8(&floats), every);
    }
}
