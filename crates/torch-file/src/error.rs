//! Why a file could not be read.

/// Why a file, or one tensor of it, could not be read. The texts fit after "cannot be read:".
#[derive(Debug, thiserror::Error)]
pub enum TorchError {
    /// The system could not read it.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// It is neither a zip, nor a pickle, nor a tar.
    #[error("it is neither a zip nor a pickle")]
    OtherFormat,
    /// It ends before what it promises.
    #[error("it is cut off: {0}")]
    CutOff(String),
    /// It is damaged.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// It makes more than a weights file has reason to.
    #[error("it asks for more than a weights file has reason to: {0}")]
    TooLarge(String),
    /// A zip without the pickle that PyTorch writes.
    #[error("it is a zip without PyTorch's `data.pkl`; it holds {0}")]
    NoPickle(String),
    /// An archive of TorchScript.
    #[error("it is a TorchScript archive (a program, not weights)")]
    TorchScript,
    /// A zip with a password.
    #[error("its members are encrypted")]
    Encrypted,
    /// A tensor of a kind that is not read.
    #[error("{0} is not read here")]
    Kind(String),
}

impl TorchError {
    pub(crate) fn damaged(reason: impl Into<String>) -> Self {
        Self::Damaged(reason.into())
    }
}
