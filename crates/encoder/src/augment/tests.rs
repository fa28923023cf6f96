//! Presets against torchvision's draws, and what a recipe may write beside them.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use zview_data::ImageShape;
use zview_runtime::config::{parse_toml, to_toml};

use super::parameters::ImageParameters;
use super::{Augment, AugmentConfig, PRESET_NAMES, Preset};

#[derive(Deserialize)]
struct Golden {
    side: usize,
    draws: u64,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    preset: String,
    strength: Option<f32>,
    views: Vec<View>,
}

#[derive(Deserialize)]
struct View {
    /// Mean and standard deviation.
    drawn: BTreeMap<String, [f64; 2]>,
    shares: BTreeMap<String, f64>,
}

fn moments(values: &[f64]) -> [f64; 2] {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
    [mean, variance.sqrt()]
}

#[test]
fn presets_draw_what_torchvision_draws_for_their_papers_recipes() {
    let golden: Golden = serde_json::from_str(include_str!("../../tests/golden/augment.json")).unwrap();
    let shape = ImageShape { channels: 3, height: golden.side, width: golden.side };
    let side = golden.side as f64;
    for case in &golden.cases {
        let name = &case.preset;
        let config = Preset::named(name).unwrap().config(case.strength);
        let views = config.views();
        for (number, expected) in case.views.iter().enumerate() {
            let own = &views[number.min(views.len() - 1)];
            let drawn: Vec<ImageParameters> = (0..golden.draws)
                .map(|index| ImageParameters::draw(own, shape, 3, number as u64, index))
                .collect();
            let all = |value: &dyn Fn(&ImageParameters) -> f32| -> Vec<f64> {
                drawn.iter().map(|p| f64::from(value(p))).collect()
            };
            // Colours of the images that change at all: the others stay at 1 in all of them.
            let changes = |p: &&ImageParameters| p.contrast != 1.0 || p.brightness_factor != 1.0;
            let changed = |value: fn(&ImageParameters) -> f32| -> Vec<f64> {
                drawn.iter().filter(changes).map(|p| f64::from(value(p))).collect()
            };
            let got = |key: &str| match key {
                "area" => all(&|p| p.width.abs() * p.height / (golden.side * golden.side) as f32),
                "log_ratio" => all(&|p| (p.width.abs() / p.height).ln()),
                "top" => all(&|p| p.top / golden.side as f32),
                "left" => all(&|p| p.left.min(p.left + p.width) / golden.side as f32),
                "brightness_factor" => changed(|p| p.brightness_factor),
                "contrast" => changed(|p| p.contrast),
                "saturation" => changed(|p| p.saturation),
                "hue" => changed(|p| p.hue),
                other => panic!("{other}"),
            };
            for (key, [mean, std]) in &expected.drawn {
                let [got_mean, got_std] = moments(&got(key));
                // Five standard errors of two samples, and torchvision's rounding to whole pixels.
                let allowed = 5.0 * std * (2.0 / golden.draws as f64).sqrt() * 1.2 + 0.5 / side;
                assert!((got_mean - mean).abs() < allowed, "{name}, view {number}, {key}: {got_mean} {mean}");
                assert!(
                    (got_std - std).abs() < allowed,
                    "{name}, view {number}, std of {key}: {got_std} {std}"
                );
            }
            let shares = [
                ("flip", all(&|p| f32::from(u8::from(p.width < 0.0)))),
                ("colour", all(&|p| f32::from(u8::from(changes(&p))))),
                ("grey", all(&|p| p.grey)),
                ("blur", all(&|p| f32::from(u8::from(p.blur_sigma > 0.05)))),
                ("solarize", all(&|p| p.solarize)),
            ];
            for (key, values) in shares {
                let [share, _] = moments(&values);
                let expected = expected.shares[key];
                assert!((share - expected).abs() < 0.02, "{name}, view {number}, {key}: {share} {expected}");
                assert!(expected != 0.0 || share == 0.0, "{name}, view {number}, {key}: {share}");
            }
        }
    }
}

#[derive(Debug, PartialEq, Deserialize, serde::Serialize)]
struct Recipe {
    augment: Augment,
}

fn read(keys: &str) -> Result<Augment, String> {
    let recipe = parse_toml::<Recipe>(Path::new("r.toml"), &format!("[augment]\n{keys}"));
    recipe.map(|recipe| recipe.augment).map_err(|error| error.to_string())
}

fn config(keys: &str) -> AugmentConfig {
    read(keys).unwrap().of_images(3)
}

#[test]
fn every_preset_is_written_out_in_all_keys_and_reads_back_as_itself() {
    for name in PRESET_NAMES {
        let augment = read(&format!("preset = \"{name}\"\nsize = 40\n")).unwrap();
        assert!(augment.problems(3).is_empty(), "{name}: {:?}", augment.problems(3));
        let text = to_toml(&Recipe { augment: augment.clone() }).unwrap();
        assert!(!text.contains("preset") && text.contains("grey_probability = "), "{text}");
        let again: Recipe = parse_toml(Path::new("config.toml"), &text).unwrap();
        assert_eq!(again.augment, augment, "{name}");
        assert_eq!(again.augment.of_images(1), augment.of_images(3), "{name}");
        assert_eq!(augment.of_images(3).size, Some(40));
    }
}

#[test]
fn keys_beside_a_preset_take_the_place_of_its_values_in_every_view() {
    let moco = Preset::named("moco-v2").unwrap().config(None);
    let own = config("preset = \"moco-v2\"\nflip = false\nhue = 0.05\n");
    assert_eq!(own, AugmentConfig { flip: false, hue: 0.05, ..moco });
    let byol = config("preset = \"byol\"\nblur_probability = 0.3\n").views();
    assert!(byol.iter().all(|view| view.blur_probability == 0.3), "{byol:?}");
    assert_eq!([byol[0].solarize_probability, byol[1].solarize_probability], [0.0, 0.2]);
    let half = config("preset = \"simclr\"\nstrength = 0.5\n");
    assert_eq!([half.brightness_factor, half.contrast, half.saturation, half.hue], [0.4, 0.4, 0.4, 0.1]);
}

#[test]
fn a_preset_chosen_later_takes_the_place_of_the_files_keys_but_not_of_the_size() {
    let mut augment = read("preset = \"byol\"\nsize = 24\nflip = false\ncontrast = 0.1\n").unwrap();
    augment.settle(|key| match key {
        "size" | "flip" => Some(0),
        "preset" => Some(1),
        "contrast" => Some(2),
        _ => None,
    });
    let byol = Preset::named("byol").unwrap().config(None);
    assert_eq!(augment.of_images(3), AugmentConfig { size: Some(24), contrast: 0.1, ..byol });
}

#[test]
fn images_in_colour_take_simclr_small_unless_something_is_said() {
    let nothing = read("").unwrap();
    assert!(nothing.is_open() && nothing == Augment::default());
    assert_eq!(nothing.of_images(1), AugmentConfig::default());
    assert_eq!(nothing.of_images(3), Preset::named("simclr-small").unwrap().config(None));
    assert!(nothing.decided_by(3).unwrap().contains("simclr-small"));
    assert_eq!(nothing.decided_by(1), None);
    // A recipe from before there were presets keeps its meaning.
    let said = read("flip = true\n").unwrap();
    assert_eq!(said.of_images(3), AugmentConfig { flip: true, ..AugmentConfig::default() });
    assert_eq!(said.decided_by(3), None);
}

#[test]
fn what_a_preset_does_not_have_is_refused_by_name() {
    assert!(read("preset = \"simclr-smal\"\n").unwrap_err().contains("did you mean `simclr-small`?"));
    let problem = |keys: &str, per_anchor: usize| read(keys).unwrap().problems(per_anchor).join("; ");
    for (keys, per_anchor, words) in [
        ("strength = 0.5\n", 2, "augment.strength: needed only beside augment.preset"),
        ("preset = \"none\"\nstrength = 0.5\n", 2, "augment.strength: not used by preset \"none\""),
        ("preset = \"simclr\"\nstrength = 1.5\n", 2, "at most 1.25 for preset \"simclr\", got 1.5"),
        ("preset = \"multi-crop\"\n", 2, "augment.preset: \"multi-crop\": tells 3 views"),
        ("per_view = [{ crop_scale = [0.5, 2.0] }]\n", 2, "augment.per_view[0].crop_scale: expected"),
        ("per_view = [{}, { blur_probability = 0.1 }]\n", 1, "augment.per_view: tells 2 views"),
    ] {
        assert!(problem(keys, per_anchor).contains(words), "{keys}: {}", problem(keys, per_anchor));
    }
    assert_eq!(problem("preset = \"multi-crop\"\n", 3), "");
    assert_eq!(problem("preset = \"byol\"\nstrength = 2.0\n", 2), "");
}
