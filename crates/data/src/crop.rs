//! Parts of an image, brought to a size.

use std::cell::RefCell;

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::metadata::Orientation;

use crate::image_set::ImageShape;
use crate::resize::PlanarImage;

thread_local! {
    /// Keeps its buffers between images.
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}

/// A part of an image, in pixels from its upper left corner, as it is seen (turned as its orientation tag says).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CropBox {
    /// Left edge.
    pub left: f32,
    /// Upper edge.
    pub top: f32,
    /// Above 0.
    pub width: f32,
    /// Above 0.
    pub height: f32,
    /// Whether left and right are exchanged.
    pub mirrored: bool,
}

impl CropBox {
    /// Where the part lies in the picture as it is stored, of a picture that is seen as `width` x `height`.
    fn as_stored(self, orientation: Orientation, width: f32, height: f32) -> Self {
        let Self { left, top, width: wide, height: high, mirrored } = self;
        let (from_right, from_bottom) = (width - left - wide, height - top - high);
        let [left, top, width, height] = match orientation.to_exif() {
            2 => [from_right, top, wide, high],
            3 => [from_right, from_bottom, wide, high],
            4 => [left, from_bottom, wide, high],
            5 => [top, left, high, wide],
            6 => [top, from_right, high, wide],
            7 => [from_bottom, from_right, high, wide],
            8 => [from_bottom, left, high, wide],
            _ => [left, top, wide, high],
        };
        Self { left, top, width, height, mirrored }
    }

    /// The same within a picture of that size, whatever rounding has made of it.
    fn within(self, width: usize, height: usize) -> [f64; 4] {
        let line = |start: f32, length: f32, whole: usize| {
            let start = f64::from(start).clamp(0.0, whole as f64 - 1e-3);
            (start, f64::from(length).clamp(1e-3, whole as f64 - start))
        };
        let ((left, wide), (top, high)) =
            (line(self.left, self.width, width), line(self.top, self.height, height));
        [left, top, wide, high]
    }
}

/// The `part` of a picture of (H, W, S) `samples`, of which each pixel has `stored` and the first of them are kept,
/// brought to `channels` channels and (`height`, `width`), (C, H, W).
///
/// # Errors
/// Where it cannot be resized.
pub(crate) fn cropped(
    samples: &[u8],
    (shape, stored): (ImageShape, usize),
    orientation: Orientation,
    part: CropBox,
    (channels, (height, width)): (usize, (usize, usize)),
) -> Result<Vec<u8>, String> {
    let swaps = orientation.to_exif() >= 5;
    let (seen_width, seen_height) =
        if swaps { (shape.height, shape.width) } else { (shape.width, shape.height) };
    let [left, top, wide, high] =
        part.as_stored(orientation, seen_width as f32, seen_height as f32).within(shape.width, shape.height);
    let (out_width, out_height) = if swaps { (height, width) } else { (width, height) };
    let resized = resized(
        samples,
        (shape.width, shape.height),
        stored,
        [left, top, wide, high],
        FilterType::Bilinear,
        (out_width, out_height),
    )?;
    let small = ImageShape { channels: shape.channels, height: out_height, width: out_width };
    let mut image = PlanarImage::from_interleaved(small, stored, &resized).turned(orientation);
    if part.mirrored {
        image.pixels.chunks_exact_mut(image.shape.width).for_each(<[u8]>::reverse);
    }
    Ok(image.with_channels(channels).pixels)
}

/// The part (left, top, width, height) of (H, W, S) `samples`, brought to a size (width, height): antialiased, as PIL
/// has it, with the same kernel, the same fixed-point sums, and columns before rows, which are rounded in between.
///
/// # Errors
/// What does not fit.
pub(crate) fn resized(
    samples: &[u8],
    (width, height): (usize, usize),
    stored: usize,
    [left, top, wide, high]: [f64; 4],
    filter: FilterType,
    (to_width, to_height): (usize, usize),
) -> Result<Vec<u8>, String> {
    let kind = match stored {
        1 => PixelType::U8,
        2 => PixelType::U8x2,
        3 => PixelType::U8x3,
        _ => PixelType::U8x4,
    };
    let told = |error: &dyn std::fmt::Display| format!("cannot be resized: {error}");
    // Rows that the kernel reaches: it is 4 wide at most, and wider where the picture shrinks.
    let reach = 2.0 * (high / to_height as f64).max(1.0) + 1.0;
    let first = (top - reach).max(0.0) as usize;
    let last = ((top + high + reach).ceil() as usize).clamp(first + 1, height);
    let rows = last - first;
    let row_bytes = width * stored;
    let samples =
        samples.get(first * row_bytes..last * row_bytes).ok_or("cannot be resized: pixels are missing")?;
    let from = ImageRef::new(width as u32, rows as u32, samples, kind).map_err(|error| told(&error))?;
    let mut narrow = Image::new(to_width as u32, rows as u32, kind);
    let mut to = Image::new(to_width as u32, to_height as u32, kind);
    let part = |left, top, wide, high| {
        let convolution = ResizeAlg::Convolution(filter);
        ResizeOptions::new().resize_alg(convolution).crop(left, top, wide, high).use_alpha(false)
    };
    RESIZER
        .with_borrow_mut(|resizer| {
            resizer.resize(&from, &mut narrow, &part(left, 0.0, wide, rows as f64))?;
            resizer.resize(&narrow, &mut to, &part(0.0, top - first as f64, to_width as f64, high))
        })
        .map_err(|error| told(&error))?;
    Ok(to.into_vec())
}
