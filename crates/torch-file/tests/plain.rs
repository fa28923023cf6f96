//! Pickles of plain values, as Python writes data sets, and such as would call something or fill the memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use zview_torch_file::{PlainPickle, TorchError};

fn read(bytes: &[&[u8]]) -> PlainPickle {
    PlainPickle::read(bytes.concat()).unwrap()
}

/// `numpy.dtype("u1")` with its state.
const U1: &[u8] =
    b"cnumpy\ndtype\n(U\x02u1\x89\x88tR(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb";
const RECONSTRUCT: &[u8] = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR";

/// The pickle of an array of 2 x 3 with `data`, an operation that makes bytes.
fn reconstructed(version: &[u8], dtype: &[u8], by_columns: &[u8], data: &[u8]) -> PlainPickle {
    read(&[b"\x80\x02", RECONSTRUCT, b"(", version, b"K\x02K\x03\x86", dtype, by_columns, data, b"tb."])
}

/// An operation that makes the bytes of a text's characters.
fn encoded(text: &str) -> Vec<u8> {
    let length = (text.len() as u32).to_le_bytes();
    [b"c_codecs\nencode\nX", &length[..], text.as_bytes(), b"X\x06\0\0\0latin1\x86R"].concat()
}

#[test]
fn arrays_are_read_as_every_protocol_writes_them() {
    let data = b"\x00\x7f\x80\xff\x04\x05";
    let expected = Some((vec![2, 3], data.to_vec()));
    for bytes in [
        [&b"U\x06"[..], data].concat(),
        [&b"C\x06"[..], data].concat(),
        [&b"\x8e\x06\0\0\0\0\0\0\0"[..], data].concat(),
        encoded("\0\u{7f}\u{80}\u{ff}\u{4}\u{5}"),
    ] {
        for version in [&b"K\x01"[..], b""] {
            assert_eq!(reconstructed(version, U1, b"\x89", &bytes).root().array(), expected, "{bytes:?}");
        }
    }
    // Protocol 5: (buffer, type, shape, order).
    let buffer = [&b"\x96\x06\0\0\0\0\0\0\0"[..], data].concat();
    for (order, data) in [(b'C', data.to_vec()), (b'F', vec![0, 0x80, 4, 0x7f, 0xff, 5])] {
        let order = [b"\x8c\x01", &[order][..]].concat();
        let from = b"\x80\x05cnumpy._core.numeric\n_frombuffer\n(";
        let pickle = read(&[from, &buffer, U1, b"K\x02K\x03\x86", &order, b"tR."]);
        assert_eq!(pickle.root().array(), Some((vec![2, 3], data)));
    }
}

#[test]
fn an_array_by_columns_is_read_by_rows() {
    for by_columns in [&b"\x88"[..], b"K\x01"] {
        let pickle = reconstructed(b"K\x01", U1, by_columns, b"U\x06\x00\x01\x02\x03\x04\x05");
        assert_eq!(pickle.root().array(), Some((vec![2, 3], vec![0, 2, 4, 1, 3, 5])));
    }
}

#[test]
fn an_array_of_other_elements_or_of_another_length_is_none() {
    let data = b"U\x06\x00\x01\x02\x03\x04\x05";
    let signed = U1.iter().map(|&byte| if byte == b'u' { b'i' } else { byte }).collect::<Vec<u8>>();
    assert_eq!(reconstructed(b"K\x01", &signed, b"\x89", data).root().array(), None);
    for data in [&b"U\x05\x00\x01\x02\x03\x04"[..], b"U\x07\x00\x01\x02\x03\x04\x05\x06", b"N"] {
        assert_eq!(reconstructed(b"K\x01", U1, b"\x89", data).root().array(), None, "{data:?}");
    }
    for text in ["five\u{e9}", "seven\u{e9}\u{e9}", "sixth\u{100}"] {
        assert_eq!(reconstructed(b"K\x01", U1, b"\x89", &encoded(text)).root().array(), None, "{text}");
    }
}

/// Texts of that length stay in the file.
#[test]
fn long_arrays_and_texts_are_those_of_the_file() {
    let text: String = (0..600_000u32).map(|at| char::from(at as u8)).collect();
    let bytes: Vec<u8> = (0..600_000u32).map(|at| at as u8).collect();
    let shape = b"J\xa0\x86\x01\x00K\x06\x86"; // 100,000 x 6
    for data in [encoded(&text), [b"T", &600_000u32.to_le_bytes()[..], &bytes].concat()] {
        let pickle = read(&[b"\x80\x02", RECONSTRUCT, b"(K\x01", shape, U1, b"\x89", &data, b"tb."]);
        let (shape, elements) = pickle.root().array().unwrap();
        assert_eq!(shape, [100_000, 6]);
        assert!(elements == bytes);
    }
    let pickle = read(&[b"\x80\x02", &encoded(&text), b"."]);
    assert!(pickle.root().as_text().unwrap() == text);
}

#[test]
fn keys_are_texts_or_bytes_and_the_last_of_equal_ones_counts() {
    let keys: [&[u8]; 5] = [b"U\x01k", b"C\x01k", b"\x8c\x01k", b"S'k'\n", &encoded("k")];
    for key in keys {
        let pickle = read(&[b"\x80\x02}(U\x01kK\x01K\x05K\x06", key, b"\x88u."]);
        assert_eq!(pickle.root().get("k").unwrap().as_integer(), Some(1), "{key:?}");
        let pickle = read(&[b"\x80\x02}(U\x01kN", key, b"K\x02u."]);
        assert_eq!(pickle.root().get("k").unwrap().as_integer(), Some(2), "{key:?}");
        assert!(pickle.root().get("K").is_none());
    }
    let pickle = read(&[b"\x80\x02(U\x01kK\x01t."]);
    assert!(pickle.root().get("k").is_none());
    let mut items = pickle.root().items().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(items.next().unwrap().as_text().unwrap(), "k");
}

#[test]
fn a_pickle_that_calls_a_function_calls_nothing() {
    let pickle = read(&[b"(dS'data'\ncposix\nsystem\n(S'touch called'\ntRs."]);
    let data = pickle.root().get("data").unwrap();
    assert!(data.array().is_none() && data.as_text().is_none() && data.items().is_none());
    assert!(!std::path::Path::new("called").exists());
}

#[test]
fn a_small_file_cannot_fill_the_memory() {
    let error = PlainPickle::read([b"]".repeat(4 << 20), b".".to_vec()].concat()).unwrap_err();
    assert!(matches!(error, TorchError::TooLarge(_)), "{error}");
}
