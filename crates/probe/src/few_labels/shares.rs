//! Accuracy with a share of the training images labelled: the 1 % and 10 % of semi-supervised
//! learning (Chen et al., A Simple Framework for Contrastive Learning, ICML 2020, section 6).

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::draw::{LabelledPool, Learnt};
use super::few_shot::{FewShotConfig, FewShotScore};
use crate::ProbeError;
use zview_features::{Features, Settings};

/// Accuracy on all of `test` after learning from each of `config.shares` of every class of `pool`
/// (rounded, at least one image of each class), keyed as per cent: `1%`, `10%`.
///
/// A larger share's draw contains the smaller one's of the same number. Otherwise as
/// [`crate::few_labels::few_shot`].
///
/// # Errors
/// A share that is not above 0 and at most 1, and as [`crate::few_labels::few_shot`].
pub fn few_shot_shares(
    pool: &Features,
    test: &Features,
    config: &FewShotConfig,
) -> Result<BTreeMap<String, FewShotScore>, ProbeError> {
    config.check()?;
    let labelled = LabelledPool::new(pool, test)?;
    let mut scores = BTreeMap::new();
    for &share in &config.shares {
        let count = |images: usize| ((share * images as f64).round() as usize).clamp(1, images);
        let draws: Vec<Learnt> = (0..config.draws as u64)
            .into_par_iter()
            .map(|draw| {
                let draw = labelled.nested_draw(config.seed, draw);
                let images = draw.first(count);
                labelled.learn(&images, &config.penalty, config.max_iterations, draw.penalty_seed, None)
            })
            .collect::<Result<_, _>>()?;
        let labels = labelled.images_by_class.iter().map(|images| count(images.len())).sum();
        scores.insert(as_percent(share), FewShotScore::of(labels, &draws));
    }
    Ok(scores)
}

/// `0.01` as `1%`; a rounding error of the product with 100 is not shown.
fn as_percent(share: f64) -> String {
    format!("{}%", (share * 1e8).round() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::made_up::{clouds, numbered};

    #[test]
    fn every_class_gives_its_share_and_at_least_one() {
        // 200 images of class 0, 20 of class 1, 3 of class 2.
        let images: Vec<usize> = (0..600).filter(|image| *image < [600, 60, 9][image % 3]).collect();
        let (pool, test) = (clouds(600, 4, 3, 2.0, 0).select(&images), clouds(90, 4, 3, 2.0, 1));
        let config = FewShotConfig { draws: 3, ..Default::default() };
        let scores = few_shot_shares(&pool, &test, &config).unwrap();
        assert_eq!(scores.keys().collect::<Vec<_>>(), ["1%", "10%"]);
        assert_eq!((scores["1%"].labels, scores["10%"].labels), (2 + 1 + 1, 20 + 2 + 1));
        assert!(scores["10%"].mean > 0.7 && scores["1%"].draws.len() == 3, "{scores:?}");
        assert_eq!(scores, few_shot_shares(&pool, &test, &config).unwrap());
    }

    #[test]
    fn shares_are_written_as_people_write_them() {
        assert_eq!([0.01, 0.1, 0.07, 0.125, 1.0].map(as_percent), ["1%", "10%", "7%", "12.5%", "100%"]);
    }

    #[test]
    fn shares_that_cannot_work_are_named() {
        let pool = clouds(30, 2, 3, 1.0, 0);
        for share in [0.0, -0.1, 1.5, f64::NAN] {
            let config = FewShotConfig { shares: vec![share], ..Default::default() };
            let error = few_shot_shares(&pool, &pool, &config).unwrap_err().to_string();
            assert!(error.contains("shares"), "{error}");
        }
        let single = Features::new(vec![0.0], 1, vec![0], numbered(1)).unwrap();
        assert!(few_shot_shares(&single, &single, &FewShotConfig::default()).is_err());
    }
}
