//! What a kind of layer is: what its manifest entry says, and what is built from it.

use std::fmt::Debug;
use std::ops::Range;

use burn::tensor::{Int, Tensor};
use zview_network::weights::WeightsError;
use zview_network::{AnyVisitor, StateVisitor};

use super::{Layer, LayerLoader};
use crate::architectures::activations::Activations;
use crate::manifest::Features;

/// A manifest's entry.
pub(crate) trait LayerSpec {
    /// The prefix of its tensors, of a layer that has some.
    fn key(&self) -> Option<&str> {
        None
    }

    /// The lists of layers within it, by name.
    fn nested(&self) -> Vec<(&'static str, &[Layer])> {
        Vec::new()
    }

    /// Why it does not take the tensor `part` of its key that the file has, as "says ..".
    fn not_taken(&self, _part: &str) -> Option<String> {
        None
    }

    /// Whether it uses the class of an image.
    fn uses_class(&self) -> bool {
        self.nested().iter().any(|(_, layers)| layers.iter().any(|layer| layer.spec().uses_class()))
    }

    /// What is wrong whatever comes in, as "expected .., got ..".
    fn problems(&self, _classes: Option<usize>) -> Vec<String> {
        Vec::new()
    }

    /// What it makes of features of a shape, or "expected .., got ..". Nothing may overflow.
    fn through(&self, from: Features, classes: Option<usize>) -> Result<Features, String>;

    /// The features nearest to `got` that it accepts.
    fn wanted(&self, got: Features) -> Features {
        got
    }

    /// The range of values that it bounds its output to; `None` where it does not.
    fn range(&self) -> Option<[f32; 2]> {
        None
    }

    /// Whether values pass unchanged: their arrangement alone differs.
    fn keeps_values(&self) -> bool {
        false
    }

    /// The layer with its tensors, of a file or fresh, for features that [`Self::through`] accepts.
    fn load(&self, loader: &mut LayerLoader<'_>, from: Features) -> Result<Box<dyn Step>, WeightsError>;
}

/// A layer with its weights on a device. One that has tensors and overrides neither `visit` nor `train` is only read
/// from files: see [`LayerLoader::file`].
pub(crate) trait Step: Debug + CloneStep {
    /// What it makes of features; nothing in it changes.
    fn forward(&self, now: Activations, classes: Option<&Tensor<1, Int>>) -> Activations;

    /// As [`Self::forward`] in training, with one-hot classes (B, K).
    fn train(&mut self, now: Activations, _classes: Option<&Tensor<2>>) -> Activations {
        self.forward(now, None)
    }

    /// Shows what training changes, under its names in files after `prefix`.
    fn visit(&mut self, _prefix: &str, _visitor: &mut AnyVisitor<'_>) {}

    /// Takes a ReLU that follows into its own pass, if it can.
    fn take_relu(&mut self) -> bool {
        false
    }

    /// What it does to z, which lies at `z` of the flat features so far.
    fn first_layer(&self, _z: Range<usize>, _from: Features) -> FirstLayer {
        FirstLayer::Other
    }
}

/// Copying of steps of any kind.
pub(crate) trait CloneStep {
    fn boxed(&self) -> Box<dyn Step>;
}

impl<S: Step + Clone + 'static> CloneStep for S {
    fn boxed(&self) -> Box<dyn Step> {
        Box::new(self.clone())
    }
}

impl Clone for Box<dyn Step> {
    fn clone(&self) -> Self {
        (**self).boxed()
    }
}

/// Shows `name.weight` and, where there is one, `name.bias`.
pub(super) fn show_weights<const R: usize>(
    name: &str,
    weight: &mut Tensor<R>,
    bias: &mut Option<Tensor<1>>,
    visitor: &mut AnyVisitor<'_>,
) {
    visitor.parameter(&format!("{name}.weight"), weight);
    if let Some(bias) = bias {
        visitor.parameter(&format!("{name}.bias"), bias);
    }
}

/// What the layers so far do to a latent z.
#[allow(clippy::large_enum_variant, reason = "there is one per network")]
pub(crate) enum FirstLayer {
    /// Nothing: z lies at these places now.
    Passed(Range<usize>),
    /// A product with these weights (D, F).
    Weights(Tensor<2>),
    /// Something else.
    Other,
}
