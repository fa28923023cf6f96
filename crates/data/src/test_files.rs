//! Small files that tests write for themselves.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use image::{DynamicImage, ImageFormat, RgbImage};

/// A smooth picture that depends on `seed`, (C, H, W).
pub(crate) fn ramp(width: usize, height: usize, channels: usize, seed: usize) -> Vec<u8> {
    let mut pixels = Vec::new();
    for channel in 0..channels {
        for row in 0..height {
            for column in 0..width {
                pixels.push(((seed * 23 + channel * 40 + row * 5 + column * 3) % 251) as u8);
            }
        }
    }
    pixels
}

fn encoded(width: usize, height: usize, channels: usize, seed: usize, format: ImageFormat) -> Vec<u8> {
    let planar = ramp(width, height, channels, seed);
    let (wide, high) = (width as u32, height as u32);
    let picture = if channels == 1 {
        DynamicImage::ImageLuma8(image::GrayImage::from_raw(wide, high, planar).unwrap())
    } else {
        let area = width * height;
        let interleaved = (0..area).flat_map(|at| (0..3).map(move |channel| (channel, at)));
        let samples = interleaved.map(|(channel, at)| planar[channel * area + at]).collect();
        DynamicImage::ImageRgb8(RgbImage::from_raw(wide, high, samples).unwrap())
    };
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// [`ramp`] as PNG.
pub(crate) fn png_of(width: usize, height: usize, channels: usize, seed: usize) -> Vec<u8> {
    encoded(width, height, channels, seed, ImageFormat::Png)
}

/// [`ramp`] as JPEG.
pub(crate) fn jpeg_of(width: usize, height: usize, channels: usize, seed: usize) -> Vec<u8> {
    encoded(width, height, channels, seed, ImageFormat::Jpeg)
}

/// A PNG with any header over any rows (each with its filter byte), right checksums.
pub(crate) fn raw_png(width: u32, height: u32, bits: u8, colour: u8, rows: &[u8]) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([bits, colour, 0, 0, 0]);
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
    zlib.write_all(rows).unwrap();
    let chunks = [(b"IHDR", header), (b"IDAT", zlib.finish().unwrap()), (b"IEND", Vec::new())];
    let chunks = chunks.iter().flat_map(|(kind, data)| png_chunk(kind, data));
    b"\x89PNG\r\n\x1a\n".iter().copied().chain(chunks).collect()
}

/// A chunk of a PNG file, with its checksum.
pub(crate) fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut checked = flate2::Crc::new();
    checked.update(kind);
    checked.update(data);
    [&(data.len() as u32).to_be_bytes(), &kind[..], data, &checked.sum().to_be_bytes()].concat()
}

/// `bytes` compressed by gzip.
pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An IDX file of unsigned bytes.
pub(crate) fn idx(dimensions: &[u32], data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dimensions.len() as u8];
    bytes.extend(dimensions.iter().flat_map(|length| length.to_be_bytes()));
    bytes.extend(data);
    bytes
}

/// A tar archive of (name, bytes).
pub(crate) fn tar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

/// Writes `bytes` to `root/relative`, making folders on the way.
pub(crate) fn put(root: &Path, relative: &str, bytes: &[u8]) {
    let path = root.join(relative);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}
