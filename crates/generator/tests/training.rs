//! Training small generators: what is learnt, what is written, and what survives.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;

use zview_data::{ImageSet, ImageShape};
use zview_generator::training::{
    GeneratorTraining, GeneratorTrainingError, GeneratorTrainingOptions, GeneratorTrainingSummary,
    train_generator,
};
use zview_generator::{Generator, Manifest, ViewsConfig, sample_latents};
use zview_network::training::{NotFinite, TrainingError};
use zview_runtime::device::{ChosenDevice, cpu, read_floats};
use zview_runtime::stop::StopSignal;

/// Images of 8x8 pixels in two classes: class 0 is dark, class 1 has a bright right half; both with noise.
fn images(count: usize) -> ImageSet {
    let shape = ImageShape { channels: 1, height: 8, width: 8 };
    let mut state = 1u32;
    let mut pixels = Vec::new();
    for image in 0..count {
        for place in 0..64 {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 27) as u8;
            pixels.push(if image % 2 == 1 && place % 8 >= 4 { 220 + noise } else { noise });
        }
    }
    let labels = (0..count).map(|image| (image % 2) as u32).collect();
    ImageSet::new("halves", shape, pixels, Some(labels), vec!["dark".to_owned(), "half".to_owned()]).unwrap()
}

fn recipe(method: &str, changes: &[&str]) -> GeneratorTraining {
    let own = match method {
        "gan" => "[gan]\ndiscriminator_width = 8",
        _ => "[vae]\nencoder_width = 8",
    };
    let text = format!(
        "name = \"halves\"\nmethod = \"{method}\"\n[source]\ndata = \"halves\"\n\
         [generator]\nlatent_dimension = 6\nwidth = 16\nconditional = true\nclass_dimension = 4\n\
         {own}\n\
         [train]\nsteps = 6\nbatch = 16\nlog_every = 2\nsamples_every = 3\ncheckpoint_every = 3\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.toml");
    std::fs::write(&path, text).unwrap();
    let changes: Vec<String> = changes.iter().map(|&change| change.to_owned()).collect();
    GeneratorTraining::load(&path, &changes).unwrap_or_else(|error| panic!("{error}"))
}

fn train(
    training: &GeneratorTraining,
    images: &ImageSet,
    out: &Path,
    resume: bool,
) -> Result<GeneratorTrainingSummary, GeneratorTrainingError> {
    let device: ChosenDevice = cpu("a test");
    let stop = StopSignal::default();
    train_generator(training, images, &GeneratorTrainingOptions { out, resume, device: &device, stop: &stop })
}

fn weights(run: &Path) -> Vec<u8> {
    std::fs::read(Manifest::find(run.to_str().unwrap(), &[]).unwrap().weights_path()).unwrap()
}

/// Mean of the left and right half of the images that a trained generator draws for `class`.
fn halves(run: &Path, class: i32) -> [f32; 2] {
    let manifest = Manifest::find(run.to_str().unwrap(), &[]).unwrap();
    let generator = Generator::load(&manifest, None, &cpu("a test").device).unwrap();
    let views = ViewsConfig { per_anchor: 2, ..ViewsConfig::default() };
    let batch = sample_latents(&views, 6, Some(2), 0, 0, 32).with_class(class);
    let pixels = read_floats(generator.render(&batch).unwrap()).unwrap();
    let mean = |right: bool| {
        let half: Vec<f32> = pixels
            .iter()
            .enumerate()
            .filter(|(at, _)| (at % 8 >= 4) == right)
            .map(|(_, &value)| value)
            .collect();
        half.iter().sum::<f32>() / half.len() as f32
    };
    [mean(false), mean(true)]
}

#[test]
fn both_methods_learn_what_each_class_looks_like() {
    for (method, steps) in [("gan", "train.steps=400"), ("vae", "train.steps=200")] {
        let folder = tempfile::tempdir().unwrap();
        let changes = [steps, "train.average_decay=0.9", "optimizer.lr=0.002", "train.checkpoint_every=0"];
        let summary = train(&recipe(method, &changes), &images(64), folder.path(), false).unwrap();
        assert!(!summary.stopped && summary.losses.len() == 2, "{summary:?}");
        let (dark, half) = (halves(folder.path(), 0), halves(folder.path(), 1));
        // The data: class 0 is 0.06 everywhere, class 1 is 0.06 on the left and 0.92 on the right.
        assert!(dark[0] < 0.2 && dark[1] < 0.2, "{method}: class 0 is {dark:?}");
        assert!(half[0] < 0.2 && half[1] > 0.75, "{method}: class 1 is {half:?}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bits_and_a_resumed_run_those_of_an_unbroken_one() {
    for method in ["gan", "vae"] {
        let folder = tempfile::tempdir().unwrap();
        let run = |name: &str| folder.path().join(name);
        let (training, images) = (recipe(method, &[]), images(40));
        train(&training, &images, &run("a"), false).unwrap();
        train(&training, &images, &run("b"), false).unwrap();
        assert!(weights(&run("a")) == weights(&run("b")), "{method}: the same seed, other weights");
        let other = GeneratorTraining { seed: 1, ..training.clone() };
        train(&other, &images, &run("c"), false).unwrap();
        assert!(weights(&run("a")) != weights(&run("c")), "{method}: another seed, the same weights");

        // As a kill after step 5 leaves it: the checkpoint of step 3 is the last, the log is longer.
        std::fs::remove_dir_all(run("b").join("checkpoints/step-00000006")).unwrap();
        std::fs::remove_file(run("b").join("result.json")).unwrap();
        std::fs::write(run("b").join("generator-00000006.safetensors"), b"cut").unwrap();
        let resumed = train(&training, &images, &run("b"), true).unwrap();
        assert_eq!(resumed.steps, 6);
        assert!(weights(&run("a")) == weights(&run("b")), "{method}: resumed, other weights");
        let events = std::fs::read_to_string(run("b").join("events.jsonl")).unwrap();
        let trained = events.lines().filter(|line| line.contains("\"event\":\"train\""));
        let at_4 = trained.filter(|line| line.contains("\"step\":4,")).count();
        assert_eq!((at_4, events.matches("resumed").count()), (1, 1), "{events}");
        assert!(run("b").join("samples/step-00000006.png").is_file());
    }
}

#[test]
fn a_stopped_run_is_saved_and_a_changed_recipe_is_not_resumed() {
    let folder = tempfile::tempdir().unwrap();
    let (training, images) = (recipe("gan", &[]), images(40));
    let (device, stop) = (cpu("a test"), StopSignal::default());
    stop.request();
    let options =
        GeneratorTrainingOptions { out: folder.path(), resume: false, device: &device, stop: &stop };
    let summary = train_generator(&training, &images, &options).unwrap();
    assert!(summary.stopped && summary.steps == 0);
    let other = recipe("gan", &["train.batch=8"]);
    let error = train(&other, &images, folder.path(), true).unwrap_err().to_string();
    assert!(error.contains("train.batch"), "{error}");
    assert!(train(&training, &images, folder.path(), false).unwrap_err().to_string().contains("--resume"));
    assert_eq!(train(&training, &images, folder.path(), true).unwrap().steps, 6);
}

#[test]
fn a_diverging_run_names_the_step_and_leaves_the_last_good_generator() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path();
    let changes = ["train.steps=40", "optimizer.lr=1e30", "train.checkpoint_every=1", "train.log_every=1"];
    for method in ["gan", "vae"] {
        let run = run.join(method);
        let error = train(&recipe(method, &changes), &images(40), &run, false).unwrap_err();
        let GeneratorTrainingError::Training(TrainingError::NotFinite(NotFinite { step, .. })) = error else {
            panic!("{method}: {error}")
        };
        assert!(step <= 40 && error.to_string().contains("optimizer.lr"), "{method}: {error}");
        let events = std::fs::read_to_string(run.join("events.jsonl")).unwrap();
        assert!(events.contains("not-finite"), "{events}");
        let checkpoints = std::fs::read_dir(run.join("checkpoints")).map_or(0, Iterator::count);
        if checkpoints > 0 {
            let manifest = Manifest::find(run.to_str().unwrap(), &[]).unwrap();
            Generator::load(&manifest, None, &cpu("a test").device).unwrap();
            assert!(error.to_string().contains("is kept"), "{error}");
        }
    }
}

#[test]
fn too_few_images_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    for (count, expected) in [(1, "at least 2 images"), (10, "at most the 10 images")] {
        let error = train(&recipe("gan", &[]), &images(count), &run, false).unwrap_err();
        assert!(matches!(error, GeneratorTrainingError::Config(_)), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!run.exists());
    }
}
