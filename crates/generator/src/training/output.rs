//! Writing a trained generator in the form that every other command reads.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use zview_data::{ImageSet, ImageShape};
use zview_network::NamedTensors;
use zview_network::checkpoint::CheckpointError;
use zview_runtime::atomic::{WriteError, write_file};
use zview_runtime::hash::sha256_of_bytes;

use super::config::GeneratorTraining;
use super::method::Design;
use crate::manifest::{Condition, Manifest, Output};

/// The weights after `step` updates, beside the manifest.
fn weights_name(step: u64) -> String {
    format!("generator-{step:08}.safetensors")
}

/// The manifest's file name, as every generator folder has it.
pub(super) const MANIFEST: &str = "generator.toml";

/// What the manifest of a trained generator says; `weights` and `sha256` are left for the weights to fill in.
pub(super) fn manifest(training: &GeneratorTraining, images: &ImageSet, design: Design) -> Manifest {
    let ImageShape { channels, height, width } = images.shape;
    let classes = training.generator.conditional.then_some(images.classes.len());
    let Design { architecture, options, latent, range, layers } = design;
    Manifest {
        path: PathBuf::new(),
        embedded_weights: None,
        name: training.name.clone(),
        source: format!(
            "zview generator train, seed {}, on the training images of {} (sha256 {})",
            training.seed,
            images.name,
            images.content_sha256()
        ),
        licence: training.licence.clone(),
        weights: PathBuf::new(),
        sha256: String::new(),
        architecture,
        onnx: None,
        state_dict: None,
        ignore: Vec::new(),
        latent,
        condition: classes.map(|classes| Condition { classes, names: class_names(images) }),
        output: Output { channels, height, width, range },
        options,
        layers,
    }
}

/// The names of the classes, where they are more than their numbers.
fn class_names(images: &ImageSet) -> Vec<String> {
    let is_number = |(number, name): (usize, &String)| *name == number.to_string();
    if images.classes.iter().enumerate().all(is_number) { Vec::new() } else { images.classes.clone() }
}

/// Writes the weights after `step` updates, then the manifest that names them, then removes older weights: at any
/// moment the manifest that is there names weights that are there.
pub(super) fn write_generator(
    folder: &Path,
    manifest: &Manifest,
    tensors: &NamedTensors,
    step: u64,
) -> Result<(), CheckpointError> {
    let weights = weights_name(step);
    let bytes = tensors.to_bytes(HashMap::new())?;
    write_file(&folder.join(&weights), &bytes)?;
    let (sha256, weights) = (sha256_of_bytes(&bytes), PathBuf::from(weights));
    let manifest = Manifest { sha256, weights, ..manifest.clone() };
    let path = folder.join(MANIFEST);
    let text = toml::to_string(&manifest)
        .map_err(|error| WriteError { path: path.clone(), source: std::io::Error::other(error) })?;
    write_file(&path, text.as_bytes())?;
    Ok(remove_other_weights(folder, step)?)
}

fn remove_other_weights(folder: &Path, step: u64) -> Result<(), WriteError> {
    let kept = weights_name(step);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let other = name.to_str().filter(|name| {
            let digits = name.strip_prefix("generator-").and_then(|name| name.strip_suffix(".safetensors"));
            *name != kept && digits.is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
        });
        if other.is_some() {
            let path = entry.path();
            std::fs::remove_file(&path).map_err(|source| WriteError { path, source })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use zview_network::freeze;
    use zview_runtime::device::read_floats;
    use zview_runtime::seed::{Purpose, Stream};

    use super::*;
    use crate::Generator;
    use crate::training::batch::Batches;
    use crate::training::{Setting, new_method};

    /// The network in training and the generator that is loaded from its file draw the same.
    #[test]
    fn what_is_written_loads_as_the_network_that_was_trained() {
        let device = Device::flex();
        let shape = ImageShape { channels: 3, height: 12, width: 12 };
        let classes: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        let pixels = (0..4 * 432).map(|place| (place * 37 % 251) as u8).collect();
        let images = ImageSet::new("x", shape, pixels, Some(vec![0, 1, 2, 0]), classes).unwrap();
        for (method, _) in crate::training::TrainingMethod::KINDS {
            let text = format!(
                "name = \"x\"\nmethod = \"{method}\"\n[source]\ndata = \"x\"\n[train]\nbatch = 4\n\
                 [generator]\nlatent_dimension = 5\nwidth = 8\nconditional = true\nclass_dimension = 2\n"
            );
            let training: GeneratorTraining = toml::from_str(&text).unwrap();
            let setting = Setting { training: &training, shape, classes: Some(3), device: &device };
            let mut trained = new_method(&setting).unwrap();
            let mut batches = Batches::new(&images, (0, 4), true, &device);
            for step in 0..3 {
                let _ = trained.update(&mut batches, step, 1.0).unwrap(); // moves weights and running statistics
            }
            let manifest = manifest(&training, &images, trained.design());
            let network = freeze(&trained.network().boxed());
            let mut random = Stream::new(3, Purpose::Check, 0, 0);
            let z: Vec<f32> = (0..20).map(|_| random.normal()).collect();
            let z = Tensor::<2>::from_data(TensorData::new(z, [4, 5]), &device);
            let classes = Tensor::from_data([0i32, 2, 1, 2], &device);
            let expected = network.render(z.clone(), Some(classes.clone())).unwrap();

            let folder = tempfile::tempdir().unwrap();
            let weights = NamedTensors::of_network(&network, "").unwrap();
            write_generator(folder.path(), &manifest, &weights, 1).unwrap();
            write_generator(folder.path(), &manifest, &weights, 2).unwrap();
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "older weights go");
            let read = Manifest::read(&folder.path().join(MANIFEST)).unwrap();
            let generator = Generator::load(&read, None, &device).unwrap();
            assert_eq!(generator.parameters(), network.parameters());
            let got = generator.raw_image_from_latent(z, Some(classes)).unwrap();
            let (got, expected) = (read_floats(got).unwrap(), read_floats(expected).unwrap());
            assert!(got.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-5), "{method}");
            assert!(expected.iter().any(|value| (value - expected[0]).abs() > 0.01), "a flat picture");
        }
    }
}
