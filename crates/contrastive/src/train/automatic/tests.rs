use zview_network::optimizer::{OptimizerConfig, OptimizerKind};

use zview_data::Reject;

use super::*;

const PROCESSOR: Machine = Machine { gpu: false, free_memory: Some(8 << 30) };
const ADAPTER: Machine = Machine { gpu: true, free_memory: Some(32 << 30) };

fn photos() -> Images {
    Images {
        name: "photos".to_owned(),
        count: 2_400,
        channels: 3,
        short_side: 480,
        extent: None,
        classes: 3,
        tested: true,
        decoded: true,
        unreadable: None,
    }
}

fn made(images: &Images, machine: &Machine, overrides: &[&str]) -> Automatic {
    let overrides: Vec<String> = overrides.iter().map(|&change| change.to_owned()).collect();
    automatic_recipe(&Subject::Images(images.clone()), machine, &overrides).unwrap()
}

#[test]
fn photographs_of_many_sizes_get_one_size_and_what_the_processor_can_do() {
    let Automatic { recipe, choices } = made(&photos(), &PROCESSOR, &[]);
    assert_eq!((recipe.source.size, recipe.encoder.width, recipe.train.batch), (Some(64), 16, 128));
    assert_eq!((recipe.train.steps, recipe.train.warmup_steps), (1_000, 50));
    assert_eq!(recipe.augment.of_images(3).crop_scale, [0.2, 1.0]);
    assert_eq!(recipe.probe.unwrap().data, "photos");
    assert!(choices.iter().all(|choice| !choice.reason.is_empty()));
    let size = choices.iter().find(|choice| choice.key == "source.size").unwrap();
    assert!(size.reason.contains("differ in size") && size.reason.contains("processor"), "{size:?}");
    let on_adapter = made(&photos(), &ADAPTER, &[]).recipe;
    assert_eq!((on_adapter.source.size, on_adapter.encoder.width), (Some(128), 64));
    assert_eq!(on_adapter.augment.of_images(3).blur_probability, 0.5, "large photographs: simclr");
}

#[test]
fn few_files_that_cannot_be_read_are_left_out_with_a_word_and_many_are_not() {
    let first = Reject { path: "cat/broken.jpg".to_owned(), reason: "cut short".to_owned() };
    let with = |files: usize, most| Images {
        unreadable: Some(Unreadable { files, first: first.clone(), most }),
        ..photos()
    };
    let Automatic { recipe, choices } = made(&with(1, (1, 300)), &PROCESSOR, &[]);
    assert_eq!(recipe.source.max_reject_share, 0.0034);
    let share = choices.iter().find(|choice| choice.key == "source.max_reject_share").unwrap();
    assert!(share.reason.contains("1 file cannot be read (cat/broken.jpg: cut short)"), "{share:?}");
    let many = with(60, (60, 300));
    assert_eq!(made(&many, &PROCESSOR, &[]).recipe.source.max_reject_share, 0.0);
    let asked = made(&many, &PROCESSOR, &["source.max_reject_share=0.5"]);
    assert_eq!(asked.recipe.source.max_reject_share, 0.5);
}

#[test]
fn small_images_of_one_size_stay_as_they_are() {
    let digits = Images { channels: 1, short_side: 28, extent: Some([28, 28]), count: 60_000, ..photos() };
    let recipe = made(&digits, &PROCESSOR, &[]).recipe;
    assert_eq!(recipe.source.size, None);
    assert_eq!(recipe.augment.of_images(1), zview_encoder::augment::AugmentConfig::default());
}

#[test]
fn a_batch_of_more_anchors_than_images_is_lowered_with_a_word() {
    let few = Images { count: 40, ..photos() };
    let Automatic { recipe, choices } = made(&few, &PROCESSOR, &[]);
    assert_eq!(recipe.train.batch, 40);
    let batch = choices.iter().find(|choice| choice.key == "train.batch").unwrap();
    assert!(batch.reason.contains("lowered from 128") && batch.reason.contains("there are 40"), "{batch:?}");
    assert_eq!(recipe.train.steps, 200);
}

#[test]
fn memory_bounds_the_batch() {
    let little = Machine { gpu: false, free_memory: Some(256 << 20) };
    assert_eq!(made(&photos(), &little, &[]).recipe.train.batch, 8);
}

#[test]
fn of_too_many_to_be_read_beforehand_few_may_be_damaged() {
    let many = Images { count: 1_300_000, decoded: false, ..photos() };
    let recipe = made(&many, &PROCESSOR, &[]).recipe;
    assert_eq!((recipe.source.size, recipe.source.max_reject_share), (Some(64), 0.01));
}

#[test]
fn what_is_set_is_taken_and_not_said_to_be_chosen() {
    let Automatic { recipe, choices } =
        made(&photos(), &PROCESSOR, &["source.size=96", "train.steps=20", "augment.preset=byol"]);
    assert_eq!((recipe.source.size, recipe.train.steps, recipe.train.warmup_steps), (Some(96), 20, 2));
    assert_eq!(recipe.augment.of_images(3).per_view.len(), 2);
    let keys: Vec<&str> = choices.iter().map(|choice| choice.key).collect();
    assert!(!keys.contains(&"source.size") && !keys.contains(&"train.steps"), "{keys:?}");
    assert_eq!(recipe.encoder.stem, zview_encoder::Stem::Imagenet, "the size that was asked for decides");
}

#[test]
fn another_kind_that_is_asked_for_has_its_own_defaults() {
    let recipe = made(&photos(), &PROCESSOR, &["optimizer.kind=adamw", "encoder.arch=vit"]).recipe;
    assert_eq!(recipe.optimizer, OptimizerConfig::of(OptimizerKind::AdamW));
    assert_eq!(recipe.encoder.width, zview_encoder::EncoderConfig::default().width);
}

#[test]
fn a_generator_makes_a_recipe_too() {
    let subject = Subject::generator("glyphs-gan").unwrap();
    let recipe = automatic_recipe(&subject, &PROCESSOR, &[]).unwrap().recipe;
    assert_eq!(recipe.source.generator.as_deref(), Some("glyphs-gan"));
    assert_eq!(recipe.views.std, 0.2);
    let conditional = Subject::generator("glyphs-gan-conditional").unwrap();
    assert_eq!(automatic_recipe(&conditional, &PROCESSOR, &[]).unwrap().recipe.views.std, 1.0);
}

#[test]
fn a_folder_is_looked_through_and_names_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let photos = folder.path().join("photos");
    std::fs::create_dir(&photos).unwrap();
    let name = photos.display().to_string();
    assert!(Subject::images(&name, None, None).is_err(), "no images");
    let shape = zview_data::ImageShape { channels: 3, height: 20, width: 30 };
    for number in 0..10u8 {
        let pixels = vec![number * 20; shape.channels * shape.height * shape.width];
        zview_data::picture::write_grid(&photos.join(format!("{number}.png")), &[&pixels[..]], shape, 1, 0)
            .unwrap();
    }
    let Subject::Images(images) = Subject::images(&name, None, None).unwrap() else { panic!() };
    assert_eq!((images.channels, images.short_side), (3, 20));
    assert!(images.count >= 2 && images.classes < 2, "{images:?}");
    assert_eq!(short_name(&photos), "photos");
    assert_eq!(short_name(&photos.join(".")), "photos");
    assert_eq!(short_name(Path::new("there/train.tar.gz")), "train");
    assert_eq!(short_name(Path::new("cifar10")), "cifar10");
}
