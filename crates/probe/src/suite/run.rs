//! Every encoder on every data set.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use zview_data::{
    ColorMode, Comparable, ImageSet, ImageShape, LoadOptions, Split, image_groups, load, load_comparable,
    short_name,
};
use zview_encoder::{FrozenEncoder, LoadedEncoder, ReadOptions, encoder_file, read_encoder};
use zview_features::{FeatureCache, FeatureExtractor, ScaledPixels, Settings};
use zview_runtime::device::ChosenDevice;
use zview_runtime::run_folder::Environment;

use super::arms::{Difference, distinct};
use super::beside::StandsBeside;
use super::error::SuiteError;
use super::intervals::{TestGroups, TestIntervals};
use super::metric::Metric;
use super::page::{EvaluatedEncoder, EvaluationPage, PairedTest, SetPage};
use super::protocol::{Bench, Images, Judged};
use super::protocols::{ProtocolKind, SuiteConfig};
use super::set_evaluation::SetEvaluation;
use super::versus::{ArmSummary, FIRST, VERSUS, Versus, arms, comparisons, summaries};
use crate::encode_with;

/// Two encoders of different recipes, which must not be taken for seeds of one arm.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} and {} are not training seeds of one arm ({differ}), and are not pooled: for a difference put one after the \
     other as zview probe {} --versus {}", first.display(), other.display(), first.display(), other.display()
)]
pub struct NotOneArm {
    /// One of them.
    pub first: PathBuf,
    /// The other.
    pub other: PathBuf,
    /// In what.
    pub differ: String,
}

/// What to evaluate.
#[derive(Debug, Clone)]
pub struct SuiteRequest<'a> {
    /// Run folders or encoder files, one per training seed of one arm.
    pub encoders: &'a [PathBuf],
    /// Those of the arm that they are compared with.
    pub versus: &'a [PathBuf],
    /// Whether encoders are the training seeds of one arm.
    pub one_arm: fn(&[PathBuf]) -> Result<(), NotOneArm>,
    /// What is measured, and on which data sets.
    pub config: &'a SuiteConfig,
    /// Where named data sets are looked up first.
    pub data_dir: Option<PathBuf>,
    /// How encoder files of other origin are read; the side is that of [`Self::config`].
    pub read: ReadOptions,
    /// Folder in which fine-tuned networks are kept, if they are.
    pub keep: Option<&'a Path>,
    /// Where features are kept.
    pub cache_folder: Option<&'a Path>,
    /// Whether chance and the untrained encoder stand beside each result.
    pub beside: bool,
    /// The command that does the same again, for the page; without it no page is made.
    pub command: Option<String>,
}

/// One encoder on all data sets.
#[derive(Debug, Clone, Serialize)]
pub struct EncoderEvaluation {
    /// Its run folder or file.
    pub encoder: PathBuf,
    /// `first` or `versus`.
    pub arm: &'static str,
    /// The data sets.
    pub sets: Vec<SetEvaluation>,
}

/// All encoders on all data sets.
#[derive(Debug, Clone, Serialize)]
pub struct SuiteEvaluation {
    /// Each encoder.
    pub encoders: Vec<EncoderEvaluation>,
    /// Arms of several encoders.
    pub arms: Vec<ArmSummary>,
    /// The first arm against the other.
    pub comparisons: Vec<Versus>,
    /// What the keys of scores and differences mean, in the order of tables.
    pub metrics: Vec<Metric>,
    /// The page of the first encoder, as HTML.
    #[serde(skip)]
    pub page: Option<String>,
}

/// Evaluates every encoder on every data set; `before` is called with the first images that an encoder will see.
///
/// # Errors
/// Whatever cannot be loaded or measured, with encoder and data set.
pub fn evaluate<E: From<SuiteError>>(
    request: &SuiteRequest<'_>,
    device: &ChosenDevice,
    before: impl Fn(&Path, &FrozenEncoder, &ImageSet) -> Result<(), E>,
) -> Result<SuiteEvaluation, E> {
    request.config.check().map_err(SuiteError::Settings)?;
    refuse_repeated(request.encoders, request.versus)?;
    // Alone, encoders of different recipes are listed; a difference would pool them.
    let one_arm = (request.one_arm)(request.encoders);
    match &one_arm {
        Err(error) if request.versus.is_empty() => tracing::warn!("{error}"),
        Err(error) => return Err(SuiteError::NotOneArm(error.clone()).into()),
        Ok(()) => {}
    }
    (request.one_arm)(request.versus).map_err(SuiteError::NotOneArm)?;
    // Not after the first was judged for an hour.
    for path in request.encoders.iter().chain(request.versus).filter(|path| !encoder_file(path).is_file()) {
        read_encoder(path, &request.how_read(), &device.device)
            .map_err(|error| SuiteError::Encoder(Box::new(error)))?;
    }
    let cache = request.cache_folder.and_then(|folder| FeatureCache::new(folder, device));
    let mut encoders = Vec::new();
    let mut groups = Vec::new();
    let mut networks = Vec::new();
    let mut stands_beside = StandsBeside::default();
    let mut pages: Option<(EvaluatedEncoder, Vec<SetPage>)> = None;
    let first = request.encoders.iter().map(|path| (path, FIRST));
    for (path, arm) in first.chain(request.versus.iter().map(|path| (path, VERSUS))) {
        let loaded = read_encoder(path, &request.how_read(), &device.device)
            .map_err(|error| SuiteError::Encoder(Box::new(error)))?;
        loaded.tell();
        let scaled = scaled(&loaded, path, request)?;
        let encoder = loaded.encoder.clone();
        let (mut sets, mut set_pages) = (Vec::new(), Vec::new());
        let mut sha256 = String::new();
        for data in &request.config.data {
            let (images, outliers) = load_images(request, &encoder, data)?;
            let mut notes = [images.train.account(), images.test.account(), images.notes()].concat();
            notes.sort_unstable();
            notes.dedup();
            let Comparable { train, test, only_in_test, .. } = images;
            warn_of_other_size(request, &loaded, path, data, train.shape);
            before(path, &encoder, &train)?;
            let test_groups = image_groups(data, Split::Test, request.config.class_list())
                .map(|groups| TestGroups { unit: groups.unit.to_owned(), of_image: groups.of_image });
            let intervals = TestIntervals::new(test_groups.as_ref(), test.len())?;
            let others = request.config.outlier_data.as_deref().zip(outliers.as_ref());
            let images = Images {
                data,
                train: &train,
                test: &test,
                only_in_test: &only_in_test,
                notes: &notes,
                outliers: others,
            };
            let failed = |error| SuiteError::from((&*path.to_string_lossy(), data.as_str(), error));
            let network = network_name(path, data, &mut networks);
            let judged = Judged {
                encoder: &encoder,
                extractor: &*scaled,
                keep: request.keep.map(|folder| (folder, &*network)),
            };
            let started = Instant::now();
            let (config, pool) = (request.config, Some(request.config.train_pool));
            let encoded = encode_with(&*scaled, &train, &test, pool, config.batch, cache.as_ref());
            let encoded = encoded.map_err(failed)?;
            let bench = Bench::new(&judged, &images, &encoded, config, &intervals);
            let mut set = SetEvaluation::measure(&bench, started.elapsed().as_secs_f64()).map_err(failed)?;
            if request.beside {
                let stands = stands_beside.of(&judged, &images, request.config, cache.as_ref());
                set.beside = Some(stands.map_err(failed)?);
            }
            if encoders.is_empty() && request.command.is_some() {
                set_pages.push(SetPage::new(&set, &bench)?);
            }
            if encoders.is_empty() {
                groups.push(test_groups.map(|groups| groups.of_image));
            }
            sha256.clone_from(&encoded.extractor_sha256);
            sets.push(set);
        }
        if encoders.is_empty() {
            let config = encoder.config();
            let arch = serde_json::to_value(config.arch).unwrap_or_default();
            let described = EvaluatedEncoder {
                name: name_of(path),
                description: format!("{} of width {}", arch.as_str().unwrap_or_default(), config.width),
                feature_dimension: encoder.feature_dimension(),
                sha256,
            };
            pages = Some((described, set_pages));
        }
        encoders.push(EncoderEvaluation { encoder: path.clone(), arm, sets });
    }
    let on_data = arms(&encoders, groups);
    let mut arms = Vec::new();
    if one_arm.is_ok() {
        arms.extend(summaries(&encoders, &on_data, FIRST));
    }
    arms.extend(summaries(&encoders, &on_data, VERSUS));
    let comparisons = comparisons(&encoders, &on_data);
    let scores: Vec<_> =
        encoders.iter().flat_map(|encoder| &encoder.sets).flat_map(SetEvaluation::scores).collect();
    let metrics = distinct(scores.iter().map(|score| &score.metric));
    let page = pages.zip(request.command.clone()).map(|((encoder, sets), command)| {
        let paired = paired_tests(&encoder.name, request, &comparisons);
        EvaluationPage {
            encoder,
            sets,
            paired,
            command: Some(command),
            environment: Some(Environment::of(device)),
        }
        .render()
    });
    Ok(SuiteEvaluation { arms, comparisons, metrics, page, encoders })
}

/// Refuses an encoder that is named twice, however: it has no difference from itself, and is one training seed.
fn refuse_repeated(encoders: &[PathBuf], versus: &[PathBuf]) -> Result<(), SuiteError> {
    let arms = encoders.iter().map(|path| (path, true)).chain(versus.iter().map(|path| (path, false)));
    let mut before: Vec<(&PathBuf, bool, PathBuf)> = Vec::new();
    for (path, is_first) in arms {
        let file = encoder_file(path);
        if let Some((first, of_first, _)) = before.iter().find(|(.., known)| *known == file) {
            let problem = match *of_first == is_first {
                true => ", which is one training seed; name it once",
                false => ", which does not differ from itself; name another with --versus",
            };
            return Err(SuiteError::SameEncoder { first: (*first).clone(), other: path.clone(), problem });
        }
        before.push((path, is_first, file));
    }
    Ok(())
}

/// What an encoder is called: its run folder's name, or its file's.
fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// What fine-tuned networks of an encoder on a data set are called, `ENCODER-DATA`: another name than those of `taken`,
/// which it joins.
fn network_name(encoder: &Path, data: &str, taken: &mut Vec<String>) -> String {
    let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let of_encoder = if encoder.is_dir() { name_of(encoder) } else { stem(encoder) };
    let name = format!("{of_encoder}-{}", stem(Path::new(data)));
    // Some file systems ignore case.
    let unlike = |name: &String| taken.iter().all(|taken| taken.to_lowercase() != name.to_lowercase());
    let numbered = (2..).map(|number| format!("{name}-{number}"));
    let name = std::iter::once(name.clone()).chain(numbered).find(unlike).unwrap_or(name);
    taken.push(name.clone());
    name
}

impl SuiteRequest<'_> {
    /// How encoder files are read.
    #[must_use]
    pub fn how_read(&self) -> ReadOptions {
        ReadOptions { side: self.config.size, ..self.read.clone() }
    }
}

/// The encoder behind whatever scales its pixels.
pub(crate) fn scaled<'a>(
    loaded: &'a LoadedEncoder,
    path: &Path,
    request: &SuiteRequest<'_>,
) -> Result<Box<dyn FeatureExtractor + 'a>, SuiteError> {
    let encoder = &loaded.encoder;
    let trains = [ProtocolKind::FineTune, ProtocolKind::Scratch];
    let trained = trains.into_iter().any(|measure| request.config.asks_for(measure));
    if let (true, parts @ [_, ..]) = (trained, encoder.encoder().beyond_recipes()) {
        return Err(SuiteError::NotTrained { encoder: path.to_owned(), parts: parts.to_vec() });
    }
    let Some(scale) = &request.config.pixels else {
        if let Some(expected) = &loaded.expected_pixels {
            tracing::warn!(
                "{}: --pixels was not given, so that its pixels are those from 0 to 1 (unit); it most likely expects {}, {}",
                path.display(),
                expected.name,
                expected.why
            );
        }
        return Ok(Box::new(encoder));
    };
    let refused = |problem: String| {
        Err(SuiteError::Pixels { encoder: path.to_owned(), scale: scale.to_string(), problem })
    };
    let Some(expected) = &loaded.expected_pixels else {
        return refused("its file says how it scales pixels".to_owned());
    };
    if let Some(channels) = scale.channels().filter(|channels| *channels != encoder.channels()) {
        return refused(format!("it takes {} channels, not {channels}", encoder.channels()));
    }
    if trained && !scale.is_unit() {
        return refused("fine-tune and scratch train on pixels as they are".to_owned());
    }
    if expected.sure && encoder.channels() == 3 && scale.to_string() != expected.name {
        let (path, name, why) = (path.display(), expected.name, expected.why);
        tracing::warn!("{path}: --pixels {scale} was given; it most likely expects {name}, {why}");
    }
    Ok(if scale.is_unit() { Box::new(encoder) } else { Box::new(ScaledPixels::new(encoder, scale.clone())) })
}

/// Says where images have another size than the recipe beside a file asks for, and the file does not say it.
fn warn_of_other_size(
    request: &SuiteRequest<'_>,
    loaded: &LoadedEncoder,
    path: &Path,
    data: &str,
    images: ImageShape,
) {
    let Some(side) = loaded.recipe_side.filter(|_| request.config.size.is_none()) else { return };
    if [images.height, images.width] != [side; 2] {
        tracing::warn!(
            "{}: its recipe asks for images of {side}x{side} pixels, its file does not say it, and {data} is judged at \
             {}x{}; --size {side} judges it at its own",
            path.display(),
            images.height,
            images.width
        );
    }
}

/// How images are loaded for `encoder`.
pub(crate) fn load_options(request: &SuiteRequest<'_>, encoder: &FrozenEncoder) -> LoadOptions {
    let of_encoder = if encoder.channels() == 1 { ColorMode::Grey } else { ColorMode::Rgb };
    let SuiteConfig { color, size, resize, max_reject_share, .. } = *request.config;
    LoadOptions {
        data_dir: request.data_dir.clone(),
        color: color.unwrap_or(of_encoder),
        size: size.or(encoder.usual_side()),
        resize,
        max_reject_share,
        classes: request.config.class_list().map(Path::to_owned),
        ..LoadOptions::default()
    }
}

/// Training, test and outlying images as the encoder takes them.
fn load_images(
    request: &SuiteRequest<'_>,
    encoder: &FrozenEncoder,
    data: &str,
) -> Result<(Comparable, Option<ImageSet>), SuiteError> {
    let options = load_options(request, encoder);
    let images = load_comparable(data, &options)?;
    for note in images.notes() {
        tracing::warn!("{data}: {note}");
    }
    let outliers = match request.config.outlier_data.as_deref() {
        // The other data set at this one's size, whatever its own, and with all its classes.
        Some(other) if request.config.asks_for(ProtocolKind::Outliers) => {
            let same_size = LoadOptions { size: Some(images.test.shape.height), classes: None, ..options };
            Some(load(other, Split::Test, &same_size)?)
        }
        _ => None,
    };
    encoder
        .check_images(images.train.shape)
        .map_err(|error| SuiteError::ImagesDoNotFit { data: data.to_owned(), problem: error.to_string() })?;
    Ok((images, outliers))
}

fn paired_tests(encoder: &str, request: &SuiteRequest<'_>, comparisons: &[Versus]) -> Vec<PairedTest> {
    let other = |path: &PathBuf| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
    let names = request.versus.iter().map(other).collect::<Vec<_>>().join(", ");
    let pairs = |one: &Versus| {
        let test = |difference: &Difference| PairedTest {
            data: short_name(&one.data, request.config.data.iter().map(String::as_str)).to_owned(),
            encoder: match one.seeds[0] {
                1 => encoder.to_owned(),
                seeds => format!("mean of {seeds} encoders like {encoder}"),
            },
            other: names.clone(),
            difference: difference.clone(),
            n_test: one.n_test,
        };
        one.in_order().into_iter().map(test).collect::<Vec<_>>()
    };
    comparisons.iter().flat_map(pairs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encoder_is_not_compared_with_itself_however_it_is_spelt() {
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for run in ["a", "b"] {
            std::fs::create_dir(at(run)).unwrap();
            std::fs::write(at(run).join("encoder.safetensors"), "").unwrap();
        }
        let refused = |encoders: &[&str], versus: &[&str]| {
            let paths = |names: &[&str]| names.iter().map(|name| at(name)).collect::<Vec<_>>();
            refuse_repeated(&paths(encoders), &paths(versus)).err().map(|error| error.to_string())
        };
        assert_eq!(refused(&["a"], &["b"]), None);
        for spelt in ["a", "./a", "b/../a", "a/", "a/encoder.safetensors"] {
            let said = refused(&["a"], &["b", spelt]).unwrap();
            assert!(said.contains("does not differ from itself"), "{said}");
            let said = refused(&["a", spelt], &["b"]).unwrap();
            assert!(said.contains("one training seed"), "{said}");
        }
    }

    #[test]
    fn fine_tuned_networks_do_not_take_each_others_names() {
        let mut taken = Vec::new();
        let mut name = |encoder: &str, data: &str| network_name(Path::new(encoder), data, &mut taken);
        assert_eq!(name("runs/a/encoder.safetensors", "photos/"), "encoder-photos");
        assert_eq!(name("runs/b/encoder.safetensors", "photos/"), "encoder-photos-2");
        assert_eq!(name("runs/b/encoder.safetensors", "old/photos"), "encoder-photos-3");
        assert_eq!(name("runs/b/encoder.safetensors", "mnist"), "encoder-mnist");
        assert_eq!(name("runs/b/Encoder.safetensors", "mnist"), "Encoder-mnist-2");
    }
}
