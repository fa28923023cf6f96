//! One image file's bytes to pixels, within limits, whatever the bytes are.

use std::borrow::Cow;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use image::codecs::bmp::BmpDecoder;
use image::metadata::Orientation;
use image::{ColorType, ImageDecoder, ImageFormat, ImageReader};

use crate::content_kind::{Content, content_of};
use crate::crop::{CropBox, cropped};
use crate::gif_structure::first_frame;
use crate::image_set::ImageShape;
use crate::jpeg_structure::{self, check_jpeg};
use crate::options::Limits;
use crate::resize::PlanarImage;
use crate::webp_structure::check_webp;

/// Images above this many pixels are decoded one at a time, so that memory does not grow with the
/// number of threads.
const LARGE_PIXELS: u64 = 4 << 20;

static ONE_LARGE_IMAGE: Mutex<()> = Mutex::new(());

/// Decodes an image (by content, not by name; of several frames the first) and hands it to `then`, as PIL's
/// `ImageOps.exif_transpose(image).convert("RGB")` has it, or with one channel where the file is grey.
///
/// Alpha is dropped, CMYK becomes RGB, palettes are looked up, of 16 bits per colour the upper 8 are kept, and the
/// picture is turned as its orientation tag says.
///
/// # Errors
/// The reason why the bytes cannot be used, as one line.
pub(crate) fn decode<T>(
    bytes: &[u8],
    limits: &Limits,
    then: impl FnOnce(PlanarImage) -> T,
) -> Result<T, String> {
    guarded(bytes, limits, |header, bytes| decode_as(header, bytes, limits, then))
}

/// Parts of an image, those that `choose` gives for its shape as it is seen, each brought to (`height`, `width`) with
/// `channels` channels, (C, H, W): bilinear, antialiased, as PIL's `resize(size, BILINEAR, box)` of what [`decode`] gives.
///
/// # Errors
/// As [`decode`].
pub(crate) fn decode_crop(
    bytes: &[u8],
    limits: &Limits,
    (channels, size): (usize, (usize, usize)),
    choose: &mut dyn FnMut(ImageShape) -> Vec<CropBox>,
) -> Result<Vec<Vec<u8>>, String> {
    guarded(bytes, limits, |header, bytes| {
        let opened = open(header, bytes, limits)?;
        let (shape, stored, orientation) = (opened.shape, opened.stored, opened.orientation);
        let boxes = choose(turned(shape, orientation));
        let samples = opened.samples()?;
        let part = |part: CropBox| cropped(&samples, (shape, stored), orientation, part, (channels, size));
        boxes.into_iter().map(part).collect()
    })
}

/// The shape that [`decode`] would give, from the header alone: the rest may still be damaged.
///
/// # Errors
/// As [`decode`].
pub(crate) fn shape_of(bytes: &[u8], limits: &Limits) -> Result<ImageShape, String> {
    guarded(bytes, limits, |header, bytes| {
        let opened = open(header, bytes, limits)?;
        Ok(turned(opened.shape, opened.orientation))
    })
}

/// The shape that [`shape_of`] would give of a file that begins with `start`; `None` where that much does not tell. What
/// follows may be damaged or missing.
pub(crate) fn shape_from_start(start: &[u8], limits: &Limits) -> Option<Result<ImageShape, String>> {
    let (format, frame) = match content_of(start) {
        Content::Image(format @ ImageFormat::Png) => (format, None),
        Content::Image(format @ ImageFormat::Jpeg) => match jpeg_structure::frame_in_start(start)? {
            Ok(frame) => (format, Some(frame)),
            Err(reason) => return Some(Err(reason)),
        },
        _ => return None,
    };
    let xmp = frame.and_then(|frame| frame.xmp_orientation);
    let header = Header {
        format,
        may_be_turned: frame.is_none_or(|frame| frame.has_exif),
        xmp_orientation: xmp.and_then(Orientation::from_exif),
    };
    let opened = || open(header, start, limits).map(|opened| turned(opened.shape, opened.orientation));
    // A header that is longer than that much makes the decoder fail: then all of the file is asked.
    catch_unwind(AssertUnwindSafe(opened)).ok().filter(Result::is_ok)
}

/// Whether the image that begins with `start` is in colour; `None` where that much does not tell.
pub(crate) fn is_colour(start: &[u8]) -> Option<bool> {
    match content_of(start) {
        Content::Image(ImageFormat::Png) => start.get(25).map(|kind| !matches!(kind, 0 | 4)),
        Content::Image(ImageFormat::Jpeg) => jpeg_structure::is_colour(start),
        _ => None,
    }
}

/// What is known of an image before its decoder is asked.
#[derive(Debug, Clone, Copy)]
struct Header {
    format: ImageFormat,
    may_be_turned: bool,
    /// Where Exif does not say how the camera was held.
    xmp_orientation: Option<Orientation>,
}

fn guarded<T>(
    bytes: &[u8],
    limits: &Limits,
    read: impl FnOnce(Header, &[u8]) -> Result<T, String>,
) -> Result<T, String> {
    let format = match content_of(bytes) {
        Content::Image(format) => format,
        Content::Other(what) => return Err(what.to_owned()),
    };
    let mut bytes = Cow::Borrowed(bytes);
    let mut xmp_orientation = None;
    let mut may_be_turned = matches!(format, ImageFormat::Png | ImageFormat::WebP);
    match format {
        ImageFormat::Png => {
            let (width, height) = png_extent(&bytes)?;
            check_extent(width, height, limits)?;
        }
        ImageFormat::Jpeg => {
            let frame = check_jpeg(&bytes)?;
            check_extent(frame.width, frame.height, limits)?;
            may_be_turned = frame.has_exif;
            xmp_orientation = frame.xmp_orientation.and_then(Orientation::from_exif);
            // Under another name the decoder passes it over.
            if let Some(name) = frame.misleading_adobe.and_then(|at| bytes.to_mut().get_mut(at..at + 5)) {
                name.fill(0);
            }
        }
        ImageFormat::WebP => {
            let announced = bytes
                .get(4..8)
                .map_or(0, |size| size.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)));
            if (bytes.len() as u64) < announced + 8 {
                return Err(format!("cut short: {} bytes, its header says {}", bytes.len(), announced + 8));
            }
            check_webp(&bytes)?;
        }
        ImageFormat::Gif => {
            if let Some((width, height)) = first_frame(&bytes) {
                check_extent(width, height, limits)?;
                check_length(width, height, bytes.len())?;
            }
        }
        _ => {} // by their decoders' headers, which hold no pixels
    }
    // The decoders are third-party code on untrusted bytes: a panic in them is a bad image, not our end.
    catch_unwind(AssertUnwindSafe(|| read(Header { format, may_be_turned, xmp_orientation }, &bytes)))
        .unwrap_or_else(|_| Err("the decoder failed on it".to_owned()))
}

/// Width and height from the header chunk, which is always the first.
fn png_extent(bytes: &[u8]) -> Result<(u32, u32), String> {
    match bytes.get(16..24) {
        Some(&[w3, w2, w1, w0, h3, h2, h1, h0]) => {
            Ok((u32::from_be_bytes([w3, w2, w1, w0]), u32::from_be_bytes([h3, h2, h1, h0])))
        }
        _ => Err("cut short: the PNG header is incomplete".to_owned()),
    }
}

/// Of a PNG: 0 is grey.
fn png_colour_type(bytes: &[u8]) -> Option<u8> {
    bytes.starts_with(b"\x89PNG").then(|| bytes.get(25).copied()).flatten()
}

fn check_extent(width: u32, height: u32, limits: &Limits) -> Result<(), String> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        Err(format!("{width} x {height} pixels: nothing in it"))
    } else if width as usize > limits.max_side || height as usize > limits.max_side {
        Err(format!("{width} x {height} pixels, the limit is {} per side", limits.max_side))
    } else if pixels > limits.max_pixels as u64 {
        Err(format!("{width} x {height} pixels, the limit is {} in all", limits.max_pixels))
    } else {
        Ok(())
    }
}

/// Pixels for which room is made whatever the file's length.
const SMALL_PIXELS: u64 = 16 << 20;
/// Pixels of a larger picture that a byte may stand for: of a flat one of 1 bit in PNG, 8,256 are packed into one.
const MOST_PIXELS_PER_BYTE: u64 = 16_384;

/// Refuses a picture that cannot be in a file of `length` bytes, before room is made for it.
fn check_length(width: u32, height: u32, length: usize) -> Result<(), String> {
    let pixels = u64::from(width) * u64::from(height);
    if pixels > SMALL_PIXELS.max((length as u64).saturating_mul(MOST_PIXELS_PER_BYTE)) {
        return Err(format!("damaged: {width} x {height} pixels in {length} bytes"));
    }
    Ok(())
}

/// What an image's header says: its format is known, and its size is within the limits.
struct Opened<'a> {
    decoder: Box<dyn ImageDecoder + 'a>,
    /// Samples per pixel as decoded.
    stored: usize,
    /// Bytes of a sample, 1 or 2.
    sample_bytes: usize,
    /// As stored, not turned yet.
    shape: ImageShape,
    orientation: Orientation,
}

fn open<'a>(header: Header, bytes: &'a [u8], limits: &Limits) -> Result<Opened<'a>, String> {
    let mut decoder_limits = image::Limits::default();
    decoder_limits.max_image_width = u32::try_from(limits.max_side).ok();
    decoder_limits.max_image_height = decoder_limits.max_image_width;
    decoder_limits.max_alloc = Some(limits.max_image_bytes);
    let refused = |error| match error {
        // In the decoder's words it is "Image size exceeds limit".
        image::ImageError::Limits(_) => format!(
            "too large: the limits are {} pixels per side and {} bytes decoded",
            limits.max_side, limits.max_image_bytes
        ),
        other => one_line(other),
    };
    let mut grey_palette = false;
    let mut decoder: Box<dyn ImageDecoder + 'a> = if header.format == ImageFormat::Bmp {
        let mut decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(refused)?;
        decoder.set_limits(decoder_limits).map_err(refused)?;
        let is_grey = |colour: &[u8; 3]| colour[0] == colour[1] && colour[1] == colour[2];
        grey_palette = decoder.get_palette().is_some_and(|palette| palette.iter().all(is_grey));
        Box::new(decoder)
    } else {
        let mut reader = ImageReader::with_format(Cursor::new(bytes), header.format);
        reader.limits(decoder_limits);
        Box::new(reader.into_decoder().map_err(refused)?)
    };

    let (width, height) = decoder.dimensions();
    check_extent(width, height, limits)?;
    check_length(width, height, bytes.len())?;
    let (stored, channels, sample_bytes) = match decoder.color_type() {
        ColorType::L8 => (1, 1, 1),
        ColorType::La8 => (2, 1, 1),
        ColorType::Rgb8 => (3, if grey_palette { 1 } else { 3 }, 1),
        ColorType::Rgba8 => (4, 3, 1),
        ColorType::La16 if png_colour_type(bytes) != Some(0) => (2, 1, 2),
        ColorType::Rgb16 => (3, 3, 2),
        ColorType::Rgba16 => (4, 3, 2),
        // What its white is, nothing says: often 4,095 or less. A grey that is transparent makes it no other kind.
        ColorType::L16 | ColorType::La16 => {
            return Err(
                "grey of 16 bits per sample, expected 8; convert it to 8 bits, scaled as it should be \
                        seen (PIL would clip it at 255)"
                    .to_owned(),
            );
        }
        other => return Err(format!("unsupported colour type {other:?}; convert it to 8-bit RGB")),
    };
    let total = decoder.total_bytes();
    if total > limits.max_image_bytes {
        return Err(format!("needs {total} bytes, the limit is {}", limits.max_image_bytes));
    }
    let exif = if header.may_be_turned { decoder.exif_metadata().ok().flatten() } else { None };
    let orientation = exif.and_then(|exif| Orientation::from_exif_chunk(&exif)).or(header.xmp_orientation);
    let shape = ImageShape { channels, height: height as usize, width: width as usize };
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    Ok(Opened { decoder, stored, sample_bytes, shape, orientation })
}

impl Opened<'_> {
    /// (H, W, S) samples of 8 bits, as stored.
    fn samples(self) -> Result<Vec<u8>, String> {
        let Self { decoder, sample_bytes, shape, .. } = self;
        let _turn = ((shape.width * shape.height) as u64 > LARGE_PIXELS)
            .then(|| ONE_LARGE_IMAGE.lock().unwrap_or_else(PoisonError::into_inner));
        let mut samples = vec![0; decoder.total_bytes() as usize];
        decoder.read_image_boxed(&mut samples).map_err(one_line)?;
        if sample_bytes == 2 {
            let upper = |two: &[u8]| (u16::from_ne_bytes([two[0], two[1]]) >> 8) as u8;
            samples = samples.chunks_exact(2).map(upper).collect();
        }
        Ok(samples)
    }
}

fn decode_as<T>(
    header: Header,
    bytes: &[u8],
    limits: &Limits,
    then: impl FnOnce(PlanarImage) -> T,
) -> Result<T, String> {
    let opened = open(header, bytes, limits)?;
    let (shape, stored, orientation) = (opened.shape, opened.stored, opened.orientation);
    let image = PlanarImage::from_interleaved(shape, stored, &opened.samples()?);
    Ok(then(image.turned(orientation)))
}

/// The shape once the picture is turned.
fn turned(shape: ImageShape, orientation: Orientation) -> ImageShape {
    if orientation.to_exif() < 5 {
        return shape;
    }
    ImageShape { height: shape.width, width: shape.height, ..shape }
}

fn one_line(error: image::ImageError) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use zview_runtime::seed::{Purpose, Stream};

    use super::*;
    use crate::test_files::{jpeg_of, png_chunk, png_of, raw_png};

    fn decoded(bytes: &[u8]) -> Result<PlanarImage, String> {
        decode(bytes, &Limits::default(), |image| image)
    }

    #[test]
    fn png_is_exact_and_jpeg_near() {
        let grey = decoded(&png_of(4, 3, 1, 5)).unwrap();
        assert_eq!(grey.shape, ImageShape { channels: 1, height: 3, width: 4 });
        assert_eq!(grey.pixels, crate::test_files::ramp(4, 3, 1, 5));
        let colour = decoded(&png_of(4, 3, 3, 5)).unwrap();
        assert_eq!(colour.shape.channels, 3);
        let jpeg = decoded(&jpeg_of(16, 16, 1, 5)).unwrap();
        let exact = crate::test_files::ramp(16, 16, 1, 5);
        assert!(jpeg.pixels.iter().zip(&exact).all(|(&a, &b)| a.abs_diff(b) < 12), "{:?}", jpeg.pixels);
    }

    #[test]
    fn a_side_over_the_limit_is_named_in_every_format() {
        let bmp = {
            let mut bytes = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
            bytes.extend(20_000u32.to_le_bytes());
            bytes.extend(2u32.to_le_bytes());
            bytes.extend([1, 0, 24, 0]);
            bytes.resize(54 + 120_000, 0);
            bytes
        };
        let pnm = [b"P5 20000 2 255\n".as_slice(), &[0; 40_000]].concat();
        let extent = [&20_000u16.to_le_bytes()[..], &2u16.to_le_bytes()].concat();
        let gif = [
            b"GIF89a".as_slice(),
            &extent,
            &[0x80, 0, 0, 0, 0, 0, 255, 255, 255, b',', 0, 0, 0, 0],
            &extent,
            &[0, 2, 0, b';'],
        ]
        .concat();
        for (name, bytes) in [("bmp", bmp), ("pnm", pnm), ("gif", gif), ("png", png_of(20_000, 2, 1, 5))] {
            let error = decoded(&bytes).unwrap_err();
            assert!(error.contains("16384") && error.contains("limit"), "{name}: {error}");
        }
    }

    #[test]
    fn an_orientation_in_xmp_alone_is_applied() {
        let plain = jpeg_of(16, 8, 3, 5);
        let upright = decoded(&plain).unwrap();
        for (text, code) in [
            ("<rdf:Description tiff:Orientation=\"6\"/>", 6),
            ("<tiff:Orientation>8</tiff:Orientation>", 8),
            ("<tiff:Orientation>9</tiff:Orientation>", 1),
            ("tiff:Orientation=\"", 1),
        ] {
            let segment = [b"http://ns.adobe.com/xap/1.0/\0", text.as_bytes()].concat();
            let mut with_xmp = vec![0xFF, 0xD8, 0xFF, 0xE1];
            with_xmp.extend((segment.len() as u16 + 2).to_be_bytes());
            with_xmp.extend(segment);
            with_xmp.extend(&plain[2..]);
            let expected = upright.clone().turned(Orientation::from_exif(code).unwrap());
            assert_eq!(decoded(&with_xmp).unwrap(), expected, "{text}");
            assert_eq!(shape_of(&with_xmp, &Limits::default()).unwrap(), expected.shape);
        }
    }

    #[test]
    fn jfif_decides_the_colours_of_a_jpeg_before_adobe() {
        // As PIL has it: with both segments the components are YCbCr, whatever Adobe's transform.
        let plain = jpeg_of(16, 16, 3, 5);
        let after_app0 = 4 + usize::from(u16::from_be_bytes([plain[4], plain[5]]));
        assert_eq!(&plain[6..11], b"JFIF\0");
        for transform in [0, 1, 2, 7] {
            let mut both = plain[..after_app0].to_vec();
            both.extend(b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0");
            both.push(transform);
            both.extend(&plain[after_app0..]);
            assert_eq!(decoded(&both).unwrap(), decoded(&plain).unwrap(), "{transform}");
            let mut adobe_alone = plain[..2].to_vec();
            adobe_alone.extend(&both[after_app0..]);
            let as_stored = decoded(&adobe_alone).unwrap() != decoded(&plain).unwrap();
            assert_eq!(as_stored, transform == 0, "without JFIF Adobe decides, {transform}");
        }
    }

    #[test]
    fn every_cut_of_a_jpeg_and_a_png_is_refused() {
        for whole in [jpeg_of(17, 9, 3, 2), jpeg_of(8, 8, 1, 2)] {
            for length in 0..whole.len() {
                assert!(decoded(&whole[..length]).is_err(), "JPEG cut to {length} of {}", whole.len());
            }
        }
        let whole = png_of(17, 9, 3, 2);
        // The last 12 bytes are the empty end chunk: without it the picture is still whole.
        for length in 0..whole.len() - 16 {
            assert!(decoded(&whole[..length]).is_err(), "PNG cut to {length} of {}", whole.len());
        }
    }

    #[test]
    fn a_huge_header_on_a_tiny_file_is_refused_before_it_is_allocated() {
        let mut jpeg = jpeg_of(8, 8, 3, 0);
        let frame = jpeg.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
        jpeg[frame + 5..frame + 9].fill(0xFF); // height and width: 65,535
        let reason = decoded(&jpeg).unwrap_err();
        assert!(reason.contains("65535 x 65535 pixels, the limit is 16384"), "{reason}");
        for (width, height) in [(65_535, 65_535), (u32::MAX >> 1, u32::MAX >> 1), (16_384, 16_384), (0, 4)] {
            let reason = decoded(&raw_png(width, height, 8, 2, &[0; 64])).unwrap_err();
            assert!(reason.contains(&format!("{width} x {height} pixels")), "{reason}");
        }
        // Within the sides but over the pixel count, and over the byte limit.
        let reason = decoded(&raw_png(16_384, 16_384, 8, 0, &[0; 64])).unwrap_err();
        assert!(reason.contains("in all"), "{reason}");
        let tight = Limits { max_image_bytes: 100, ..Limits::default() };
        let reason = decode(&png_of(10, 10, 3, 0), &tight, |image| image.shape).unwrap_err();
        assert!(reason.contains("100") || reason.contains("limit"), "{reason}");
    }

    #[test]
    fn a_large_picture_in_a_few_bytes_is_refused_before_room_is_made_for_it() {
        let mut vast = include_bytes!("../tests/golden/lossy.webp").to_vec();
        let at = vast.windows(3).position(|three| three == [0x9D, 0x01, 0x2A]).unwrap() + 3;
        vast[at..at + 4].copy_from_slice(&[0x40, 0x1F, 0x40, 0x1F]);
        let told = format!("damaged: 8000 x 8000 pixels in {} bytes", vast.len());
        assert_eq!(decoded(&vast).unwrap_err(), told);
        assert!(check_length(4096, 4096, 60).is_ok() && check_length(8192, 8192, 8128).is_ok());
    }

    #[test]
    fn unusable_kinds_say_what_they_are() {
        assert!(decoded(b"").unwrap_err().contains("0 bytes"));
        assert!(decoded(b"just text").unwrap_err().contains("a text, not an image"));
        let sixteen = raw_png(2, 2, 16, 0, &[0, 1, 2, 3, 4, 0, 1, 2, 3, 4]);
        assert!(decoded(&sixteen).unwrap_err().contains("16 bits"));
        // A chunk tRNS does not make it another kind.
        let (header, rest) = sixteen.split_at(8 + 25);
        let transparent = [header, &png_chunk(b"tRNS", &[0, 1]), rest].concat();
        assert!(decoded(&transparent).unwrap_err().contains("16 bits"));
        let jpeg = jpeg_of(8, 8, 3, 0);
        let frame = jpeg.windows(2).position(|two| two == [0xFF, 0xC0]).unwrap();
        let mut lossless = jpeg.clone();
        lossless[frame + 1] = 0xC3;
        assert!(decoded(&lossless).unwrap_err().contains("rare kind (lossless)"));
        let mut arithmetic = jpeg;
        arithmetic[frame + 1] = 0xC9;
        assert!(decoded(&arithmetic).unwrap_err().contains("arithmetically coded"));
        let mut twelve_bit = jpeg_of(8, 8, 3, 0);
        twelve_bit[frame + 4] = 12;
        assert!(decoded(&twelve_bit).unwrap_err().contains("12 bits"));
    }

    #[test]
    fn a_panic_while_decoding_is_a_bad_image() {
        let result: Result<(), String> =
            decode(&png_of(2, 2, 1, 0), &Limits::default(), |_| panic!("on purpose"));
        assert!(result.unwrap_err().contains("the decoder failed"));
    }

    #[test]
    fn damaged_bytes_never_panic() {
        let mut stream = Stream::new(0, Purpose::Check, 0, 0);
        for whole in [jpeg_of(16, 16, 3, 1), png_of(16, 16, 3, 1), png_of(5, 5, 1, 1)] {
            for _ in 0..400 {
                let mut bytes = whole.clone();
                for _ in 0..=stream.below(4) {
                    let at = stream.below(bytes.len() as u64) as usize;
                    bytes[at] = stream.bits() as u8;
                }
                if let Ok(image) = decoded(&bytes) {
                    assert_eq!(image.pixels.len(), image.shape.bytes());
                }
            }
        }
    }
}
