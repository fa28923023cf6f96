//! Steps along found or learned directions: SeFa (Shen and Zhou 2021, <https://arxiv.org/abs/2007.06600>), GANSpace
//! (Härkönen et al. 2020, <https://arxiv.org/abs/2004.02546>) or walks learned for edits (Jahanian et al. 2020,
//! <https://arxiv.org/abs/1907.07171>), the steered views of Jahanian et al. 2022
//! (<https://arxiv.org/abs/2106.05258>).

use std::path::Path;

use serde::{Deserialize, Serialize};
use zview_runtime::seed::Stream;

use super::{LatentSpace, Step, UnitCoordinates, ViewSampler, ViewsConfig};
use crate::directions::{
    Directions, DirectionsError, PrincipalConfig, factorised_directions, principal_directions,
};
use crate::{Generator, GeneratorError};

/// `directions` where they are found in the generator's weights.
const FACTORISED: &str = "factorised";
/// `directions` where they are found in samples.
const PRINCIPAL: &str = "principal";
/// How many directions are found where `direction_count` does not say it.
const COUNT_DEFAULT: usize = 10;

/// z' = z + std Σ_k t_k d_k, every t_k standard normal truncated to [-truncation, truncation], every d_k of length 1:
/// the views of an anchor differ in K ways and in no other. At truncation 2 a step has the root mean square length
/// 0.88 std √K where the d_k are orthogonal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Steered {
    /// "factorised", "principal" or a file of directions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directions: Option<String>,
    /// How many of the directions are taken, first ones first. Without it, all of a file, or the first ten that are
    /// found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction_count: Option<usize>,
}

impl ViewSampler for Steered {
    fn problems(&self, _: &ViewsConfig) -> Vec<String> {
        let mut problems = Vec::new();
        if self.directions.is_none() {
            problems.push(
                "`directions`: expected \"factorised\", \"principal\" or a file of `zview generator directions`, got none"
                    .to_owned(),
            );
        }
        if self.direction_count == Some(0) {
            problems.push("`direction_count`: expected 1 or more, got 0".to_owned());
        }
        problems
    }

    fn view(&self, step: &Step<'_>, anchor: &[f32], _: &[f32], stream: &mut Stream, view: &mut [f32]) {
        view.copy_from_slice(anchor);
        for direction in step.directions.chunks_exact(anchor.len()) {
            let step = step.std * stream.truncated_normal(step.truncation);
            view.iter_mut().zip(direction).for_each(|(view, direction)| *view += step * direction);
        }
    }

    fn directions(
        &self,
        views: &ViewsConfig,
        generator: &Generator,
        coordinates: &UnitCoordinates,
    ) -> Result<Vec<f32>, GeneratorError> {
        if views.space == LatentSpace::Z {
            generator.check_straight_directions()?;
        }
        let failed = |error: DirectionsError| GeneratorError::Directions(Box::new(error));
        let dimension = generator.space_dimension(views.space)?;
        let count = self.direction_count.unwrap_or(COUNT_DEFAULT.min(dimension));
        let directions = match self.directions.as_deref().unwrap_or(FACTORISED) {
            FACTORISED => factorised_directions(generator, views.space, count),
            PRINCIPAL => {
                // The same directions in every run, whatever its seed.
                let truncation = views.truncation;
                let how = PrincipalConfig { count, truncation, ..PrincipalConfig::default() };
                principal_directions(generator, views.space, &how)
            }
            path => Directions::read_for(Path::new(path), generator),
        }
        .map_err(failed)?;
        if directions.space != views.space {
            let (expected, got) = (views.space.name().to_owned(), directions.space.name().to_owned());
            return Err(failed(DirectionsError::Setting { what: "space of the directions", expected, got }));
        }
        let count = self.direction_count.unwrap_or(directions.count());
        if count > directions.count() {
            let (expected, got) =
                (format!("at most {}, as the file holds", directions.count()), count.to_string());
            return Err(failed(DirectionsError::Setting { what: "`direction_count`", expected, got }));
        }
        Ok(directions.in_unit_coordinates(coordinates, count))
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;
    use crate::{AnchorsConfig, AnySampler, LatentSampler, Manifest};

    fn config(directions: &str, direction_count: Option<usize>) -> ViewsConfig {
        let keys = Steered { directions: Some(directions.to_owned()), direction_count };
        ViewsConfig { std: 0.5, ..ViewsConfig::of(AnySampler::Steered(keys)) }
    }

    fn glyphs() -> Generator {
        let manifest = Manifest::find("glyphs-gan", &[]).unwrap();
        Generator::load(&manifest, None, &Device::flex()).unwrap()
    }

    /// Of each view, how far it lies along `direction` from its anchor, and how far in all.
    fn steps(generator: &Generator, config: &ViewsConfig, direction: &[f32]) -> Vec<(f32, f32)> {
        let mut sampler = LatentSampler::new(config, AnchorsConfig::default(), generator).unwrap();
        let batch = sampler.sample(generator, 1, 2, (0, 500)).unwrap();
        let of = |views: &[f32]| {
            let (anchor, view) = views.split_at(64);
            let step: Vec<f32> = view.iter().zip(anchor).map(|(view, anchor)| view - anchor).collect();
            let along = step.iter().zip(direction).map(|(a, b)| a * b).sum::<f32>();
            (along, step.iter().map(|value| value * value).sum::<f32>().sqrt())
        };
        batch.latents.chunks_exact(128).map(of).collect()
    }

    #[test]
    fn a_step_has_the_moments_of_its_formula_and_stays_on_its_directions() {
        let generator = glyphs();
        let first = factorised_directions(&generator, crate::LatentSpace::Z, 1).unwrap();
        let steps_of_one = steps(&generator, &config("factorised", Some(1)), first.row(0));
        assert!(steps_of_one.iter().all(|(along, length)| (along.abs() - length).abs() < 1e-5));
        assert!(steps_of_one.iter().all(|(along, _)| along.abs() <= 0.5 * 2.0 + 1e-5));
        let variance = steps_of_one.iter().map(|(along, _)| along * along).sum::<f32>() / 500.0;
        // 0.7737, the variance of a normal truncated at 2.
        assert!((variance / 0.25 - 0.7737).abs() < 0.08, "{variance}");
        let steps_of_ten = steps(&generator, &config("factorised", None), first.row(0));
        let squares = steps_of_ten.iter().map(|(_, length)| length * length).sum::<f32>() / 500.0;
        assert!((squares / 0.25 / 10.0 - 0.7737).abs() < 0.08, "{squares}");
    }

    #[test]
    fn directions_come_from_samples_or_a_file_and_survive_a_change_of_std() {
        let generator = glyphs();
        let how = PrincipalConfig { count: 2, ..PrincipalConfig::default() };
        let found = principal_directions(&generator, crate::LatentSpace::Z, &how).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("two.safetensors");
        found.save(&path).unwrap();
        let path = path.to_str().unwrap();
        assert_eq!(
            steps(&generator, &config("principal", Some(2)), found.row(0)),
            steps(&generator, &config(path, None), found.row(0))
        );
        let mut sampler =
            LatentSampler::new(&config(path, Some(1)), AnchorsConfig::default(), &generator).unwrap();
        let before = sampler.sample(&generator, 1, 2, (0, 1)).unwrap().latents;
        sampler.set_std(1.0);
        let after = sampler.sample(&generator, 1, 2, (0, 1)).unwrap().latents;
        let step = |latents: &[f32]| latents[64] - latents[0];
        assert!((step(&after) - 2.0 * step(&before)).abs() < 1e-5 && step(&before) != 0.0);
        let refused = |config: &ViewsConfig, words: &str| {
            let error = LatentSampler::new(config, AnchorsConfig::default(), &generator).unwrap_err();
            assert!(error.to_string().contains(words), "{error}");
        };
        refused(&config(path, Some(3)), "expected at most 2");
        refused(&config("factorised", Some(65)), "expected 1 to 64");
        refused(&config("absent.safetensors", None), "absent.safetensors");
    }
}
