//! Files that are no weights, or weights of another kind: what they are, and what to do about it.

use std::path::Path;

use zview_runtime::file_kind::{FileKind, what_is};
use zview_torch_file::TorchError;

use super::WeightsError;

const SAVE_STATE_DICT: &str = "in Python: torch.save(model.state_dict(), \"weights.pth\"), and use that file";
const TORCHSCRIPT: &str = "in Python: torch.save(torch.jit.load(\"FILE\").state_dict(), \"weights.pth\"), and use that file";

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
        TorchError::TorchScript => is("a TorchScript archive (torch.jit.save), a program and not a state dict", TORCHSCRIPT),
        TorchError::Encrypted => is("a zip archive with a password", "unpack it, and use the weights file that is in it"),
        TorchError::NoPickle(members) => no_pickle(path, members),
        TorchError::OtherFormat | TorchError::Damaged(_) => known(path).unwrap_or_else(malformed),
        _ => malformed(),
    }
}

/// The error for a file of a kind that is known not to be weights.
pub(super) fn known(path: &Path) -> Option<WeightsError> {
    let kind = what_is(path)?;
    let remedy = match kind {
        FileKind::LfsPointer => "fetch the file itself: run `git lfs pull` in the repository, or download it from its page",
        FileKind::WebPage => {
            "download it again: the address gives a page and not the file (Google Drive and others ask for a confirmation \
             first), so open it in a browser"
        }
        FileKind::Empty => "download or save it again",
        FileKind::Compressed | FileKind::OtherArchive | FileKind::Tar => {
            "unpack it, and use the weights file that is in it"
        }
        FileKind::Hdf5 => {
            "Keras' weights are not read here: export the network to ONNX (tf2onnx) and use `architecture = \"onnx\"`, or \
             put the weights into a PyTorch network and save its state_dict()"
        }
        FileKind::Onnx => "use `architecture = \"onnx\"` in the manifest; as weights of a layer list it cannot be read",
        FileKind::TensorFlow | FileKind::TfLite => {
            "TensorFlow's weights are not read here: put them into a PyTorch network and save its state_dict()"
        }
        FileKind::Gguf => "its quantised tensors are not read here: use the original weights (.safetensors or .pth)",
        FileKind::Numpy | FileKind::Matlab => {
            "in Python: torch.save({\"NAME\": torch.from_numpy(array)}, \"weights.pth\"), and use that file"
        }
        FileKind::Joblib => "in Python: torch.save(joblib.load(\"FILE\").state_dict(), \"weights.pth\"), and use that file",
        FileKind::ShardIndex => "name one of the files that it lists, or join them into one",
        FileKind::Toml => "name the weights themselves here (--weights, or `weights` in the manifest)",
        FileKind::Image | FileKind::Pdf | FileKind::Json | FileKind::Program | FileKind::Text => "name the weights file",
        FileKind::Folder => "name the file in it",
        FileKind::Zip | FileKind::Pickle | FileKind::Safetensors => return None,
    };
    Some(not_weights(path, kind.what(), remedy))
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
        return not_weights(path, &what, "unpack it, and use the weights file that is in it");
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
