//! The cost of rendering against an independent count.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use burn::tensor::Device;
use zview_generator::{Generator, Manifest};

#[test]
fn the_embedded_generator_costs_what_pytorch_counts() {
    let manifest = Manifest::find("glyphs-gan-conditional", &[]).unwrap();
    let generator = Generator::load(&manifest, None, &Device::flex()).unwrap();
    let images = 10;
    let cost = generator.cost(images as usize);
    // torch.utils.flop_counter.FlopCounterMode around the same linear, transposed and plain convolutions
    // in PyTorch 2.4.1, ten latents.
    let products = 136_729_600;
    let (project, up1, up2, pixels) = (64 * 7 * 7, 64 * 14 * 14, 16 * 28 * 28, 28 * 28);
    // Scale and shift 2 and ReLU 1 after the first three; bias and tanh, then 4 to pixels in 0..1.
    let element_wise = images * (3 * (project + up1 + up2) + 2 * pixels + 4 * pixels);
    assert_eq!(cost.operations, products + element_wise);

    // Written by hand: every tensor that a layer reads or writes, once.
    let weights = 96 * project + 64 * 64 * 16 + 64 * 16 * 16 + 16 * 9;
    let layers = images
        * ((64 + 32 + 96) // the embedding is joined to the latent
            + (96 + project) + 4 * project
            + (project + up1) + 4 * up1
            + (up1 + up2) + 4 * up2
            + (up2 + pixels) + 2 * pixels);
    let ends = images * (2 * 64 + 2 * pixels); // upload of the latents, rescaling of the pixels
    assert_eq!(cost.bytes, 4 * (weights + layers + ends));
}
