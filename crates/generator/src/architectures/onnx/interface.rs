//! Which node of an ONNX file takes latents, which classes, and which gives images.

use rten::{DataType, Dimension, Model, NodeId, ValueType};

use crate::Manifest;
use crate::manifest::{ClassEncoding, OnnxInputs};

/// The nodes that are used, and the shapes of what goes in.
#[derive(Debug)]
pub(super) struct Interface {
    pub(super) latent: NodeId,
    /// Extents of one latent: (D) or (D, 1, 1).
    pub(super) latent_shape: Vec<usize>,
    pub(super) class: Option<(NodeId, ClassEncoding)>,
    pub(super) image: NodeId,
    /// Rows that the file was exported for; `None` for any number.
    pub(super) rows: Option<usize>,
}

impl Interface {
    /// Finds the nodes by the manifest's section `[onnx]`, or because there is only one.
    ///
    /// # Errors
    /// What does not fit, with the names that are there.
    pub(super) fn of(model: &Model, manifest: &Manifest) -> Result<Self, String> {
        let names = manifest.onnx.clone().unwrap_or_default();
        let OnnxInputs { latent, class, class_as, output } = &names;
        let class =
            class.as_deref().map(|name| named(model, model.input_ids(), "input", name)).transpose()?;
        let others: Vec<NodeId> =
            model.input_ids().iter().copied().filter(|input| Some(*input) != class).collect();
        let latent = match latent {
            Some(name) => named(model, &others, "input", name)?,
            None => match others.as_slice() {
                [only] => *only,
                _ => return Err(number_of_inputs(model, manifest)),
            },
        };
        if others.len() != 1 {
            return Err(number_of_inputs(model, manifest));
        }
        let image = match (output, model.output_ids()) {
            (Some(name), outputs) => named(model, outputs, "output", name)?,
            (None, [only]) => *only,
            (None, outputs) => {
                let names = list(model, outputs);
                return Err(format!(
                    "{} outputs ({names}), expected 1; name it: `onnx.output`",
                    outputs.len()
                ));
            }
        };
        let (latent_shape, rows) = latent_shape(model, latent, manifest.latent.dimension)?;
        if let Some(class) = class {
            check_type(model, class, *class_as)?;
        }
        Ok(Self { latent, latent_shape, class: class.map(|node| (node, *class_as)), image, rows })
    }
}

fn name(model: &Model, node: NodeId) -> String {
    model
        .node_info(node)
        .and_then(|info| info.name().map(str::to_owned))
        .unwrap_or_else(|| "unnamed".to_owned())
}

fn list(model: &Model, nodes: &[NodeId]) -> String {
    nodes.iter().map(|node| name(model, *node)).collect::<Vec<_>>().join(", ")
}

fn named(model: &Model, nodes: &[NodeId], what: &str, wanted: &str) -> Result<NodeId, String> {
    nodes.iter().copied().find(|node| name(model, *node) == wanted).ok_or_else(|| {
        format!("no {what} `{wanted}`, there are {}; correct the section [onnx]", list(model, nodes))
    })
}

fn number_of_inputs(model: &Model, manifest: &Manifest) -> String {
    let inputs = model.input_ids();
    let (expected, remedy) = match manifest.condition {
        None => ("1 (latents)", "if one is a class, give [condition] and `onnx.class`"),
        Some(_) => ("2 (latents and classes)", "export the network with its other inputs fixed"),
    };
    format!("{} inputs ({}), expected {expected}; {remedy}", inputs.len(), list(model, inputs))
}

/// The extents of one latent, and the fixed number of rows if there is one.
fn latent_shape(
    model: &Model,
    latent: NodeId,
    dimension: usize,
) -> Result<(Vec<usize>, Option<usize>), String> {
    let shape = model.node_info(latent).and_then(|info| info.shape());
    // Nothing known of it: (B, D).
    let Some(shape) = shape.filter(|shape| shape.len() > 1) else { return Ok((vec![dimension], None)) };
    let rows = match &shape[0] {
        Dimension::Fixed(rows) => Some((*rows).max(1)),
        Dimension::Symbolic(_) => None,
    };
    let mut extents: Vec<usize> = shape[1..]
        .iter()
        .map(|extent| match extent {
            Dimension::Fixed(extent) => *extent,
            Dimension::Symbolic(_) => 1,
        })
        .collect();
    if matches!(shape[1], Dimension::Symbolic(_)) {
        extents[0] = dimension;
    }
    let values: usize = extents.iter().fold(1, |product, extent| product.saturating_mul(*extent));
    if values != dimension {
        return Err(format!(
            "the input `{}` takes latents of {values} values, the manifest says {dimension}; correct `latent.dimension`",
            name(model, latent)
        ));
    }
    Ok((extents, rows))
}

fn check_type(model: &Model, class: NodeId, encoding: ClassEncoding) -> Result<(), String> {
    let stored = model.node_info(class).and_then(|info| info.dtype());
    let (expected, said, other) = match encoding {
        ClassEncoding::Index => (DataType::Int32, "index", "one-hot"),
        ClassEncoding::OneHot => (DataType::Float, "one-hot", "index"),
    };
    match stored {
        Some(ValueType::Tensor(stored)) if stored != expected => Err(format!(
            "the input `{}` holds {stored:?}, `onnx.class_as = \"{said}\"` gives {expected:?}; set it to \"{other}\"",
            name(model, class)
        )),
        _ => Ok(()),
    }
}
