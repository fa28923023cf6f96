//! Corrupting a whole set of images.

use zview_data::ImageSet;
use zview_runtime::seed::{Purpose, Stream};

use super::kind::{Corruption, SEVERITIES};
use crate::ProbeError;
use zview_features::FeatureError;

/// Every image of `images` with `corruption` of severity 1 to 5; labels and classes stay.
///
/// Random draws (noise, place, direction) are those of (seed, corruption, number of the image in the set),
/// so that a higher severity does the same to an image, more strongly, and every encoder sees the same images.
///
/// # Errors
/// Another severity, an image that cannot be compressed.
pub fn corrupt(
    images: &ImageSet,
    corruption: Corruption,
    severity: u8,
    seed: u64,
) -> Result<ImageSet, ProbeError> {
    if !(1..=SEVERITIES).contains(&severity) {
        return Err(ProbeError::Features(FeatureError::Setting {
            key: "severities",
            expected: "1 to 5",
            got: severity.to_string(),
        }));
    }
    let strength = corruption.strengths()[usize::from(severity) - 1];
    let corrupted = images.map(|image, pixels| {
        let mut stream = Stream::new(seed, Purpose::Corruption, corruption as u64, image as u64);
        corruption
            .apply(pixels, images.shape, strength, &mut stream)
            .map_err(|message| ProbeError::Jpeg { image, message })
    });
    let corrupted: Result<Vec<Vec<u8>>, ProbeError> = corrupted?.into_iter().collect();
    let name = format!("{} with {} {severity}", images.name, corruption.name());
    let (labels, classes) = (images.labels.clone(), images.classes.clone());
    Ok(ImageSet::new(name, images.shape, corrupted?.concat(), labels, classes)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_data::ImageShape;

    /// Smooth random shapes with edges, as pictures have.
    fn pictures(channels: usize) -> ImageSet {
        let shape = ImageShape { channels, height: 28, width: 24 };
        let mut pixels = Vec::new();
        for image in 0..20 {
            let mut stream = Stream::new(0, Purpose::Check, 301, image);
            for _ in 0..channels {
                let (x, y) = (stream.uniform_in(6.0, 18.0), stream.uniform_in(6.0, 22.0));
                let (radius, slope) = (stream.uniform_in(3.0, 8.0), stream.uniform_in(1.0, 4.0));
                pixels.extend((0..28 * 24).map(|at| {
                    let (row, column) = ((at / 24) as f32, (at % 24) as f32);
                    let inside = (row - y).hypot(column - x) < radius;
                    (if inside { 200.0 } else { 20.0 } + slope * column) as u8
                }));
            }
        }
        ImageSet::new("pictures", shape, pixels, Some(vec![0; 20]), vec!["shape".into()]).unwrap()
    }

    fn mean_squared_error(a: &ImageSet, b: &ImageSet) -> f64 {
        let [one, other] = [a, b].map(|set| set.map(|_, pixels| pixels.to_vec()).unwrap().concat());
        let pairs = one.into_iter().zip(other);
        let sum: f64 = pairs.map(|(a, b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
        sum / (a.len() * a.shape.bytes()) as f64
    }

    #[test]
    fn every_severity_is_worse_than_the_one_before() {
        for channels in [1, 2, 3] {
            let clean = pictures(channels);
            for corruption in Corruption::all() {
                let mut before = 0.0;
                for severity in 1..=SEVERITIES {
                    let corrupted = corrupt(&clean, corruption, severity, 0).unwrap();
                    let error = mean_squared_error(&clean, &corrupted);
                    assert!(error > before, "{corruption:?} {severity} of {channels}: {error} {before}");
                    before = error;
                    assert_eq!((corrupted.shape, &corrupted.labels), (clean.shape, &clean.labels));
                }
            }
        }
    }

    #[test]
    fn draws_belong_to_seed_and_image() {
        let clean = pictures(1);
        for corruption in [Corruption::GaussianNoise, Corruption::Occlusion, Corruption::Shift] {
            let of = |seed| corrupt(&clean, corruption, 5, seed).unwrap();
            assert_eq!(of(0).content_sha256(), of(0).content_sha256());
            assert_ne!(of(0).content_sha256(), of(1).content_sha256());
            let first_alone = corrupt(&clean.first(1), corruption, 5, 0).unwrap();
            assert_eq!(first_alone.pixels(0).unwrap(), of(0).pixels(0).unwrap());
        }
    }

    #[test]
    fn what_cannot_be_done_is_named_and_no_image_is_no_image() {
        for severity in [0, 6] {
            let error = corrupt(&pictures(1), Corruption::Shift, severity, 0).unwrap_err().to_string();
            assert!(error.contains("`severities` must be 1 to 5"), "{error}");
        }
        assert!(corrupt(&pictures(1).first(0), Corruption::Jpeg, 1, 0).unwrap().is_empty());
        let pixel = ImageShape { channels: 1, height: 1, width: 1 };
        let pixel = ImageSet::new("pixel", pixel, vec![7], None, Vec::new()).unwrap();
        for corruption in Corruption::all() {
            assert_eq!(corrupt(&pixel, corruption, 5, 0).unwrap().len(), 1, "{corruption:?}");
        }
    }
}
