//! Pictures in blocks of rows with a line of text above each.

use std::path::Path;

use zview_runtime::atomic::write_file;

use super::letters::{HEIGHT, text_width, write_text};
use super::{Canvas, PictureError, grid_size, invalid, not_too_large};
use crate::image_set::ImageShape;

/// Height in pixels of images that have text of the smallest size above them.
const SMALL_IMAGE: usize = 28;

/// Blocks of equally many images of one shape.
#[derive(Debug, Clone, Copy)]
pub struct Blocks<'a> {
    /// What stands above each block: numbers, and the letters of `std`.
    pub labels: &'a [String],
    /// Images in a block.
    pub images: usize,
    /// Shape of an image, 1 or 3 channels.
    pub shape: ImageShape,
    /// Images beside each other.
    pub columns: usize,
    /// Pixels between images.
    pub gap: usize,
}

/// Where the parts of a picture in blocks lie, in pixels.
struct Layout {
    size: [usize; 2],
    /// Side of a pixel of the text.
    scale: usize,
    /// From the top of a block to its images.
    label: usize,
    /// From the top of a block to that of the next.
    block: usize,
}

impl Blocks<'_> {
    /// Width and height of the picture, before there are any images.
    ///
    /// # Errors
    /// [`PictureError::Invalid`] where such a picture cannot be drawn.
    pub fn size(&self, path: &Path) -> Result<[usize; 2], PictureError> {
        Ok(self.layout(path)?.size)
    }

    fn layout(&self, path: &Path) -> Result<Layout, PictureError> {
        if self.labels.is_empty() {
            return Err(invalid(path, "labels", "one for each block", "none".to_owned()));
        }
        let [width, height] = grid_size(path, self.images, self.shape, self.columns, self.gap)?;
        let scale = (self.shape.height / SMALL_IMAGE).max(1);
        let margin = 2 * scale;
        let label = HEIGHT * scale + 2 * margin;
        let block = label + height + HEIGHT * scale;
        // Nothing stands below the last block.
        let height = block.saturating_mul(self.labels.len()).saturating_sub(HEIGHT * scale);
        let longest = self.labels.iter().map(|label| text_width(label, scale)).max().unwrap_or(0);
        let size = [width.max(longest), height];
        not_too_large(path, size, self.images.saturating_mul(self.labels.len()), self.shape)?;
        Ok(Layout { size, scale, label, block })
    }
}

/// Writes the images of all blocks, one block after the other, as one PNG on white. The file appears whole or not at all.
///
/// # Errors
/// [`PictureError`] with the path.
pub fn write_blocks(path: &Path, images: &[&[u8]], blocks: &Blocks<'_>) -> Result<(), PictureError> {
    let layout = blocks.layout(path)?;
    let wanted = blocks.images * blocks.labels.len();
    if images.len() != wanted {
        return Err(invalid(path, "images", &wanted.to_string(), images.len().to_string()));
    }
    let mut canvas = Canvas::new(layout.size, blocks.shape.channels);
    for (number, (label, images)) in blocks.labels.iter().zip(images.chunks(blocks.images)).enumerate() {
        let top = number * layout.block;
        write_text(&mut canvas, label, [0, top + 2 * layout.scale], layout.scale);
        canvas.draw_grid(path, images, blocks.shape, (blocks.columns, blocks.gap), top + layout.label)?;
    }
    Ok(write_file(path, &canvas.encode(path)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape { channels: 1, height: 4, width: 20 };

    fn blocks(labels: &[String]) -> Blocks<'_> {
        Blocks { labels, images: 4, shape: SHAPE, columns: 2, gap: 2 }
    }

    /// Rows of several stds followed each other without a gap, and nothing said which std was which.
    #[test]
    fn blocks_of_several_stds_stand_apart_and_have_their_std_above_them() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("std.png");
        let labels = ["std 0.1".to_owned(), "std 0.25".to_owned()];
        let blocks = blocks(&labels);
        let grey = [100; 80];
        write_blocks(&path, &[&grey[..]; 8], &blocks).unwrap();
        let picture = image::open(&path).unwrap().into_luma8();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        assert_eq!([width, height], blocks.size(&path).unwrap());
        // "std 0.25" is wider than two images and a gap.
        assert_eq!([width, height], [8 * 6, 2 * (11 + 10) + 7]);
        let rows: Vec<&[u8]> = picture.as_raw().chunks(width).collect();
        let has = |rows: &[&[u8]], value: u8| rows.iter().any(|row| row.contains(&value));
        for top in [0, 28] {
            assert!(has(&rows[top + 2..top + 9], 0) && !has(&rows[top..top + 11], 100), "a label at {top}");
            assert!(has(&rows[top + 11..top + 12], 100) && has(&rows[top + 20..top + 21], 100), "{top}");
        }
        assert!(!has(&rows[21..30], 0) && !has(&rows[21..30], 100), "a gap before the second label");
        assert_ne!(rows[2..9], rows[30..37], "0.1 and 0.25 look different");
        assert_eq!(
            rows[2..9].iter().map(|row| &row[..18]).collect::<Vec<_>>(),
            rows[30..37].iter().map(|row| &row[..18]).collect::<Vec<_>>(),
            "both begin with std"
        );
    }

    #[test]
    fn labels_grow_with_the_images_and_every_letter_of_a_std_is_drawn() {
        let path = Path::new("x.png");
        let labels = ["std 0".to_owned()];
        let of = |height| {
            let shape = ImageShape { channels: 3, height, width: 300 };
            Blocks { shape, ..blocks(&labels) }.size(path).unwrap()[1] - 2 * height - 2
        };
        assert_eq!([of(28), of(64), of(256)], [11, 22, 99]);
        for letter in "0123456789.std".chars() {
            let mut canvas = Canvas::new([5, 7], 1);
            write_text(&mut canvas, &letter.to_string(), [0, 0], 1);
            assert!(canvas.pixels.contains(&0), "{letter}");
        }
    }

    #[test]
    fn blocks_that_are_no_picture_are_errors_with_the_path() {
        let labels = ["std 1".to_owned()];
        let told = |images: &[&[u8]], blocks: &Blocks<'_>| {
            write_blocks(Path::new("x.png"), images, blocks).unwrap_err().to_string()
        };
        assert!(told(&[], &blocks(&labels)).contains("x.png: images: expected 4, got 0"));
        assert!(told(&[], &blocks(&[])).contains("labels: expected one for each block"));
        let large = Blocks { images: usize::MAX, ..blocks(&labels) };
        assert!(told(&[], &large).contains("at most"));
        assert!(told(&[&[1][..]; 4], &blocks(&labels)).contains("80 bytes per image"));
    }
}
