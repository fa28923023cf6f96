//! Rows as text: what an image is, and its features.

use std::io::{self, Write};

use zview_runtime::measurements::csv_field;

use super::encode::Embedded;

/// Writes a header, then a row for each image: split, name, label, class, and its features where they are
/// `with_features`.
///
/// # Errors
/// What `file` gives.
pub(super) fn write(embedded: &Embedded, with_features: bool, file: &mut impl Write) -> io::Result<()> {
    write!(file, "split,name,label,class")?;
    if with_features {
        (0..embedded.dimension()).try_for_each(|feature| write!(file, ",f{feature}"))?;
    }
    writeln!(file)?;
    for part in &embedded.splits {
        for image in 0..part.features.len() {
            let name = part.images.name_of(image).map_or_else(|| image.to_string(), str::to_owned);
            let label = part.images.labels.as_ref().map(|labels| labels[image]);
            let class = label.and_then(|label| part.images.classes.get(label as usize));
            let label = label.map_or_else(String::new, |label| label.to_string());
            let class = class.map_or_else(String::new, |class| csv_field(class));
            write!(file, "{},{},{label},{class}", part.split, csv_field(&name))?;
            if with_features {
                part.features.row(image).iter().try_for_each(|value| write!(file, ",{value}"))?;
            }
            writeln!(file)?;
        }
    }
    Ok(())
}
