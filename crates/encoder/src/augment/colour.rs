//! Colour changes of images (B, C, H, W) in 0..1 with one number per image; results stay in 0..1.
//! The formulas are torchvision's (`ColorJitter`, `RandomGrayscale`).

use burn::tensor::Tensor;

/// ITU-R 601 weights of red, green and blue.
const LUMA: [f32; 3] = [0.2989, 0.587, 0.114];

fn per_image(values: Tensor<1>) -> Tensor<4> {
    values.reshape([-1, 1, 1, 1])
}

/// Adds a number.
pub(super) fn brightness(images: Tensor<4>, added: Tensor<1>) -> Tensor<4> {
    (images + per_image(added)).clamp(0.0, 1.0)
}

/// Multiplies by a factor.
pub(super) fn brightness_factor(images: Tensor<4>, factor: Tensor<1>) -> Tensor<4> {
    (images * per_image(factor)).clamp(0.0, 1.0)
}

/// Multiplies the distance to the image's mean grey.
pub(super) fn contrast(images: Tensor<4>, factor: Tensor<1>) -> Tensor<4> {
    let [batch, _, height, width] = images.dims();
    let grey = grey_of(images.clone()).reshape([batch, height * width]);
    let mean = grey.mean_dim(1).reshape([batch, 1, 1, 1]);
    blend(images, mean, factor)
}

/// Multiplies the distance to each pixel's grey.
pub(super) fn saturation(images: Tensor<4>, factor: Tensor<1>) -> Tensor<4> {
    let grey = grey_of(images.clone());
    blend(images, grey, factor)
}

/// Makes images grey where `chosen` is 1.
pub(super) fn grey(images: Tensor<4>, chosen: Tensor<1>) -> Tensor<4> {
    let grey = grey_of(images.clone());
    blend(images, grey, -chosen + 1.0)
}

/// Turns the hue in HSV space by a share of the circle.
pub(super) fn hue(images: Tensor<4>, turn: Tensor<1>) -> Tensor<4> {
    let [red, green, blue] = [0, 1, 2].map(|channel| images.clone().narrow(1, channel, 1));
    let value = images.clone().max_dim(1); // [B, 1, H, W]
    let chroma = value.clone() - images.min_dim(1);
    let divisor = chroma.clone().clamp_min(1e-8);
    // Sextant of the hue: 0 at red, 2 at green, 4 at blue. Where two channels are the largest, both
    // formulas give the same angle; where all are equal, chroma is 0 and the angle does not matter.
    let towards = |a: &Tensor<4>, b: &Tensor<4>, base: f32| (a.clone() - b.clone()) / divisor.clone() + base;
    let from_red = towards(&green, &blue, 0.0);
    let from_green = towards(&blue, &red, 2.0);
    let from_blue = towards(&red, &green, 4.0);
    let angle = from_blue
        .mask_where(green.equal(value.clone()), from_green)
        .mask_where(red.equal(value.clone()), from_red);
    let angle = angle + per_image(turn) * 6.0 + 12.0; // positive, so that the remainder is too
    // channel(n) = value - chroma * clamp(min(k, 4 - k), 0, 1) with k = (n + angle) mod 6
    let channel = |offset: f32| {
        let k = (angle.clone() + offset) % 6.0;
        let slope = k.clone().min_pair(-k + 4.0).clamp(0.0, 1.0);
        value.clone() - chroma.clone() * slope
    };
    Tensor::cat(vec![channel(5.0), channel(3.0), channel(1.0)], 1)
}

/// Inverts values of 0.5 and more where `chosen` is 1.
pub(super) fn solarize(images: Tensor<4>, chosen: Tensor<1>) -> Tensor<4> {
    let chosen = per_image(chosen).expand(images.dims()).greater_elem(0.5);
    let bright = images.clone().greater_equal_elem(0.5).bool_and(chosen);
    let inverted = -images.clone() + 1.0;
    images.mask_where(bright, inverted)
}

/// The grey image (B, 1, H, W).
fn grey_of(images: Tensor<4>) -> Tensor<4> {
    if images.dims()[1] != 3 {
        return images;
    }
    let [red, green, blue] = [0, 1, 2].map(|channel| images.clone().narrow(1, channel, 1));
    red * LUMA[0] + green * LUMA[1] + blue * LUMA[2]
}

/// centre + factor * (images - centre)
fn blend(images: Tensor<4>, centre: Tensor<4>, factor: Tensor<1>) -> Tensor<4> {
    ((images - centre.clone()) * per_image(factor) + centre).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, TensorData};
    use zview_runtime::device::on_test_devices;

    use super::*;

    /// What `change` makes of one pixel at `amount`, on every device.
    fn close(change: fn(Tensor<4>, Tensor<1>) -> Tensor<4>, rgb: [f32; 3], amount: f32, expected: [f32; 3]) {
        on_test_devices(|name, device: &Device| {
            let pixel = Tensor::from_data(TensorData::new(rgb.to_vec(), [1, 3, 1, 1]), device);
            let amount = Tensor::from_data(TensorData::new(vec![amount], [1]), device);
            let got = change(pixel, amount).into_data().try_into_vec::<f32>().unwrap();
            assert!(
                got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5),
                "{name}: {got:?} {expected:?}"
            );
        });
    }

    #[test]
    fn hue_agrees_with_hsv() {
        close(hue, [1.0, 0.0, 0.0], 1.0 / 3.0, [0.0, 1.0, 0.0]);
        close(hue, [1.0, 0.0, 0.0], -1.0 / 3.0, [0.0, 0.0, 1.0]);
        close(hue, [0.2, 0.7, 0.4], 0.0, [0.2, 0.7, 0.4]);
        close(hue, [0.5, 0.5, 0.5], 0.3, [0.5, 0.5, 0.5]);
        // python: colorsys.hsv_to_rgb((h + 0.1) % 1, s, v) of (0.2, 0.7, 0.4)
        close(hue, [0.2, 0.7, 0.4], 0.1, [0.2, 0.7, 0.7]);
        close(hue, [0.9, 0.3, 0.1], 0.5, [0.1, 0.7, 0.9]);
    }

    #[test]
    fn grey_saturation_contrast_and_brightness_follow_their_formulas() {
        let luma = 0.2989 * 0.2 + 0.587 * 0.7 + 0.114 * 0.4;
        let pixel = [0.2, 0.7, 0.4];
        close(grey, pixel, 1.0, [luma; 3]);
        close(grey, pixel, 0.0, pixel);
        let half = pixel.map(|x| luma + 0.5 * (x - luma));
        close(saturation, pixel, 0.5, half);
        close(contrast, pixel, 0.5, half); // one pixel: its mean is its grey
        close(brightness, [0.2, 0.7, 0.95], 0.1, [0.3, 0.8, 1.0]);
        close(brightness_factor, [0.2, 0.7, 0.95], 0.5, [0.1, 0.35, 0.475]);
        // torchvision.transforms.functional.solarize(x, 0.5)
        close(solarize, [0.2, 0.5, 0.95], 1.0, [0.2, 0.5, 0.05]);
        close(solarize, [0.2, 0.5, 0.95], 0.0, [0.2, 0.5, 0.95]);
    }
}
