//! Sections of a configuration about what is not measured.

use zview_runtime::config::Written;

use super::protocols::{ProtocolKind, SuiteConfig};

/// Every key that a protocol reads, and all that read it.
fn read_by() -> Vec<(&'static str, Vec<ProtocolKind>)> {
    let mut keys: Vec<(&str, Vec<ProtocolKind>)> = Vec::new();
    for &(_, protocol) in ProtocolKind::ALL {
        for key in protocol.reads() {
            match keys.iter_mut().find(|(known, _)| known == key) {
                Some((_, readers)) => readers.push(protocol),
                None => keys.push((key, vec![protocol])),
            }
        }
    }
    keys
}

/// Everything that is written of what is not measured, one line each. The keys are written below `section`, such as
/// `evaluation.` (or nothing). A section of the file is no mistake where an override chose what is measured, or where
/// the file leaves it open.
#[must_use]
pub fn without_effect(config: &SuiteConfig, written: &Written, section: &str) -> Vec<String> {
    let protocols = format!("{section}protocols");
    let chosen = written.layer(&protocols).is_some();
    let vain = read_by().into_iter().filter(|(key, readers)| {
        let asked = readers.iter().any(|protocol| config.asks_for(*protocol))
            || (*key == "outliers" && config.outlier_data.is_some());
        chosen && !asked && written.belongs_with(&format!("{section}{key}"), &protocols)
    });
    vain.map(|(key, readers)| {
        let names: Vec<&str> = readers.into_iter().map(ProtocolKind::name).collect();
        let named = names.join("\" or \"");
        format!("{section}{key}: has no effect, as {protocols} has no \"{named}\"; remove it, or add that protocol")
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use zview_runtime::config::parse_toml_in_layers;

    use super::*;

    #[test]
    fn a_section_of_what_is_not_measured_is_told() {
        let told = |text: &str, changes: &[&str]| {
            let changes: Vec<String> = changes.iter().map(|&change| change.to_owned()).collect();
            let (config, written) =
                parse_toml_in_layers::<SuiteConfig>(Path::new("e.toml"), text, &[&changes]).unwrap();
            without_effect(&config, &written, "")
        };
        let of_sgd = told("protocols = [\"linear\"]\n[sgd]\nepochs = 3\n", &[]);
        assert_eq!(of_sgd.len(), 1);
        assert!(of_sgd[0].starts_with("sgd: has no effect, as protocols has no \"sgd\""), "{of_sgd:?}");
        for text in ["[linear]\nvalidation_share = 0.2\n", "outlier_data = \"glyphs\"\n"] {
            let (first, key) = if text.starts_with('[') { ("", "linear") } else { (text, "outlier_data") };
            let text = format!("{first}protocols = [\"knn\"]\n{}", if first.is_empty() { text } else { "" });
            let told = told(&text, &[]);
            assert!(told.len() == 1 && told[0].starts_with(&format!("{key}: has no effect")), "{told:?}");
        }
        assert!(told("protocols = [\"scratch\"]\n[fine_tune]\nseeds = [0]\n", &[]).is_empty());
        assert!(
            told("[knn]\nk = [20]\n[linear]\nseed = 1\n", &[]).is_empty(),
            "measured where nothing is said"
        );
        assert!(told("[robustness]\nseed = 1\n", &[]).is_empty(), "for --protocol robustness");
        assert!(told("[sgd]\nepochs = 3\n", &["protocols=[\"linear\"]"]).is_empty(), "chosen later");
    }
}
