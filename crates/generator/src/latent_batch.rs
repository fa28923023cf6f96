//! A batch of latents on the host: anchors and their views.

use crate::LatentSpace;

/// Latents of B anchors with V views each, drawn on the host.
#[derive(Debug, Clone, PartialEq)]
pub struct LatentBatch {
    /// (B, V, D) row-major; view 0 of every anchor is the anchor itself.
    pub latents: Vec<f32>,
    /// (B, V) row-major classes; all views of an anchor share theirs. `None` if unconditional.
    pub condition: Option<Vec<i32>>,
    /// B.
    pub anchors: usize,
    /// V.
    pub per_anchor: usize,
    /// D of `space`.
    pub dimension: usize,
    /// The space that the latents are in.
    pub space: LatentSpace,
    /// Whether an anchor's views differ at all; if not, each anchor is rendered once.
    pub views_differ: bool,
}

impl LatentBatch {
    /// The number of views that need rendering per anchor: V, or 1 if all views are the anchor.
    #[must_use]
    pub fn distinct_views(&self) -> usize {
        if self.views_differ { self.per_anchor } else { 1 }
    }

    /// B times V, the number of images that this batch stands for.
    #[must_use]
    pub fn images(&self) -> usize {
        self.anchors * self.per_anchor
    }

    /// The same latents, all with one class instead of the drawn ones. An unconditional batch
    /// stays as it is.
    #[must_use]
    pub fn with_class(mut self, class: i32) -> Self {
        if let Some(condition) = &mut self.condition {
            condition.fill(class);
        }
        self
    }

    /// The anchors at these places, with their views. Panics, as a slice does, where there is no such anchor.
    #[must_use]
    pub fn select(&self, anchors: &[usize]) -> Self {
        fn rows<T: Copy>(values: &[T], length: usize, anchors: &[usize]) -> Vec<T> {
            anchors
                .iter()
                .flat_map(|&anchor| &values[anchor * length..(anchor + 1) * length])
                .copied()
                .collect()
        }
        Self {
            latents: rows(&self.latents, self.per_anchor * self.dimension, anchors),
            condition: self.condition.as_ref().map(|classes| rows(classes, self.per_anchor, anchors)),
            anchors: anchors.len(),
            ..*self
        }
    }
}
