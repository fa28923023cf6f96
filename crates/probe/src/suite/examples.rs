//! Images that stand for all on a page.

use std::path::Path;

use zview_data::ImageSet;
use zview_data::picture::encode_grid;
use zview_report::pictures::{LabelledImage, NeighbourFigure};
use zview_runtime::seed::{Purpose, Stream};

use super::SuiteError;
use super::set_evaluation::QueryNeighbours;

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
/// [`SuiteError`] where it cannot be read or is no picture.
pub fn labelled_image(set: &ImageSet, index: usize) -> Result<LabelledImage, SuiteError> {
    let label = set.labels.as_ref().and_then(|labels| set.classes.get(labels[index] as usize)).cloned();
    let png = encode_grid(Path::new("nearest neighbours"), &[&*set.pixels(index)?], set.shape, 1, 0)?;
    Ok(LabelledImage { png, label: label.unwrap_or_default() })
}

/// The images of `neighbours` as pictures, `arm` being the name of their row.
///
/// # Errors
/// Where an image is no picture.
pub fn neighbour_figure(
    arms: &[(&str, &[QueryNeighbours])],
    train: &ImageSet,
    test: &ImageSet,
) -> Result<NeighbourFigure, SuiteError> {
    let queries = arms.first().map_or(&[][..], |(_, neighbours)| *neighbours);
    let row = |of: &QueryNeighbours| -> Result<Vec<_>, SuiteError> {
        of.train.iter().map(|&image| labelled_image(train, image)).collect()
    };
    let rows = |&(arm, neighbours): &(&str, &[QueryNeighbours])| -> Result<_, SuiteError> {
        Ok((arm.to_owned(), neighbours.iter().map(row).collect::<Result<_, _>>()?))
    };
    Ok(NeighbourFigure {
        queries: queries.iter().map(|of| labelled_image(test, of.test)).collect::<Result<_, _>>()?,
        arms: arms.iter().map(rows).collect::<Result<_, _>>()?,
    })
}

#[cfg(test)]
mod tests {
    use zview_data::ImageShape;

    use super::*;

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
