//! Images for pages: which test images are shown, and how.

use std::path::Path;

use zview_data::ImageSet;
use zview_report::pictures::LabelledImage;
use zview_runtime::seed::{Purpose, Stream};

use crate::StudyError;

/// `count` different images drawn from `images` by the seed, before anybody looks at a result.
#[must_use]
pub fn draw_queries(seed: u64, images: usize, count: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..images).collect();
    Stream::new(seed, Purpose::Picture, 0, 0).shuffle(&mut order);
    order.truncate(count);
    order
}

/// One image of a set with its label.
///
/// # Errors
/// [`StudyError::Picture`].
pub fn labelled_image(set: &ImageSet, index: usize) -> Result<LabelledImage, StudyError> {
    let label = set.labels.as_ref().and_then(|labels| set.classes.get(labels[index] as usize)).cloned();
    let png = zview_data::picture::encode_grid(
        Path::new("nearest neighbours"),
        &[set.pixels(index)],
        set.shape,
        1,
        0,
    )?;
    Ok(LabelledImage { png, label: label.unwrap_or_default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_data::ImageShape;

    #[test]
    fn queries_are_different_images_and_depend_on_the_seed_alone() {
        let queries = draw_queries(1, 100, 8);
        let distinct: std::collections::BTreeSet<&usize> = queries.iter().collect();
        assert!(distinct.len() == 8 && queries.iter().all(|&image| image < 100));
        assert_eq!(queries, draw_queries(1, 100, 8));
        assert_ne!(queries, draw_queries(2, 100, 8));
        assert_eq!(draw_queries(1, 3, 8).len(), 3);
    }

    #[test]
    fn a_labelled_image_is_a_png_with_the_name_of_its_class() {
        let shape = ImageShape { channels: 1, height: 2, width: 2 };
        let set =
            ImageSet::new("x", shape, vec![7; 8], Some(vec![1, 0]), vec!["A".into(), "B".into()]).unwrap();
        let image = labelled_image(&set, 0).unwrap();
        assert!(image.label == "B" && image.png.starts_with(b"\x89PNG"));
    }
}
