//! Mutations of a file's bytes.

use zview_runtime::seed::Stream;

/// Bytes at which readers change their mind.
const BYTES: &[u8] = &[
    0, 1, 2, 4, 8, 0x0a, 0x0d, 0x20, 0x7f, 0x80, 0x81, 0xc0, 0xd8, 0xd9, 0xfe, 0xff, b'"', b'\'', b'[', b']',
    b'{', b'}', b'=', b'.', b'-', b'/', b'0', b'9', b'(', b')', b'}', b'R', b'.', b'u', b't', b'e', b'q',
    b'h', b'Q', b'b',
];

/// Numbers at which lengths overflow or lie.
const NUMBERS: &[u64] = &[
    0,
    1,
    2,
    3,
    7,
    8,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0x8000,
    0xffff,
    0x1_0000,
    0x00ff_ffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_ffff_ffff,
];

/// Pieces of text that mean something to readers of TOML and JSON.
const WORDS: &[&str] = &[
    "\n[",
    "]\n",
    "\"\"\"",
    "'''",
    "= ",
    "1e999",
    "-1",
    "nan",
    "inf",
    "0x7fffffffffffffff",
    "9223372036854775808",
    "[[",
    "]]",
    "{",
    "}",
    "[[[[[[[[[[[[[[[[",
    "{a={a={a={a={a={a=",
    "a.a.a.a.a.a.a.a = 1\n",
    "\\u0000",
    "\\ud800",
    "#",
    "true",
    "\"\"",
    "[]",
    "0",
    "1",
    "4294967296",
    "1e-320",
    "\u{feff}",
    "\r\n",
    "null",
    "1979-05-27T07:32:00Z",
    "../../",
    "\0",
];

/// How many mutations a case has at most.
const MOST: u64 = 4;

/// A damaged copy of `base`; pieces of `others` are put into it.
pub fn damaged(base: &[u8], others: &[&[u8]], text: bool, random: &mut Stream) -> Vec<u8> {
    let mut bytes = base.to_vec();
    for _ in 0..=random.below(MOST) {
        mutate(&mut bytes, others, text, random);
    }
    bytes
}

fn mutate(bytes: &mut Vec<u8>, others: &[&[u8]], text: bool, random: &mut Stream) {
    if bytes.is_empty() {
        bytes.push(random.bits() as u8);
        return;
    }
    let length = bytes.len();
    let at = random.below(length as u64) as usize;
    match random.below(if text { 12 } else { 10 }) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = BYTES[random.below(BYTES.len() as u64) as usize],
        2 => bytes[at] = random.bits() as u8,
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(at..(at + 1 + random.below(16) as usize).min(length))),
        5 => {
            let new: Vec<u8> = (0..=random.below(8)).map(|_| random.bits() as u8).collect();
            bytes.splice(at..at, new);
        }
        6 => {
            // Twice, or many times.
            let piece = bytes[at..(at + 1 + random.below(32) as usize).min(length)].to_vec();
            let times = if random.chance(0.1) { 200 } else { 1 };
            bytes.splice(at..at, piece.repeat(times));
        }
        7 | 8 => set_number(bytes, at, random),
        9 => {
            let Some(other) = others.get(random.below(others.len().max(1) as u64) as usize) else { return };
            let from = random.below(other.len().max(1) as u64) as usize;
            let piece = &other[from.min(other.len())..];
            let piece = &piece[..piece.len().min(1 + random.below(256) as usize)];
            let end = if random.chance(0.5) { at } else { (at + piece.len()).min(length) };
            bytes.splice(at..end, piece.iter().copied());
        }
        _ => {
            let word = WORDS[random.below(WORDS.len() as u64) as usize].bytes();
            let end = if random.chance(0.5) { at } else { (at + word.len()).min(length) };
            bytes.splice(at..end, word);
        }
    }
}

/// Writes a number of 2, 4 or 8 bytes, whichever end first.
fn set_number(bytes: &mut [u8], at: usize, random: &mut Stream) {
    let width = 2 << random.below(3);
    let mut number = NUMBERS[random.below(NUMBERS.len() as u64) as usize];
    if random.chance(0.25) {
        number = (bytes.len() as u64).wrapping_add(random.below(17)).wrapping_sub(8);
    }
    let all = number.to_le_bytes();
    let mut piece = all[..width].to_vec();
    if random.chance(0.5) {
        piece.reverse();
    }
    for (byte, new) in bytes[at..].iter_mut().zip(piece) {
        *byte = new;
    }
}
