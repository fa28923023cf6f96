//! From what a user names to the file that holds an encoder.

use std::path::{Path, PathBuf};

use zview_network::checkpoint::Checkpoint;
use zview_runtime::run_folder::read_run_json;

use super::PretrainedError;
use super::header::Header;
use super::run_config::RunConfig;
use crate::ViewFormat;

/// The encoder of a finished run.
pub const ENCODER_FILE: &str = "encoder.safetensors";
/// The tensors of a checkpoint of this project.
const MODEL: &str = "model.safetensors";
/// What the encoder's names begin with in it.
pub(super) const ENCODER: &str = "encoder.";

/// A file, and what is known of it beside its content.
pub(super) struct Location {
    pub(super) file: PathBuf,
    /// For a checkpoint of a run: what its recipe says of the encoder.
    pub(super) of_run: Option<Header>,
}

impl Location {
    /// The file that `path` means: a file, a run folder, or a checkpoint of one.
    pub(super) fn of(path: &Path) -> Result<Self, PretrainedError> {
        if !path.is_dir() {
            if !path.exists() {
                return Err(PretrainedError::Missing { path: path.to_owned() });
            }
            let is_model = path.file_name().is_some_and(|name| name == MODEL);
            let of_run = path.parent().filter(|_| is_model).map(of_run).transpose()?.flatten();
            return Ok(Self { file: path.to_owned(), of_run });
        }
        let finished = path.join(ENCODER_FILE);
        if finished.exists() {
            return Ok(Self { file: finished, of_run: None });
        }
        if path.join(MODEL).exists() {
            Checkpoint::verify(path)?;
            return Ok(Self { file: path.join(MODEL), of_run: of_run(path)? });
        }
        match Checkpoint::newest(path)? {
            Some(checkpoint) => Err(PretrainedError::Unfinished {
                run: path.to_owned(),
                checkpoint: checkpoint.path().to_owned(),
            }),
            None => Err(PretrainedError::Missing { path: finished }),
        }
    }
}

/// The file that `path` means, by one name for all that it can be called: of a run folder the encoder in it. What is not
/// there keeps its name.
#[must_use]
pub fn encoder_file(path: &Path) -> PathBuf {
    let inside = [ENCODER_FILE, MODEL].into_iter().map(|name| path.join(name)).find(|file| file.exists());
    let file = inside.unwrap_or_else(|| path.to_owned());
    file.canonicalize().unwrap_or(file)
}

/// What the recipe of the run around a checkpoint folder says of the encoder.
fn of_run(checkpoint: &Path) -> Result<Option<Header>, PretrainedError> {
    let checkpoint = checkpoint.canonicalize().unwrap_or_else(|_| checkpoint.to_owned());
    let Some(run) = checkpoint.parent().and_then(Path::parent) else { return Ok(None) };
    if !run.join("config.toml").exists() {
        return Ok(None);
    }
    let config = RunConfig::of(run)?;
    Ok(Some(Header::of(&config.encoder, ViewFormat::of_run(run))))
}

/// What there is to say of a run folder whose run was stopped.
pub(super) fn stopped(run: &Path) -> Option<String> {
    let result: serde_json::Value = read_run_json(&run.join("result.json")).ok()?;
    (result["stopped"] == true).then(|| {
        let all = RunConfig::of(run).ok().and_then(|config| config.steps());
        let all = all.map_or_else(String::new, |all| format!(" of {all}"));
        format!(
            "{}: its run was stopped after {}{all} steps, and this is the encoder as it was then; `zview pretrain` with \
             --resume goes on with it",
            run.display(),
            result["steps"]
        )
    })
}

/// The side that the recipe beside an encoder asks of its images; `path` is a run folder, a file in one, or a checkpoint.
pub(super) fn recipe_side(path: &Path) -> Option<usize> {
    let path = path.canonicalize().ok()?;
    let is_run =
        |folder: &&Path| folder.join("config.toml").is_file() && folder.join("events.jsonl").is_file();
    RunConfig::of(path.ancestors().take(4).find(is_run)?).ok()?.side()
}
