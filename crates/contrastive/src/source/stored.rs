//! What a source reads from disk before it gives views: once, for however many sources are made of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use zview_data::view_shards::{ShardOptions, ViewShards};
use zview_data::{ClassUse, ImageSet, LoadOptions, Split};
use zview_encoder::augment::Augment;

use super::open::missing;
use super::{SourceConfig, SourceError, SourceKind};

/// Real images, or the index of view shards.
#[derive(Debug, Clone)]
pub enum Stored {
    /// A generator's views are made, not read.
    Nothing,
    /// Real images, in memory or on disk.
    Images(ImageSet),
    /// View shards, of which the index is in memory.
    Shards(Arc<ViewShards>),
}

impl SourceConfig {
    /// How its real images are loaded.
    #[must_use]
    pub fn load_options(&self, data_dir: Option<PathBuf>) -> LoadOptions {
        LoadOptions {
            data_dir,
            color: self.color,
            size: self.size,
            max_reject_share: self.max_reject_share,
            classes: self.classes.as_ref().map(PathBuf::from),
            class_use: ClassUse::Optional,
            ..LoadOptions::default()
        }
    }
}

impl Stored {
    /// What the recipe's source reads for batches of `anchors` anchors, whose pixels are augmented as `augment` says.
    ///
    /// # Errors
    /// [`SourceError::Data`], [`SourceError::Shards`] where it cannot be read.
    pub fn open(
        config: &SourceConfig,
        augment: &Augment,
        anchors: usize,
        data_dir: Option<PathBuf>,
    ) -> Result<Self, SourceError> {
        if config.kind == SourceKind::Shards {
            let path = config.shards.as_deref().ok_or_else(|| missing("source.shards"))?;
            let options = ShardOptions {
                skip_damaged: config.skip_damaged,
                color: config.color,
                size: config.size,
                ..ShardOptions::default()
            };
            return Ok(Self::Shards(Arc::new(ViewShards::open(Path::new(path), &options)?)));
        }
        if config.real_anchors(anchors) == 0 {
            return Ok(Self::Nothing);
        }
        let data = config.data.as_deref().ok_or_else(|| missing("source.data"))?;
        // Which channels there are decides nothing of whether there are crops.
        let streamed = config.crops(augment, 3, 1).is_some();
        let options = LoadOptions { streamed, ..config.load_options(data_dir) };
        let images = zview_data::load(data, Split::Train, &options)?;
        images.warn_of_small();
        Ok(Self::Images(images))
    }

    /// No more than one batch needs, where all of it is in memory.
    #[must_use]
    pub fn for_one_batch(self, config: &SourceConfig, anchors: usize) -> Self {
        match self {
            Self::Images(images) => Self::Images(images.first(config.real_anchors(anchors))),
            other => other,
        }
    }
}
