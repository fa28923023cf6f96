//! The commands that repeat a comparison, all of it or an arm.

use std::path::Path;

use serde_json::Value;
use zview_runtime::run_folder::read_run_json;

use super::study::{Study, StudyArm};
use crate::commands::quote;
use crate::pages::RepeatCommand;
use zview_probe::suite::{ProtocolKind, SuiteConfig};

/// `whole`, which makes the page again, and for the first finished seed of each arm the commands that train it once more
/// and judge it. Named data sets are looked up in `data_dir` first.
pub(super) fn repeat_commands(study: &Study, whole: &str, data_dir: Option<&Path>) -> Vec<RepeatCommand> {
    let mut commands = vec![RepeatCommand {
        purpose: "The whole comparison (finished arms are kept; another --out starts afresh)".to_owned(),
        command: whole.to_owned(),
    }];
    for arm in &study.arms {
        let finished = study.config.seeds.iter().find(|&&seed| study.finished(arm, seed).is_some());
        let Some(&seed) = finished else { continue };
        let common = common(&study.run_folder(arm, seed), data_dir);
        let parts = [("trained once more", train(study, arm, seed)), ("judged", judge(study, arm, seed))];
        commands.extend(parts.map(|(what, words)| RepeatCommand {
            purpose: format!("Arm {}, seed {seed}, {what}", arm.name),
            command:
                [words, common.clone()].concat().iter().map(|word| quote(word)).collect::<Vec<_>>().join(" "),
        }));
    }
    commands
}

fn train(study: &Study, arm: &StudyArm, seed: u64) -> Vec<String> {
    let run = study.run_folder(arm, seed);
    let name = run.file_name().unwrap_or_default().to_string_lossy();
    let again = run.with_file_name(format!("{name}-again"));
    let words = ["zview", "pretrain", &text(&run.join("config.toml")), "--out", &text(&again)];
    words.map(str::to_owned).to_vec()
}

fn judge(study: &Study, arm: &StudyArm, seed: u64) -> Vec<String> {
    let config = &study.config.evaluation;
    let mut words = ["zview", "probe", &text(&study.run_folder(arm, seed))].map(str::to_owned).to_vec();
    for data in &study.config.data {
        words.extend(["--data".to_owned(), data.clone()]);
    }
    words.extend(["--seed".to_owned(), seed.to_string()]);
    words.extend(["--train-pool".to_owned(), config.train_pool.to_string()]);
    let asked = ProtocolKind::ALL.iter().filter(|(_, measure)| config.asks_for(*measure));
    let protocols: Vec<&str> = asked.map(|(name, _)| *name).collect();
    words.extend(["--protocol".to_owned(), protocols.join(",")]);
    for change in changes(config) {
        words.extend(["--set".to_owned(), change]);
    }
    words
}

/// The device that `run` was computed on, and where data are looked for.
fn common(run: &Path, data_dir: Option<&Path>) -> Vec<String> {
    let environment: Option<Value> = read_run_json(&run.join("environment.json")).ok();
    let device = environment.and_then(|said| said["device"]["request"].as_str().map(str::to_owned));
    let device = device.map(|device| ["--device".to_owned(), device]);
    let data_dir = data_dir.map(|folder| ["--data-dir".to_owned(), text(folder)]);
    device.into_iter().chain(data_dir).flatten().collect()
}

/// `section.key=value` of everything that `config` has otherwise than by default, but for data, pool, protocols and
/// seeds.
fn changes(config: &SuiteConfig) -> Vec<String> {
    let own = SuiteConfig { data: Vec::new(), ..config.clone() }.with_seed(0);
    let standard = SuiteConfig {
        train_pool: config.train_pool,
        protocols: config.protocols.clone(),
        ..SuiteConfig::default()
    };
    let standard = standard.with_seed(0);
    let values = |config: SuiteConfig| serde_json::to_value(config).unwrap_or_default();
    let mut changes = Vec::new();
    collect_changes("", &values(own), &values(standard), &mut changes);
    changes
}

fn collect_changes(name: &str, own: &Value, standard: &Value, changes: &mut Vec<String>) {
    match own.as_object() {
        Some(object) => {
            for (key, value) in object {
                let inner = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                collect_changes(&inner, value, &standard[key], changes);
            }
        }
        None if own != standard && !own.is_null() => changes.push(format!("{name}={own}")),
        None => {}
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_judged_otherwise_than_by_default_is_said_and_nothing_else() {
        assert!(changes(&SuiteConfig::default().with_seed(7)).is_empty());
        let mut config =
            SuiteConfig { train_pool: 20_000, data: vec!["d".to_owned()], ..SuiteConfig::default() };
        config.protocols = vec![ProtocolKind::Linear, ProtocolKind::FewShot];
        config.few_shot.labels_per_class = Some(vec![10]);
        config.few_shot.draws = 5;
        assert_eq!(changes(&config), ["few_shot.draws=5", "few_shot.labels_per_class=[10]"]);
    }
}
