//! A mean whose variance has a part over a few seeds and a part over many test images (Cochran and Cox 1957, section 4.14).

use super::{student_t_cdf, student_t_quantile};

/// The error of a mean. Each part of its variance has a Student's t of its own degrees of freedom; the quantile of the
/// whole is their mean, weighted by the parts. Unlike Satterthwaite's it does not trust three seeds that are alike by
/// chance. It is never narrower than Student's t over the same seeds alone, so that more noise over images never makes a
/// p-value smaller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct CochranCox {
    /// Variance of the mean over seeds.
    pub of_seeds: f64,
    /// Its degrees of freedom.
    pub degrees: f64,
    /// Variance of the mean over test images.
    pub of_images: f64,
    /// Groups of them, which are independent of each other.
    pub groups: f64,
}

impl CochranCox {
    /// Half of the width of the interval that misses with probability `level`.
    pub(super) fn half_width(self, level: f64) -> f64 {
        let variance = self.of_seeds + self.of_images;
        if variance <= 0.0 {
            return 0.0;
        }
        let quantile = |part: f64, degrees: f64| match part > 0.0 {
            true => student_t_quantile(1.0 - 0.5 * level, degrees),
            false => 0.0,
        };
        let (of_seeds, of_images) =
            (quantile(self.of_seeds, self.degrees), quantile(self.of_images, self.groups - 1.0));
        let of_both = (self.of_seeds * of_seeds + self.of_images * of_images) / variance.sqrt();
        of_both.max(of_seeds * self.of_seeds.sqrt())
    }

    /// Two-sided p-value of `difference`: the level at which the interval begins to leave out 0.
    pub(super) fn p_value(self, difference: f64) -> f64 {
        let distance = difference.abs();
        let variance = self.of_seeds + self.of_images;
        if variance <= 0.0 || distance <= 0.0 {
            return f64::from(u8::from(distance <= 0.0));
        }
        // That of both parts lies between those of either alone.
        let t = -distance / variance.sqrt();
        let alone = |part: f64, degrees: f64| (part > 0.0).then(|| 2.0 * student_t_cdf(t, degrees));
        let of = [alone(self.of_seeds, self.degrees), alone(self.of_images, self.groups - 1.0)];
        let found = of.iter().flatten();
        let (low, high) = found.fold((1.0_f64, 0.0_f64), |(low, high), &p| (low.min(p), high.max(p)));
        // A quantile above 1 - 1e-15 is not one of an `f64`.
        let beyond = |log: f64| self.half_width(log.exp()) / distance - 1.0;
        let high = falling_root(low.max(1e-14).min(high).ln(), high.ln(), beyond).exp();
        let of_seeds = match self.of_seeds > 0.0 {
            true => 2.0 * student_t_cdf(-distance / self.of_seeds.sqrt(), self.degrees),
            false => 0.0,
        };
        high.max(of_seeds)
    }
}

/// Where a falling function that is not below 0 at `low` nor above it at `high` is 0 (regula falsi, Illinois variant: Dowell
/// and Jarratt, BIT 11 (1971)).
fn falling_root(mut low: f64, mut high: f64, of: impl Fn(f64) -> f64) -> f64 {
    let (mut above, mut below, mut last) = (of(low), of(high), 0.0);
    for _ in 0..60 {
        if above <= 0.0 || below >= 0.0 {
            return if above <= 0.0 { low } else { high };
        }
        let middle = (low * below - high * above) / (below - above);
        let value = of(middle);
        if value.abs() < 1e-12 {
            return middle;
        }
        let again = value.signum() == last;
        if value > 0.0 {
            (low, above) = (middle, value);
            below *= if again { 0.5 } else { 1.0 };
        } else {
            (high, below) = (middle, value);
            above *= if again { 0.5 } else { 1.0 };
        }
        last = value.signum();
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_part_alone_is_students_t() {
        let seeds = CochranCox { of_seeds: 4.0, degrees: 2.0, of_images: 0.0, groups: 99.0 };
        assert!((seeds.half_width(0.05) - 2.0 * 4.302_652_73).abs() < 1e-6);
        assert!((seeds.p_value(2.0 * 4.302_652_73) - 0.05).abs() < 1e-8);
        let images = CochranCox { of_seeds: 0.0, degrees: 2.0, of_images: 4.0, groups: 31.0 };
        let t_of_30 = 2.042_272_46;
        assert!((images.half_width(0.05) - 2.0 * t_of_30).abs() < 1e-6);
        assert!((images.p_value(-2.0 * t_of_30) - 0.05).abs() < 1e-7);
        let nothing = CochranCox { of_images: 0.0, ..images };
        assert_eq!((nothing.half_width(0.05), nothing.p_value(0.0), nothing.p_value(0.1)), (0.0, 1.0, 0.0));
    }

    #[test]
    fn both_parts_by_hand_and_p_is_the_level_that_leaves_0_out() {
        let both = CochranCox { of_seeds: 1.0, degrees: 2.0, of_images: 3.0, groups: 1e6 };
        // (1 * 4.30265 + 3 * 1.95996) / 4, times the error of 2.
        assert!((both.half_width(0.05) - (4.302_652_73 + 3.0 * 1.959_964) / 2.0).abs() < 1e-4);
        for distance in [0.5, 3.0, 9.0, 40.0] {
            let level = both.p_value(distance);
            assert!((both.half_width(level) / distance - 1.0).abs() < 1e-6, "{distance}: {level}");
        }
        assert!(both.p_value(1e6) < 1e-9, "far away the level is small, if not exact");
    }

    /// Of 940 differences of three seeds, 472 had a smaller p-value than Student's t over their seeds.
    #[test]
    fn noise_over_images_never_makes_a_p_value_smaller() {
        for of_images in [0.0, 0.01, 0.1, 0.3, 1.0, 10.0] {
            let of_seeds = |of_images| CochranCox { of_seeds: 1.0, degrees: 2.0, of_images, groups: 1e4 };
            for distance in [1.0, 4.0, 9.0, 30.0] {
                let (with, without) =
                    (of_seeds(of_images).p_value(distance), of_seeds(0.0).p_value(distance));
                assert!(with >= without * (1.0 - 1e-9), "{of_images} {distance}: {with} {without}");
            }
        }
    }
}
