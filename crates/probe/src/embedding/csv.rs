//! Rows as text: what an image is, and its features.

use std::fmt::Write;

use zview_runtime::measurements::csv_field;

use super::encode::Embedded;

/// A header, then a row for each image: split, name, label, class, and its features where they are `with_features`.
pub(super) fn text(embedded: &Embedded, with_features: bool) -> String {
    let mut text = "split,name,label,class".to_owned();
    if with_features {
        (0..embedded.dimension()).for_each(|feature| {
            let _ = write!(text, ",f{feature}");
        });
    }
    text.push('\n');
    for part in &embedded.splits {
        for image in 0..part.features.len() {
            let name = part.images.name_of(image).map_or_else(|| image.to_string(), str::to_owned);
            let label = part.images.labels.as_ref().map(|labels| labels[image]);
            let class = label.and_then(|label| part.images.classes.get(label as usize));
            let label = label.map_or_else(String::new, |label| label.to_string());
            let class = class.map_or_else(String::new, |class| csv_field(class));
            let _ = write!(text, "{},{},{label},{class}", part.split, csv_field(&name));
            if with_features {
                part.features.row(image).iter().for_each(|value| {
                    let _ = write!(text, ",{value}");
                });
            }
            text.push('\n');
        }
    }
    text
}
