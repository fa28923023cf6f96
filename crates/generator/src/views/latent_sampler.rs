//! Drawing batches of anchors and their views for one generator.

use zview_runtime::seed::{Purpose, Stream};

use super::adaptive::adapted_std;
use super::anchors::{AnchorChooser, AnchorKey};
use super::space::w_from_z;
use super::{AnchorsConfig, LatentSpace, Step, UnitCoordinates, ViewsConfig};
use crate::prior::Prior;
use crate::{Generator, GeneratorError, LatentBatch};

/// Draws anchors and their views, as a recipe's `[anchors]` and `[views]` say.
pub struct LatentSampler {
    views: ViewsConfig,
    anchors: AnchorChooser,
    coordinates: UnitCoordinates,
    /// (K, D), in these coordinates; none without a generator.
    directions: Vec<f32>,
    prior: Prior,
    classes: Option<usize>,
}

impl std::fmt::Debug for LatentSampler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LatentSampler").field("views", &self.views).finish_non_exhaustive()
    }
}

impl LatentSampler {
    /// For `generator`. `views` and `anchors` must be valid ([`ViewsConfig::validate`], [`AnchorsConfig::problems`]).
    ///
    /// # Errors
    /// [`GeneratorError::NoIntermediateSpace`] for views in w of a generator that has none;
    /// [`GeneratorError::Device`] where the device cannot be read; [`GeneratorError::Directions`] for kind `steered`
    /// where its directions cannot be found or read.
    pub fn new(
        views: &ViewsConfig,
        anchors: AnchorsConfig,
        generator: &Generator,
    ) -> Result<Self, GeneratorError> {
        let prior = generator.prior().clone();
        let mut sampler = Self::with_prior(views, anchors, prior, generator.classes());
        if views.space == LatentSpace::W {
            sampler.coordinates = UnitCoordinates::of_w(generator, views.truncation)?;
        }
        sampler.directions = views.kind.sampler().directions(views, generator, &sampler.coordinates)?;
        Ok(sampler)
    }

    /// In z, for a generator of which only the prior and the number of classes are known.
    pub(crate) fn with_prior(
        views: &ViewsConfig,
        anchors: AnchorsConfig,
        prior: Prior,
        classes: Option<usize>,
    ) -> Self {
        Self {
            views: views.clone(),
            anchors: AnchorChooser::new(anchors),
            coordinates: UnitCoordinates::of_z(),
            directions: Vec::new(),
            prior,
            classes,
        }
    }

    /// Draws `count` anchors (B) and their views (V), the anchors from number `first` on of the `step`'s: latents
    /// (B, V, D) and for a conditional generator one class per anchor, shared by its views.
    ///
    /// Anchors are drawn from the generator's prior in z, truncated as `[views]` says, and mapped to w where views are
    /// drawn there; view 0 is the anchor. Every anchor, class and view has its own stream, so that a draw does not depend on the
    /// batch it is in.
    ///
    /// # Errors
    /// [`GeneratorError::Device`] where w cannot be read from the device.
    pub fn sample(
        &mut self,
        generator: &Generator,
        run_seed: u64,
        step: u64,
        (first, count): (u64, usize),
    ) -> Result<LatentBatch, GeneratorError> {
        let mut drawn = self.draw(run_seed, step, (first, count));
        if self.views.space == LatentSpace::W && !drawn.latents.is_empty() {
            drawn.latents = w_from_z(generator, self.prior.z_from_rows(drawn.latents))?;
        }
        Ok(self.finish(drawn))
    }

    /// Moves the std of kind `adaptive` after the views were measured to agree by `agreement`.
    pub fn adapt(&mut self, agreement: f32) {
        if let Some(wanted) = self.views.wanted_agreement() {
            self.set_std(adapted_std(self.views.std, agreement, wanted));
        }
    }

    /// D of the space that views are drawn in.
    #[must_use]
    pub fn latent_dimension(&self) -> usize {
        self.coordinates.dimension().unwrap_or_else(|| self.prior.dimension())
    }

    /// The std of steps now.
    #[must_use]
    pub fn std(&self) -> f32 {
        self.views.std
    }

    /// Sets the std of steps.
    pub fn set_std(&mut self, std: f32) {
        self.views.std = std;
    }

    /// Everything that is drawn in z.
    pub(crate) fn draw(&mut self, run_seed: u64, step: u64, (first, count): (u64, usize)) -> Drawn {
        let keys = self.anchors.keys(run_seed, step, first, count);
        let others = if self.views.kind.sampler().uses_other() { self.views.per_anchor - 1 } else { 0 };
        let mut drawn = Drawn {
            latents: Vec::with_capacity(count * (1 + others) * self.prior.dimension()),
            streams: Vec::with_capacity(count * (self.views.per_anchor - 1)),
            condition: self.classes.map(|_| Vec::with_capacity(count * self.views.per_anchor)),
            anchors: count,
        };
        for (place, key) in (0..).zip(keys) {
            let slot = first + place;
            let mut stream = Stream::new(run_seed, Purpose::Anchor, key.step, key.index);
            self.prior.draw(&mut stream, self.views.truncation, &mut drawn.latents);
            for view in 1..self.views.per_anchor as u64 {
                let mut stream = self.anchors.view_stream(run_seed, (step, slot), key, view);
                if others > 0 {
                    self.prior.draw(&mut stream, self.views.truncation, &mut drawn.latents);
                }
                drawn.streams.push(stream);
            }
            let position = step.wrapping_mul(count as u64).wrapping_add(place);
            self.add_class(&mut drawn, run_seed, position, key);
        }
        drawn
    }

    fn add_class(&mut self, drawn: &mut Drawn, run_seed: u64, position: u64, key: AnchorKey) {
        if let (Some(classes), Some(condition)) = (self.classes, &mut drawn.condition) {
            let class = self.anchors.class(run_seed, key, position, classes);
            condition.extend(std::iter::repeat_n(class, self.views.per_anchor));
        }
    }

    /// From anchors and other latents in the space of the views to the latents of all views.
    pub(crate) fn finish(&self, mut drawn: Drawn) -> LatentBatch {
        let (per_anchor, anchors) = (self.views.per_anchor, drawn.anchors);
        let ViewsConfig { std, truncation, .. } = self.views;
        let (sampler, step) =
            (self.views.kind.sampler(), Step { std, truncation, directions: &self.directions });
        let rows = if sampler.uses_other() { per_anchor } else { 1 };
        let length = drawn.latents.len() / (anchors * rows).max(1);
        let in_z = self.views.space == LatentSpace::Z;
        // Samplers step in the coordinates; behind them are the categories.
        let coordinates = length.saturating_sub(if in_z { self.prior.categories() } else { 0 });
        let mut latents = vec![0.0; anchors * per_anchor * length];
        if length > 0 {
            drawn.latents.chunks_exact_mut(length).for_each(|latent| self.coordinates.standardise(latent));
            let mut streams = drawn.streams.iter_mut();
            let bases = drawn.latents.chunks_exact(rows * length);
            for (base, views) in bases.zip(latents.chunks_exact_mut(per_anchor * length)) {
                let (anchor, mut others) = base.split_at(length);
                let (first, views) = views.split_at_mut(length);
                first.copy_from_slice(anchor);
                for (view, stream) in views.chunks_exact_mut(length).zip(&mut streams) {
                    let other;
                    (other, others) = others.split_at(length.min(others.len()));
                    let redrawn = sampler.redraws_categories() && !other.is_empty();
                    let categories = if redrawn { other } else { anchor };
                    view[coordinates..].copy_from_slice(&categories[coordinates..]);
                    let other = &other[..coordinates.min(other.len())];
                    sampler.view(&step, &anchor[..coordinates], other, stream, &mut view[..coordinates]);
                }
            }
            latents.chunks_exact_mut(length).for_each(|latent| self.coordinates.unstandardise(latent));
        }
        let latents = if in_z { self.prior.z_from_rows(latents) } else { latents };
        let dimension = latents.len() / (anchors * per_anchor).max(1);
        LatentBatch {
            latents,
            condition: drawn.condition,
            anchors,
            per_anchor,
            dimension,
            space: self.views.space,
            views_differ: sampler.views_differ(),
        }
    }
}

/// What was drawn for a batch, before views are made of it.
pub(crate) struct Drawn {
    /// Of each anchor its row ([`Prior`]), or its w, and, where the sampler uses them, those of the other latents of
    /// its views: (B, 1 or V, D).
    pub(super) latents: Vec<f32>,
    /// The streams of the views after the first, (B, V - 1).
    streams: Vec<Stream>,
    condition: Option<Vec<i32>>,
    anchors: usize,
}
