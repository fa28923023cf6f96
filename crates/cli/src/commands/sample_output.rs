//! What `zview sample` makes of rendered views: a picture, an image folder, or view shards.

use std::path::{Path, PathBuf};

use zview_data::ImageShape;
use zview_data::picture::{write_grid, write_image};
use zview_data::view_shards::{
    AnchorViews, ShardContent, ShardWriter, write_shard_folder, write_single_shard,
};

use crate::failure::Failure;

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

/// Takes what is rendered.
pub type Sink<'a> = dyn FnMut(Rendered) -> Result<(), Failure> + 'a;

impl SampleOutput {
    /// What `out` means, with `--shards` if `anchors_per_shard` is given.
    ///
    /// # Errors
    /// A wrong use: an ending that is not known, or a place that is taken.
    pub fn of(out: &Path, anchors_per_shard: Option<usize>) -> Result<Self, Failure> {
        let wrong = |problem: String| Err(Failure::usage(format!("--out {}: {problem}", out.display())));
        let extension = out.extension().map(|extension| extension.to_string_lossy().to_lowercase());
        match (extension.as_deref(), anchors_per_shard) {
            (Some("png" | "tar"), Some(_)) => wrong("expected a folder with --shards, got a file".to_owned()),
            (_, Some(0)) => Err(Failure::usage("--anchors-per-shard: expected 1 or more, got 0")),
            (_, Some(_)) if out.exists() => {
                wrong("is there already; remove it or take another name".to_owned())
            }
            (_, Some(anchors_per_shard)) => Ok(Self::Shards { anchors_per_shard }),
            (Some("png"), None) => Ok(Self::Grid),
            (Some("tar"), None) if !out.is_dir() => Ok(Self::Archive),
            (None, None) => Ok(Self::Images),
            (Some(_), None) if out.is_dir() => Ok(Self::Images),
            (Some(other), None) => wrong(format!("expected a .png or .tar file or a folder, got .{other}")),
        }
    }

    /// Writes what `render` hands to its sink.
    ///
    /// # Errors
    /// What `render` gives, or a failure to write; an archive and a folder of shards appear whole or not at all.
    pub fn write(
        self,
        out: &Path,
        content: &ShardContent,
        per_anchor: usize,
        render: impl FnOnce(&mut Sink<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let shape = content.shape;
        match self {
            Self::Shards { anchors_per_shard } => {
                write_shard_folder(out, content, anchors_per_shard, |writer| {
                    render(&mut |rendered| write_anchors(writer, &rendered, content, per_anchor))
                })
            }
            Self::Archive => write_single_shard(out, content, |writer| {
                render(&mut |rendered| write_anchors(writer, &rendered, content, per_anchor))
            }),
            Self::Images => render(&mut |rendered| write_images(out, &rendered, shape, per_anchor)),
            Self::Grid => {
                let mut pixels = Vec::new();
                render(&mut |rendered| {
                    pixels.extend(rendered.pixels);
                    Ok(())
                })?;
                let images: Vec<&[u8]> = pixels.chunks(shape.bytes()).collect();
                write_grid(out, &images, shape, per_anchor, GAP).map_err(Failure::failed)
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
