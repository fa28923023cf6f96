//! How encoders and their images are read: options of every command that encodes images.

use std::path::{Path, PathBuf};

use clap::Args;
use zview_contrastive::source::SourceConfig;
use zview_contrastive::train::Recipe;
use zview_data::{ColorMode, ImageSet};
use zview_encoder::{FrozenEncoder, Pool, ReadOptions};
use zview_features::PixelScale;
use zview_probe::suite::{SuiteConfig, SuiteRequest};
use zview_runtime::cache_folder;
use zview_runtime::device::ChosenDevice;
use zview_selfcheck::Workload;

use super::data::parse_color;
use super::device_check::checked;
use crate::arguments::Common;
use crate::failure::Failure;

/// What an encoder file of other origin does not say of itself.
#[derive(Debug, Args)]
#[command(next_help_heading = "How encoders and images are read")]
pub struct EncoderFileOptions {
    /// Which network of a checkpoint with several, by a part of its tensors' names (encoder_k, teacher, state_dict_ema).
    #[arg(long, value_name = "NAME")]
    pub branch: Option<String>,
    /// Attention heads of a Vision Transformer whose file does not say it; those of published networks of its width where it
    /// is not given.
    #[arg(long, value_name = "N")]
    pub heads: Option<usize>,
    /// Which token of a Vision Transformer are the features, where its file does not say it: class-token or mean.
    #[arg(long, value_name = "TOKEN", value_parser = parse_pool)]
    pub pool: Option<Pool>,
}

impl EncoderFileOptions {
    /// How encoder files are read.
    pub fn read(&self) -> ReadOptions {
        ReadOptions {
            branch: self.branch.clone(),
            heads: self.heads,
            pool: self.pool,
            ..ReadOptions::default()
        }
    }
}

/// How an encoder and images are read.
#[derive(Debug, Args)]
#[command(next_help_heading = "How encoders and images are read")]
pub struct EncoderOptions {
    /// Side in pixels to which images are resized; the side that the encoder was trained at where it is not given.
    #[arg(long)]
    pub size: Option<usize>,
    /// Side in pixels to which the shorter side is resized before the centre of --size is kept, as 256 is for 224; --size
    /// where it is not given.
    #[arg(long)]
    pub resize: Option<usize>,
    /// Colours: as-stored, grey or rgb; what the encoder takes where it is not given.
    #[arg(long, value_parser = parse_color)]
    pub color: Option<ColorMode>,
    /// Share of unreadable image files to leave out; 0, or what the file says, where it is not given.
    #[arg(long)]
    pub max_reject_share: Option<f64>,
    /// Text file with a class in each line, such as those of ImageNet-100: only images of these are encoded. What the file
    /// or the encoder's run on the same images says where it is not given.
    #[arg(long, value_name = "FILE")]
    pub classes: Option<String>,
    /// How an encoder file of other origin wants its pixels: unit (0 to 1, the default), half (mean and standard deviation
    /// 0.5), imagenet, clip, or MEAN:STD, each one number or one for each channel with commas between them. zview's own
    /// files say it themselves.
    #[arg(long, value_name = "SCALE")]
    pub pixels: Option<PixelScale>,
    #[command(flatten)]
    pub file: EncoderFileOptions,
    /// Neither read nor keep features in the user's cache folder.
    #[arg(long)]
    pub no_cache: bool,
}

fn parse_pool(text: &str) -> Result<Pool, String> {
    match text {
        "class-token" => Ok(Pool::ClassToken),
        "mean" => Ok(Pool::Mean),
        _ => Err(format!("`{text}` is not one of class-token, mean")),
    }
}

impl EncoderOptions {
    /// `config` with what was given.
    pub fn apply(&self, config: &mut SuiteConfig) {
        config.size = self.size.or(config.size);
        config.resize = self.resize.or(config.resize);
        config.color = self.color.or(config.color);
        config.max_reject_share = self.max_reject_share.unwrap_or(config.max_reject_share);
        if self.classes.is_some() {
            config.classes.clone_from(&self.classes);
        }
        if self.pixels.is_some() {
            config.pixels.clone_from(&self.pixels);
        }
    }

    /// What features of the images of `data` by `encoder` are, without any protocol.
    pub fn features_of(&self, encoder: &Path, data: &str) -> SuiteConfig {
        let mut config =
            SuiteConfig { data: vec![data.to_owned()], protocols: Vec::new(), ..SuiteConfig::default() };
        // A recipe that cannot be read is said where the encoder is.
        let recipe = recipe_of(encoder).and_then(|file| Recipe::load(&file, &[]).ok());
        // Of the images that the run was of, what it left out is left out again, and so are other classes.
        if let Some(recipe) = recipe.filter(|recipe| same_images(&recipe.source, &config)) {
            config.max_reject_share = recipe.source.max_reject_share;
            config.classes = recipe.source.classes;
        }
        self.apply(&mut config);
        config
    }

    /// The request for the features of one encoder.
    pub fn request<'a>(
        &self,
        encoder: &'a PathBuf,
        config: &'a SuiteConfig,
        cache_folder: Option<&'a Path>,
        common: &Common,
    ) -> SuiteRequest<'a> {
        SuiteRequest {
            encoders: std::slice::from_ref(encoder),
            versus: &[],
            config,
            data_dir: common.data_dir.clone(),
            keep: None,
            read: self.file.read(),
            cache_folder,
            beside: false,
            one_arm: |_| Ok(()),
            command: None,
        }
    }

    /// Where features are kept.
    pub fn cache_folder(&self) -> Option<PathBuf> {
        cache_folder().filter(|_| !self.no_cache)
    }
}

/// The recipe of a run folder, or of the run that a checkpoint is of.
pub fn recipe_of(encoder: &Path) -> Option<PathBuf> {
    let mut folders = vec![encoder.to_owned()];
    // runs/x/checkpoints/step-00000100, or model.safetensors in it.
    let absolute = encoder.canonicalize().unwrap_or_default();
    let of_run = absolute.ancestors().skip(1).take(2).find(|folder| folder.ends_with("checkpoints"));
    folders.extend(of_run.and_then(Path::parent).map(Path::to_owned));
    folders.into_iter().map(|folder| folder.join("config.toml")).find(|file| file.exists())
}

/// Whether an encoder is judged on the images that it is of, and no others.
pub fn same_images(source: &SourceConfig, config: &SuiteConfig) -> bool {
    let place = |named: &str| Path::new(named).canonicalize().ok();
    let same =
        |own: &str, judged: &str| own == judged || place(own).is_some_and(|own| place(judged) == Some(own));
    let own = source.data.as_deref();
    own.is_some_and(|own| config.data.iter().all(|judged| same(own, judged)))
}

/// Compares the device with the CPU for what `request` is about to compute.
pub fn compared_for_features(
    request: &SuiteRequest<'_>,
    device: &ChosenDevice,
    common: &Common,
    (path, encoder, images): (&Path, &FrozenEncoder, &ImageSet),
) -> Result<(), Failure> {
    let (config, shape) = (encoder.config(), images.shape);
    let batch = request.config.batch.min(images.len());
    let (options, beyond) = (&request.how_read(), encoder.encoder().beyond_recipes());
    let workload = Workload::Features { encoder: path, options, config, beyond, shape, batch };
    checked(device.clone(), &workload, common).map(|_| ())
}
