//! Which labelled images are learnt from.

use zview_data::ImageSet;
use zview_runtime::seed::{Purpose, Stream};

use crate::ProbeError;
use zview_features::FeatureError;

/// Indices of `labels_per_class` images of every class, or of all images, in ascending order.
///
/// They are those of the first draw of [`crate::few_labels::few_shot`] on all of `train` with the same seed.
///
/// # Errors
/// A set without images or labels, of one class only, with a class that has none or fewer than `labels_per_class`.
pub fn labelled_subset(
    train: &ImageSet,
    labels_per_class: Option<usize>,
    seed: u64,
) -> Result<Vec<usize>, ProbeError> {
    let by_class = images_by_class(train)?;
    let Some(needed) = labels_per_class else { return Ok((0..train.len()).collect()) };
    let mut stream = Stream::new(seed, Purpose::FewShot, needed as u64, 0);
    let mut chosen = Vec::with_capacity(needed * by_class.len());
    for (class, mut of_class) in by_class.into_iter().enumerate() {
        if of_class.len() < needed {
            return Err(ProbeError::TooFewLabelled {
                class: train.classes[class].clone(),
                available: of_class.len(),
                needed,
                pool: train.len(),
            });
        }
        stream.shuffle(&mut of_class);
        chosen.extend_from_slice(&of_class[..needed]);
    }
    chosen.sort_unstable();
    Ok(chosen)
}

/// Each class's images of a set that can be learnt from.
fn images_by_class(train: &ImageSet) -> Result<Vec<Vec<usize>>, ProbeError> {
    let Some(labels) = &train.labels else {
        return Err(ProbeError::Features(FeatureError::Unlabelled { set: train.name.clone() }));
    };
    if train.is_empty() {
        return Err(ProbeError::Features(FeatureError::Empty { set: train.name.clone() }));
    }
    if train.classes.len() < 2 {
        return Err(ProbeError::Features(FeatureError::OneClass {
            class: train.classes.first().cloned().unwrap_or_default(),
        }));
    }
    let classes = train.classes.len();
    if let Some((image, &label)) = labels.iter().enumerate().find(|&(_, &label)| label as usize >= classes) {
        return Err(ProbeError::Features(FeatureError::Label { image, label, classes }));
    }
    let mut by_class = vec![Vec::new(); classes];
    for (image, &label) in labels.iter().enumerate() {
        by_class[label as usize].push(image);
    }
    match by_class.iter().position(Vec::is_empty) {
        Some(class) => {
            Err(ProbeError::ClassMissing { class: train.classes[class].clone(), images: train.len() })
        }
        None => Ok(by_class),
    }
}
