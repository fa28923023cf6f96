//! StyleGAN2 (Karras et al. 2020, <https://arxiv.org/abs/1912.04958>) with the keys of
//! rosinality/stylegan2-pytorch (`g_ema` of its checkpoints).
//!
//! `[options] truncation` is psi: w becomes m + psi (w - m) with the mean latent m, everywhere alike. m is the
//! file's `latent_avg` where there is one, and else the mean of 4,096 mapped latents of a fixed random stream.
//! `[options] noise` is "fixed" (the file's own noise maps; where an old file has none, standard normal ones of a
//! fixed stream) or "none".

use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use serde::{Deserialize, Serialize};
use zview_network::weights::{StateDict, WeightsError};
use zview_runtime::seed::{Purpose, Stream};

use super::layers::Linear;
use super::loader::Loader;
use super::styled_convolution::{EPS, SLOPE, StyledConvolution, ToRgb, equalized, filter, upsampled};
use super::{Architecture, IntermediateSpace};
use crate::Manifest;
use crate::manifest::ArchitectureOptions;

/// A tensor that no other architecture here has.
pub(super) const MARK: Option<&str> = Some("conv1.conv.modulation.weight");

/// Factor of the learning rate in the mapping network, by which its weights are stored too large.
const MAPPING_RATE: f64 = 0.01;
/// Latents behind an estimate of the mean latent, and how many are mapped at once.
const MEAN_OF: usize = 4096;
const MEAN_BATCH: usize = 256;

#[derive(Debug)]
struct Stylegan2 {
    mapping: Vec<Linear>,
    /// m (1, W) and psi, where w is truncated.
    truncation: Option<(Tensor<2>, f64)>,
    /// The learned constant (1, C, 4, 4).
    input: Tensor<4>,
    conv1: StyledConvolution,
    to_rgb1: ToRgb,
    /// One for each size from 8 on.
    sizes: Vec<Size>,
    parameters: usize,
}

/// What draws one size: two styled convolutions, the first of which doubles the sides, and a layer to colours.
#[derive(Debug)]
struct Size {
    up: StyledConvolution,
    same: StyledConvolution,
    to_rgb: ToRgb,
    /// Filter (1, 1, 4, 4) of the picture's upsampling.
    filter: Tensor<4>,
}

/// Keys in `[options]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Options {
    /// psi, how far w goes from the mean latent; 1 is all the way, the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub truncation: Option<f64>,
    /// The noise that is added to the maps; default `fixed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub noise: Option<Noise>,
}

/// The noise of a StyleGAN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Noise {
    /// The same maps for all images: those of the file, and where it has none, those of a fixed random stream.
    Fixed,
    /// None.
    None,
}

impl ArchitectureOptions for Options {
    fn truncation(&self) -> Option<f64> {
        self.truncation
    }
}

fn noise(manifest: &Manifest) -> Noise {
    match &manifest.options {
        super::Options::Stylegan2(options) => options.noise.unwrap_or(Noise::Fixed),
        _ => Noise::Fixed,
    }
}

pub(super) fn problems(manifest: &Manifest) -> Vec<String> {
    let mut problems = manifest.misplaced_sections();
    let sides: Vec<usize> = (3..=11).map(|power| 1 << power).collect();
    let range = manifest.output.range; // not bounded by the network
    problems.extend(manifest.output_problems(&sides, Some(3), range));
    problems.extend(manifest.condition.as_ref().map(|_| {
        "[condition]: `stylegan2` is unconditional here: expected no such section, got one".to_owned()
    }));
    if let Some(psi) = manifest.options.truncation().filter(|psi| !(*psi > 0.0 && *psi <= 1.0)) {
        problems.push(format!("`options.truncation`: expected above 0 up to 1 (none), got {psi}"));
    }
    problems
}

/// Noise and the mean latent are used as `[options]` say.
pub(super) fn unneeded(manifest: &Manifest, key: &str) -> Option<&'static str> {
    let noiseless = noise(manifest) == Noise::None;
    if key == "latent_avg" {
        Some("the mean latent, for `truncation` below 1")
    } else if noiseless && (key.starts_with("noises.") || key.ends_with(".noise.weight")) {
        Some("`noise` is \"none\"")
    } else {
        None
    }
}

pub(super) fn build(
    manifest: &Manifest,
    state_dict: &mut StateDict,
    device: &Device,
) -> Result<Box<dyn Architecture>, WeightsError> {
    Ok(Box::new(Stylegan2::load(manifest, state_dict, device)?))
}

impl Stylegan2 {
    fn load(manifest: &Manifest, state_dict: &mut StateDict, device: &Device) -> Result<Self, WeightsError> {
        let mut loader = Loader::new(state_dict, device);
        let loader = &mut loader;
        let width = manifest.latent.dimension;
        let mut mapping = Vec::new();
        // Index 0 is the normalisation of z, which has no parameters.
        while mapping.is_empty() || loader.has(&format!("style.{}.weight", mapping.len() + 1)) {
            let key = format!("style.{}", mapping.len() + 1);
            mapping.push(equalized(loader, &key, [width, width], MAPPING_RATE, 2f64.sqrt())?);
        }
        let [_, channels, ..] = loader.extents("input.input", [Some(1), None, Some(4), Some(4)])?;
        let input = loader.parameter("input.input", [1, channels, 4, 4])?;
        let (noise, colors) = (noise(manifest), manifest.output.channels);
        let styled = |loader: &mut Loader<'_>, key: &str, inputs, place: usize, side, up| {
            let noise = (noise == Noise::Fixed).then_some(place);
            StyledConvolution::load(loader, key, width, inputs, noise, side, up)
        };
        let conv1 = styled(loader, "conv1", channels, 0, 4, false)?;
        let mut channels = conv1.outputs();
        let to_rgb1 = ToRgb::load(loader, "to_rgb1", [colors, channels, width])?;
        let mut sizes = Vec::new();
        let mut side = 8;
        while side <= manifest.output.height {
            let place = 2 * sizes.len();
            let up = styled(loader, &format!("convs.{place}"), channels, place + 1, side, true)?;
            let same = styled(loader, &format!("convs.{}", place + 1), up.outputs(), place + 2, side, false)?;
            channels = same.outputs();
            let key = format!("to_rgbs.{}", sizes.len());
            let to_rgb = ToRgb::load(loader, &key, [colors, channels, width])?;
            sizes.push(Size { up, same, to_rgb, filter: filter(loader, &format!("{key}.upsample.kernel"))? });
            side *= 2;
        }
        loader.ends_before(&format!("convs.{}.conv.weight", 2 * sizes.len()), manifest.output.height)?;
        let mut network =
            Self { mapping, truncation: None, input, conv1, to_rgb1, sizes, parameters: loader.parameters };
        if let Some(psi) = manifest.options.truncation().filter(|psi| *psi < 1.0) {
            let mean = match loader.state_dict.take_beside("latent_avg", width)? {
                Some(mean) => Tensor::from_data(TensorData::new(mean, [1, width]), device),
                None => network.estimated_mean(width, device),
            };
            network.truncation = Some((mean, psi));
        }
        Ok(network)
    }

    /// The mean of mapped latents (1, W).
    fn estimated_mean(&self, dimension: usize, device: &Device) -> Tensor<2> {
        let parts = (0..MEAN_OF / MEAN_BATCH).map(|part| {
            let rows = part * MEAN_BATCH..(part + 1) * MEAN_BATCH;
            let z = rows.flat_map(|row| {
                let mut stream = Stream::new(0, Purpose::MeanLatent, 0, row as u64);
                (0..dimension).map(move |_| stream.normal())
            });
            let z = TensorData::new(z.collect(), [MEAN_BATCH, dimension]);
            self.mapped(Tensor::from_data(z, device)).mean_dim(0)
        });
        Tensor::cat(parts.collect(), 0).mean_dim(0)
    }

    /// z (B, D) to w (B, W), without truncation.
    fn mapped(&self, z: Tensor<2>) -> Tensor<2> {
        let length = (z.clone().square().mean_dim(1) + EPS).sqrt();
        let layer = |x, linear: &Linear| activation::leaky_relu(linear.forward(x), SLOPE);
        self.mapping.iter().fold(z / length, layer)
    }

    /// The number of styles that an image is made of.
    fn styles(&self) -> usize {
        2 + 2 * self.sizes.len()
    }

    /// One w (B, W) for each style to images.
    fn synthesis(&self, w: &[Tensor<2>]) -> Tensor<4> {
        let [batch, _] = w[0].dims();
        let map = self.conv1.forward(self.input.clone().repeat_dim(0, batch), &w[0]);
        let rgb = self.to_rgb1.forward(map.clone(), &w[1]);
        let sizes = self.sizes.iter().enumerate();
        let (_, rgb) = sizes.fold((map, rgb), |(map, rgb), (index, size)| {
            let map = size.up.forward(map, &w[2 * index + 1]);
            let map = size.same.forward(map, &w[2 * index + 2]);
            let added = size.to_rgb.forward(map.clone(), &w[2 * index + 3]);
            (map, added + upsampled(rgb, &size.filter))
        });
        rgb
    }
}

impl Architecture for Stylegan2 {
    fn render(&self, z: Tensor<2>, _condition: Option<Tensor<1, Int>>) -> Result<Tensor<4>, String> {
        Ok(self.raw_image_from_w(self.w_from_z(z)))
    }

    fn parameters(&self) -> usize {
        self.parameters
    }

    fn intermediate(&self) -> Option<&dyn IntermediateSpace> {
        Some(self)
    }
}

impl IntermediateSpace for Stylegan2 {
    fn dimension(&self) -> usize {
        self.conv1.affine.weight.dims()[0]
    }

    fn w_from_z(&self, z: Tensor<2>) -> Tensor<2> {
        let w = self.mapped(z);
        match &self.truncation {
            Some((mean, psi)) => mean.clone() + (w - mean.clone()) * *psi,
            None => w,
        }
    }

    fn raw_image_from_w(&self, w: Tensor<2>) -> Tensor<4> {
        self.synthesis(&vec![w; self.styles()])
    }

    /// The affine layers of all styles, in the order in which an image is drawn.
    fn first_layer(&self) -> Tensor<2> {
        let sizes =
            self.sizes.iter().flat_map(|size| [&size.up.affine, &size.same.affine, &size.to_rgb.affine]);
        let affines = [&self.conv1.affine, &self.to_rgb1.affine].into_iter().chain(sizes);
        Tensor::cat(affines.map(|affine| affine.weight.clone()).collect(), 1)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// The small network with random weights and the reference beside it, where they are on this machine.
    fn parity(options: &str) -> Option<(Stylegan2, StateDict)> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/generators/parity");
        let path = folder.join("stylegan2-rosinality.toml");
        let text = std::fs::read_to_string(&path).unwrap() + options;
        let manifest = Manifest::parse(&path, &text).unwrap();
        let weights = zview_runtime::testing::shared(manifest.weights_path())?;
        let mut state_dict = StateDict::read(&weights, manifest.state_dict.as_deref()).unwrap();
        let network = Stylegan2::load(&manifest, &mut state_dict, &Device::flex()).unwrap();
        Some((network, StateDict::read(&weights.with_file_name("reference.safetensors"), None).unwrap()))
    }

    fn tensor<const R: usize>(file: &mut StateDict, key: &str) -> Tensor<R> {
        let shape = file.shape(key).unwrap().to_vec();
        let values = file.take(key, &shape).unwrap();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    fn difference<const R: usize>(a: Tensor<R>, b: Tensor<R>) -> f32 {
        (a - b).abs().max().into_scalar::<f32>()
    }

    #[test]
    fn styles_can_be_mixed_and_set_one_by_one() {
        let Some((network, mut file)) = parity("") else { return };
        assert_eq!(network.styles(), 8);
        let [w, w2] = ["w", "w2"].map(|key| tensor::<2>(&mut file, key));
        let mixed: Vec<Tensor<2>> =
            (0..8).map(|style| if style < 3 { w.clone() } else { w2.clone() }).collect();
        assert!(difference(network.synthesis(&mixed), tensor(&mut file, "image_mix3")) < 1e-4);
        let plus = tensor::<3>(&mut file, "w_plus_in");
        let each: Vec<Tensor<2>> =
            (0..8).map(|style| plus.clone().narrow(1, style, 1).squeeze_dim(1)).collect();
        assert!(difference(network.synthesis(&each), tensor(&mut file, "image_w_plus")) < 1e-4);
    }

    #[test]
    fn every_w_lies_between_its_own_place_and_the_mean_latent() {
        let Some((network, mut file)) = parity("\n[options]\ntruncation = 0.7\n") else { return };
        let (mean, psi) = network.truncation.clone().unwrap();
        assert!(difference(mean, tensor(&mut file, "mean_latent")) < 1e-6 && psi == 0.7);
        let truncated = tensor::<3>(&mut file, "latents_t0.7").narrow(1, 0, 1).squeeze_dim(1);
        assert!(difference(network.w_from_z(tensor(&mut file, "z")), truncated) < 1e-5);
    }

    #[test]
    fn the_estimated_mean_latent_is_that_of_many_latents() {
        let Some((network, mut file)) = parity("") else { return };
        let mean = tensor::<2>(&mut file, "mean_latent");
        let estimate = network.estimated_mean(64, &Device::flex());
        let w = network.mapped(Tensor::random(
            [512, 64],
            burn::tensor::Distribution::Normal(0.0, 1.0),
            &Device::flex(),
        ));
        // In units of the estimate's own standard error; 64 values.
        let error = (w.clone() - w.mean_dim(0)).square().mean_dim(0).sqrt() / 64.0;
        let away = ((estimate - mean) / error).abs().max().into_scalar::<f32>();
        assert!(away < 6.0, "{away}");
    }
}
