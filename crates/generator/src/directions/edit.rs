//! What a walk is trained to do to images, each with one parameter in a natural unit (after Jahanian, Chai and Isola
//! 2020, <https://arxiv.org/abs/1907.07171>). Images are edited without gradients, on the host.

/// How far outside the image a place may lie and still be taken as its edge: rounding, in pixels.
const EDGE: f32 = 1e-3;

/// An edit of images with a parameter a; 0 changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// The image enlarged 2ᵃ times about its centre.
    Zoom,
    /// The image moved to the right by a pixels.
    ShiftX,
    /// The image moved down by a pixels.
    ShiftY,
    /// The image turned counterclockwise about its centre by a degrees.
    Rotation,
    /// a added to every value (0 is black, 1 is white), cut off at 0 and 1.
    Brightness,
}

/// Images after an edit.
#[derive(Debug, Clone, PartialEq)]
pub struct Edited {
    /// (B, C, H, W).
    pub pixels: Vec<f32>,
    /// (B, C, H, W): 1 where the original image determines the pixel, 0 where it would need what lies outside.
    pub known: Vec<f32>,
}

impl Edit {
    /// Every edit.
    pub const ALL: &[Self] = &[Self::Zoom, Self::ShiftX, Self::ShiftY, Self::Rotation, Self::Brightness];

    /// The name on the command line and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Zoom => "zoom",
            Self::ShiftX => "shift-x",
            Self::ShiftY => "shift-y",
            Self::Rotation => "rotation",
            Self::Brightness => "brightness",
        }
    }

    /// What a counts.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Zoom => "doublings of size",
            Self::ShiftX => "pixels to the right",
            Self::ShiftY => "pixels down",
            Self::Rotation => "degrees counterclockwise",
            Self::Brightness => "shares of full white",
        }
    }

    /// a in training is uniform in minus to plus this, for images `width` pixels wide and `height` high.
    #[must_use]
    pub fn range(self, height: usize, width: usize) -> f32 {
        match self {
            Self::Zoom => 0.5,
            Self::ShiftX => 0.075 * width as f32,
            Self::ShiftY => 0.075 * height as f32,
            Self::Rotation => 20.0,
            Self::Brightness => 0.4,
        }
    }

    /// Edits `images` (B, C, H, W) with one `a` (B) each; bilinear between pixels.
    #[must_use]
    pub fn apply(self, images: &[f32], [channels, height, width]: [usize; 3], a: &[f32]) -> Edited {
        let (size, plane) = (channels * height * width, height * width);
        let mut edited = Edited { pixels: Vec::with_capacity(images.len()), known: Vec::new() };
        for (image, &a) in images.chunks_exact(size.max(1)).zip(a) {
            if self == Self::Brightness {
                edited.pixels.extend(image.iter().map(|value| (value + a).clamp(0.0, 1.0)));
                continue;
            }
            for channel in image.chunks_exact(plane) {
                for at in 0..plane {
                    let place = self.source(at / width, at % width, height, width, a);
                    let (value, known) = bilinear(channel, height, width, place);
                    edited.pixels.push(value);
                    edited.known.push(if known { 1.0 } else { 0.0 });
                }
            }
        }
        if self == Self::Brightness {
            edited.known = vec![1.0; edited.pixels.len()];
        }
        edited
    }

    /// Where in the original (y, x) the edited image's pixel at (`row`, `column`) comes from.
    fn source(self, row: usize, column: usize, height: usize, width: usize, a: f32) -> [f32; 2] {
        let centre = [(height as f32 - 1.0) / 2.0, (width as f32 - 1.0) / 2.0];
        let [y, x] = [row as f32 - centre[0], column as f32 - centre[1]];
        let [y, x] = match self {
            Self::Zoom => [y / a.exp2(), x / a.exp2()],
            Self::ShiftX => [y, x - a],
            Self::ShiftY => [y - a, x],
            Self::Rotation => {
                // y counts downwards: a point at the right goes up where the image turns counterclockwise.
                let (sin, cos) = a.to_radians().sin_cos();
                [cos * y + sin * x, cos * x - sin * y]
            }
            Self::Brightness => [y, x],
        };
        [y + centre[0], x + centre[1]]
    }
}

/// The value of `channel` (H, W) at a place between pixels, and whether the place lies within the image.
fn bilinear(channel: &[f32], height: usize, width: usize, [y, x]: [f32; 2]) -> (f32, bool) {
    let last = [height as f32 - 1.0, width as f32 - 1.0];
    let within = |at: f32, last: f32| (-EDGE..=last + EDGE).contains(&at);
    let known = within(y, last[0]) && within(x, last[1]);
    let (y, x) = (y.clamp(0.0, last[0]), x.clamp(0.0, last[1]));
    let (top, left) = (y.floor() as usize, x.floor() as usize);
    let (bottom, right) = ((top + 1).min(height - 1), (left + 1).min(width - 1));
    let (down, across) = (y - top as f32, x - left as f32);
    let row =
        |row: usize| channel[row * width + left] * (1.0 - across) + channel[row * width + right] * across;
    (row(top) * (1.0 - down) + row(bottom) * down, known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: [usize; 3] = [1, 5, 5];

    /// Black, with one white pixel.
    fn dot(row: usize, column: usize) -> Vec<f32> {
        let mut image = vec![0.0; 25];
        image[row * 5 + column] = 1.0;
        image
    }

    #[test]
    fn zero_changes_nothing() {
        let image: Vec<f32> = (0..50).map(|at| at as f32 / 50.0).collect();
        for edit in Edit::ALL {
            let edited = edit.apply(&image, [2, 5, 5], &[0.0]);
            assert_eq!(edited.pixels, image, "{}", edit.name());
            assert!(edited.known.iter().all(|&known| known == 1.0));
        }
    }

    #[test]
    fn every_edit_moves_a_dot_where_its_description_says() {
        let moved = |edit: Edit, from: (usize, usize), a: f32, to: (usize, usize)| {
            let edited = edit.apply(&dot(from.0, from.1), SHAPE, &[a]);
            let at = to.0 * 5 + to.1;
            assert!(edited.pixels[at] > 0.999, "{}: {:?}", edit.name(), edited.pixels);
        };
        moved(Edit::ShiftX, (2, 2), 1.0, (2, 3));
        moved(Edit::ShiftY, (2, 2), 1.0, (3, 2));
        moved(Edit::Zoom, (2, 3), 1.0, (2, 4));
        moved(Edit::Zoom, (2, 4), -1.0, (2, 3));
        moved(Edit::Rotation, (2, 4), 90.0, (0, 2));
        moved(Edit::Rotation, (0, 2), 90.0, (2, 0));
        let half = Edit::ShiftX.apply(&dot(2, 2), SHAPE, &[0.5]).pixels;
        assert_eq!((half[12], half[13]), (0.5, 0.5));
        let brighter = Edit::Brightness.apply(&dot(2, 2), SHAPE, &[0.25]).pixels;
        assert_eq!((brighter[0], brighter[12]), (0.25, 1.0));
    }

    #[test]
    fn pixels_that_need_what_lies_outside_are_not_known() {
        let known = |edit: Edit, a: f32| edit.apply(&dot(2, 2), SHAPE, &[a]).known.iter().sum::<f32>();
        assert_eq!(known(Edit::ShiftX, 1.0), 20.0);
        assert_eq!(known(Edit::ShiftY, -2.0), 15.0);
        assert_eq!(known(Edit::Zoom, 1.0), 25.0);
        assert_eq!(known(Edit::Zoom, -1.0), 9.0);
        assert_eq!(known(Edit::Rotation, 90.0), 25.0);
        assert!(known(Edit::Rotation, 45.0) < 25.0);
    }

    #[test]
    fn each_image_has_its_own_parameter() {
        let images = [dot(2, 2), dot(2, 2)].concat();
        let edited = Edit::ShiftX.apply(&images, SHAPE, &[1.0, -1.0]);
        assert_eq!((edited.pixels[13], edited.pixels[25 + 11]), (1.0, 1.0));
    }
}
