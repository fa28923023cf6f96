//! The normal distribution function and its inverse.

use std::f64::consts::PI;

/// Beyond this many standard deviations the distribution function is 0 or 1 in double precision.
const FAR: f64 = 8.0;

/// Phi(x) by its series about 0 (Marsaglia 2004, <https://doi.org/10.18637/jss.v011.i04>).
pub(super) fn phi(x: f64) -> f64 {
    if x.abs() >= FAR {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut sum, mut term, mut n) = (x, x, 1.0);
    loop {
        n += 2.0;
        term *= x * x / n;
        let next = sum + term;
        if next == sum || !next.is_finite() {
            break;
        }
        sum = next;
    }
    (0.5 + sum * density(x)).clamp(0.0, 1.0)
}

fn density(x: f64) -> f64 {
    (-0.5 * x * x).exp() / (2.0 * PI).sqrt()
}

/// The x with Phi(x) = p: Acklam's rational approximation (of a relative error of 1e-9) and a step of Halley's method.
pub(super) fn quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 6] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
        1.0,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 5] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
        1.0,
    ];
    /// Below it, and above 1 minus it, the tails' approximation.
    const TAIL: f64 = 0.024_25;

    if p <= 0.0 {
        return -FAR;
    }
    if p >= 1.0 {
        return FAR;
    }
    let polynomial = |coefficients: &[f64], at: f64| coefficients.iter().fold(0.0, |sum, c| sum * at + c);
    let tail = |p: f64| {
        let q = (-2.0 * p.ln()).sqrt();
        polynomial(&C, q) / polynomial(&D, q)
    };
    let x = if p < TAIL {
        tail(p)
    } else if p > 1.0 - TAIL {
        -tail(1.0 - p)
    } else {
        let q = p - 0.5;
        q * polynomial(&A, q * q) / polynomial(&B, q * q)
    };
    let error = (phi(x) - p) / density(x);
    x - error / (1.0 + x * error / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.norm.cdf`.
    #[test]
    fn the_distribution_function_and_its_inverse_are_scipys() {
        for (x, p) in [
            (-4.0, 3.167_124_183_311_986e-5),
            (-1.0, 0.158_655_253_931_457_05),
            (0.0, 0.5),
            (0.3, 0.617_911_422_188_952_6),
            (1.959_963_984_540_054, 0.975),
            (3.0, 0.998_650_101_968_369_9),
        ] {
            assert!((phi(x) - p).abs() < 1e-14, "{x}: {}", phi(x));
            assert!((quantile(p) - x).abs() < 1e-9, "{p}: {}", quantile(p));
        }
        assert_eq!((phi(-40.0), phi(40.0)), (0.0, 1.0));
        assert!(quantile(0.0).is_finite() && quantile(1.0).is_finite());
    }
}
