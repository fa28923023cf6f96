//! Pictures within the page.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A PNG file as a `data:` address.
pub(super) fn png_uri(png: &[u8]) -> String {
    format!("data:image/png;base64,{}", STANDARD.encode(png))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_base64_with_padding() {
        assert_eq!(png_uri(&[0xFB, 0xFF, 0, 1]), "data:image/png;base64,+/8AAQ==");
    }
}
