//! The anchors of several tar shards, as one set.

use std::path::Path;

use super::ShardError;
use super::classes::{ClassTable, ClassValue};
use super::manifest::ShardManifest;
use super::reader::ShardOptions;
use super::stored_images::{StoredImages, differ};
use super::tar_index::{NonNegative, TarAnchor, TarIndex};
use crate::ignored::Ignored;

/// The anchors of the shards so far.
#[derive(Default)]
pub(super) struct Merged {
    pub(super) anchors: Vec<TarAnchor>,
    pub(super) images: StoredImages,
    pub(super) classes: ClassTable,
    pub(super) ignored: Ignored,
    pub(super) labelled: usize,
    /// That of all shards so far, once there is one.
    pub(super) latent_dimension: Option<Option<usize>>,
}

impl Merged {
    /// Puts a shard's anchors behind those of the shards before it.
    ///
    /// # Errors
    /// Where it does not fit the manifest or them.
    pub(super) fn add(
        &mut self,
        shard: &Path,
        index: TarIndex,
        manifest: Option<&ShardManifest>,
        options: &ShardOptions,
    ) -> Result<(), ShardError> {
        let damaged = |problem| ShardError::Damaged { shard: shard.to_owned(), member: None, problem };
        let classes = index.classes.by_place();
        if let Some(manifest) = manifest {
            if let Some(got) = index.images.shape().filter(|got| *got != manifest.shape) {
                return Err(damaged(differ(manifest.shape, got)));
            }
            let [fewest, most] = manifest.views_per_anchor;
            let mut views = index.anchors.iter().map(|anchor| usize::from(anchor.views));
            if let Some(views) = views.find(|views| !(fewest..=most).contains(views)) {
                return Err(damaged(format!(
                    "an anchor has {views} views, the manifest says {fewest} to {most}"
                )));
            }
            if let Some(count) = manifest.classes {
                let fits = |class: &ClassValue| matches!(class, ClassValue::Number(number) if (*number as u64) < count as u64);
                let wrong = classes.iter().find(|class| !fits(class)).map(|class| class.name());
                let none = (index.labelled < index.anchors.len()).then(|| "none".to_owned());
                if let Some(got) = wrong.or(none) {
                    return Err(damaged(format!(
                        "an anchor has class {got}, the manifest says 0 to {}",
                        count.max(1) - 1
                    )));
                }
            }
            if index.latent_dimension != manifest.latent_dimension && !index.anchors.is_empty() {
                let in_words = |dimension: Option<usize>| match dimension {
                    Some(dimension) => format!("{dimension} latents for each view"),
                    None => "no latents that fit every view".to_owned(),
                };
                let (got, expected) = (in_words(index.latent_dimension), in_words(manifest.latent_dimension));
                return Err(damaged(format!("{got}, the manifest says {expected}")));
            }
        }
        self.images.merge(&index.images, options).map_err(damaged)?;
        for (why, count) in index.ignored {
            *self.ignored.entry(why).or_default() += count;
        }
        if index.anchors.is_empty() {
            return Ok(());
        }
        let places: Vec<Option<NonNegative>> =
            classes.into_iter().map(|class| self.classes.place(class.clone())).collect();
        let place = |class: NonNegative| places.get(class.get() as usize).copied().flatten();
        self.labelled += index.labelled;
        let known = *self.latent_dimension.get_or_insert(index.latent_dimension);
        if known != index.latent_dimension {
            let others =
                "anchors with latents, or without, unlike other shards: no latents are used".to_owned();
            *self.ignored.entry(others).or_default() += index.anchors.len();
        }
        self.latent_dimension = Some(known.filter(|_| known == index.latent_dimension));
        let anchors = index.anchors.into_iter();
        self.anchors
            .extend(anchors.map(|anchor| TarAnchor { class: anchor.class.and_then(place), ..anchor }));
        Ok(())
    }
}
