//! A mean whose variance has a part over a few seeds and a part over many test images (Cochran and Cox 1957, section 4.14).

use super::{student_t_cdf, student_t_quantile};

/// As many degrees of freedom as make Student's t normal.
const NORMAL: f64 = 1e6;

/// The error of a mean. Each part of its variance has a Student's t of its own degrees of freedom; the quantile of the
/// whole is their mean, weighted by the parts. Unlike Satterthwaite's it does not trust three seeds that are alike by
/// chance: where nothing differs it finds a difference at most as often as it says, and less often where both parts
/// matter (`wrong_findings_are_as_rare_as_they_say`).
#[derive(Debug, Clone, Copy)]
pub(super) struct CochranCox {
    /// Variance of the mean over seeds.
    pub of_seeds: f64,
    /// Their number, less one.
    pub degrees: f64,
    /// Variance of the mean over test images.
    pub of_images: f64,
}

impl CochranCox {
    /// Half of the width of the interval that misses with probability `level`.
    pub(super) fn half_width(self, level: f64) -> f64 {
        let variance = self.of_seeds + self.of_images;
        if variance <= 0.0 {
            return 0.0;
        }
        let quantile = |part: f64, degrees: f64| match part > 0.0 {
            true => part * student_t_quantile(1.0 - 0.5 * level, degrees),
            false => 0.0,
        };
        (quantile(self.of_seeds, self.degrees) + quantile(self.of_images, NORMAL)) / variance.sqrt()
    }

    /// Two-sided p-value of `difference`: the level at which the interval begins to leave out 0.
    pub(super) fn p_value(self, difference: f64) -> f64 {
        let distance = difference.abs();
        let variance = self.of_seeds + self.of_images;
        if variance <= 0.0 || distance <= 0.0 {
            return f64::from(u8::from(distance <= 0.0));
        }
        // It lies between those of either part alone.
        let t = -distance / variance.sqrt();
        let alone = |part: f64, degrees: f64| (part > 0.0).then(|| 2.0 * student_t_cdf(t, degrees));
        let of = [alone(self.of_seeds, self.degrees), alone(self.of_images, NORMAL)];
        let found = of.iter().flatten();
        let (mut low, mut high) = found.fold((1.0_f64, 0.0_f64), |(low, high), &p| (low.min(p), high.max(p)));
        // A quantile above 1 - 1e-15 is not one of an `f64`.
        low = low.max(1e-14).min(high);
        for _ in 0..60 {
            let level = (low * high).sqrt();
            if self.half_width(level) > distance { low = level } else { high = level }
        }
        high
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::{Purpose, Stream};

    #[test]
    fn one_part_alone_is_students_t() {
        let seeds = CochranCox { of_seeds: 4.0, degrees: 2.0, of_images: 0.0 };
        assert!((seeds.half_width(0.05) - 2.0 * 4.302_652_73).abs() < 1e-6);
        assert!((seeds.p_value(2.0 * 4.302_652_73) - 0.05).abs() < 1e-8);
        let images = CochranCox { of_seeds: 0.0, degrees: 2.0, of_images: 4.0 };
        assert!((images.half_width(0.05) - 2.0 * 1.959_964).abs() < 1e-4);
        assert!((images.p_value(-2.0 * 1.959_964) - 0.05).abs() < 1e-5);
        let nothing = CochranCox { of_seeds: 0.0, degrees: 2.0, of_images: 0.0 };
        assert_eq!((nothing.half_width(0.05), nothing.p_value(0.0), nothing.p_value(0.1)), (0.0, 1.0, 0.0));
    }

    #[test]
    fn both_parts_by_hand_and_p_is_the_level_that_leaves_0_out() {
        let both = CochranCox { of_seeds: 1.0, degrees: 2.0, of_images: 3.0 };
        // (1 * 4.30265 + 3 * 1.95996) / 4, times the error of 2.
        assert!((both.half_width(0.05) - (4.302_652_73 + 3.0 * 1.959_964) / 2.0).abs() < 1e-4);
        for distance in [0.5, 3.0, 9.0, 40.0] {
            let level = both.p_value(distance);
            assert!((both.half_width(level) / distance - 1.0).abs() < 1e-6, "{distance}: {level}");
        }
        assert!(both.p_value(1e6) < 1e-9, "far away the level is small, if not exact");
    }

    /// Satterthwaite's degrees of freedom find a difference in 2.3 % and 3.6 % of the cases here at a level of 1 %.
    #[test]
    fn wrong_findings_are_as_rare_as_they_say() {
        let trials = 5_000;
        for of_seeds in [0.5_f64, 2.0, 10.0] {
            let mut stream = Stream::new(0, Purpose::Check, 720, of_seeds.to_bits());
            let mut found = [0_u32; 2];
            for _ in 0..trials {
                let mut normal = || f64::from(stream.normal());
                let seeds = [normal(), normal(), normal()].map(|z| z * (3.0 * of_seeds).sqrt());
                let mean = seeds.iter().sum::<f64>() / 3.0;
                let spread = seeds.iter().map(|seed| (seed - mean).powi(2)).sum::<f64>() / 6.0;
                let error = CochranCox { of_seeds: spread, degrees: 2.0, of_images: 1.0 };
                let difference = (mean + normal()).abs();
                for (count, level) in found.iter_mut().zip([0.05, 0.01]) {
                    *count += u32::from(difference > error.half_width(level));
                }
            }
            let shares = found.map(|count| f64::from(count) / f64::from(trials));
            assert!(shares[0] < 0.053 && shares[1] < 0.0135 && shares[0] > 0.02, "{of_seeds}: {shares:?}");
        }
    }
}
