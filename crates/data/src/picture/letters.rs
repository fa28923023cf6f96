//! Letters of five by seven pixels: those of the labels in pictures.

use super::Canvas;

/// Pixels of a letter, and of it with the room to the next.
const WIDTH: usize = 5;
pub(super) const HEIGHT: usize = 7;
const ADVANCE: usize = WIDTH + 1;

/// Rows of a letter from the top, its leftmost pixel the highest of five bits; nothing for one that no label has.
fn rows(letter: char) -> [u8; HEIGHT] {
    match letter {
        '0' => [0b01110, 0b10001, 0b10011, 0b10101, 0b11001, 0b10001, 0b01110],
        '1' => [0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110],
        '2' => [0b01110, 0b10001, 0b00001, 0b00010, 0b00100, 0b01000, 0b11111],
        '3' => [0b11111, 0b00010, 0b00100, 0b00010, 0b00001, 0b10001, 0b01110],
        '4' => [0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010],
        '5' => [0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110],
        '6' => [0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110],
        '7' => [0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000],
        '8' => [0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110],
        '9' => [0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100],
        '.' => [0, 0, 0, 0, 0, 0b01100, 0b01100],
        's' => [0, 0, 0b01110, 0b10000, 0b01110, 0b00001, 0b11110],
        't' => [0b01000, 0b01000, 0b11100, 0b01000, 0b01000, 0b01001, 0b00110],
        'd' => [0b00001, 0b00001, 0b01101, 0b10011, 0b10001, 0b10001, 0b01111],
        _ => [0; HEIGHT],
    }
}

/// Width of a line of text with pixels of side `scale`.
pub(super) fn text_width(text: &str, scale: usize) -> usize {
    text.chars().count().saturating_mul(ADVANCE * scale)
}

/// Writes a line of text whose first letter has its top left corner there.
pub(super) fn write_text(canvas: &mut Canvas, text: &str, [left, top]: [usize; 2], scale: usize) {
    for (position, letter) in text.chars().enumerate() {
        for (row, bits) in rows(letter).into_iter().enumerate() {
            for column in (0..WIDTH).filter(|column| bits >> (WIDTH - 1 - column) & 1 == 1) {
                let x = left + (position * ADVANCE + column) * scale;
                canvas.ink([x, top + row * scale], scale);
            }
        }
    }
}
