//! What an encoder file says of itself that its tensors do not.

use serde::{Deserialize, Serialize};
use zview_network::weights::StateDict;
use zview_runtime::format::check_format;

use super::super::config::{EncoderConfig, Pool};
use super::super::view::ViewFormat;
use super::PretrainedError;

/// The one text in an encoder file's header. (One only: several would be written in a random order.)
pub(crate) const KEY: &str = "zview-encoder";
const FORMAT: u32 = 1;

/// The text, as JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Header {
    format: u32,
    /// Subtracted from pixels in 0..1.
    pub(crate) pixel_mean: f32,
    /// Divides them after that.
    pub(crate) pixel_std: f32,
    /// Attention heads of a Vision Transformer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) heads: Option<usize>,
    /// Which token of a Vision Transformer are the features.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) pool: Option<Pool>,
    /// The images that it was trained on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) view: Option<ViewFormat>,
    /// The classes of its head, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) classes: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Claim {
    format: u64,
}

impl Header {
    /// The header of a file of this encoder.
    pub(crate) fn of(config: &EncoderConfig, view: Option<ViewFormat>) -> Self {
        let vit = config.vit();
        Self {
            format: FORMAT,
            pixel_mean: config.pixel_mean,
            pixel_std: config.pixel_std,
            heads: vit.map(|vit| vit.heads),
            pool: vit.map(|vit| vit.pool),
            view,
            classes: None,
        }
    }

    /// The header of a file; `None` for a file of another origin.
    ///
    /// # Errors
    /// [`PretrainedError::Newer`]; [`PretrainedError::Unknown`] for a header that cannot be.
    pub(crate) fn read(state: &StateDict) -> Result<Option<Self>, PretrainedError> {
        let Some(text) = state.metadata(KEY) else { return Ok(None) };
        let unknown = |reason| PretrainedError::Unknown { path: state.path().to_owned(), reason };
        let unreadable = |error: serde_json::Error| unknown(format!("its header `{text}`: {error}"));
        // First, as a later format may have other keys.
        let claim: Claim = serde_json::from_str(text).map_err(unreadable)?;
        check_format(state.path(), Some(claim.format), FORMAT)?;
        let header: Self = serde_json::from_str(text).map_err(unreadable)?;
        match header.view.as_ref().and_then(ViewFormat::problem) {
            Some(problem) => Err(unknown(problem)),
            None => Ok(Some(header)),
        }
    }

    /// What holds for a file of another origin: pixels are taken as they come.
    pub(crate) fn unknown() -> Self {
        Self {
            format: FORMAT,
            pixel_mean: 0.0,
            pixel_std: 1.0,
            heads: None,
            pool: None,
            view: None,
            classes: None,
        }
    }

    /// The text.
    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
