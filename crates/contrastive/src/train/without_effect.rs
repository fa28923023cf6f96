//! Keys of a recipe that its own choices leave without an effect.
//!
//! A key that only some kinds have is checked where it is read (`source.generator`, `optimizer.beta1`). This table has
//! those that have a default for every kind: one that was changed and does nothing is a mistake. A file's key is none
//! where a later `--set` chose another kind: the file was right.

use zview_generator::{LatentSpace, ViewKind, ViewsConfig};
use zview_runtime::config::Written;

use super::recipe::Recipe;
use crate::augment::AugmentConfig;
use crate::encoder::{Architecture, EncoderConfig, Stem};
use crate::source::{SourceConfig, SourceKind};
use crate::watch::WatchConfig;

/// A key, and what decides whether it has an effect.
struct Rule {
    key: &'static str,
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
    let rules =
        [of_source(recipe), of_views(recipe), of_augment(recipe), of_encoder(recipe), of_watch(recipe)];
    let vain = |rule: &Rule| {
        rule.changed
            && !rule.has_effect
            && rule.by.iter().all(|chooser| written.belongs_with(rule.key, chooser))
    };
    let told = |rule: Rule| format!("{}: has no effect with {}; remove it", rule.key, rule.said);
    rules.into_iter().flatten().filter(vain).map(told).collect()
}

const SOURCE_KIND: &[&str] = &["source.kind"];

fn source_kind(source: &SourceConfig) -> String {
    format!("source.kind = \"{}\"", source.kind.name())
}

fn of_source(recipe: &Recipe) -> Vec<Rule> {
    let source = &recipe.source;
    let images = source.kind != SourceKind::Generator;
    let rule = |key, changed, has_effect| Rule {
        key,
        changed,
        has_effect,
        by: SOURCE_KIND,
        said: source_kind(source),
    };
    vec![
        rule("source.color", source.color != Default::default(), images),
        rule("source.size", source.size.is_some(), images),
        rule(
            "source.max_reject_share",
            source.max_reject_share != 0.0,
            images && source.kind != SourceKind::Shards,
        ),
    ]
}

fn of_views(recipe: &Recipe) -> Vec<Rule> {
    let (source, views) = (&recipe.source, &recipe.views);
    let drawn = matches!(source.kind, SourceKind::Generator | SourceKind::Mix);
    let default = ViewsConfig::default();
    let rule =
        |key, changed| Rule { key, changed, has_effect: drawn, by: SOURCE_KIND, said: source_kind(source) };
    let takes_step = !matches!(views.kind, ViewKind::Same | ViewKind::Independent);
    vec![
        // Views of a stored image are the same image.
        rule("views.kind", !matches!(views.kind, ViewKind::Gaussian | ViewKind::Same)),
        rule("views.truncation", views.truncation != default.truncation),
        rule("views.space", views.space != LatentSpace::Z),
        rule("views.radii", views.radii.is_some()),
        rule("views.agreement", views.agreement.is_some()),
        rule("views.directions", views.directions.is_some()),
        rule("views.direction_count", views.direction_count.is_some()),
        rule("views.std", views.std != views.kind.std_default()),
        Rule {
            key: "views.std",
            changed: views.std != views.kind.std_default(),
            has_effect: takes_step || !drawn,
            by: &["views.kind"],
            said: format!("views.kind = \"{}\"", views.kind.name()),
        },
    ]
}

fn of_augment(recipe: &Recipe) -> Vec<Rule> {
    let (augment, default) = (&recipe.augment, AugmentConfig::default());
    let changes =
        [augment.brightness, augment.brightness_factor, augment.contrast, augment.saturation, augment.hue];
    vec![
        Rule {
            key: "augment.blur_sigma",
            changed: augment.blur_sigma != default.blur_sigma,
            has_effect: augment.blur_probability > 0.0,
            by: &["augment.blur_probability"],
            said: "augment.blur_probability = 0".to_owned(),
        },
        Rule {
            key: "augment.colour_probability",
            changed: augment.colour_probability != default.colour_probability,
            has_effect: changes.iter().any(|change| *change > 0.0),
            by: &["augment.brightness", "augment.contrast"],
            said: "all changes of colour (brightness, contrast, saturation, hue) at 0".to_owned(),
        },
    ]
}

fn of_encoder(recipe: &Recipe) -> Vec<Rule> {
    let (encoder, default) = (&recipe.encoder, EncoderConfig::default());
    let arch = format!("encoder.arch = \"{}\"", encoder.arch.name());
    let convolutions = encoder.arch != Architecture::Vit;
    vec![
        Rule {
            key: "encoder.stem",
            changed: encoder.stem != Stem::Small,
            has_effect: convolutions && encoder.arch != Architecture::Conv,
            by: &["encoder.arch"],
            said: arch.clone(),
        },
        Rule {
            key: "encoder.init",
            changed: encoder.init != default.init,
            has_effect: convolutions,
            by: &["encoder.arch"],
            said: arch,
        },
        Rule {
            key: "encoder.init",
            changed: encoder.init != default.init,
            has_effect: encoder.weights.is_none() || !convolutions,
            by: &["encoder.weights"],
            said: "encoder.weights, which has all of them".to_owned(),
        },
    ]
}

fn of_watch(recipe: &Recipe) -> Vec<Rule> {
    let (watch, default) = (&recipe.watch, WatchConfig::default());
    let rule = |key, changed| Rule {
        key,
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
