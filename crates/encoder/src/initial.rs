//! Starting from somebody's weights instead of random ones.

use std::path::{Path, PathBuf};

use serde::Serialize;
use zview_network::StateError;
use zview_network::weights::WeightsError;
use zview_runtime::device::cpu;
use zview_runtime::hash::sha256_of_file;

use super::file::{EncoderFile, ReadOptions, tell};
use super::{Encoder, PretrainedError};

/// Where an encoder's initial weights came from; an event of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InitialWeights {
    /// The file.
    pub file: PathBuf,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
    /// Names of tensors that are known not to be the encoder's, such as a head's.
    pub left_out: Vec<String>,
}

impl Encoder {
    /// Fills it from the safetensors or PyTorch file at `path`. Tensors that are known not to be the encoder's are left out
    /// and told of; everything else must be the encoder's, and all of it. `branch` is [`ReadOptions::branch`].
    ///
    /// # Errors
    /// [`PretrainedError`], naming what differs from the recipe, or the tensors that the encoder has not.
    pub fn load_weights(
        &mut self,
        path: &Path,
        branch: Option<&str>,
    ) -> Result<InitialWeights, PretrainedError> {
        let vit = self.config().vit();
        let options = ReadOptions {
            branch: branch.map(str::to_owned),
            heads: vit.map(|vit| vit.heads),
            pool: vit.map(|vit| vit.pool),
            side: self.side(),
            for_recipe: true,
        };
        let mut file = EncoderFile::open(path, &options, &cpu("tensors are only read").device)?;
        let differences = self.differences(&file);
        if !differences.is_empty() {
            return Err(PretrainedError::OtherEncoder { path: path.to_owned(), differences });
        }
        let account = file.fill(self)?;
        tell(&file.notes(&account), &file.warnings(&account));
        let file = file.tensors.path().to_owned();
        let sha256 = sha256_of_file(&file)
            .map_err(|source| StateError::from(WeightsError::Read { path: file.clone(), source }))?;
        Ok(InitialWeights { file, sha256, left_out: account.left_out() })
    }

    /// What of the file's encoder differs from this one, with what to set.
    fn differences(&self, file: &EncoderFile) -> Vec<String> {
        let (theirs, ours) = (&file.recognised.config, self.config());
        let mut differences = Vec::new();
        let mut compare = |field: &str, theirs: String, ours: String| {
            if theirs != ours {
                differences.push(format!("its {field} is {theirs}, the recipe's {ours}"));
            }
        };
        compare("encoder.arch", theirs.arch.name(), ours.arch.name());
        if theirs.arch == ours.arch {
            compare("encoder.width", theirs.width.to_string(), ours.width.to_string());
            if ours.arch.has_stem() {
                let [theirs, ours] = [theirs, ours].map(|config| format!("{:?}", config.stem).to_lowercase());
                compare("encoder.stem", theirs, ours);
            }
            let channels = file.recognised.images.channels;
            compare("number of channels", channels.to_string(), self.images().channels.to_string());
            if let (Some(theirs), Some(ours)) = (theirs.vit(), ours.vit()) {
                compare("encoder.depth", theirs.depth.to_string(), ours.depth.to_string());
                compare("encoder.patch", theirs.patch.to_string(), ours.patch.to_string());
                compare("encoder.heads", theirs.heads.to_string(), ours.heads.to_string());
            }
        }
        // What a file of another origin wants of pixels is not in it.
        if file.header.is_some() {
            compare("encoder.pixel_mean", theirs.pixel_mean.to_string(), ours.pixel_mean.to_string());
            compare("encoder.pixel_std", theirs.pixel_std.to_string(), ours.pixel_std.to_string());
        }
        let beyond = file.recognised.beyond.iter();
        differences.extend(beyond.map(|part| format!("it has {part}, which no recipe's encoder has")));
        differences
    }
}
