//! Learning rates that fall from the head towards the first layer.
//!
//! Clark et al. 2020, "ELECTRA", appendix B, <https://arxiv.org/abs/2003.10555>; for images Bao et al. 2022, "BEiT",
//! appendix H, <https://arxiv.org/abs/2106.08254>: with L encoder layers numbered from 0 and the head as layer L,
//!
//! rate of layer l = lr decay^(L - l)

use zview_encoder::EncoderConfig;
use zview_network::optimizer::GroupConfig;

/// How the names of each layer's parameters begin, first layer first ([`EncoderConfig::layer_prefixes`]); `prefix` stands
/// before all of them.
#[must_use]
pub fn layer_prefixes(encoder: &EncoderConfig, prefix: &str) -> Vec<Vec<String>> {
    let of_layer = |names: Vec<String>| names.into_iter().map(|name| format!("{prefix}{name}")).collect();
    encoder.layer_prefixes().into_iter().map(of_layer).collect()
}

/// decay^(L - l) for each of the L layers l, first layer first.
#[must_use]
pub fn layer_rates(layers: usize, decay: f64) -> Vec<f64> {
    (0..layers).map(|layer| decay.powi(i32::try_from(layers - layer).unwrap_or(i32::MAX))).collect()
}

/// The optimizer's groups for these rates; what belongs to no layer, the head, keeps the full rate.
pub(super) fn layer_groups(encoder: &EncoderConfig, prefix: &str, decay: f64) -> Vec<GroupConfig> {
    let layers = layer_prefixes(encoder, prefix);
    let rates = layer_rates(layers.len(), decay);
    let group = |lr_scale, prefix| GroupConfig { prefix, lr_scale, weight_decay: None };
    let of_layer = |(prefixes, rate): (Vec<String>, f64)| prefixes.into_iter().map(move |p| group(rate, p));
    layers.into_iter().zip(rates).flat_map(of_layer).collect()
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use zview_data::ImageShape;
    use zview_encoder::{Architecture, Encoder};
    use zview_network::parameter_names;
    use zview_runtime::seed::{Purpose, Stream};

    use super::*;

    #[test]
    fn rates_are_the_formula() {
        assert_eq!(layer_rates(3, 0.5), [0.125, 0.25, 0.5]);
        assert_eq!(layer_rates(2, 1.0), [1.0, 1.0]);
        assert_eq!(layer_rates(2, 0.0), [0.0, 0.0], "only the head moves");
        let resnet = EncoderConfig { width: 2, ..EncoderConfig::default() };
        let groups = layer_groups(&resnet, "encoder.", 0.5);
        let named: Vec<(&str, f64)> = groups.iter().map(|g| (g.prefix.as_str(), g.lr_scale)).collect();
        let expected = [
            ("encoder.conv1.", 0.03125),
            ("encoder.bn1.", 0.03125),
            ("encoder.layer1.", 0.0625),
            ("encoder.layer2.", 0.125),
            ("encoder.layer3.", 0.25),
            ("encoder.layer4.", 0.5),
        ];
        assert_eq!(named, expected);
    }

    #[test]
    fn every_parameter_of_every_architecture_is_in_exactly_one_layer() {
        let shape = ImageShape { channels: 1, height: 16, width: 16 };
        for (arch, layers) in [
            (Architecture::Resnet18, 5),
            (Architecture::Resnet34, 5),
            (Architecture::Resnet50, 5),
            (Architecture::Conv, 4),
            (Architecture::Vit, 13),
        ] {
            let vit = arch == Architecture::Vit;
            let depth = vit.then_some(12); // `blocks.1.` must not take `blocks.10.`
            let config = EncoderConfig { arch, width: if vit { 64 } else { 2 }, depth, ..Default::default() };
            let random = &mut Stream::new(0, Purpose::Weights, 0, 0);
            let encoder = Encoder::new(&config, shape, random, &Device::flex()).unwrap();
            let prefixes = layer_prefixes(&config, "encoder.");
            assert_eq!(prefixes.len(), layers, "{arch:?}");
            let names = parameter_names(&encoder, "encoder.");
            for name in &names {
                let fits = prefixes.iter().flatten().filter(|prefix| name.starts_with(*prefix)).count();
                assert_eq!(fits, 1, "{arch:?} {name}");
            }
            for prefix in prefixes.iter().flatten() {
                assert!(names.iter().any(|name| name.starts_with(prefix)), "{arch:?} {prefix}");
            }
        }
    }
}
