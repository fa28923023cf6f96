//! Everything that is wrong with a comparison, before anything runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use zview_contrastive::source::SourceKind;
use zview_data::{DataError, LoadOptions, Split, load};
use zview_features::Settings;
use zview_generator::Manifest;
use zview_probe::suite::ProtocolKind;
use zview_runtime::config::ConfigError;

use super::config::ArmConfig;
use super::contrasts::ContrastConfig;
use super::study::Study;

/// Side in pixels at which images are looked through that are judged at any size.
const SIZE_OF_A_LOOK: usize = 32;

impl Study {
    /// Everything that is wrong, one line each.
    pub(super) fn problems(&self, data_dir: Option<&Path>) -> Vec<String> {
        let config = &self.config;
        let mut problems = Vec::new();
        let names: BTreeSet<&str> = self.arms.iter().map(|arm| arm.name.as_str()).collect();
        let known = || names.iter().copied().collect::<Vec<_>>().join(", ");
        let mut arm_exists = |field: &str, name: &str| {
            if !names.contains(name) {
                problems.push(format!("{field}: there is no arm \"{name}\"; the arms are {}", known()));
            }
        };
        arm_exists("reference", &config.reference);
        if let Some(gap) = &config.gap {
            arm_exists("gap.real", &gap.real);
            arm_exists("gap.synthetic", &gap.synthetic);
            arm_exists("gap.views", &gap.views);
        }
        let mut axes: BTreeMap<&str, usize> = BTreeMap::new();
        self.arms.iter().filter(|arm| arm.axis.is_some()).for_each(|arm| {
            *axes.entry(&arm.series).or_default() += 1;
        });
        let (all, axes): (Vec<&str>, Vec<(&str, usize)>) =
            (names.iter().copied().collect(), axes.into_iter().collect());
        problems.extend(config.contrasts.iter().flat_map(|contrast| contrast.problems(&all, &axes)));
        let evaluation = &config.evaluation;
        let by_linear =
            evaluation.asks_for(ProtocolKind::Linear) && evaluation.linear.fixed_penalty.is_none();
        let by_labels =
            evaluation.asks_for(ProtocolKind::FewShot) && evaluation.few_shot_validation_share > 0.0;
        let about_a_top = |contrast: &&ContrastConfig| contrast.rise.is_some() || contrast.fall.is_some();
        if let Some(contrast) = config.contrasts.iter().find(about_a_top).filter(|_| !by_linear && !by_labels)
        {
            problems.push(format!(
                "contrasts: {}: the top is picked on held-out training images, which nothing is judged on; set \
                 evaluation.few_shot_validation_share, or add the protocol \"linear\"",
                contrast.name
            ));
        }
        let mut called = BTreeSet::new();
        for contrast in config.contrasts.iter().filter(|contrast| !called.insert(&contrast.name)) {
            problems.push(format!(
                "contrasts: two are called \"{}\"; each needs a name of its own",
                contrast.name
            ));
        }
        problems.extend(same_names(self.all_arms().map(|arm| arm.name.as_str())));
        for name in &names {
            if name.is_empty() || name.contains(['/', '\\']) || name.starts_with('.') {
                problems.push(format!("arms.name: \"{name}\" cannot be a folder's name"));
            }
        }
        if self.arms.len() < 2 {
            problems.push("arms: two or more are needed to compare".to_owned());
        }
        if let Some(gap) = config.gap.as_ref().filter(|gap| gap.real == gap.synthetic) {
            problems
                .push(format!("gap: real and synthetic are the same arm, \"{}\"; there is no gap", gap.real));
        }
        for arm in &config.arms {
            problems.extend(of_arm(arm));
            if let Some(against) = arm.against.as_ref().filter(|against| !names.contains(against.as_str())) {
                problems.push(format!(
                    "arm {}: against: there is no arm \"{against}\"; the arms are {}",
                    arm.name,
                    known()
                ));
            }
            let Some(place) = &arm.at else { continue };
            if arm.vary.is_some() {
                problems.push(format!("arm {}: `at` is for a single arm, `vary` makes several", arm.name));
            }
            if !config.arms.iter().any(|other| other.name == place.series && other.vary.is_some()) {
                problems.push(format!("arm {}: at.series: no arm \"{}\" has `vary`", arm.name, place.series));
            }
        }
        let reference = self.arms.iter().find(|arm| arm.name == config.reference);
        if config.equal_time
            && let Some(Ok(arm)) = reference.map(|arm| self.arm(arm, 0))
            && arm.recipe.train.steps == 0
        {
            problems.push(format!("equal_time: the reference \"{}\" takes no updates", config.reference));
        }
        let seeds: BTreeSet<u64> = config.seeds.iter().copied().collect();
        if seeds.is_empty() || seeds.len() < config.seeds.len() {
            problems.push("seeds: expected one or more, each once".to_owned());
        }
        if let Some(scale) = &config.evaluation.pixels {
            problems.push(format!(
                "evaluation.pixels: \"{scale}\" has no effect, as the encoders of a comparison say it themselves; remove it"
            ));
        }
        if config.data.is_empty() {
            problems.push("data: expected one labelled data set or more, got none".to_owned());
        }
        if config.data.iter().collect::<BTreeSet<_>>().len() < config.data.len() {
            problems.push("data: a data set is named twice; name each once".to_owned());
        }
        let of_evaluation = config.evaluation.problems().into_iter();
        problems.extend(of_evaluation.map(|problem| format!("evaluation.{problem}")));
        if config.evaluation.protocols.is_empty() {
            problems.push("evaluation.protocols: expected one or more, got none".to_owned());
        }
        let judged = LoadOptions {
            data_dir: data_dir.map(Path::to_owned),
            color: config.evaluation.color.unwrap_or_default(),
            // An encoder judges images at the size that it was trained at, so theirs may differ.
            size: Some(config.evaluation.size.unwrap_or(SIZE_OF_A_LOOK)),
            max_reject_share: config.evaluation.max_reject_share,
            classes: config.evaluation.class_list().map(Path::to_owned),
            ..LoadOptions::default()
        };
        for data in &config.data {
            problems.extend(absent("data", data, Split::Test, &judged));
        }
        self.recipe_problems(data_dir, &mut problems);
        problems
    }

    fn recipe_problems(&self, data_dir: Option<&Path>, problems: &mut Vec<String>) {
        let mut steps = BTreeSet::new();
        let mut looked_for = BTreeSet::new();
        let mut looked_through = Vec::new();
        for arm in &self.arms {
            let recipe = match self.arm(arm, self.config.seeds.first().copied().unwrap_or(0)) {
                Ok(arm) => arm.recipe,
                Err(ConfigError::Invalid { problems: of_recipe, path }) => {
                    // A line is one of the recipe.
                    let place = |problem: &str| match problem.contains("(line ") {
                        true => format!("{}: ", path.display()),
                        false => String::new(),
                    };
                    let of_arm = |problem: String| format!("arm {}: {}{problem}", arm.name, place(&problem));
                    problems.extend(of_recipe.into_iter().map(of_arm));
                    continue;
                }
                Err(error) => {
                    problems.push(format!("arm {}: {error}", arm.name));
                    continue;
                }
            };
            // The untrained encoder is an arm too.
            if recipe.train.steps > 0 {
                steps.insert(recipe.train.steps);
            }
            if let Some(points) = self.config.progress
                && recipe.train.steps > 0
                && (points == 0 || !recipe.train.steps.is_multiple_of(points))
            {
                problems.push(format!(
                    "progress: expected a divisor of train.steps ({}) of arm {}, got {points}",
                    recipe.train.steps, arm.name
                ));
            }
            let seen = recipe.train.steps * recipe.train.batch as u64 * recipe.train.accumulate;
            if let Some(unique) = recipe.anchors.unique.filter(|&unique| unique > seen && seen > 0) {
                problems.push(format!(
                    "arm {}: anchors.unique is {unique}, but {} steps see {seen} anchors: it would not differ from fresh ones",
                    arm.name, recipe.train.steps
                ));
            }
            let several = recipe.source.generators.iter().map(|share| &share.generator);
            for generator in recipe.source.generator.iter().chain(several) {
                if looked_for.insert(generator.clone())
                    && let Err(error) = Manifest::find(generator, &[])
                {
                    problems.push(format!("arm {}: source.generator: {error}", arm.name));
                }
            }
            if recipe.source.kind != SourceKind::Generator
                && let Some(data) = recipe.source.data.clone()
            {
                let looked = (data, recipe.source.load_options(data_dir.map(Path::to_owned)));
                if !looked_through.contains(&looked) {
                    let field = format!("arm {}: source.data", arm.name);
                    problems.extend(absent(&field, &looked.0, Split::Train, &looked.1));
                    looked_through.push(looked);
                }
            }
        }
        if steps.len() > 1 && !self.config.unequal_updates {
            problems.push(format!(
                "arms: train.steps differ ({steps:?}); arms are compared at equal updates, or with unequal_updates = true"
            ));
        }
    }
}

/// What an arm says in vain.
fn of_arm(arm: &ArmConfig) -> Vec<String> {
    let mut problems = Vec::new();
    let name = &arm.name;
    if arm.vary.as_ref().is_some_and(|vary| vary.values.is_empty()) {
        problems.push(format!("arm {name}: vary.values: expected one or more, got none"));
    }
    if arm.against.as_ref() == Some(name) {
        problems.push(format!("arm {name}: against: it cannot be compared with itself; name another arm"));
    }
    let varied = arm.vary.iter().map(|vary| vary.key.as_str());
    let set = arm.set.iter().filter_map(|change| change.split_once('=')).map(|(key, _)| key.trim());
    for key in set.chain(varied) {
        let instead = match key {
            "seed" => "`seeds`",
            "probe" | "probe.data" | "probe.train_pool" => "`data` and [evaluation]",
            _ => continue,
        };
        problems.push(format!("arm {name}: {key}: has no effect, as a comparison has {instead}; remove it"));
    }
    problems
}

/// Why a data set cannot be had, if it cannot. An option that cannot be is named by its own key.
fn absent(field: &str, data: &str, split: Split, options: &LoadOptions) -> Option<String> {
    let error = load(data, split, options).err();
    error
        .filter(|error| !matches!(error, DataError::InvalidOption { .. }))
        .map(|error| format!("{field}: {error}"))
}

/// Arms that would share a folder: some file systems ignore case.
fn same_names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut by_folder = BTreeMap::<String, Vec<&str>>::new();
    names.for_each(|name| by_folder.entry(name.to_lowercase()).or_default().push(name));
    let told = |names: &Vec<&str>| match names[..] {
        [first, second, ..] if first == second => {
            Some("arms: two have the same name; each needs its own".to_owned())
        }
        [first, second, ..] => Some(format!(
            "arms: \"{first}\" and \"{second}\" differ in case alone, and would share a folder where case is ignored; \
             rename one"
        )),
        _ => None,
    };
    by_folder.values().filter_map(told).collect()
}

#[cfg(test)]
mod tests {
    use zview_runtime::config::parse_toml;

    use super::*;

    #[test]
    fn arms_whose_names_differ_in_case_alone_are_refused() {
        let told = |names: &[&str]| same_names(names.iter().copied());
        assert!(told(&["x", "y", "x-at-equal-time"]).is_empty());
        assert_eq!(told(&["x", "x"]), ["arms: two have the same name; each needs its own"]);
        let told = told(&["É", "y", "é"]);
        assert!(told.len() == 1 && told[0].contains("\"É\" and \"é\" differ in case alone"), "{told:?}");
    }

    #[test]
    fn what_an_arm_says_in_vain_is_told() {
        let told = |text: &str| of_arm(&parse_toml(Path::new("arm"), text).unwrap()).join("; ");
        for (text, words) in [
            ("set = [\"seed=3\"]", "seed: has no effect, as a comparison has `seeds`"),
            ("set = [\"probe.data=mnist\"]", "probe.data: has no effect, as a comparison has `data`"),
            ("vary = { key = \"optimizer.lr\", values = [] }", "vary.values: expected one or more"),
            ("vary = { key = \"seed\", values = [1, 2] }", "seed: has no effect"),
            ("against = \"a\"", "against: it cannot be compared with itself"),
        ] {
            let told = told(&format!("name = \"a\"\n{text}\n"));
            assert!(told.contains(words), "{text}: {told}");
        }
        assert_eq!(told("name = \"a\"\nset = [\"train.steps=3\"]\nagainst = \"b\"\n"), "");
    }
}
