//! Small PyTorch files written by hand: a pickle, in a legacy stream or in a zip.

/// One tensor to be written.
pub(super) struct TestTensor {
    pub(super) key: &'static str,
    /// "FloatStorage", "HalfStorage", "LongStorage" and so on.
    pub(super) storage: &'static str,
    pub(super) shape: [u32; 2],
    pub(super) stride: [u32; 2],
    /// Elements in the storage.
    pub(super) elements: u32,
    pub(super) bytes: Vec<u8>,
}

/// A (rows, columns) tensor of f32.
pub(super) fn float_tensor(key: &'static str, shape: [u32; 2], values: &[f32]) -> TestTensor {
    let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    let elements = values.len() as u32;
    TestTensor { key, storage: "FloatStorage", shape, stride: [shape[1], 1], elements, bytes }
}

/// A dictionary of `tensors` as saved from a GPU; `legacy` adds the field that old files have.
pub(super) fn state_dict_pickle(tensors: &[TestTensor], legacy: bool) -> Vec<u8> {
    let mut pickle = b"\x80\x02}(".to_vec();
    for (index, tensor) in tensors.iter().enumerate() {
        text(&mut pickle, tensor.key);
        pickle.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut pickle, "storage");
        pickle.extend(format!("ctorch\n{}\n", tensor.storage).bytes());
        text(&mut pickle, &index.to_string());
        text(&mut pickle, "cuda:0");
        number(&mut pickle, tensor.elements);
        pickle.extend(if legacy { b"NtQ".as_slice() } else { b"tQ" });
        number(&mut pickle, 0);
        for pair in [tensor.shape, tensor.stride] {
            number(&mut pickle, pair[0]);
            number(&mut pickle, pair[1]);
            pickle.push(0x86);
        }
        pickle.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    pickle.extend(b"u.");
    pickle
}

/// A pickle that would run `command` in a shell, at its root or as a value of a dictionary.
pub(super) fn calling_pickle(command: &str, in_dictionary: bool) -> Vec<u8> {
    let mut pickle = b"\x80\x02".to_vec();
    if in_dictionary {
        pickle.push(b'}');
        text(&mut pickle, "weight");
    }
    pickle.extend(b"cposix\nsystem\n");
    text(&mut pickle, command);
    pickle.extend(b"\x85R");
    pickle.extend(if in_dictionary { b"s.".as_slice() } else { b"." });
    pickle
}

/// The layout of PyTorch before 1.6.
pub(super) fn legacy_file(pickle: &[u8], tensors: &[TestTensor]) -> Vec<u8> {
    let mut file = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.".to_vec();
    file.extend(b"\x80\x02M\xe9\x03.\x80\x02}");
    text(&mut file, "little_endian");
    file.extend(b"\x88s.");
    file.extend(pickle);
    file.extend(b"\x80\x02](");
    (0..tensors.len()).for_each(|index| text(&mut file, &index.to_string()));
    file.extend(b"e.");
    for tensor in tensors {
        file.extend(u64::from(tensor.elements).to_le_bytes());
        file.extend(&tensor.bytes);
    }
    file
}

/// The layout since PyTorch 1.6: a zip of stored entries (checksum 0 means none).
pub(super) fn zip_file(pickle: &[u8], tensors: &[TestTensor]) -> Vec<u8> {
    let mut entries = vec![("archive/data.pkl".to_owned(), pickle.to_vec())];
    for (index, tensor) in tensors.iter().enumerate() {
        entries.push((format!("archive/data/{index}"), tensor.bytes.clone()));
    }
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in &entries {
        let offset = file.len() as u32;
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend([0u32, content.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(name.bytes());
        file.extend(content);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.bytes());
    }
    let (count, start, length) = (entries.len() as u16, file.len() as u32, directory.len() as u32);
    file.extend(directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([count, count].map(u16::to_le_bytes).concat());
    file.extend([length, start].map(u32::to_le_bytes).concat());
    file.extend([0, 0]);
    file
}

fn text(pickle: &mut Vec<u8>, text: &str) {
    pickle.push(b'X');
    pickle.extend((text.len() as u32).to_le_bytes());
    pickle.extend(text.bytes());
}

fn number(pickle: &mut Vec<u8>, number: u32) {
    pickle.push(b'J');
    pickle.extend(number.to_le_bytes());
}
