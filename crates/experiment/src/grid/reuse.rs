//! Finished cells of other grids that did exactly what a cell asks for.

use std::path::{Path, PathBuf};

use crate::ExperimentError;

/// What is not copied: the lock of another folder, and reports of it.
const LEFT: [&str; 2] = ["lock", "failed.json"];
/// What a run has before it has its configuration.
const LEFT_WITHOUT_A_RUN: [&str; 5] =
    ["lock", "failed.json", "events.jsonl", "environment.json", "views.png"];

/// Copies to `folder` the first cell of the grids in `grids` that is of the `same` content, where there is one: grids, or
/// folders of such.
///
/// # Errors
/// A copy that cannot be written; nothing half-written is left.
pub(crate) fn take_over(
    folder: &Path,
    grids: &[PathBuf],
    same: impl Fn(&Path) -> bool,
) -> Result<(), ExperimentError> {
    let mut cells = grids.iter().flat_map(|grid| cells_in(grid));
    let Some(found) = cells.find(|cell| cell != folder && same(cell)) else { return Ok(()) };
    tracing::info!(run = %folder.display(), from = %found.display(), "what was done by the same recipe is taken over");
    let copying = folder.with_file_name(format!(
        ".copying-{}-{}",
        folder.file_name().unwrap_or_default().to_string_lossy(),
        std::process::id()
    ));
    let copied = copy_folder(&found, &copying).and_then(|()| {
        // A folder without a run may be left from a failed attempt; what else is in it is somebody's.
        if folder.exists() {
            for left in LEFT_WITHOUT_A_RUN {
                match std::fs::remove_file(folder.join(left)) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            std::fs::remove_dir(folder)?;
        }
        std::fs::rename(&copying, folder)
    });
    copied.map_err(|source| {
        let _ = std::fs::remove_dir_all(&copying);
        ExperimentError::Reuse { from: found, to: folder.to_owned(), source }
    })
}

/// The folders of the cells of the grid in `folder`, or of the grids in it.
fn cells_in(folder: &Path) -> Vec<PathBuf> {
    let inside = |folder: &Path| -> Vec<PathBuf> {
        let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        paths.sort();
        paths
    };
    let mut cells = inside(&folder.join("cells"));
    cells.extend(inside(folder).iter().flat_map(|grid| inside(&grid.join("cells"))));
    cells
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
