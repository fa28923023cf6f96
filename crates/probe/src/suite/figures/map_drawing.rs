//! Points of a map as SVG: one path per class, so that a page of two thousand points stays small.

use std::fmt::Write;

/// Ten colours that are told apart with every common colour vision (Tol's "muted", its pale grey darkened).
const COLOURS: [&str; 10] = [
    "#332288", "#CC6677", "#117733", "#BBA32A", "#44AA99", "#882255", "#3FA9D6", "#999933", "#AA4499",
    "#666666",
];

/// How the points of a class look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) colour: &'static str,
    shape: usize,
}

/// Shapes, drawn from their middle: circle, square, triangle, diamond, cross.
const SHAPES: usize = 5;

impl Look {
    /// Of the class with this number. The first fifty differ in colour or shape, neighbours in both.
    pub(super) fn of(class: usize) -> Self {
        Self { colour: COLOURS[class % COLOURS.len()], shape: (class + class / COLOURS.len()) % SHAPES }
    }

    /// The path of a marker at each of `points`.
    pub(super) fn path(self, points: impl Iterator<Item = (f64, f64)>, radius: f64) -> String {
        let mut path = String::new();
        for (x, y) in points {
            // Writing to a string does not fail.
            let _ = self.marker(&mut path, x, y, radius);
        }
        path
    }

    fn marker(self, path: &mut String, x: f64, y: f64, r: f64) -> std::fmt::Result {
        match self.shape {
            0 => {
                let d = 2.0 * r;
                write!(path, "M{:.1} {y:.1}a{r} {r} 0 1 0 {d} 0a{r} {r} 0 1 0 -{d} 0", x - r)
            }
            1 => {
                let (s, d) = (0.85 * r, 1.7 * r);
                write!(path, "M{:.1} {:.1}h{d:.1}v{d:.1}h-{d:.1}z", x - s, y - s)
            }
            2 => write!(path, "M{x:.1} {:.1}l{:.1} {:.1}h-{:.1}z", y - 1.2 * r, 1.1 * r, 2.0 * r, 2.2 * r),
            3 => {
                let s = 1.25 * r;
                write!(path, "M{x:.1} {:.1}l{s:.1} {s:.1}l-{s:.1} {s:.1}l-{s:.1} -{s:.1}z", y - s)
            }
            _ => {
                let (s, d) = (0.35 * r, 0.9 * r);
                write!(
                    path,
                    "M{:.1} {:.1}h{w:.1}v{d:.1}h{d:.1}v{w:.1}h-{d:.1}v{d:.1}h-{w:.1}v-{d:.1}h-{d:.1}v-{w:.1}h{d:.1}z",
                    x - s,
                    y - s - d,
                    w = 2.0 * s
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_classes_look_different() {
        let looks: Vec<Look> = (0..50).map(Look::of).collect();
        for (at, look) in looks.iter().enumerate() {
            assert!(!looks[at + 1..].contains(look), "{at}");
        }
        assert!(
            looks.windows(2).all(|pair| pair[0].colour != pair[1].colour && pair[0].shape != pair[1].shape)
        );
    }

    #[test]
    fn each_point_has_a_marker_of_its_own() {
        for class in 0..SHAPES {
            let path = Look::of(class).path([(1.0, 2.0), (3.0, 4.0)].into_iter(), 2.0);
            assert_eq!(path.matches('M').count(), 2, "{path}");
        }
    }
}
