//! How much a file may make this crate hold or do, whatever it claims.

/// Bytes that the values of one pickle may take.
pub(crate) const VALUES_BYTES: usize = 80 << 20;
/// As [`VALUES_BYTES`], of a storage that is a file of its own within a pickle.
pub(crate) const NESTED_VALUES_BYTES: usize = 4 << 20;
/// Operations of one pickle.
pub(crate) const OPERATIONS: u64 = 30_000_000;
/// Bytes that names, shapes and places of all tensors may take.
pub(crate) const TENSORS_BYTES: usize = 64 << 20;
/// Containers entered on the way to the tensors: one that is referred to from many places is entered from each.
pub(crate) const ENTERED: usize = 400_000;
/// Elements of the containers entered.
pub(crate) const LOOKED_AT: usize = 20_000_000;
/// The longest line of a pickle of protocol 0, and the longest text that is kept rather than left in the file.
pub(crate) const TEXT_BYTES: usize = 1 << 16;
/// Bytes of a compressed pickle once it is inflated.
pub(crate) const INFLATED_PICKLE_BYTES: usize = 64 << 20;
/// Bytes of a zip's directory.
pub(crate) const DIRECTORY_BYTES: u64 = 48 << 20;
/// Members of a zip.
pub(crate) const MEMBERS: usize = 400_000;
/// Storages of a legacy stream or tar.
pub(crate) const STORAGES: usize = 200_000;
