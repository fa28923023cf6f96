//! Encoders of other comparisons that learnt exactly what a cell asks for.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use zview_contrastive::train::learnt_from_other_images;
use zview_encoder::load_encoder;
use zview_runtime::device::cpu;

use crate::StudyError;
use crate::arms::Arm;
use crate::training::{Progress, progress};

/// What is not copied: the lock of another folder, and reports of it.
const LEFT: [&str; 2] = ["lock", "failed.json"];
/// What a run has before it has its configuration.
const LEFT_WITHOUT_A_RUN: [&str; 5] =
    ["lock", "failed.json", "events.jsonl", "environment.json", "views.png"];

/// Copies the run of an encoder of `arm`'s recipe from the comparisons in `folders` to `run`, where there is one that
/// learnt from the same images as the runs `beside` it.
///
/// # Errors
/// A copy that cannot be written; nothing half-written is left.
pub(super) fn take_over(
    arm: &Arm,
    run: &Path,
    folders: &[PathBuf],
    beside: &[PathBuf],
) -> Result<(), StudyError> {
    let Some(found) = folders.iter().find_map(|folder| find(arm, run, folder, beside)) else {
        return Ok(());
    };
    tracing::info!(run = %run.display(), from = %found.display(), "an encoder of the same recipe is taken over");
    let failed = |source| StudyError::Reuse { from: found.clone(), to: run.to_owned(), source };
    let copying = run.with_file_name(format!(
        ".copying-{}-{}",
        run.file_name().unwrap_or_default().to_string_lossy(),
        std::process::id()
    ));
    let copied = copy_folder(&found, &copying).and_then(|()| {
        // A folder without a run may be left from a failed attempt; what else is in it is somebody's.
        if run.exists() {
            for left in LEFT_WITHOUT_A_RUN {
                match std::fs::remove_file(run.join(left)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            std::fs::remove_dir(run)?;
        }
        std::fs::rename(&copying, run)
    });
    copied.map_err(|error| {
        let _ = std::fs::remove_dir_all(&copying);
        failed(error)
    })
}

/// A finished run of `arm`'s recipe in the comparison `folder`, or in one of the comparisons in it.
fn find(arm: &Arm, run: &Path, folder: &Path, beside: &[PathBuf]) -> Option<PathBuf> {
    let inside = |folder: &Path| -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        paths.sort();
        paths
    };
    let mut cells = inside(&folder.join("cells"));
    cells.extend(inside(folder).iter().flat_map(|comparison| inside(&comparison.join("cells"))));
    let same = |cell: &PathBuf| {
        let arm = decided(arm, cell)?;
        let finished = matches!(progress(&arm, cell), Ok(Progress::Finished));
        (finished && learnt_from_other_images(cell, beside).is_none()).then_some(())
    };
    cells.into_iter().find(|cell| cell != run && same(cell).is_some())
}

/// The arm with what its recipe leaves to the images decided by the channels of those that the encoder in `cell` takes:
/// somebody may have chosen for them what others decide.
fn decided<'a>(arm: &'a Arm, cell: &Path) -> Option<Cow<'a, Arm>> {
    if !arm.recipe.augment.is_open() {
        return Some(Cow::Borrowed(arm));
    }
    let encoder = load_encoder(cell, &cpu("only its shape is read").device).ok()?;
    Some(Cow::Owned(Arm { recipe: arm.recipe.of_images(encoder.channels()), ..arm.clone() }))
}

fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_folder(&path, &target)?;
        } else if !LEFT.iter().any(|name| entry.file_name() == *name) {
            std::fs::copy(&path, &target)?;
        }
    }
    Ok(())
}
