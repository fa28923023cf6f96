//! What a tensor without a place may be, and what to change.

use zview_network::weights::KeyInfo;

use crate::Manifest;
use crate::architectures::ArchitectureKind;
use crate::layers::Layer;

/// A line on the tensors `infos`, all of which begin with `prefix`.
pub(super) fn explain(manifest: &Manifest, prefix: &str, infos: &[&KeyInfo]) -> String {
    let key = &infos[0].key;
    let shapes: Vec<String> = infos
        .iter()
        .take(4)
        .map(|info| format!("{} {:?}", info.key.strip_prefix(prefix).unwrap_or(""), info.shape))
        .collect();
    let more = if infos.len() > shapes.len() { ", .." } else { "" };
    let what = if key == prefix {
        format!("`{key}` {:?}", infos[0].shape)
    } else {
        format!("`{prefix}` ({}{more})", shapes.join(", "))
    };
    if manifest.architecture != ArchitectureKind::Sequential {
        let name = manifest.architecture.name();
        return format!(
            "{what}: no tensor of `{name}`; if another network has it, write `ignore = [\"{prefix}\"]`"
        );
    }
    let mut owner = None;
    find_owner(&manifest.layers, "layers", key, &mut owner);
    match owner {
        Some((place, layer, part)) => {
            let kind = layer.kind();
            match layer.spec().not_taken(part) {
                Some(says) => format!("{what}: `{place}` ({kind}) {says}"),
                None => {
                    format!("{what}: `{place}` ({kind}) has no such tensor; is it a layer of another kind?")
                }
            }
        }
        None => format!(
            "{what}: no layer has this key; add the layer, or, if it is another network's, write \
             `ignore = [\"{prefix}\"]`"
        ),
    }
}

/// The layer with the longest key that `key` begins with: its place, itself and the rest of `key`.
fn find_owner<'a>(
    layers: &'a [Layer],
    path: &str,
    key: &'a str,
    owner: &mut Option<(String, &'a Layer, &'a str)>,
) {
    for (index, layer) in layers.iter().enumerate() {
        let place = format!("{path}[{index}]");
        for (name, nested) in layer.spec().nested() {
            find_owner(nested, &format!("{place}.{name}"), key, owner);
        }
        let part = layer.spec().key().and_then(|own| key.strip_prefix(own)?.strip_prefix('.'));
        if let Some(part) =
            part.filter(|part| owner.as_ref().is_none_or(|(.., found)| part.len() < found.len()))
        {
            *owner = Some((place, layer, part));
        }
    }
}
