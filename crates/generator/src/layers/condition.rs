//! The class of an image, joined to the features (Mirza and Osindero 2014, <https://arxiv.org/abs/1411.1784>).

use std::ops::Range;

use burn::tensor::{Int, Tensor};
use serde::{Deserialize, Serialize};
use zview_network::weights::WeightsError;
use zview_network::{AnyVisitor, StateVisitor};

use super::chain::{Chain, within};
use super::loader::Fresh;
use super::{FirstLayer, Layer, LayerLoader, LayerSpec, Step};
use crate::architectures::activations::Activations;
use crate::manifest::Features;

/// The class as an embedding (weight (classes, dimension)) or one-hot, through layers of its own, joined to the
/// features. Beside a map, a flat class is the same at every pixel.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Prefix of the embedding in the state dict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Values of one embedding; one-hot classes have as many as there are classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dimension: Option<usize>,
    /// What a class is at first; default an embedding.
    #[serde(default, skip_serializing_if = "ClassCode::is_embedding")]
    pub class_as: ClassCode,
    /// How it is joined; default after the features.
    #[serde(default, skip_serializing_if = "Combine::is_append")]
    pub combine: Combine,
    /// What the class goes through before that; default nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<Layer>,
}

/// The most classes that are one-hot.
const ONE_HOT_MAX: usize = 4096;

/// What a class is at first.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassCode {
    /// A row of the file's embedding.
    #[default]
    Embedding,
    /// 1 at its number and 0 elsewhere.
    OneHot,
}

/// How a class is joined to the features.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Combine {
    /// After them: `cat((x, class))`.
    #[default]
    Append,
    /// Before them: `cat((class, x))`.
    Prepend,
    /// `x * class`.
    Multiply,
    /// `x + class`.
    Add,
    /// `x * class[:C] + class[C:]`, of a class with two values for each channel, as in conditional normalisation (de
    /// Vries et al. 2017, <https://arxiv.org/abs/1707.00683>).
    ScaleAndShift,
}

impl ClassCode {
    #[allow(clippy::trivially_copy_pass_by_ref)] // as serde asks
    fn is_embedding(&self) -> bool {
        *self == Self::Embedding
    }
}

impl Combine {
    #[allow(clippy::trivially_copy_pass_by_ref)] // as serde asks
    fn is_append(&self) -> bool {
        *self == Self::Append
    }

    fn joins(self) -> bool {
        matches!(self, Self::Append | Self::Prepend)
    }
}

impl Condition {
    /// An embedding of `dimension` values, after the features.
    #[must_use]
    pub fn embedding(key: String, dimension: usize) -> Self {
        Self { key: Some(key), dimension: Some(dimension), ..Self::default() }
    }

    /// The number of values of a class at first.
    fn values(&self, classes: usize) -> usize {
        match self.class_as {
            ClassCode::Embedding => self.dimension.unwrap_or(0),
            ClassCode::OneHot => classes,
        }
    }
}

impl LayerSpec for Condition {
    fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    fn nested(&self) -> Vec<(&'static str, &[Layer])> {
        vec![("layers", &self.layers)]
    }

    fn uses_class(&self) -> bool {
        true
    }

    fn problems(&self, classes: Option<usize>) -> Vec<String> {
        let mut problems = Vec::new();
        match (self.class_as, &self.key, self.dimension) {
            (ClassCode::Embedding, None, _) => problems.push(
                "expected the `key` of the embedding, or `class_as = \"one-hot\"`, got none".to_owned(),
            ),
            (ClassCode::Embedding, _, None | Some(0)) => {
                problems.push("expected `dimension`, the values of one embedding, got none".to_owned());
            }
            (ClassCode::OneHot, Some(key), _) => {
                problems
                    .push(format!("expected no `key`, because one-hot classes have no tensor, got `{key}`"));
            }
            (ClassCode::OneHot, _, Some(got)) if classes.is_some_and(|classes| classes != got) => {
                let classes = classes.unwrap_or(0);
                problems.push(format!("expected `dimension = {classes}`, the number of classes, got {got}"));
            }
            (ClassCode::OneHot, ..) if classes.is_some_and(|classes| classes > ONE_HOT_MAX) => {
                problems.push(format!("expected at most {ONE_HOT_MAX} classes that are one-hot, got more"));
            }
            _ => {}
        }
        problems
    }

    fn through(&self, from: Features, classes: Option<usize>) -> Result<Features, String> {
        let count = classes.ok_or("expected a section [condition], got none")?;
        let class = within(&self.layers, "layers", Features::Flat(self.values(count)), classes)?;
        if self.combine == Combine::ScaleAndShift {
            let (Features::Flat(channels) | Features::Map { channels, .. }) = from;
            return match class {
                Features::Flat(values) if channels.checked_mul(2) == Some(values) => Ok(from),
                class => Err(format!(
                    "expected a class of two values for each channel, got {from} and a class of {class}"
                )),
            };
        }
        match (from, class) {
            (Features::Flat(values), Features::Flat(added)) if self.combine.joins() => {
                Ok(Features::Flat(values.saturating_add(added)))
            }
            (Features::Map { channels, height, width }, Features::Flat(added)) if self.combine.joins() => {
                Ok(Features::Map { channels: channels.saturating_add(added), height, width })
            }
            (Features::Map { channels, height, width }, Features::Map { channels: added, .. })
                if self.combine.joins() && from.sides() == class.sides() =>
            {
                Ok(Features::Map { channels: channels.saturating_add(added), height, width })
            }
            (Features::Map { channels, .. }, Features::Flat(values)) if values == channels => Ok(from),
            _ if from == class => Ok(from),
            (_, class) if self.combine.joins() => Err(format!(
                "expected flat features, or a map of the class's size, got {from} and a class of {class}"
            )),
            (_, class) => {
                Err(format!("expected features of the class's shape, got {from} and a class of {class}"))
            }
        }
    }

    fn load(&self, loader: &mut LayerLoader<'_>, _from: Features) -> Result<Box<dyn Step>, WeightsError> {
        let (classes, values) = (loader.classes, self.values(loader.classes));
        let key = self.key.clone().filter(|_| self.class_as == ClassCode::Embedding);
        let table = match &key {
            Some(key) => loader.parameter(key, "weight", [classes, values], Fresh::Normal)?,
            None => Tensor::eye(classes, loader.file("a one-hot class")?.device),
        };
        let layers = Chain::load(&self.layers, loader, Features::Flat(values))?;
        let class = layers.to(Features::Flat(values));
        Ok(Box::new(Joined { key, table, layers, class, combine: self.combine }))
    }
}

#[derive(Debug, Clone)]
struct Joined {
    /// Of the table, where it is learned.
    key: Option<String>,
    /// (classes, E).
    table: Tensor<2>,
    layers: Chain,
    /// What comes out of the layers.
    class: Features,
    combine: Combine,
}

impl Joined {
    fn join(&self, now: Activations, class: Activations) -> Activations {
        now.joined(class, |now, class| {
            let [batch, values, ..] = class.dims();
            let [_, _, height, width] = now.dims();
            let class = match self.class {
                Features::Flat(_) => class.expand([batch, values, height, width]),
                Features::Map { .. } => class,
            };
            match self.combine {
                Combine::Append => Tensor::cat(vec![now, class], 1),
                Combine::Prepend => Tensor::cat(vec![class, now], 1),
                Combine::Multiply => now * class,
                Combine::Add => now + class,
                Combine::ScaleAndShift => {
                    let channels = values / 2;
                    now * class.clone().narrow(1, 0, channels) + class.narrow(1, channels, channels)
                }
            }
        })
    }
}

impl Step for Joined {
    fn forward(&self, now: Activations, classes: Option<&Tensor<1, Int>>) -> Activations {
        let Some(classes) = classes else { return now }; // the caller gives classes to a conditional generator
        let class = Activations::Flat(self.table.clone().select(0, classes.clone()));
        self.join(now, self.layers.forward(class, Some(classes)))
    }

    /// A product with one-hot classes picks rows, and its gradient is repeatable.
    fn train(&mut self, now: Activations, classes: Option<&Tensor<2>>) -> Activations {
        let Some(classes) = classes else { return now };
        let class = Activations::Flat(classes.clone().matmul(self.table.clone()));
        let class = self.layers.train(class, Some(classes));
        self.join(now, class)
    }

    fn visit(&mut self, prefix: &str, visitor: &mut AnyVisitor<'_>) {
        if let Some(key) = &self.key {
            visitor.parameter(&format!("{prefix}{key}.weight"), &mut self.table);
        }
        self.layers.visit(prefix, visitor);
    }

    fn first_layer(&self, z: Range<usize>, from: Features) -> FirstLayer {
        match self.combine {
            _ if from.sides() != [1, 1] => FirstLayer::Other,
            Combine::Append | Combine::Add => FirstLayer::Passed(z),
            Combine::Prepend => {
                let before = self.class.size();
                FirstLayer::Passed(z.start + before..z.end + before)
            }
            Combine::Multiply | Combine::ScaleAndShift => FirstLayer::Other,
        }
    }
}
