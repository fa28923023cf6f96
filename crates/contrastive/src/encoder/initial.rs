//! Starting from somebody's weights instead of random ones.

use std::path::{Path, PathBuf};

use serde::Serialize;
use zview_network::weights::WeightsError;
use zview_network::{StateError, read_network};
use zview_runtime::hash::sha256_of_file;

use super::pretrained::EncoderFile;
use super::{Encoder, PretrainedError};

/// Names of classification heads, which encoders do not have.
const HEADS: [&str; 2] = ["fc.", "head."];
/// How many tensors too many are named.
const NAMED: usize = 3;

/// Where an encoder's initial weights came from; an event of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InitialWeights {
    /// The file.
    pub file: PathBuf,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
    /// Names of tensors of its head, which were left out.
    pub left_out: Vec<String>,
}

impl Encoder {
    /// Fills it from the safetensors or PyTorch file at `path`, in torchvision's or timm's naming. A head is left out;
    /// everything else must be the encoder's, and all of it.
    ///
    /// # Errors
    /// [`PretrainedError`], naming what differs from the recipe, or the tensors that the encoder has not.
    pub fn load_weights(&mut self, path: &Path) -> Result<InitialWeights, PretrainedError> {
        let mut file = EncoderFile::open(path)?;
        let differences = self.differences(&file);
        if !differences.is_empty() {
            return Err(PretrainedError::OtherEncoder { path: path.to_owned(), differences });
        }
        read_network(self, &file.prefix, &mut file.state)?;
        let unused = file.state.keys().into_iter().filter(|key| !key.used);
        let unused = unused.filter_map(|key| key.key.strip_prefix(&file.prefix).map(str::to_owned));
        let (left_out, others): (Vec<String>, Vec<String>) =
            unused.partition(|key| HEADS.iter().any(|head| key.starts_with(head)));
        if !others.is_empty() {
            let (path, count) = (path.to_owned(), others.len());
            let first = others.into_iter().take(NAMED).collect();
            return Err(PretrainedError::NotUsed { path, count, first });
        }
        let file = file.state.path().to_owned();
        let sha256 = sha256_of_file(&file)
            .map_err(|source| StateError::from(WeightsError::Read { path: file.clone(), source }))?;
        Ok(InitialWeights { file, sha256, left_out })
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
            if ours.arch.is_resnet() {
                let [theirs, ours] = [theirs, ours].map(|config| format!("{:?}", config.stem).to_lowercase());
                compare("encoder.stem", theirs, ours);
            }
            let (channels, side) = (file.recognised.images.channels, file.recognised.images.height);
            compare("number of channels", channels.to_string(), self.images().channels.to_string());
            if let (Some(theirs), Some(ours)) = (theirs.vit(), ours.vit()) {
                compare("encoder.depth", theirs.depth.to_string(), ours.depth.to_string());
                compare("encoder.patch", theirs.patch.to_string(), ours.patch.to_string());
                compare("image side", side.to_string(), self.images().height.to_string());
                if file.header.is_some() {
                    compare("encoder.heads", theirs.heads.to_string(), ours.heads.to_string());
                }
            }
        }
        // What a file of another origin wants of pixels is not in it.
        if file.header.is_some() {
            compare("encoder.pixel_mean", theirs.pixel_mean.to_string(), ours.pixel_mean.to_string());
            compare("encoder.pixel_std", theirs.pixel_std.to_string(), ours.pixel_std.to_string());
        }
        differences
    }
}
