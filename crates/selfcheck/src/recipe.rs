//! What a recipe computes on the device: its layers at their real sizes, and a training step.

use burn::tensor::Device;
use std::path::PathBuf;

use zview_kernels::record_layers;
use zview_network::{Mode, freeze};
use zview_runtime::device::read_floats;

use super::SelfCheckError;
use super::agreement::Agreement;
use super::check::{Check, relative_error};
use super::layers::{at_batch, multiplications};
use super::step::{self, check_step};
use zview_contrastive::source::{OpenSource, SourceError, SourceKind, Stored, open_source_on};
use zview_contrastive::train::{Recipe, Trainer};

/// Multiplications that the CPU may spend on the training step of a short check: a second or two on two cores
/// (measured: 9e10 a second with AVX-512).
pub(super) const SHORT_STEP: f64 = 1e11;
/// Forward, two gradients; all of it again for the loss after the step; and all that twice on the CPU.
const PASSES: f64 = 12.0;
/// Anchors that a method is shown to see which layers it has.
const SHOWN: usize = 2;

/// Compares the layers of `recipe` at its batch, and one training step: at its batch, or at fewer anchors where
/// the CPU would need more than `multiplications_max` multiplications.
pub(super) fn check_recipe(
    agreement: &mut Agreement<'_>,
    recipe: &Recipe,
    data_dir: Option<PathBuf>,
    multiplications_max: f64,
) -> Result<(), SelfCheckError> {
    let mut recipe = recipe.clone();
    (recipe.encoder.weights, recipe.encoder.branch) = (None, None); // any weights will do
    let recipe = &recipe;
    let anchors = recipe.train.batch;
    // One batch is enough for one step.
    let stored = Stored::open(&recipe.source, &recipe.augment, anchors, data_dir)?
        .for_one_batch(&recipe.source, anchors);
    let trainer = |anchors: usize, device: &Device| -> Result<Trainer, SourceError> {
        let mut recipe = recipe.clone();
        recipe.train.batch = anchors;
        let how = OpenSource {
            anchors,
            anchor_choice: recipe.anchors,
            data_dir: None,
            augment: &recipe.augment,
            device,
        };
        let source = open_source_on(&recipe.source, &recipe.views, &how, stored.clone())?;
        Trainer::new(&recipe, source, device)
    };
    let mut whole = trainer(anchors, agreement.device())?;
    let (views, rendering) = record_layers(|| whole.augmented_views(0));
    let views = views?;
    let [rows, channels, height, width] = views.images.dims();

    let mut shown = trainer(SHOWN, &agreement.cpu)?;
    // Copies from before any forward pass, which moves running statistics.
    let (mut on_cpu, mut on_device) = (freeze(&shown.learner.encoder), freeze(&whole.learner.encoder));
    let shown_views = shown.augmented_views(0)?;
    let (_, training) = record_layers(|| shown.learner.forward(&shown_views));
    let per_anchor = multiplications(&training) / SHOWN as f64;
    let training: Vec<_> = training.iter().map(|call| at_batch(call, (anchors, SHOWN))).collect();

    agreement.layers(&rendering, false)?;
    agreement.layers(&training, true)?;
    agreement.objective(&mut trainer(anchors, &agreement.cpu)?, &mut whole, &views)?;
    agreement.features(
        rows,
        [channels, height, width],
        |images| on_cpu.forward(images, Mode::Evaluate),
        |images| on_device.forward(images, Mode::Evaluate),
    )?;

    let affordable = (multiplications_max / (PASSES * per_anchor)) as usize;
    let few = affordable.clamp(2, anchors);
    let mut reference = trainer(few, &agreement.cpu)?;
    let mut nudged = trainer(few, &agreement.cpu)?;
    let mut checked = if few == anchors { whole } else { trainer(few, agreement.device())? };
    // An anchor's views do not depend on the batch, but which anchors of a mix are real does.
    if few < anchors && recipe.source.kind != SourceKind::Mix {
        agreement.announce(1);
        let expected = reference.augmented_views(0)?.images;
        let got = views.images.narrow(0, 0, expected.dims()[0]);
        let error = relative_error(&read_floats(expected)?, &read_floats(got)?);
        agreement.add(Check::new(
            &format!("views of {anchors} anchors"),
            "pixels of the first",
            error,
            step::VIEWS,
        ));
    } else {
        drop(views);
    }
    agreement.announce(step::CHECKS as usize);
    let mut done = |check: &Check| agreement.add(check.clone());
    check_step(&mut reference, &mut nudged, &mut checked, &mut done).map(|_| ())
}
