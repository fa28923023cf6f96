//! What the numbers allow to say, in words that depend on the intervals.

use zview_report::numbers::{percent, signed_percent, thousands};

use crate::arms::{RANDOM, REAL, SYNTHETIC_GAUSSIAN, SYNTHETIC_TX};
use crate::results::{Comparison, Difference, Standing};

/// The question of the demo.
pub const QUESTION: &str =
    "Can an encoder taught only by a generator keep up with one taught by the real images?";

/// The answer of a comparison that has the four arms of [`crate::arms`]: a sentence about the generator
/// against the real images and one about the step in latent space, after a warning where training has
/// taught the encoders nothing that the untrained one did not have. Empty where an arm is missing.
#[must_use]
pub fn answer(comparison: &Comparison) -> String {
    let accuracy = |arm: &str| comparison.arm(arm).map(|arm| percent(arm.linear.mean));
    let (Some(real), Some(tx), Some(gaussian)) =
        (accuracy(REAL), accuracy(SYNTHETIC_TX), accuracy(SYNTHETIC_GAUSSIAN))
    else {
        return String::new();
    };
    let difference = |arm, other| comparison.difference(arm, other);
    let (Some(to_real), Some(to_tx)) =
        (difference(SYNTHETIC_GAUSSIAN, REAL), difference(SYNTHETIC_GAUSSIAN, SYNTHETIC_TX))
    else {
        return String::new();
    };
    let images = thousands(comparison.n_test);
    let verdict = match to_real.standing() {
        Standing::Better => "Yes, it does better here",
        Standing::NotToldApart => "The two are not told apart here",
        Standing::Worse => "No, it does worse here",
    };
    let first = format!(
        "{verdict}: on {images} held-out images of {} the encoder that saw only generated images reaches \
         {gaussian} % and the one that saw the real images {real} %, a difference of {}.",
        comparison.data,
        points(to_real)
    );
    let second = match to_tx.standing() {
        Standing::Better => format!(
            "The step between neighbouring latents helps: without it the generator's images teach {tx} %, \
             a difference of {}.",
            points(to_tx)
        ),
        Standing::NotToldApart => format!(
            "Whether the step between neighbouring latents helps cannot be told: without it the generator's \
             images teach {tx} %, a difference of {}.",
            points(to_tx)
        ),
        Standing::Worse => format!(
            "The step between neighbouring latents hurts here: without it the generator's images teach {tx} %, \
             a difference of {}.",
            points(to_tx)
        ),
    };
    [nothing_learnt(comparison), Some(first), Some(second)]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}

/// A comparison of encoders that learnt nothing says nothing about what they learnt from.
fn nothing_learnt(comparison: &Comparison) -> Option<String> {
    let idle: Vec<&str> = [REAL, SYNTHETIC_GAUSSIAN]
        .into_iter()
        .filter(|arm| {
            let gain = comparison.difference(arm, RANDOM);
            gain.is_some_and(|gain| gain.standing() != Standing::Better)
        })
        .collect();
    (!idle.is_empty()).then(|| {
        format!(
            "This run says little, because training left {} no better than the untrained encoder: take more \
             steps (--set train.steps=...).",
            idle.join(" and ")
        )
    })
}

/// `+2.0 points [95 % interval +0.8 to +3.1]`.
fn points(difference: Difference) -> String {
    format!(
        "{} points (95 % interval {} to {})",
        signed_percent(difference.difference),
        signed_percent(difference.low),
        signed_percent(difference.high)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probing::tests::comparison;

    #[test]
    fn each_standing_has_its_own_words() {
        let better = answer(&comparison(500, 800, 820, 860));
        assert!(better.starts_with("Yes, it does better here"), "{better}");
        assert!(
            better.contains("86.0 %") && better.contains("80.0 %") && better.contains("+6.0 points"),
            "{better}"
        );
        assert!(better.contains("neighbouring latents helps: without it"), "{better}");
        let even = answer(&comparison(500, 860, 860, 860));
        assert!(even.starts_with("The two are not told apart here"), "{even}");
        assert!(even.contains("cannot be told") && even.contains("0.0 points"), "{even}");
        let worse = answer(&comparison(500, 900, 890, 860));
        assert!(worse.starts_with("No, it does worse here"), "{worse}");
        assert!(worse.contains("hurts here") && worse.contains("-4.0 points"), "{worse}");
        for text in [&better, &even, &worse] {
            assert!(!text.contains("untrained"), "{text}");
            assert_eq!(text.matches(". ").count() + 1, 2, "two sentences: {text}");
        }
    }

    #[test]
    fn encoders_that_learnt_nothing_are_said_to_have() {
        let text = answer(&comparison(800, 800, 820, 860));
        assert!(text.contains("training left real no better than the untrained encoder"), "{text}");
        let text = answer(&comparison(900, 800, 820, 860));
        assert!(
            text.starts_with("This run says little") && text.contains("left real and synthetic-gaussian no"),
            "{text}"
        );
    }
}
