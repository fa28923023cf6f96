//! A program around the lines that load a model: where its file is, and how an image is brought to it.

use std::path::Path;

use zview_data::ColorMode;

use crate::Encoder;

/// `path`, the model, and `features(image_file)` (of a classifier `probabilities(image_file)`).
pub(super) fn program(load: &str, encoder: &Encoder, path: &Path, classes: &[String]) -> String {
    let config = encoder.config();
    let view = encoder.view();
    let color = view.and_then(|view| view.color);
    let mode = match (color, encoder.images().channels) {
        (Some(ColorMode::Grey), _) | (None, 1) => "L",
        _ => "RGB",
    };
    // A Vision Transformer takes one size; what was trained on any has no other.
    let side = encoder.side().or_else(|| view?.side());
    let resize = side.map_or_else(String::new, |side| {
        format!(
            "    side = min(image.size)  # the centre square, resized to {side}x{side} pixels\n    \
                 left, top = (image.width - side) // 2, (image.height - side) // 2\n    \
                 image = image.crop((left, top, left + side, top + side)).resize(({side}, {side}), Image.BICUBIC)\n"
        )
    });
    let (name, output) = if classes.is_empty() {
        ("features", "model((x - MEAN) / STD)[0]".to_owned())
    } else {
        ("probabilities", "dict(zip(classes, model((x - MEAN) / STD)[0].softmax(0).tolist()))".to_owned())
    };
    let output =
        output.replace("MEAN", &config.pixel_mean.to_string()).replace("STD", &config.pixel_std.to_string());
    let classes =
        if classes.is_empty() { String::new() } else { format!("classes = {}\n", python_strings(classes)) };
    format!(
        "path = {}\n{load}{classes}\
         import numpy\n\
         from PIL import Image, ImageOps\n\
         def {name}(image_file):\n    \
             image = ImageOps.exif_transpose(Image.open(image_file)).convert(\"{mode}\")\n\
         {resize}    \
             x = torch.tensor(numpy.array(image), dtype=torch.float32).div(255)\n    \
             x = x.reshape(1, image.height, image.width, -1).permute(0, 3, 1, 2)\n    \
             with torch.no_grad():\n        \
                 return {output}\n",
        python_string(&path.to_string_lossy())
    )
}

/// As Python writes it: JSON's escapes are Python's too.
fn python_string(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

fn python_strings(texts: &[String]) -> String {
    serde_json::to_string(texts).unwrap_or_default()
}
