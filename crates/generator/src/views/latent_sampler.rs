//! Drawing batches of anchors and their views for one generator.

use std::sync::Arc;

use zview_runtime::seed::{Purpose, Stream};

use super::adaptive::adapted_std;
use super::anchors::{AnchorChooser, AnchorKey};
use super::space::w_from_z;
use super::steered::{Steered, directions_of};
use super::{AnchorsConfig, LatentSpace, UnitCoordinates, ViewKind, ViewSampler, ViewsConfig};
use crate::{Generator, GeneratorError, LatentBatch};

/// Draws anchors and their views, as a recipe's `[anchors]` and `[views]` say.
pub struct LatentSampler {
    views: ViewsConfig,
    sampler: Box<dyn ViewSampler>,
    anchors: AnchorChooser,
    coordinates: UnitCoordinates,
    /// Of kind `steered`: (K, D), in these coordinates.
    directions: Option<Arc<[f32]>>,
    /// D of z.
    dimension: usize,
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
        let mut sampler = Self::in_z(views, anchors, generator.latent_dimension(), generator.classes());
        if views.space == LatentSpace::W {
            sampler.coordinates = UnitCoordinates::of_w(generator, views.truncation)?;
        }
        if views.kind == ViewKind::Steered {
            sampler.directions = Some(directions_of(views, generator, &sampler.coordinates)?);
            sampler.set_std(views.std);
        }
        Ok(sampler)
    }

    /// In z, for a generator of which only D and the number of classes are known.
    pub(super) fn in_z(
        views: &ViewsConfig,
        anchors: AnchorsConfig,
        dimension: usize,
        classes: Option<usize>,
    ) -> Self {
        Self {
            sampler: views.sampler(),
            views: views.clone(),
            anchors: AnchorChooser::new(anchors),
            coordinates: UnitCoordinates::of_z(),
            directions: None,
            dimension,
            classes,
        }
    }

    /// Draws `count` anchors (B) and their views (V), the anchors from number `first` on of the `step`'s: latents
    /// (B, V, D) and for a conditional generator one class per anchor, shared by its views.
    ///
    /// Anchors are standard normal in z, truncated as `[views]` says, and mapped to w where views are drawn there;
    /// view 0 is the anchor. Every anchor, class and view has its own stream, so that a draw does not depend on the
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
            drawn.latents = w_from_z(generator, drawn.latents)?;
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
        self.coordinates.dimension().unwrap_or(self.dimension)
    }

    /// The std of steps now.
    #[must_use]
    pub fn std(&self) -> f32 {
        self.views.std
    }

    /// Sets the std of steps.
    pub fn set_std(&mut self, std: f32) {
        self.views.std = std;
        self.sampler = match &self.directions {
            Some(directions) => Box::new(Steered::along(Arc::clone(directions), &self.views)),
            None => self.views.sampler(),
        };
    }

    /// Whether an anchor's views differ at all.
    #[must_use]
    pub fn views_differ(&self) -> bool {
        self.sampler.views_differ()
    }

    /// Everything that is drawn in z.
    pub(super) fn draw(&mut self, run_seed: u64, step: u64, (first, count): (u64, usize)) -> Drawn {
        let keys = self.anchors.keys(run_seed, step, first, count);
        let others = if self.sampler.uses_other() { self.views.per_anchor - 1 } else { 0 };
        let mut drawn = Drawn {
            latents: Vec::with_capacity(count * (1 + others) * self.dimension),
            streams: Vec::with_capacity(count * (self.views.per_anchor - 1)),
            condition: self.classes.map(|_| Vec::with_capacity(count * self.views.per_anchor)),
            anchors: count,
        };
        for (place, key) in (0..).zip(keys) {
            let slot = first + place;
            let mut stream = Stream::new(run_seed, Purpose::Anchor, key.step, key.index);
            drawn.fill(&mut stream, self.dimension, self.views.truncation);
            for view in 1..self.views.per_anchor as u64 {
                let mut stream = self.anchors.view_stream(run_seed, (step, slot), key, view);
                if others > 0 {
                    drawn.fill(&mut stream, self.dimension, self.views.truncation);
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
    pub(super) fn finish(&self, mut drawn: Drawn) -> LatentBatch {
        let (per_anchor, anchors) = (self.views.per_anchor, drawn.anchors);
        let rows = if self.sampler.uses_other() { per_anchor } else { 1 };
        let dimension = drawn.latents.len() / (anchors * rows).max(1);
        let mut latents = vec![0.0; anchors * per_anchor * dimension];
        if dimension > 0 {
            drawn.latents.chunks_exact_mut(dimension).for_each(|latent| self.coordinates.standardise(latent));
            let mut streams = drawn.streams.iter_mut();
            let bases = drawn.latents.chunks_exact(rows * dimension);
            for (base, views) in bases.zip(latents.chunks_exact_mut(per_anchor * dimension)) {
                let (anchor, mut others) = base.split_at(dimension);
                let (first, views) = views.split_at_mut(dimension);
                first.copy_from_slice(anchor);
                for (view, stream) in views.chunks_exact_mut(dimension).zip(&mut streams) {
                    let other;
                    (other, others) = others.split_at(dimension.min(others.len()));
                    self.sampler.view(anchor, other, stream, view);
                }
            }
            latents.chunks_exact_mut(dimension).for_each(|latent| self.coordinates.unstandardise(latent));
        }
        LatentBatch {
            latents,
            condition: drawn.condition,
            anchors,
            per_anchor,
            dimension,
            space: self.views.space,
            views_differ: self.sampler.views_differ(),
        }
    }
}

/// What was drawn for a batch, before views are made of it.
pub(super) struct Drawn {
    /// Of each anchor its latent and, where the sampler uses them, the other latents of its views: (B, 1 or V, D).
    pub(super) latents: Vec<f32>,
    /// The streams of the views after the first, (B, V - 1).
    streams: Vec<Stream>,
    condition: Option<Vec<i32>>,
    anchors: usize,
}

impl Drawn {
    fn fill(&mut self, stream: &mut Stream, dimension: usize, truncation: f32) {
        self.latents.extend((0..dimension).map(|_| stream.truncated_normal(truncation)));
    }
}
