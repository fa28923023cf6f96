//! Keys of a recipe that its own choices leave without an effect.
//!
//! A key that only some kinds have is checked where it is read (`source.generator`, `optimizer.beta1`). This table has
//! those that have a default for every kind: one that was changed and does nothing is a mistake. A file's key is none
//! where a later `--set` chose another kind: the file was right.

use zview_generator::{AnchorsConfig, LatentSpace, ViewKind, ViewsConfig};
use zview_network::optimizer::{OptimizerConfig, OptimizerKind};
use zview_runtime::config::{Section, Written};

use super::recipe::Recipe;
use crate::source::{SourceConfig, SourceKind};
use crate::watch::WatchConfig;
use zview_encoder::augment::AugmentConfig;
use zview_encoder::{EncoderConfig, Stem};

/// A key, and what decides whether it has an effect.
struct Rule {
    key: String,
    /// Whether its value is another than the default.
    changed: bool,
    has_effect: bool,
    /// The keys that decide.
    by: &'static [&'static str],
    /// What they say, in words.
    said: String,
}

/// Everything that is written in vain, one line each.
pub(super) fn without_effect(recipe: &Recipe, written: &Written) -> Vec<String> {
    let rules = [
        of_source(recipe),
        of_views(recipe),
        of_anchors(recipe),
        of_augment(recipe),
        of_encoder(recipe),
        of_optimizer(recipe),
        of_watch(recipe),
    ];
    let vain = |rule: &Rule| {
        rule.changed
            && !rule.has_effect
            && rule.by.iter().all(|chooser| written.belongs_with(&rule.key, chooser))
    };
    let told = |rule: Rule| format!("{}: has no effect with {}; remove it", rule.key, rule.said);
    rules.into_iter().flatten().filter(vain).map(told).collect()
}

/// What views are of, as far as the recipe decides it.
struct Anchors {
    /// Whether any anchor is an image or a view that is read.
    read: bool,
    /// Whether any anchor is drawn from a generator.
    drawn: bool,
    by: &'static [&'static str],
    said: String,
}

impl Anchors {
    fn of(source: &SourceConfig) -> Self {
        let share = source.real_share.filter(|share| [0.0, 1.0].contains(share));
        match share.filter(|_| source.kind == SourceKind::Mix) {
            Some(share) => {
                let read = share > 0.0;
                let kind = if read { SourceKind::Real } else { SourceKind::Generator }.name();
                Self {
                    read,
                    drawn: !read,
                    by: &["source.kind", "source.real_share"],
                    said: format!("source.real_share = {share} (write source.kind = \"{kind}\")"),
                }
            }
            None => Self {
                read: source.kind != SourceKind::Generator,
                drawn: matches!(source.kind, SourceKind::Generator | SourceKind::Mix),
                by: &["source.kind"],
                said: format!("source.kind = \"{}\"", source.kind.name()),
            },
        }
    }

    fn rule(&self, key: &str, changed: bool, has_effect: bool) -> Rule {
        Rule { key: key.to_owned(), changed, has_effect, by: self.by, said: self.said.clone() }
    }
}

fn of_source(recipe: &Recipe) -> Vec<Rule> {
    let source = &recipe.source;
    let anchors = Anchors::of(source);
    let mut rules = vec![
        anchors.rule("source.color", source.color != Default::default(), anchors.read),
        anchors.rule("source.size", source.size.is_some(), anchors.read),
        anchors.rule(
            "source.max_reject_share",
            source.max_reject_share != 0.0,
            anchors.read && source.kind != SourceKind::Shards,
        ),
        anchors.rule(
            "source.classes",
            source.classes.is_some(),
            anchors.read && source.kind != SourceKind::Shards,
        ),
    ];
    if source.kind == SourceKind::Mix {
        // The other kinds refuse the part that they have not.
        rules.extend([
            anchors.rule("source.data", source.data.is_some(), anchors.read),
            anchors.rule("source.generator", source.generator.is_some(), anchors.drawn),
            anchors.rule("source.generators", !source.generators.is_empty(), anchors.drawn),
            anchors.rule("source.weights", source.weights.is_some(), anchors.drawn),
        ]);
    }
    rules
}

fn of_views(recipe: &Recipe) -> Vec<Rule> {
    let views = &recipe.views;
    let anchors = Anchors::of(&recipe.source);
    let default = ViewsConfig::of(views.kind.which());
    let rule = |key: &str, changed| anchors.rule(key, changed, anchors.drawn);
    let mut rules = vec![
        // Views of a stored image are the same image.
        rule("views.kind", views.kind != ViewKind::Gaussian && views.kind != ViewKind::Same),
        rule("views.truncation", views.truncation != default.truncation),
        rule("views.space", views.space != LatentSpace::Z),
        rule("views.std", views.std != default.std),
        Rule {
            key: "views.std".to_owned(),
            changed: views.std != default.std,
            has_effect: views.kind.which().takes_step() || !anchors.drawn,
            by: &["views.kind"],
            said: format!("views.kind = \"{}\"", views.kind.name()),
        },
    ];
    // They are there because they are written.
    let kinds = ViewsConfig::kinds().into_iter().filter(|kind| kind.name == views.kind.name());
    rules.extend(kinds.flat_map(|kind| kind.keys).map(|key| rule(&format!("views.{key}"), true)));
    rules
}

/// Of the kinds without a generator the recipe itself refuses the section.
fn of_anchors(recipe: &Recipe) -> Vec<Rule> {
    if recipe.source.kind != SourceKind::Mix {
        return Vec::new();
    }
    let (config, default) = (&recipe.anchors, AnchorsConfig::default());
    let anchors = Anchors::of(&recipe.source);
    let rule = |key, changed| anchors.rule(key, changed, anchors.drawn);
    vec![
        rule("anchors.unique", config.unique.is_some()),
        rule("anchors.unique_views", config.unique_views.is_some()),
        rule("anchors.order", config.order != default.order),
        rule("anchors.conditions", config.conditions != default.conditions),
    ]
}

fn of_augment(recipe: &Recipe) -> Vec<Rule> {
    let (augment, default) = (recipe.augment.written().unwrap_or_default(), AugmentConfig::default());
    let changes =
        [augment.brightness, augment.brightness_factor, augment.contrast, augment.saturation, augment.hue];
    let keys = [
        ("augment.brightness", augment.brightness, default.brightness),
        ("augment.brightness_factor", augment.brightness_factor, default.brightness_factor),
        ("augment.contrast", augment.contrast, default.contrast),
        ("augment.saturation", augment.saturation, default.saturation),
        ("augment.hue", augment.hue, default.hue),
    ];
    // A change at 0 is switched off, and so is every change: both say the same.
    let never = keys.into_iter().map(|(key, change, default)| Rule {
        key: key.to_owned(),
        changed: change > 0.0 && change != default,
        has_effect: augment.colour_probability > 0.0,
        by: &["augment.colour_probability"],
        said: "augment.colour_probability = 0".to_owned(),
    });
    let others = [
        Rule {
            key: "augment.blur_sigma".to_owned(),
            changed: augment.blur_sigma != default.blur_sigma,
            has_effect: augment.blur_probability > 0.0
                || augment.per_view.iter().any(|view| view.blur_probability.is_some_and(|share| share > 0.0)),
            by: &["augment.blur_probability"],
            said: "augment.blur_probability = 0".to_owned(),
        },
        Rule {
            key: "augment.colour_probability".to_owned(),
            changed: augment.colour_probability != default.colour_probability,
            has_effect: changes.iter().any(|change| *change > 0.0),
            by: &["augment.brightness", "augment.contrast"],
            said: "all changes of colour (brightness, contrast, saturation, hue) at 0".to_owned(),
        },
    ];
    never.chain(others).collect()
}

fn of_optimizer(recipe: &Recipe) -> Vec<Rule> {
    let (optimizer, default) = (&recipe.optimizer, OptimizerConfig::of(recipe.optimizer.kind.which()));
    let of_groups = optimizer.groups.iter().filter_map(|group| group.weight_decay);
    vec![Rule {
        key: "optimizer.exclude_norm_and_bias".to_owned(),
        changed: optimizer.exclude_norm_and_bias != default.exclude_norm_and_bias,
        // Of `lars` it also decides which parameters have a rate of their own.
        has_effect: optimizer.kind == OptimizerKind::Lars
            || of_groups.chain([optimizer.weight_decay]).any(|decay| decay > 0.0),
        by: &["optimizer.kind", "optimizer.weight_decay"],
        said: "optimizer.weight_decay = 0".to_owned(),
    }]
}

fn of_encoder(recipe: &Recipe) -> Vec<Rule> {
    let (encoder, default) = (&recipe.encoder, EncoderConfig::default());
    let arch = format!("encoder.arch = \"{}\"", encoder.arch.name());
    vec![
        Rule {
            key: "encoder.stem".to_owned(),
            changed: encoder.stem != Stem::Small,
            has_effect: encoder.arch.has_stem(),
            by: &["encoder.arch"],
            said: arch.clone(),
        },
        Rule {
            key: "encoder.init".to_owned(),
            changed: encoder.init != default.init,
            has_effect: encoder.arch.has_init(),
            by: &["encoder.arch"],
            said: arch,
        },
        Rule {
            key: "encoder.init".to_owned(),
            changed: encoder.init != default.init,
            has_effect: encoder.weights.is_none() || !encoder.arch.has_init(),
            by: &["encoder.weights"],
            said: "encoder.weights, which has all of them".to_owned(),
        },
    ]
}

fn of_watch(recipe: &Recipe) -> Vec<Rule> {
    let (watch, default) = (&recipe.watch, WatchConfig::default());
    let rule = |key: &str, changed| Rule {
        key: key.to_owned(),
        changed,
        has_effect: watch.every > 0,
        by: &["watch.every"],
        said: "watch.every = 0".to_owned(),
    };
    vec![
        rule("watch.min_effective_rank", watch.min_effective_rank != default.min_effective_rank),
        rule("watch.min_feature_std", watch.min_feature_std != default.min_feature_std),
    ]
}

/// What has no effect on images of `channels` channels, or on generators without classes: to be warned of, as the
/// recipe is right for others.
pub(super) fn without_effect_here(recipe: &Recipe, channels: usize, classes: bool) -> Vec<String> {
    let augment = recipe.augment.of_images(channels);
    let of_colour = [
        ("saturation", augment.saturation),
        ("hue", augment.hue),
        ("grey_probability", augment.grey_probability),
    ];
    // A preset is for images of both kinds.
    let in_vain = of_colour
        .into_iter()
        .filter(|(key, change)| channels != 3 && *change > 0.0 && recipe.augment.writes(key));
    let mut told: Vec<String> = in_vain
        .map(|(key, change)| {
            format!("augment.{key} = {change}: has no effect on images without colours ({channels} of 3 channels); remove it")
        })
        .collect();
    if !classes && recipe.anchors.conditions != AnchorsConfig::default().conditions {
        told.push("anchors.conditions: has no effect on a generator without classes; remove it".to_owned());
    }
    let (kind, views) = (recipe.source.kind, &recipe.views);
    let no_step = kind == SourceKind::Real || views.kind == ViewKind::Same || views.std == 0.0;
    if kind != SourceKind::Shards && views.per_anchor > 1 && no_step && augment.changes_nothing() {
        told.push(
            "augment changes nothing and no step is taken: the views of an anchor are identical, and there is nothing to \
             learn from them; say augment.preset or, of a generator, views.std"
                .to_owned(),
        );
    }
    told
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::*;

    /// What `changes` of a recipe with this source are refused for, beside other things.
    fn refused(source: &str, changes: &[&str]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.toml");
        std::fs::write(&path, format!("[source]\n{source}")).unwrap();
        let changes: Vec<String> = changes.iter().map(|&change| change.to_owned()).collect();
        Recipe::load(&path, &changes).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn views_that_are_identical_are_warned_of() {
        let told = |source: &str, changes: &[&str]| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("recipe.toml");
            std::fs::write(&path, format!("[source]\n{source}")).unwrap();
            let changes: Vec<String> = changes.iter().map(|&change| change.to_owned()).collect();
            let recipe = Recipe::load(&path, &changes).unwrap();
            without_effect_here(&recipe, 3, false).iter().any(|told| told.contains("identical"))
        };
        let [(_, generator), (_, real), _, (_, shards)] = SOURCES;
        let none = "augment.preset=none";
        assert!(told(real, &[none]) && told(generator, &[none, "views.std=0"]));
        assert!(!told(real, &[]) && !told(generator, &[none]) && !told(generator, &["views.std=0"]));
        assert!(!told(real, &[none, "augment.flip=true"]) && !told(shards, &[none]));
    }

    const SOURCES: [(&str, &str); 4] = [
        ("generator", "kind = \"generator\"\ngenerator = \"g\"\n"),
        ("real", "kind = \"real\"\ndata = \"d\"\n"),
        ("mix", "kind = \"mix\"\ndata = \"d\"\ngenerator = \"g\"\n"),
        ("shards", "kind = \"shards\"\nshards = \"s\"\n"),
    ];

    /// Every key that some kinds of source have and others not, with those that have it.
    #[test]
    fn every_key_of_every_kind_of_source_is_used_or_refused_by_name() {
        const DRAWN: &[&str] = &["generator", "mix"];
        for (change, used_by) in [
            ("source.color=\"rgb\"", &["real", "mix", "shards"][..]),
            ("source.size=8", &["real", "mix", "shards"]),
            ("source.max_reject_share=0.5", &["real", "mix"]),
            ("source.classes=\"c\"", &["real", "mix"]),
            ("source.skip_damaged=true", &["shards"]),
            ("source.real_share=0.25", &["mix"]),
            ("source.weights=\"w\"", DRAWN),
            ("views.std=0.3", DRAWN),
            ("views.truncation=1.0", DRAWN),
            ("views.space=\"w\"", DRAWN),
            ("views.kind=\"independent\"", DRAWN),
            ("views.per_anchor=3", &["generator", "real", "mix", "shards"]),
            ("views.kind=\"same\"", &["generator", "real", "mix", "shards"]),
            ("anchors.unique=100", DRAWN),
            ("anchors.conditions=\"balanced\"", DRAWN),
        ] {
            let key = change.split('=').next().unwrap();
            for (kind, source) in SOURCES {
                let told = refused(source, &[change]);
                let named = told.contains(key) || key.starts_with("anchors.") && told.contains("anchors:");
                assert_eq!(!used_by.contains(&kind), named, "{change} with {kind}: {told}");
            }
        }
        for (changes, key) in [
            (&["views.kind=radii", "views.radii=[1.0]"][..], "views.radii"),
            (&["views.kind=adaptive", "views.agreement=0.5"], "views.agreement"),
            (
                &["views.kind=steered", "views.directions=d", "views.direction_count=3"],
                "views.direction_count",
            ),
        ] {
            assert_eq!(refused(SOURCES[0].1, changes), "", "{changes:?}");
            assert!(refused(SOURCES[1].1, changes).contains(key), "{changes:?}");
        }
    }

    #[test]
    fn a_kind_chosen_later_leaves_what_the_file_says_of_its_own_kind_in_peace() {
        let file = &format!("{}[views]\nstd = 0.5\n", SOURCES[0].1);
        assert_eq!(refused(file, &["views.kind=same"]), "");
        assert!(refused(file, &["views.kind=same", "views.std=0.5"]).contains("views.std"));
        assert!(refused(&format!("{file}kind = \"same\"\n"), &[]).contains("views.std"));
        assert_eq!(refused(&format!("{file}kind = \"same\"\n"), &["views.kind=gaussian"]), "");
        // At its default a key is no mistake: the recipes of run folders have every key.
        assert_eq!(
            refused(SOURCES[0].1, &["source.color=as-stored", "views.kind=same", "views.std=0.0"]),
            ""
        );
    }

    #[test]
    fn colours_that_never_change_are_refused_by_name() {
        let never = "augment.colour_probability=0";
        for key in ["brightness", "brightness_factor", "contrast", "saturation", "hue"] {
            let change = format!("augment.{key}=0.3");
            let told = refused(SOURCES[1].1, &[never, &change]);
            let expected =
                format!("augment.{key}: has no effect with augment.colour_probability = 0; remove it");
            assert!(told.contains(&expected), "{told}");
            assert_eq!(refused(SOURCES[1].1, &[&change]), "");
            assert_eq!(refused(SOURCES[1].1, &[never, &format!("augment.{key}=0")]), "", "off in two ways");
        }
        let file = format!("{}[augment]\nhue = 0.1\n", SOURCES[1].1);
        assert_eq!(refused(&file, &[never]), "", "switched off later");
    }

    #[test]
    fn keys_of_a_generator_are_refused_where_all_anchors_are_real() {
        for change in [
            "views.std=0.3",
            "views.truncation=1.0",
            "views.space=\"w\"",
            "views.kind=\"independent\"",
            "anchors.unique=100",
            "anchors.conditions=\"balanced\"",
            "source.generator=\"h\"",
            "source.weights=\"w\"",
        ] {
            let key = change.split('=').next().unwrap();
            let told = refused(SOURCES[2].1, &["source.real_share=1", change]);
            let expected = format!(
                "{key}: has no effect with source.real_share = 1 (write source.kind = \"real\"); remove it"
            );
            assert!(told.contains(&expected), "{told}");
            for share in ["source.real_share=0", "source.real_share=0.5"] {
                assert!(!refused(SOURCES[2].1, &[share, change]).contains(key), "{share} {change}");
            }
        }
        let file = format!("{}[views]\nstd = 0.3\n", SOURCES[2].1);
        assert_eq!(refused(&file, &["source.real_share=1"]), "", "one arm of a study");
    }

    #[test]
    fn keys_of_images_are_refused_where_no_anchor_is_real() {
        for change in
            ["source.color=\"rgb\"", "source.size=8", "source.max_reject_share=0.5", "source.data=\"e\""]
        {
            let key = change.split('=').next().unwrap();
            let told = refused(SOURCES[2].1, &["source.real_share=0", change]);
            let expected = format!(
                "{key}: has no effect with source.real_share = 0 (write source.kind = \"generator\"); remove it"
            );
            assert!(told.contains(&expected), "{told}");
            assert_eq!(refused(SOURCES[2].1, &["source.real_share=0.5", change]), "");
        }
        assert_eq!(refused(SOURCES[2].1, &["source.real_share=0"]), "", "one arm of a study");
    }

    #[test]
    fn what_is_excluded_from_a_weight_decay_of_0_is_refused_but_of_lars() {
        let of = |kind: &str, exclude: bool, more: &[&str]| {
            let changes =
                [format!("optimizer.kind={kind}"), format!("optimizer.exclude_norm_and_bias={exclude}")];
            let changes: Vec<&str> = changes.iter().map(String::as_str).chain(more.iter().copied()).collect();
            refused(SOURCES[1].1, &changes)
        };
        let none = &["optimizer.weight_decay=0"][..];
        let group = "optimizer.groups=[{prefix=\"encoder.\", weight_decay=0.1}]";
        for (kind, exclude) in [("sgd", true), ("adamw", false)] {
            let told = of(kind, exclude, none);
            assert!(
                told.contains("exclude_norm_and_bias: has no effect with optimizer.weight_decay = 0"),
                "{told}"
            );
            assert_eq!(of(kind, exclude, &[]), "");
            assert_eq!(of(kind, exclude, &[none[0], group]), "");
        }
        assert_eq!(of("lars", false, none), "", "it decides which have a rate of their own");
    }

    #[test]
    fn what_works_without_its_interval_is_accepted() {
        // A stop and a resume write checkpoints, and the online probe is in the `train` events.
        assert_eq!(refused(SOURCES[1].1, &["train.checkpoint_every=0", "train.keep_checkpoints=1"]), "");
        assert_eq!(refused(SOURCES[1].1, &["watch.every=0", "watch.online_probe=true"]), "");
        for change in
            ["watch.min_effective_rank=2", "watch.min_feature_std=0.1", "watch.stop_on_collapse=true"]
        {
            let key = change.split('=').next().unwrap();
            assert!(refused(SOURCES[1].1, &["watch.every=0", change]).contains(key), "{change}");
        }
    }

    #[test]
    fn colour_changes_of_grey_images_and_classes_of_a_generator_without_are_warned_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("recipe.toml");
        std::fs::write(&path, format!("[source]\n{}", SOURCES[0].1)).unwrap();
        let changes = ["augment.saturation=0.4", "augment.hue=0.1", "anchors.conditions=balanced"];
        let recipe = Recipe::load(&path, &changes.map(str::to_owned)).unwrap();
        let told = without_effect_here(&recipe, 1, false);
        let keys = ["augment.saturation = 0.4", "augment.hue = 0.1", "anchors.conditions"];
        assert_eq!(told.len(), keys.len(), "{told:?}");
        assert!(told.iter().zip(keys).all(|(told, key)| told.starts_with(&format!("{key}: has no effect"))));
        assert!(without_effect_here(&recipe, 3, true).is_empty());
        let plain = Recipe::load(&path, &[]).unwrap();
        assert!(without_effect_here(&plain, 1, false).is_empty());
    }

    fn recipes(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let text = path.to_string_lossy().replace('\\', "/");
            if path.is_dir() {
                recipes(&path, found);
            } else if text.ends_with(".toml")
                && !text.contains("/generators/")
                && (!text.contains("/studies/") || text.contains("/recipes/"))
            {
                found.push(path);
            }
        }
    }

    #[test]
    fn every_recipe_that_is_shipped_loads_and_reads_back_as_itself() {
        let mut found = Vec::new();
        recipes(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs"), &mut found);
        assert!(found.len() > 30);
        let folder = tempfile::tempdir().unwrap();
        let resolved = folder.path().join("resolved.toml");
        for path in found {
            let recipe = Recipe::load(&path, &[]).unwrap_or_else(|error| panic!("{error}"));
            std::fs::write(&resolved, zview_runtime::config::to_toml(&recipe).unwrap()).unwrap();
            assert_eq!(Recipe::load(&resolved, &[]).unwrap(), recipe, "{}", path.display());
        }
    }
}
