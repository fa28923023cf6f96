//! Where the names of classes go on a map: at the median of the class, moved apart where they would overlap.

/// A name as a box on the plane.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PlacedLabel {
    /// The class's number.
    pub(super) class: usize,
    /// The median of its points.
    pub(super) median: (f64, f64),
    /// The middle of the name.
    pub(super) middle: (f64, f64),
    /// Half of its width and height.
    half: (f64, f64),
}

/// Rounds of pushing; names that are still crowded then stay so.
const ROUNDS: usize = 400;

/// Places the name of each class of which there are points. `size` is that of the plane, `character` the width
/// and height of a character.
pub(super) fn place_labels(
    points: &[(f64, f64)],
    labels: &[u32],
    names: &[String],
    size: (f64, f64),
    character: (f64, f64),
) -> Vec<PlacedLabel> {
    let mut placed: Vec<PlacedLabel> = names
        .iter()
        .enumerate()
        .filter_map(|(class, name)| {
            let of_class = || {
                points
                    .iter()
                    .zip(labels)
                    .filter(|&(_, &label)| label as usize == class)
                    .map(|(point, _)| point)
            };
            let x = median(of_class().map(|point| point.0).collect())?;
            let y = median(of_class().map(|point| point.1).collect())?;
            let half = (0.5 * character.0 * name.chars().count() as f64 + 2.0, 0.5 * character.1);
            Some(PlacedLabel { class, median: (x, y), middle: (x, y), half })
        })
        .collect();
    for _ in 0..ROUNDS {
        if !push_apart(&mut placed) {
            break;
        }
        for label in &mut placed {
            label.middle.0 = label.middle.0.clamp(label.half.0, (size.0 - label.half.0).max(label.half.0));
            label.middle.1 = label.middle.1.clamp(label.half.1, (size.1 - label.half.1).max(label.half.1));
        }
    }
    placed
}

/// Moves overlapping names away from each other along the shorter way; says whether there were any.
fn push_apart(placed: &mut [PlacedLabel]) -> bool {
    let mut moved = false;
    for one in 0..placed.len() {
        for other in one + 1..placed.len() {
            let (a, b) = (&placed[one], &placed[other]);
            let between = (b.middle.0 - a.middle.0, b.middle.1 - a.middle.1);
            let overlap = (a.half.0 + b.half.0 - between.0.abs(), a.half.1 + b.half.1 - between.1.abs());
            if overlap.0 <= 0.0 || overlap.1 <= 0.0 {
                continue;
            }
            moved = true;
            // A little more than half each, so that few rounds suffice.
            let step = if overlap.0 < overlap.1 {
                ((0.5 * overlap.0 + 0.2).copysign(between.0), 0.0)
            } else {
                (0.0, (0.5 * overlap.1 + 0.2).copysign(between.1))
            };
            placed[one].middle.0 -= step.0;
            placed[one].middle.1 -= step.1;
            placed[other].middle.0 += step.0;
            placed[other].middle.1 += step.1;
        }
    }
    moved
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crowded_names_end_up_side_by_side_within_the_plane() {
        let names: Vec<String> = ('A'..='Z').map(String::from).collect();
        // All classes on nearly the same place.
        let points: Vec<(f64, f64)> = (0..26).map(|class| (190.0 + f64::from(class) * 0.1, 5.0)).collect();
        let labels: Vec<u32> = (0..26).collect();
        let placed = place_labels(&points, &labels, &names, (380.0, 380.0), (8.0, 14.0));
        assert_eq!(placed.len(), 26);
        for (at, one) in placed.iter().enumerate() {
            assert!((0.0..=380.0).contains(&one.middle.0) && (7.0..=373.0).contains(&one.middle.1));
            for other in &placed[at + 1..] {
                let (x, y) = (one.middle.0 - other.middle.0, one.middle.1 - other.middle.1);
                assert!(x.abs() >= 11.0 || y.abs() >= 13.0, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn a_name_alone_stays_at_its_median_and_a_class_without_points_has_none() {
        let names = vec!["a".to_owned(), "b".to_owned()];
        let points = [(10.0, 20.0), (30.0, 20.0), (99.0, 20.0)];
        let placed = place_labels(&points, &[1, 1, 1], &names, (100.0, 100.0), (8.0, 14.0));
        assert_eq!(placed.len(), 1);
        assert_eq!((placed[0].class, placed[0].middle), (1, (30.0, 20.0)));
    }
}
