//! Running an ONNX file as a generator.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use burn::tensor::{Device, Int, Tensor, TensorData};
use rten::{Model, ModelOptions, NodeId, ValueOrView};
use rten_tensor::Tensor as HostTensor;
use rten_tensor::prelude::*;
use zview_runtime::device::read_floats;

use super::interface::Interface;
use crate::architectures::Architecture;
use crate::manifest::ClassEncoding;
use crate::{Manifest, Output};

/// A network in the runtime, whose images are uploaded to `device`.
pub(super) struct OnnxNetwork {
    model: Model,
    interface: Interface,
    dimension: usize,
    classes: usize,
    output: Output,
    device: Device,
}

impl std::fmt::Debug for OnnxNetwork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxNetwork").field("interface", &self.interface).finish_non_exhaustive()
    }
}

impl OnnxNetwork {
    /// Reads the file and renders one image, so that what does not fit shows now.
    ///
    /// # Errors
    /// What is wrong, without the path.
    pub(super) fn load(manifest: &Manifest, path: &Path, device: &Device) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
        // From bytes: a file that the model names is not read, the manifest's hash would not be of it.
        let model = guarded(|| {
            let mut options = ModelOptions::with_all_ops();
            options.prepack_weights(true);
            options.load(bytes).map_err(|error| {
                format!(
                    "{error}; expected an ONNX file with its weights inside, of operators that rten knows: export it \
                     again, with another opset_version or simpler operations"
                )
            })
        })?;
        let interface = Interface::of(&model, manifest)?;
        let network = Self {
            model,
            interface,
            dimension: manifest.latent.dimension,
            classes: manifest.classes().unwrap_or(0),
            output: manifest.output,
            device: device.clone(),
        };
        network.images(&vec![0.0; network.dimension], network.interface.class.map(|_| &[0][..]))?;
        Ok(network)
    }

    /// Images (B, C, H, W) of latents (B, D).
    fn images(&self, z: &[f32], classes: Option<&[i32]>) -> Result<Vec<f32>, String> {
        let rows = z.len() / self.dimension;
        let at_once = self.interface.rows.unwrap_or(rows).max(1);
        let Output { channels, height, width, .. } = self.output;
        let mut images = Vec::with_capacity(rows * channels * height * width);
        for first in (0..rows).step_by(at_once) {
            let count = at_once.min(rows - first);
            // A file for a fixed number of rows gets that many; the images of those added are left out.
            let mut z = z[first * self.dimension..][..count * self.dimension].to_vec();
            z.resize(at_once * self.dimension, 0.0);
            let classes = classes.map(|classes| {
                let mut classes = classes[first..][..count].to_vec();
                classes.resize(at_once, 0);
                classes
            });
            let mut part = guarded(|| self.run(at_once, z, classes))?;
            part.truncate(count * channels * height * width);
            images.extend(part);
        }
        Ok(images)
    }

    fn run(&self, rows: usize, z: Vec<f32>, classes: Option<Vec<i32>>) -> Result<Vec<f32>, String> {
        let shape: Vec<usize> =
            std::iter::once(rows).chain(self.interface.latent_shape.iter().copied()).collect();
        let z = HostTensor::from_data(shape.as_slice(), z);
        let mut inputs: Vec<(NodeId, ValueOrView<'_>)> = vec![(self.interface.latent, z.into())];
        if let (Some((node, encoding)), Some(classes)) = (self.interface.class, classes) {
            let value: ValueOrView<'_> = match encoding {
                ClassEncoding::Index => HostTensor::from_data(&[rows], classes).into(),
                ClassEncoding::OneHot => {
                    let mut one_hot = vec![0.0_f32; rows * self.classes];
                    for (row, class) in one_hot.chunks_exact_mut(self.classes).zip(classes) {
                        row[class as usize] = 1.0;
                    }
                    HostTensor::from_data(&[rows, self.classes], one_hot).into()
                }
            };
            inputs.push((node, value));
        }
        let mut outputs = self
            .model
            .run(inputs, &[self.interface.image], None)
            .map_err(|error| format!("does not run: {error}"))?;
        let value = outputs.pop().ok_or("gives no image")?;
        let image: HostTensor<f32> =
            value.try_into().map_err(|_| "gives no 32-bit floating-point numbers as image".to_owned())?;
        let Output { channels, height, width, .. } = self.output;
        let expected = [rows, channels, height, width];
        if image.shape() != expected {
            return Err(format!(
                "gives images of shape {:?} (batch, channels, height, width), the manifest says {expected:?}; correct \
                 [output], or name another output: `onnx.output`",
                image.shape()
            ));
        }
        Ok(image.into_data())
    }
}

impl Architecture for OnnxNetwork {
    /// On the host, wherever the latents are.
    fn render(&self, z: Tensor<2>, condition: Option<Tensor<1, Int>>) -> Result<Tensor<4>, String> {
        let rows = z.dims()[0];
        let Output { channels, height, width, .. } = self.output;
        let images = || {
            let z = read_floats(z).map_err(|error| error.to_string())?;
            let classes = condition.map(|condition| read_floats(condition.float())).transpose();
            let classes: Option<Vec<i32>> = classes
                .map_err(|error| error.to_string())?
                .map(|classes| classes.into_iter().map(|class| class as i32).collect());
            self.images(&z, classes.as_deref())
        };
        let images = images().map_err(|problem| format!("the ONNX network {problem}"))?;
        Ok(Tensor::from_data(TensorData::new(images, [rows, channels, height, width]), &self.device))
    }

    fn parameters(&self) -> usize {
        self.model.total_params()
    }
}

/// The runtime is third-party code on untrusted files: a panic in it is a bad file, not our end.
fn guarded<T>(run: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| Err("the ONNX runtime failed on it".to_owned()))
}
