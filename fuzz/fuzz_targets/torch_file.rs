//! Any bytes as a PyTorch file: what tensors it has, and the elements of each.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zview_torch_file::TorchFile;

fuzz_target!(|bytes: &[u8]| {
    let Ok(file) = TorchFile::read_bytes(bytes.to_vec()) else { return };
    for tensor in file.tensors() {
        let _ = tensor.read();
    }
});
