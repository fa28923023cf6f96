//! `zview bench --warm`: fills the autotune cache before a run needs it.

use std::time::Instant;

use serde::Serialize;
use zview_contrastive::train::Trainer;
use zview_runtime::autotune::{AutotuneCache, autotune_cache};
use zview_runtime::build_features;
use zview_runtime::device::{ChosenDevice, read_floats};

use crate::failure::Failure;
use crate::output;

/// The first step renders, trains and so measures every shape; a few more settle what fusion still tries.
const MAX_STEPS: u64 = 20;

#[derive(Serialize)]
struct Warmed {
    device: String,
    /// Why nothing was done, where nothing was.
    nothing_to_warm: Option<String>,
    steps: u64,
    seconds: f64,
    /// Shapes measured now.
    added: u64,
    cache: Option<AutotuneCache>,
}

pub fn warm(trainer: &mut Trainer, device: &ChosenDevice, as_json: bool) -> Result<(), Failure> {
    let warmed = fill(trainer, device)?;
    output::result(as_json, &warmed, |warmed| match (&warmed.nothing_to_warm, &warmed.cache) {
        (None, Some(cache)) => format!(
            "{} shapes measured in {:.1} s ({} steps on {}); {} now holds {}",
            warmed.added,
            warmed.seconds,
            warmed.steps,
            warmed.device,
            cache.file.display(),
            cache.entries
        ),
        (reason, _) => format!("nothing to warm: {}", reason.as_deref().unwrap_or("no cache is kept")),
    })
}

fn fill(trainer: &mut Trainer, device: &ChosenDevice) -> Result<Warmed, Failure> {
    let nothing = if !build_features().contains(&"autotune") {
        Some(
            "this build measures no shaders; rebuild with `--features autotune` for one that does".to_owned(),
        )
    } else if !device.is_gpu() {
        Some(format!("{} runs no shaders; name a graphics adapter with --device", device.name))
    } else if autotune_cache().is_none() {
        Some(
            "the cache is switched off, or no file can be written for it (HOME and XDG_CACHE_HOME say where)"
                .to_owned(),
        )
    } else {
        None
    };
    let entries = || autotune_cache().map_or(0, |cache| cache.entries);
    let (before, started) = (entries(), Instant::now());
    let mut steps = 0;
    while nothing.is_none() && steps < MAX_STEPS {
        let known = entries();
        let loss = trainer.train_step()?.loss;
        read_floats(loss).map_err(Failure::failed)?;
        steps += 1;
        if entries() == known {
            break;
        }
    }
    Ok(Warmed {
        device: device.name.clone(),
        nothing_to_warm: nothing,
        steps,
        seconds: started.elapsed().as_secs_f64(),
        added: entries() - before,
        cache: autotune_cache(),
    })
}
