//! The whole image moved in a random direction by whole pixels; what comes in is the edge, repeated.

use zview_data::ImageShape;
use zview_runtime::seed::Stream;

/// `strength` is the distance as a share of the image's shorter side. The direction is uniform, and the move
/// along each axis rounded to whole pixels, so that nothing is blurred; of tiny images it may be none.
pub(super) fn apply(
    pixels: &[u8],
    shape: ImageShape,
    strength: f64,
    stream: &mut Stream,
) -> Result<Vec<u8>, String> {
    let ImageShape { height, width, .. } = shape;
    let distance = strength * height.min(width) as f64;
    let (sine, cosine) = (std::f64::consts::TAU * f64::from(stream.uniform())).sin_cos();
    let (down, right) = ((distance * sine).round() as isize, (distance * cosine).round() as isize);
    let source = |at: usize, moved: isize, side: usize| {
        at.saturating_add_signed(-moved).min(side - 1) // saturates at 0
    };
    let mut moved = Vec::with_capacity(pixels.len());
    for channel in pixels.chunks_exact(height * width) {
        for row in 0..height {
            let line = &channel[source(row, down, height) * width..][..width];
            moved.extend((0..width).map(|column| line[source(column, right, width)]));
        }
    }
    Ok(moved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::Purpose;

    #[test]
    fn the_image_moves_by_its_distance_and_the_edge_is_repeated() {
        let shape = ImageShape { channels: 1, height: 40, width: 40 };
        let pixels: Vec<u8> = (0..1_600).map(|at| (at / 40 * 6) as u8).collect(); // 6 times the row
        let mut furthest = 0;
        for draw in 0..100 {
            let mut stream = Stream::new(0, Purpose::Check, 2, draw);
            let angle = f64::from(stream.clone().uniform()) * std::f64::consts::TAU;
            let moved = apply(&pixels, shape, 0.1, &mut stream).unwrap();
            let down = (4.0 * angle.sin()).round() as i32;
            for row in 0..40i32 {
                let expected = 6 * (row - down).clamp(0, 39);
                assert!((0..40).all(|column| i32::from(moved[row as usize * 40 + column]) == expected));
            }
            furthest = furthest.max(down.abs());
        }
        assert_eq!(furthest, 4);
    }
}
