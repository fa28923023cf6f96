//! Walks learned for known edits (Jahanian, Chai and Isola 2020, <https://arxiv.org/abs/1907.07171>, equation 1, the
//! linear walk with the L2 loss).
//!
//! w* = argmin E_{z, a} mean over known pixels of (G(z + a w) - edit(G(z), a))², with the generator G frozen. Pixels that
//! the edit cannot know, because they lie outside of G(z), do not count. a is uniform in the edit's range.

use burn::tensor::{Tensor, TensorData};
use serde::Serialize;
use zview_runtime::device::read_floats;

use super::edit::Edit;
use super::error::DirectionsError;
use super::set::{DirectionMethod, Directions, Origin, normalise};
use super::space::Space;
use crate::{Generator, LatentSpace};

/// Latents of the evaluation come from steps that training does not reach.
const EVALUATION: u64 = 1 << 40;
/// Batches of the evaluation.
const EVALUATION_BATCHES: u64 = 8;
/// Rows of different edits' draws are this far apart.
const ROWS_PER_EDIT: u64 = 1 << 32;

/// How walks are trained.
#[derive(Debug, Clone, PartialEq)]
pub struct WalkConfig {
    /// One walk each.
    pub edits: Vec<Edit>,
    /// Updates per walk.
    pub steps: u64,
    /// Latents per update.
    pub batch: usize,
    /// Adam's learning rate, for a walk of the edit's whole range; it falls to 0 as a half cosine.
    pub lr: f64,
    /// Latents are truncated at plus and minus this.
    pub truncation: f32,
    /// Seed of all draws.
    pub seed: u64,
}

impl Default for WalkConfig {
    fn default() -> Self {
        Self { edits: Edit::ALL.to_vec(), steps: 400, batch: 32, lr: 0.05, truncation: 2.0, seed: 0 }
    }
}

/// Trained walks.
#[derive(Debug, Clone, PartialEq)]
pub struct LearnedWalks {
    /// Named by their edits; a positive step is a positive a.
    pub directions: Directions,
    /// (K).
    pub quality: Vec<WalkQuality>,
}

/// How well a walk makes its edit, on latents that it was not trained on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct WalkQuality {
    /// Mean squared error of G(z + a w) against the edited G(z).
    pub loss: f64,
    /// The same of G(z), without a walk.
    pub loss_without_walk: f64,
}

impl WalkQuality {
    /// `loss` as a share of `loss_without_walk`: 0 is a perfect edit, 1 is no use.
    #[must_use]
    pub fn loss_ratio(&self) -> f64 {
        self.loss / self.loss_without_walk
    }
}

/// Adam (Kingma and Ba 2015, <https://arxiv.org/abs/1412.6980>) with one second moment for all of w, the mean over its
/// values: the axes of an isotropic latent space mean nothing, and a second moment for each would move w as far along
/// axes that hardly change the image as along those that do.
struct Adam {
    /// w (D), in latents per whole range of the edit.
    w: Vec<f32>,
    first_moment: Vec<f64>,
    second_moment: f64,
}

impl Adam {
    const BETA1: f64 = 0.9;
    const BETA2: f64 = 0.999;
    const EPSILON: f64 = 1e-12;

    fn new(dimension: usize) -> Self {
        Self { w: vec![0.0; dimension], first_moment: vec![0.0; dimension], second_moment: 0.0 }
    }

    /// Update `number`, counted from 1.
    fn step(&mut self, gradient: &[f32], number: u64, lr: f64) {
        let squares = gradient.iter().map(|g| f64::from(*g).powi(2)).sum::<f64>() / gradient.len() as f64;
        self.second_moment += (1.0 - Self::BETA2) * (squares - self.second_moment);
        let unbiased = |beta: f64| 1.0 - beta.powi(i32::try_from(number).unwrap_or(i32::MAX));
        let rms = (self.second_moment / unbiased(Self::BETA2)).sqrt() + Self::EPSILON;
        for ((w, moment), g) in self.w.iter_mut().zip(&mut self.first_moment).zip(gradient) {
            *moment += (1.0 - Self::BETA1) * (f64::from(*g) - *moment);
            *w -= (lr * *moment / unbiased(Self::BETA1) / rms) as f32;
        }
    }
}

/// Latents, and what their images should become.
struct Task {
    latents: Tensor<2>,
    classes: Option<Tensor<1, burn::tensor::Int>>,
    /// (B, 1): a as a share of the edit's range.
    share: Tensor<2>,
    /// (B, C, H, W).
    target: Tensor<4>,
    /// (B, C, H, W): 1 over the number of known values, where known.
    weight: Tensor<4>,
    /// G(z) as it is.
    image: Tensor<4>,
}

/// Trains a walk for every edit of `config` in `space`. `generator` must have been loaded with
/// [`Generator::load_differentiable`]; its weights do not change. `progress` is told how many updates of all walks are
/// done. Same seed, same CPU build: same bits.
///
/// # Errors
/// [`DirectionsError::Setting`] for a generator without gradients, no edits or an empty batch;
/// [`DirectionsError::Walk`] where a loss is not finite or a walk stays where it began.
pub fn learned_directions(
    generator: &Generator,
    space: LatentSpace,
    config: &WalkConfig,
    progress: &mut dyn FnMut(u64),
) -> Result<LearnedWalks, DirectionsError> {
    check(generator, config)?;
    let space = Space::new(generator, space)?;
    let trainer = Trainer { space, generator, config };
    let dimension = space.dimension();
    let (mut values, mut scale, mut quality) = (Vec::new(), Vec::new(), Vec::new());
    for (place, &edit) in config.edits.iter().enumerate() {
        let mut told = |step: u64| progress(place as u64 * config.steps + step);
        let mut row = trainer.train(edit, &mut told)?;
        quality.push(trainer.evaluate(edit, &row)?);
        let length = normalise(&mut row).ok_or_else(|| DirectionsError::Walk {
            edit: edit.name(),
            problem: "did not move, or moved beyond all numbers".to_owned(),
        })?;
        values.extend(row);
        scale.push(trainer.range(edit) / length);
    }
    let directions = Directions {
        names: config.edits.iter().map(|edit| edit.name().to_owned()).collect(),
        space: space.name(),
        values,
        dimension,
        eigenvalues: None,
        scale: Some(scale),
        origin: Origin::of(generator, DirectionMethod::Learned),
    };
    Ok(LearnedWalks { directions, quality })
}

fn check(generator: &Generator, config: &WalkConfig) -> Result<(), DirectionsError> {
    let setting = |what, expected: &str, got: String| DirectionsError::Setting {
        what,
        expected: expected.to_owned(),
        got,
    };
    if !generator.device().is_autodiff() {
        return Err(setting(
            "generator of a walk",
            "one that was loaded as differentiable",
            "one that was not".into(),
        ));
    }
    if config.edits.is_empty() {
        return Err(setting("edits", "one or more", "none".into()));
    }
    if config.batch == 0 || config.steps == 0 {
        return Err(setting(
            "steps and batch of a walk",
            "1 or more",
            format!("{} and {}", config.steps, config.batch),
        ));
    }
    if !(config.lr.is_finite() && config.lr > 0.0) {
        return Err(setting("learning rate of a walk", "a positive number", config.lr.to_string()));
    }
    Ok(())
}

struct Trainer<'a> {
    space: Space<'a>,
    generator: &'a Generator,
    config: &'a WalkConfig,
}

impl Trainer<'_> {
    fn range(&self, edit: Edit) -> f32 {
        let output = self.generator.output();
        edit.range(output.height, output.width)
    }

    fn train(&self, edit: Edit, progress: &mut dyn FnMut(u64)) -> Result<Vec<f32>, DirectionsError> {
        let mut adam = Adam::new(self.space.dimension());
        for step in 0..self.config.steps {
            let task = self.task(edit, step)?;
            let w = self.upload(&adam.w).require_grad();
            let gradients = self.loss(&task, &w)?.backward();
            let gradient = w.grad(&gradients).map(read_floats).transpose()?;
            let done = step as f64 / self.config.steps as f64;
            let lr = self.config.lr * 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
            adam.step(&gradient.unwrap_or_default(), step + 1, lr);
            progress(step + 1);
        }
        Ok(adam.w)
    }

    /// w (D) to (1, D).
    fn upload(&self, w: &[f32]) -> Tensor<2> {
        Tensor::from_data(TensorData::new(w.to_vec(), [1, w.len()]), self.generator.device())
    }

    /// Latents of batch `number`, with what the edit makes of their images.
    fn task(&self, edit: Edit, number: u64) -> Result<Task, DirectionsError> {
        let (generator, config) = (self.generator, self.config);
        let mut drawn = self.space.draw(
            config.seed,
            number,
            edit as u64 * ROWS_PER_EDIT,
            config.batch,
            config.truncation,
        );
        let share: Vec<f32> = drawn.streams.iter_mut().map(|stream| stream.uniform_in(-1.0, 1.0)).collect();
        let a: Vec<f32> = share.iter().map(|share| share * self.range(edit)).collect();
        let (latents, classes) = self.space.upload(&drawn);
        let image = self.space.image(latents.clone(), classes.clone())?.clamp(0.0, 1.0);
        let shape = image.dims();
        let [batch, channels, height, width] = shape;
        let edited = edit.apply(&read_floats(image.clone().inner())?, [channels, height, width], &a);
        let known = edited.known.iter().sum::<f32>().max(1.0);
        let weight: Vec<f32> = edited.known.iter().map(|one| one / known).collect();
        let device = generator.device();
        Ok(Task {
            latents,
            classes,
            share: Tensor::from_data(TensorData::new(share, [batch, 1]), device),
            target: Tensor::from_data(TensorData::new(edited.pixels, shape), device),
            weight: Tensor::from_data(TensorData::new(weight, shape), device),
            image,
        })
    }

    fn loss(&self, task: &Task, w: &Tensor<2>) -> Result<Tensor<1>, DirectionsError> {
        // (B, 1) x (1, D) -> (B, D)
        let latents = task.latents.clone() + task.share.clone().matmul(w.clone());
        let image = self.space.image(latents, task.classes.clone())?;
        Ok(error_of(image, task))
    }

    fn evaluate(&self, edit: Edit, w: &[f32]) -> Result<WalkQuality, DirectionsError> {
        let w = self.upload(w);
        let mut sums = [0.0; 2];
        for number in 0..EVALUATION_BATCHES {
            let task = self.task(edit, EVALUATION + number)?;
            let losses = [self.loss(&task, &w)?, error_of(task.image.clone(), &task)];
            for (sum, loss) in sums.iter_mut().zip(losses) {
                let loss = f64::from(read_floats(loss.inner())?.first().copied().unwrap_or(f32::NAN));
                if !loss.is_finite() {
                    let problem = format!("ended with a loss that is not finite ({loss})");
                    return Err(DirectionsError::Walk { edit: edit.name(), problem });
                }
                *sum += loss / EVALUATION_BATCHES as f64;
            }
        }
        Ok(WalkQuality { loss: sums[0], loss_without_walk: sums[1] })
    }
}

/// The mean squared error over known pixels, shape `[1]`.
fn error_of(image: Tensor<4>, task: &Task) -> Tensor<1> {
    let [batch, channels, height, width] = image.dims();
    let errors = (image - task.target.clone()).square() * task.weight.clone();
    // Row by row, then the rows: repeatable on graphics devices too.
    errors.reshape([batch, channels * height * width]).sum_dim(1).sum_dim(0).reshape([1])
}
