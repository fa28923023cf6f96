//! The recorded cost of rendering against an independent count.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use burn::tensor::{Device, Int, Tensor};
use zview_generator::{Generator, Manifest};
use zview_kernels::{Cost, record_costs};

#[test]
fn the_embedded_generator_costs_what_pytorch_counts() {
    let manifest = Manifest::find("glyphs-gan-conditional", &[]).unwrap();
    let device = Device::flex();
    let generator = Generator::load(&manifest, None, &device).unwrap();
    let images = 10;
    let z = Tensor::zeros([images, generator.latent_dimension()], &device);
    let classes = Tensor::<1, Int>::zeros([images], &device);
    let (rendered, costs) = record_costs(|| generator.image_from_latent(z, Some(classes)));
    assert_eq!(rendered.unwrap().dims(), [images, 1, 28, 28]);
    // torch.utils.flop_counter.FlopCounterMode around the same linear, transposed and plain convolutions
    // in PyTorch 2.4.1, ten latents.
    assert_eq!(costs.forward.operations, 136_729_600);
    assert_eq!(costs.backward, Cost::default());

    // Written by hand: every tensor that a product or a pass reads or writes, once.
    let (project, up1, up2, pixels) = (64 * 7 * 7, 64 * 14 * 14, 16 * 28 * 28, 28 * 28);
    let weights = 96 * project + 64 * 64 * 16 + 64 * 16 * 16 + 16 * 9;
    let norms = 2 * (64 + 64 + 16);
    let layers = (96 + project) + 2 * project
        + (project + up1) + 2 * up1
        + (up1 + up2) + 2 * up2
        + (up2 + pixels) + 2 * pixels // tanh
        + 2 * pixels; // to 0..1
    assert_eq!(costs.forward.bytes(), 4 * (weights + norms + images * layers) as u64);
}
