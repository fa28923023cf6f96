//! What `zview sample` makes of rendered views: a picture, an image folder, or view shards.

use std::path::{Path, PathBuf};

use zview_data::ImageShape;
use zview_data::picture::{Blocks, grid_size, write_blocks, write_grid, write_image};
use zview_data::view_shards::{
    AnchorViews, ShardContent, ShardWriter, write_shard_folder, write_single_shard,
};
use zview_runtime::atomic::is_stream;

use crate::failure::Failure;
use crate::output_file::check_output_file;
use crate::output_folder::{
    check_names_of_shards, check_output_folder, remove_sampled_images, replace_shards,
};

/// More than any disk holds.
const MOST_IMAGES: usize = 1 << 32;
/// Where shards are written before they take the place of others.
const NEW_SHARDS: &str = ".new-shards";
/// Pixels between the pictures of a grid.
const GAP: usize = 2;

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SampleOutput {
    /// A picture with a row per anchor.
    Grid,
    /// A folder of pictures.
    Images,
    /// A folder of view shards.
    Shards {
        /// Of one shard.
        anchors_per_shard: usize,
    },
    /// View shards in one archive.
    Archive,
}

/// Some anchors with their views, in order.
#[derive(Debug)]
pub struct Rendered {
    /// Number of the first anchor.
    pub first_anchor: usize,
    /// (B, V, C, H, W), one byte per value.
    pub pixels: Vec<u8>,
    /// The class of each view (B, V), for a conditional generator.
    pub classes: Option<Vec<i32>>,
    /// (B, V, D)
    pub latents: Vec<f32>,
}

/// How the views lie in a picture.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// Anchors in all.
    pub anchors: usize,
    /// Views of each.
    pub per_anchor: usize,
    /// Above each of several blocks of equally many anchors; none where there is one.
    pub labels: &'a [String],
}

impl Rows<'_> {
    fn blocks(&self, shape: ImageShape) -> Blocks<'_> {
        let images = self.anchors.saturating_mul(self.per_anchor) / self.labels.len().max(1);
        Blocks { labels: self.labels, images, shape, columns: self.per_anchor, gap: GAP }
    }
}

/// Takes what is rendered.
pub type Sink<'a> = dyn FnMut(Rendered) -> Result<(), Failure> + 'a;

impl SampleOutput {
    /// What `out` means, with `--shards` if `anchors_per_shard` is given.
    ///
    /// # Errors
    /// A wrong use: an ending that is not known, or a place that is taken.
    pub fn of(out: &Path, anchors_per_shard: Option<usize>, overwrite: bool) -> Result<Self, Failure> {
        let wrong = |problem: String| Err(Failure::usage(format!("--out {}: {problem}", out.display())));
        let extension = out.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        let output = match (extension.as_deref(), anchors_per_shard) {
            (Some("png" | "tar"), Some(_)) => {
                return wrong("expected a folder with --shards, got a file".to_owned());
            }
            (_, Some(0)) => return Err(Failure::usage("--anchors-per-shard: expected 1 or more, got 0")),
            (_, Some(anchors_per_shard)) => Self::Shards { anchors_per_shard },
            (Some("png"), None) => Self::Grid,
            (Some("tar"), None) if !out.is_dir() => Self::Archive,
            // A device or a pipe takes one file.
            (_, None) if is_stream(out) => Self::Grid,
            (None, None) => Self::Images,
            (Some(_), None) if out.is_dir() => Self::Images,
            (Some(other), None) => {
                return wrong(format!("expected a .png or .tar file or a folder, got .{other}"));
            }
        };
        match output {
            Self::Grid | Self::Archive => check_output_file("--out", out, &[])?,
            Self::Images | Self::Shards { .. } => check_output_folder("--out", out, Some(overwrite))?,
        }
        if matches!(output, Self::Shards { .. }) {
            check_names_of_shards("--out", out)?;
        }
        Ok(output)
    }

    /// Refuses what cannot be drawn, before anything is.
    ///
    /// # Errors
    /// A wrong use: a picture that is larger than any that is written.
    pub fn check_size(self, out: &Path, shape: ImageShape, rows: Rows<'_>) -> Result<(), Failure> {
        let Rows { anchors, per_anchor, labels } = rows;
        let images = anchors.checked_mul(per_anchor).filter(|images| *images <= MOST_IMAGES);
        let Some(images) = images else {
            return Err(Failure::usage(format!(
                "--anchors: expected at most {} with {per_anchor} views each, got {anchors}",
                MOST_IMAGES / per_anchor.max(1)
            )));
        };
        let size = match self {
            Self::Grid if labels.is_empty() => grid_size(out, images, shape, per_anchor, GAP),
            Self::Grid => rows.blocks(shape).size(out),
            _ => return Ok(()),
        };
        size.map(|_| ()).map_err(|error| {
            Failure::usage(format!(
                "{error}; take fewer --anchors, or a folder or a .tar file that hold any number"
            ))
        })
    }

    /// Writes what `render` hands to its sink.
    ///
    /// # Errors
    /// What `render` gives, or a failure to write; an archive and a folder of shards appear whole or not at all.
    pub fn write(
        self,
        out: &Path,
        content: &ShardContent,
        rows: Rows<'_>,
        render: impl FnOnce(&mut Sink<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (shape, per_anchor) = (content.shape, rows.per_anchor);
        match self {
            Self::Shards { anchors_per_shard } => {
                let write = |folder: &Path| {
                    write_shard_folder(folder, content, anchors_per_shard, |writer| {
                        render(&mut |rendered| write_anchors(writer, &rendered, content, per_anchor))
                    })
                };
                if !out.is_dir() {
                    return write(out);
                }
                let new = out.join(NEW_SHARDS);
                write(&new)?;
                Ok(replace_shards(out, &new)?)
            }
            Self::Archive => write_single_shard(out, content, |writer| {
                render(&mut |rendered| write_anchors(writer, &rendered, content, per_anchor))
            }),
            Self::Images => {
                if out.is_dir() {
                    remove_sampled_images(out)?;
                }
                render(&mut |rendered| write_images(out, &rendered, shape, per_anchor))
            }
            Self::Grid => {
                let mut pixels = Vec::new();
                render(&mut |rendered| {
                    pixels.extend(rendered.pixels);
                    Ok(())
                })?;
                let images: Vec<&[u8]> = pixels.chunks(shape.bytes()).collect();
                let written = if rows.labels.is_empty() {
                    write_grid(out, &images, shape, per_anchor, GAP)
                } else {
                    write_blocks(out, &images, &rows.blocks(shape))
                };
                written.map_err(Failure::failed)
            }
        }
    }
}

fn write_anchors(
    writer: &mut ShardWriter,
    rendered: &Rendered,
    content: &ShardContent,
    per_anchor: usize,
) -> Result<(), Failure> {
    let dimension = content.latent_dimension.unwrap_or(0);
    let anchors = rendered.pixels.chunks(per_anchor * content.shape.bytes());
    for (anchor, pixels) in anchors.enumerate() {
        let class = rendered.classes.as_ref().map(|classes| classes[anchor * per_anchor]);
        let values = per_anchor * dimension;
        let latents = (values > 0).then(|| &rendered.latents[anchor * values..][..values]);
        writer.write(&AnchorViews { pixels, class, latents })?;
    }
    Ok(())
}

/// `<folder>/<class>/anchor-000000-view-0.png`, without the class folder for an unconditional generator.
fn write_images(
    folder: &Path,
    rendered: &Rendered,
    shape: ImageShape,
    per_anchor: usize,
) -> Result<(), Failure> {
    for (index, image) in rendered.pixels.chunks(shape.bytes()).enumerate() {
        let (anchor, view) = (index / per_anchor, index % per_anchor);
        let class = rendered.classes.as_ref().map(|classes| classes[index]);
        let folder: PathBuf = class.map_or_else(|| folder.to_owned(), |class| folder.join(class.to_string()));
        std::fs::create_dir_all(&folder).map_err(|error| {
            Failure::failed(format!("cannot make the folder {}: {error}", folder.display()))
        })?;
        let name = format!("anchor-{:06}-view-{view}.png", rendered.first_anchor + anchor);
        write_image(&folder.join(name), image, shape).map_err(Failure::failed)?;
    }
    Ok(())
}
