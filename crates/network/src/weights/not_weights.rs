//! Files that are no weights, or weights of another kind: what they are, and what to do about it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use zview_runtime::file_kind::FileKind;
use zview_torch_file::TorchError;

use super::WeightsError;

const SAVE_STATE_DICT: &str = "in Python: torch.save(model.state_dict(), \"weights.pth\"), and use that file";
/// What to do with tensors that have no names.
pub(super) const NAME_THEM: &str = "names say which layer each belongs to: in Python, copy them into the network \
    (`ema.copy_to(model.parameters())`), then torch.save(model.state_dict(), \"weights.pth\"), and use that file";
const UNPACK: &str = "unpack it, and use the weights file that is in it";
const TORCHSCRIPT: &str =
    "in Python: torch.save(torch.jit.load(\"FILE\").state_dict(), \"weights.pth\"), and use that file";

/// The error for a file that PyTorch's reader could not read.
pub(super) fn error(path: &Path, error: &TorchError) -> WeightsError {
    let is = |what: &str, remedy: &str| not_weights(path, what, remedy);
    let malformed = || WeightsError::Malformed { path: path.to_owned(), reason: error.to_string() };
    let distributed = path.extension().is_some_and(|extension| extension == "distcp");
    match error {
        _ if distributed => is(
            "one part of a distributed PyTorch checkpoint",
            "in Python: torch.distributed.checkpoint.format_utils.dcp_to_torch_save(\"FOLDER\", \"weights.pth\"), and use that file",
        ),
        TorchError::TorchScript => {
            is("a TorchScript archive (torch.jit.save), a program and not a state dict", TORCHSCRIPT)
        }
        TorchError::Encrypted => is("a zip archive with a password", UNPACK),
        TorchError::NoPickle(members) => no_pickle(path, members),
        TorchError::OtherFormat | TorchError::Damaged(_) => known(path).unwrap_or_else(malformed),
        _ => malformed(),
    }
}

/// The error for a file of a kind that is known not to be weights.
pub(super) fn known(path: &Path) -> Option<WeightsError> {
    if let Some((what, remedy)) = foreign(path) {
        return Some(not_weights(path, what, remedy));
    }
    let kind = FileKind::of_file(path).ok()?;
    let remedy = match kind {
        FileKind::PyTorchZip | FileKind::PyTorchLegacy | FileKind::Zip | FileKind::Pickle => return None,
        FileKind::Safetensors | FileKind::Unknown => return None,
        FileKind::GitLfsPointer => {
            "fetch the file itself: run `git lfs pull` in the repository, or download it from its page"
        }
        FileKind::Html | FileKind::Xml => {
            "download it again: the address gives a page and not the file (Google Drive and others ask for a confirmation \
             first), so open it in a browser"
        }
        FileKind::TorchScript => TORCHSCRIPT,
        FileKind::Hdf5 => {
            "such weights are not read here: export the network to ONNX (tf2onnx) and use `architecture = \"onnx\"`, or \
             put them into a PyTorch network and save its state_dict()"
        }
        FileKind::Onnx => {
            "use `architecture = \"onnx\"` in the manifest; as weights of a layer list it cannot be read"
        }
        FileKind::Gguf => "its tensors are not read here: use the original weights (.safetensors or .pth)",
        FileKind::Npy | FileKind::Npz | FileKind::Matlab => {
            "in Python: torch.save({\"NAME\": torch.from_numpy(array)}, \"weights.pth\"), and use that file"
        }
        FileKind::Tar | FileKind::Gzip | FileKind::Bzip2 | FileKind::Xz | FileKind::Zstd => UNPACK,
        FileKind::SevenZip | FileKind::Rar => UNPACK,
        FileKind::Empty => "get the file again, or save it again",
        FileKind::Text => {
            "name the weights file (--weights, or `weights` in the manifest), or get the file again"
        }
        _ => "name the weights file (--weights, or `weights` in the manifest)",
    };
    Some(not_weights(path, kind.words(), remedy))
}

/// Files of other frameworks, which have no mark at their start or share it with others.
fn foreign(path: &Path) -> Option<(&'static str, &'static str)> {
    const ANOTHER: &str =
        "such weights are not read here: put them into a PyTorch network and save its state_dict()";
    let name = path.file_name()?.to_string_lossy().to_lowercase();
    let mut file = File::open(path).ok()?;
    let mut start = Vec::new();
    file.by_ref().take(4096).read_to_end(&mut start).ok()?;
    let has = |mark: &[u8]| start.windows(mark.len()).any(|window| window == mark);
    let mut end = [0; 8];
    // The index of TensorFlow's checkpoints ends with a mark; their data have none.
    let table = file.seek(SeekFrom::End(-8)).and_then(|_| file.read_exact(&mut end));
    let table = table.is_ok() && end == [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
    if table || name.contains(".data-0") {
        return Some(("a part of a TensorFlow checkpoint", ANOTHER));
    }
    if start.get(4..8) == Some(b"TFL3") {
        return Some(("a TensorFlow Lite network", ANOTHER));
    }
    if name.ends_with(".msgpack") {
        return Some(("weights of Flax (msgpack)", ANOTHER));
    }
    if has(b"joblib.numpy_pickle") {
        let remedy = "in Python: torch.save(joblib.load(\"FILE\"), \"weights.pth\"), and use that file";
        return Some(("a pickle that joblib wrote", remedy));
    }
    if [&b"\x78\x9c"[..], b"\x78\xda", b"\x78\x01"].iter().any(|mark| start.starts_with(mark)) {
        return Some(("compressed data (zlib, as joblib writes it)", UNPACK));
    }
    if start.starts_with(b"{") && has(b"\"weight_map\"") {
        let remedy = "name one of the files that it lists, or join them into one";
        return Some(("the index of weights in several files, which holds no weights", remedy));
    }
    None
}

fn no_pickle(path: &Path, members: &str) -> WeightsError {
    let (what, remedy) = if members.contains(".npy`") {
        let remedy = "in Python: torch.save({k: torch.from_numpy(v) for k, v in numpy.load(\"FILE\").items()}, \"weights.pth\")";
        ("an archive of numpy arrays (.npz)", remedy)
    } else if members.contains("model.weights.h5") {
        ("a Keras network", "put its weights into a PyTorch network and save its state_dict()")
    } else if members.contains("exported_program") || members.contains("archive_format") {
        let remedy = "in Python: torch.save(torch.export.load(\"FILE\").state_dict, \"weights.pth\"), and use that file";
        ("an exported PyTorch program (torch.export)", remedy)
    } else {
        let what = format!("a zip archive that torch.save did not write; it holds {members}");
        return not_weights(path, &what, UNPACK);
    };
    not_weights(path, what, remedy)
}

fn not_weights(path: &Path, what: &str, remedy: &str) -> WeightsError {
    let remedy = remedy.replace("FILE", &path.to_string_lossy());
    WeightsError::NotWeights { path: path.to_owned(), what: what.to_owned(), remedy }
}

/// How to save what is within an object.
pub(super) fn save_state_dict() -> &'static str {
    SAVE_STATE_DICT
}
