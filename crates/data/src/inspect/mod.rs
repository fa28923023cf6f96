//! What a data set holds, without keeping it in memory.

mod tally;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use self::tally::{Tally, moments, tally_files, tally_mapped, tally_packed};
use crate::error::{DataError, Reject};
use crate::ignored::{Ignored, ignore};
use crate::image_set::ImageShape;
use crate::load::{fitted_shape, mixed_colours};
use crate::named::{self, OpenedSet, Resolved};
use crate::options::{ClassUse, ColorMode, LoadOptions, Split};
use crate::source::{Items, SplitContent};
use crate::view_shards::{ShardOptions, ViewShards, may_be_shards};

/// What a data set holds. Rejects are listed, however many there are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Inspection {
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub path: String,
    /// Its format.
    pub format: &'static str,
    /// Whether every image was decoded: else what is damaged behind its header is not known.
    pub decoded: bool,
    /// Usable images of all splits.
    pub images: usize,
    /// Of view shards: the fewest and the most views of an anchor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub views_per_anchor: Option<[usize; 2]>,
    /// True if every split has labels.
    pub labelled: bool,
    /// Name of each class, by label.
    pub classes: Vec<String>,
    /// Shape after colour and size options; none if sizes differ and no common one is set, or nothing is usable.
    pub shape: Option<ImageShape>,
    /// Sizes as stored, most frequent first.
    pub sizes: Vec<SizeCount>,
    /// What each split holds.
    pub splits: Vec<SplitInspection>,
    /// Image files of all splits that cannot be used.
    pub rejects: Vec<Reject>,
    /// How many of them there are for each reason.
    pub reject_reasons: BTreeMap<String, usize>,
    /// Files (of shards: members) that are no images, by why.
    pub ignored: Ignored,
    /// What is decided when these images are used, one sentence each.
    pub notes: Vec<String>,
}

/// What one split holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SplitInspection {
    /// Which one.
    pub split: Split,
    /// Usable images.
    pub images: usize,
    /// Images of each class, by label; empty without labels.
    pub class_counts: Vec<ClassCount>,
    /// Mean of each channel in 0 to 1, over all pixels of all usable images before resizing; empty where image files were
    /// not decoded.
    pub mean: Vec<f64>,
    /// Standard deviation of each channel, likewise.
    pub std: Vec<f64>,
    /// Image files that cannot be used.
    pub rejects: usize,
}

/// Images of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClassCount {
    /// Its name.
    pub class: String,
    /// How many.
    pub images: usize,
}

/// Images of one stored size.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SizeCount {
    /// In pixels.
    pub width: usize,
    /// In pixels.
    pub height: usize,
    /// 1 (grey) or 3 (colour).
    pub channels: usize,
    /// How many.
    pub images: usize,
}

/// One split that has been seen.
struct Seen {
    split: Split,
    tally: Tally,
    labelled: bool,
    rejects: usize,
}

/// Describes a data set as `pretrain` and `probe` will use it: counts, classes, sizes, pixel statistics, what is
/// decided, and what cannot be used.
///
/// # Errors
/// [`DataError`] when it cannot be found or read; unusable images are no error here.
pub fn inspect(name_or_path: &str, options: &LoadOptions) -> Result<Inspection, DataError> {
    options.check()?;
    let resolved = named::resolve(name_or_path, options.data_dir.as_deref())?;
    let (mut opened, options, question) = match resolved.open(options) {
        // Pretraining takes such images without classes; a probe asks.
        Err(DataError::Unclear { question, .. })
            if options.class_use == ClassUse::Needed && resolved.path.is_dir() =>
        {
            let options = LoadOptions { class_use: ClassUse::Optional, ..options.clone() };
            (resolved.open(&options)?, options, Some(question))
        }
        Err(error) => match inspect_shards(&resolved, options) {
            Some(inspection) => return inspection,
            None => return Err(error),
        },
        Ok(_) if resolved.path.is_file() && may_be_shards(&resolved.path) => {
            match inspect_shards(&resolved, options) {
                Some(inspection) => return inspection,
                None => (resolved.open(options)?, options.clone(), None),
            }
        }
        Ok(opened) => (opened, options.clone(), None),
    };
    let mut inspection = empty(&resolved, opened.format_name());
    let seen = look(&resolved, &mut opened, &options, &mut inspection)?;
    let grey: usize = seen.iter().map(|seen| grey_images(&seen.tally)).sum();
    let images: usize = seen.iter().map(|seen| seen.tally.images).sum();
    let in_colour = images > grey;
    let channels = options.color.channels(if in_colour { 3 } else { 1 });
    if options.color == ColorMode::AsStored && in_colour {
        inspection.notes.extend(mixed_colours(grey, images));
    }
    inspection.notes.extend(sizes_by_split(&seen).filter(|_| options.size.is_none()));
    let mut sizes = BTreeMap::<(usize, usize, usize), usize>::new();
    for Seen { split, tally, labelled, rejects } in seen {
        inspection.labelled &= labelled;
        inspection.images += tally.images;
        for (size, images) in &tally.sizes {
            *sizes.entry(*size).or_default() += images;
        }
        let (mean, std) = tally.histograms(channels).iter().map(moments).unzip();
        let count = |label: usize| tally.class_images.get(&(label as u32)).copied().unwrap_or(0);
        let class_counts = if labelled { inspection.classes.as_slice() } else { &[] };
        let class_counts = class_counts
            .iter()
            .enumerate()
            .map(|(label, class)| ClassCount { class: class.clone(), images: count(label) })
            .collect();
        inspection.splits.push(SplitInspection {
            split,
            images: tally.images,
            class_counts,
            mean,
            std,
            rejects,
        });
    }
    inspection.notes.extend(one_sided_classes(&inspection.splits));
    inspection.notes.extend(question.map(|question| format!("a probe asks: {question}")));
    inspection.labelled &= !inspection.splits.is_empty();
    for reject in &inspection.rejects {
        ignore(&mut inspection.reject_reasons, reject.reason.clone());
    }
    inspection.shape = common_shape(&sizes, (images > 0).then_some(channels), &options);
    inspection.sizes = size_counts(&sizes);
    Ok(inspection)
}

/// Most frequent first.
fn size_counts(sizes: &BTreeMap<(usize, usize, usize), usize>) -> Vec<SizeCount> {
    let count = |(&(width, height, channels), &images): (&(usize, usize, usize), &usize)| SizeCount {
        width,
        height,
        channels,
        images,
    };
    let mut counts: Vec<SizeCount> = sizes.iter().map(count).collect();
    counts.sort_by_key(|size| std::cmp::Reverse(size.images));
    counts
}

fn empty(resolved: &Resolved, format: &'static str) -> Inspection {
    Inspection {
        format,
        path: resolved.path.display().to_string(),
        name: resolved.name.clone(),
        decoded: true,
        images: 0,
        views_per_anchor: None,
        labelled: true,
        classes: Vec::new(),
        shape: None,
        sizes: Vec::new(),
        splits: Vec::new(),
        rejects: Vec::new(),
        reject_reasons: BTreeMap::new(),
        ignored: Ignored::new(),
        notes: Vec::new(),
    }
}

/// Looks at every image of every split there is.
fn look(
    resolved: &Resolved,
    opened: &mut OpenedSet,
    options: &LoadOptions,
    inspection: &mut Inspection,
) -> Result<Vec<Seen>, DataError> {
    let mut seen = Vec::new();
    let mut missing = None;
    for split in [Split::Train, Split::Test] {
        let content = match resolved.take(opened, split, options) {
            Err(error @ DataError::MissingSplit { .. }) => {
                missing = Some(error);
                continue;
            }
            other => other?,
        };
        let SplitContent { items, classes, mut rejects, ignored, notes } = content;
        inspection.classes = classes;
        inspection.ignored = ignored;
        for note in notes {
            if !inspection.notes.contains(&note) {
                inspection.notes.push(note);
            }
        }
        let (tally, labelled) = match items {
            Items::Packed { shape, pixels, labels } => {
                (tally_packed(shape, &pixels, labels.as_deref(), options), labels.is_some())
            }
            Items::Mapped { images, labels } => {
                inspection.decoded = options.decode;
                (tally_mapped(&images, labels.as_deref(), &mut rejects, options), labels.is_some())
            }
            Items::Files(files) => {
                inspection.decoded = options.decode;
                let labelled = files.iter().any(|file| file.label.is_some());
                (tally_files(&files, &mut rejects, options), labelled)
            }
        };
        seen.push(Seen { split, tally, labelled, rejects: rejects.len() });
        inspection.rejects.extend(rejects);
    }
    match missing {
        Some(error) if seen.is_empty() => Err(error),
        _ => Ok(seen),
    }
}

fn grey_images(tally: &Tally) -> usize {
    tally.sizes.iter().filter(|((_, _, channels), _)| *channels == 1).map(|(_, images)| images).sum()
}

/// That the images of each split have one size, but not the same.
fn sizes_by_split(seen: &[Seen]) -> Option<String> {
    let of_split = |seen: &Seen| {
        let mut extents = seen.tally.sizes.keys().map(|&(width, height, _)| (width, height));
        let first = extents.next()?;
        extents.all(|other| other == first).then_some(first)
    };
    let [train, test] = seen else { return None };
    let ((w1, h1), (w2, h2)) = (of_split(train)?, of_split(test)?);
    ((w1, h1) != (w2, h2)).then(|| {
        format!(
            "the images of the {} split are {w1} x {h1}, those of the {} split {w2} x {h2}: a probe needs a common \
             `size`",
            train.split, test.split
        )
    })
}

/// Classes of one split alone, as a probe will treat them.
fn one_sided_classes(splits: &[SplitInspection]) -> Vec<String> {
    let [train, test] = splits else { return Vec::new() };
    if train.class_counts.is_empty() || test.class_counts.is_empty() {
        return Vec::new();
    }
    let pairs = || train.class_counts.iter().zip(&test.class_counts);
    let only_in_test: BTreeMap<String, usize> = pairs()
        .filter(|(train, test)| train.images == 0 && test.images > 0)
        .map(|(_, test)| (test.class.clone(), test.images))
        .collect();
    let only_in_train: Vec<String> = pairs()
        .filter(|(train, test)| train.images > 0 && test.images == 0)
        .map(|(train, _)| train.class.clone())
        .collect();
    crate::comparable::in_words(&only_in_test, &only_in_train)
}

/// Views of anchors, where that is what is there.
fn inspect_shards(resolved: &Resolved, options: &LoadOptions) -> Option<Result<Inspection, DataError>> {
    if !may_be_shards(&resolved.path) {
        return None;
    }
    if let Some(list) = &options.classes {
        return Some(Err(DataError::InvalidOption {
            option: "classes",
            expected: "images of a data set".to_owned(),
            got: format!("{} for view shards, of which all are taken", list.display()),
        }));
    }
    let how = ShardOptions {
        skip_damaged: true,
        color: options.color,
        // With any size images of different sizes are no damage; none is resized here.
        size: options.size.or(Some(1)),
        limits: options.limits.clone(),
    };
    let shards = match ViewShards::open(Path::new(&resolved.path), &how) {
        Ok(shards) => shards,
        Err(error) => return Some(Err(DataError::Shards { source: Box::new(error) })),
    };
    let mut inspection = empty(resolved, "view shards");
    inspection.images = shards.images();
    inspection.shape = common_shape(&shards.sizes, Some(shards.shape().channels), options);
    if inspection.shape.is_none() {
        inspection.notes.push("the images differ in size: pretraining needs `source.size`".to_owned());
    }
    inspection.sizes = size_counts(&shards.sizes);
    let views: Vec<usize> = (0..shards.anchors()).map(|anchor| shards.views(anchor)).collect();
    let (fewest, most) = (views.iter().min().copied().unwrap_or(0), views.iter().max().copied().unwrap_or(0));
    inspection.views_per_anchor = Some([fewest, most]);
    inspection.notes.push(format!("{} anchors of {fewest} to {most} views", shards.anchors()));
    inspection.notes.extend(shards.notes.iter().cloned());
    inspection.ignored.clone_from(&shards.ignored);
    inspection.labelled = shards.classes().is_some();
    inspection.classes = shards.class_names().map(<[String]>::to_vec).unwrap_or_default();
    let mut counts = vec![0; inspection.classes.len()];
    for (anchor, &views) in views.iter().enumerate() {
        if let Some(count) = shards.class(anchor).and_then(|class| counts.get_mut(class as usize)) {
            *count += views;
        }
    }
    for damage in &shards.skipped {
        let text = damage.to_string();
        ignore(&mut inspection.reject_reasons, text.clone());
        inspection.rejects.push(Reject { path: resolved.path.display().to_string(), reason: text });
    }
    let class_counts = inspection.classes.iter().zip(counts);
    inspection.splits.push(SplitInspection {
        split: Split::Train,
        images: shards.images(),
        class_counts: class_counts
            .map(|(class, images)| ClassCount { class: class.clone(), images })
            .collect(),
        mean: Vec::new(),
        std: Vec::new(),
        rejects: shards.skipped.len(),
    });
    Some(Ok(inspection))
}

fn common_shape(
    sizes: &BTreeMap<(usize, usize, usize), usize>,
    channels: Option<usize>,
    options: &LoadOptions,
) -> Option<ImageShape> {
    let mut extents = sizes.keys().map(|&(width, height, _)| (width, height));
    let (width, height) = extents.next()?;
    let equal = extents.all(|other| other == (width, height));
    let shape = ImageShape { channels: channels?, height, width };
    (equal || options.size.is_some()).then(|| fitted_shape(shape, options))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ColorMode;
    use crate::test_files::{idx, jpeg_of, png_of, put};

    #[test]
    fn a_mixed_folder_is_described_with_everything_wrong_in_it() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "train/a/1.png", &png_of(4, 6, 3, 1));
        put(root.path(), "train/a/2.png", &png_of(4, 6, 1, 1));
        put(root.path(), "train/b/3.jpg", &jpeg_of(8, 8, 3, 1));
        put(root.path(), "train/b/4.jpg", b"");
        put(root.path(), "test/b/5.png", &png_of(4, 6, 3, 1));
        let path = root.path().to_str().unwrap();
        let whole = LoadOptions { decode: true, ..LoadOptions::default() };
        let seen = inspect(path, &whole).unwrap();
        let by_headers = inspect(path, &LoadOptions::default()).unwrap();
        assert_eq!((by_headers.decoded, by_headers.splits[0].mean.len()), (false, 0));
        assert_eq!((&by_headers.sizes, &by_headers.rejects), (&seen.sizes, &seen.rejects));
        assert_eq!((seen.images, seen.labelled, seen.format), (4, true, "image folder"));
        assert_eq!(seen.classes, ["a", "b"]);
        assert_eq!(seen.shape, None);
        assert_eq!(seen.sizes[0], SizeCount { width: 4, height: 6, channels: 3, images: 2 });
        assert_eq!(seen.sizes.len(), 3);
        assert_eq!(seen.splits[0].class_counts[1], ClassCount { class: "b".to_owned(), images: 1 });
        assert_eq!(seen.splits[1].class_counts[0].images, 0);
        assert_eq!((seen.splits[0].rejects, seen.rejects.len()), (1, 1));
        assert_eq!(seen.splits[0].mean.len(), 3);
        let options = LoadOptions { size: Some(5), color: ColorMode::Grey, ..LoadOptions::default() };
        let seen = inspect(root.path().to_str().unwrap(), &options).unwrap();
        assert_eq!(seen.shape, Some(ImageShape { channels: 1, height: 5, width: 5 }));
    }

    #[test]
    fn statistics_are_those_of_the_pixels() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "train-images-idx3-ubyte", &idx(&[2, 1, 2], &[0, 255, 255, 255]));
        let seen = inspect(root.path().to_str().unwrap(), &LoadOptions::default()).unwrap();
        assert_eq!((seen.labelled, seen.splits.len()), (false, 1));
        assert!(seen.splits[0].class_counts.is_empty());
        assert!((seen.splits[0].mean[0] - 0.75).abs() < 1e-12);
        assert!((seen.splits[0].std[0] - 0.1875f64.sqrt()).abs() < 1e-12);
        let json = serde_json::to_value(&seen).unwrap();
        for key in ["name", "images", "classes", "shape", "rejects"] {
            assert!(json.get(key).is_some(), "{key}");
        }
        assert_eq!(json["splits"][0]["split"], "train");
    }

    #[test]
    fn a_folder_of_only_bad_images_is_no_error() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "1.png", b"");
        let seen = inspect(root.path().to_str().unwrap(), &LoadOptions::default()).unwrap();
        assert_eq!((seen.images, seen.shape, seen.rejects.len()), (0, None, 1));
    }
}
