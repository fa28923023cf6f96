//! A tensor `features`, with what each row is of in the header.

use std::collections::HashMap;

use serde_json::json;
use zview_features::{FeatureError, rows_as_safetensors};

use super::encode::Embedded;
use crate::suite::SuiteError;

/// The text in the header: JSON with `data`, `splits`, `names`, `labels`, `classes`, `encoder_sha256` and `view`.
const KEY: &str = "zview-embedding";

pub(super) fn bytes(embedded: &Embedded) -> Result<Vec<u8>, SuiteError> {
    let mut values = Vec::new();
    for part in &embedded.splits {
        let whole = part.features.whole().map_err(|error| failed(embedded, error))?;
        values.extend_from_slice(&whole);
    }
    let (mut splits, mut names, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    for part in &embedded.splits {
        for image in 0..part.features.len() {
            splits.push(part.split.to_string());
            names.push(part.images.name_of(image).map(str::to_owned));
            labels.push(part.images.labels.as_ref().map(|labels| labels[image]));
        }
    }
    let about = json!({
        "format": 1,
        "data": embedded.data,
        "splits": splits,
        "names": names,
        "labels": labels,
        "classes": embedded.splits.first().map(|part| &part.images.classes),
        "encoder_sha256": embedded.encoder_sha256,
        "view": embedded.judged_at.view,
    });
    let metadata = HashMap::from([(KEY.to_owned(), about.to_string())]);
    rows_as_safetensors(values, embedded.dimension(), metadata).map_err(|error| failed(embedded, error))
}

fn failed(embedded: &Embedded, error: FeatureError) -> SuiteError {
    SuiteError::from(("features", embedded.data.as_str(), error.into()))
}
