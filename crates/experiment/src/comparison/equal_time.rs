//! Arms at equal training time: each once more, with a schedule of as many updates as fit into the reference's time.

use std::collections::BTreeMap;

use serde::Serialize;
use zview_runtime::config::ConfigError;

use super::arms::Arm;
use super::collect::{ArmCells, ArmComparison, FailedCell, compared, finished_cells, measured};
use super::pace::read_pace;
use super::study::{Study, StudyArm};

/// All arms after the reference's training time.
#[derive(Debug, Clone, Serialize)]
pub struct EqualTime {
    /// Seconds that all updates of the reference take; its fastest seed.
    pub seconds: f64,
    /// The arms, the reference first; without those that take no step.
    pub arms: Vec<ArmComparison>,
}

/// `arm` once more, at the reference's training time.
pub(super) fn at_equal_time(arm: &StudyArm) -> StudyArm {
    let mut at_time = arm.clone();
    at_time.name = format!("{}-equal-time", arm.name);
    at_time.equal_time_of = Some(arm.name.clone());
    at_time
}

impl Study {
    /// An arm at equal time has another number of updates: those of arm `of` over what they take, relative to the
    /// reference's.
    pub(super) fn with_equal_time(&self, mut arm: Arm, of: &str) -> Result<Arm, ConfigError> {
        let Some(&relative) = read_pace(self).get(of).filter(|&&relative| relative > 0.0) else {
            let problem = format!(
                "equal_time: what an update of arm {of} takes is not known; it is measured before its cells are run, \
                 and kept in pace.json"
            );
            return Err(ConfigError::Invalid { path: self.out.join("pace.json"), problems: vec![problem] });
        };
        let train = &mut arm.recipe.train;
        train.steps = ((train.steps as f64 / relative).round() as u64).max(1);
        train.warmup_steps = train.warmup_steps.min(train.steps);
        Ok(arm)
    }

    /// Whether an arm's recipe is not known before the pace is.
    pub(super) fn waits_for_pace(&self, arm: &StudyArm) -> bool {
        arm.equal_time_of.as_ref().is_some_and(|of| !read_pace(self).contains_key(of))
    }
}

/// The arms at the reference's training time, each compared with what its arm is compared with, at that time too;
/// `None` where none is finished or asked for.
pub(super) fn equal_time(
    study: &Study,
    by_arm: &[ArmCells<'_>],
    seconds: f64,
    failed: &mut Vec<FailedCell>,
) -> Option<EqualTime> {
    let at_time = finished_cells(study, &study.at_equal_time, failed);
    if at_time.iter().all(|(_, cells)| cells.is_empty()) {
        return None;
    }
    let base = |name: &str| by_arm.iter().find(|(arm, _)| arm.name == name);
    // What takes no step, and the reference, are what they are at any time.
    let against = |name: &str| -> Option<&str> {
        let own = at_time.iter().find(|(arm, _)| arm.equal_time_of.as_deref() == Some(name));
        own.or_else(|| base(name)).map(|(arm, _)| &*arm.name)
    };
    let measured = measured(study, by_arm.iter().chain(&at_time));
    let (reference, cells) = base(&study.config.reference)?;
    let own = (&*reference.name, cells);
    let mut arms = vec![compared(study, reference, own, &measured, None, BTreeMap::new())];
    for (arm, cells) in &at_time {
        let of = arm.equal_time_of.as_deref().and_then(base)?.0;
        let (own, against) = ((&*arm.name, cells), of.against.as_deref().and_then(against));
        arms.push(compared(study, of, own, &measured, against, BTreeMap::new()));
    }
    Some(EqualTime { seconds, arms })
}
