//! Lists the tensors of a PyTorch file: name, element type, shape, CRC-32 of the elements, what it lies in.
//!
//! `cargo run -p zview-torch-file --example tensors -- FILE`
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("name a file");
        return ExitCode::FAILURE;
    };
    match zview_torch_file::TorchFile::open(path.as_ref()) {
        Ok(file) => {
            println!("{}", file.root());
            for tensor in file.tensors() {
                let read = tensor.read().map(|bytes| {
                    let mut crc = flate2::Crc::new();
                    crc.update(&bytes);
                    crc.sum()
                });
                let (name, element, shape) = (tensor.name(), tensor.element(), tensor.shape());
                println!("{name}\t{element}\t{shape:?}\t{read:?}\t{:?}", tensor.holder());
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("it cannot be read: {error}");
            ExitCode::FAILURE
        }
    }
}
