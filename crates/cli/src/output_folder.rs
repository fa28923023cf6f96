//! Checks of an output folder before there is anything to write, and what `--overwrite` may take away: what zview
//! wrote, and nothing else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zview_data::view_shards::{MANIFEST_NAME, ShardManifest};
use zview_runtime::atomic::WriteError;
use zview_runtime::run_folder::{first_entry, no_folder};

use crate::failure::Failure;

/// Refuses a folder that holds anything, unless `overwrite`, and what is no folder. Commands without `--overwrite` give
/// `None`.
pub fn check_output_folder(option: &str, folder: &Path, overwrite: Option<bool>) -> Result<(), Failure> {
    let wrong = |problem: &str| Err(Failure::usage(format!("{option} {}: {problem}", folder.display())));
    refuse_no_folder(option, folder)?;
    match fs::metadata(folder) {
        Ok(_) => match (first_entry(folder), overwrite) {
            (Err(error), _) => wrong(&format!("cannot be read: {error}")),
            (Ok(Some(name)), Some(false)) => wrong(&format!(
                "is there already and holds {name}; take another folder, or add --overwrite to write into it (only what \
                 `zview sample` wrote is replaced)"
            )),
            (Ok(Some(name)), None) => {
                wrong(&format!("is there already and holds {name}; take another folder"))
            }
            _ => Ok(()),
        },
        Err(_) => Ok(()), // it is made, with the folders above it
    }
}

/// Refuses a name that something other than a folder has, or that would be in such.
pub fn refuse_no_folder(option: &str, folder: &Path) -> Result<(), Failure> {
    let refused = |reason| {
        let folder = folder.display();
        Err(Failure::usage(format!("{option} {folder}: {reason}, and a folder is wanted; take another name")))
    };
    no_folder(folder).map_or(Ok(()), refused)
}

/// Removes pictures that an earlier `zview sample` wrote into `folder` and its folders of classes.
pub fn remove_sampled_images(folder: &Path) -> Result<(), WriteError> {
    let failed = |source| WriteError { path: folder.to_owned(), source };
    let of_class = |path: &Path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        path.is_dir() && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
    };
    for path in entries(folder).map_err(failed)? {
        if of_class(&path) {
            for image in entries(&path).map_err(failed)?.into_iter().filter(|path| is_sampled_image(path)) {
                fs::remove_file(image).map_err(failed)?;
            }
            let _ = fs::remove_dir(&path); // only where nothing is left in it
        } else if is_sampled_image(&path) {
            fs::remove_file(path).map_err(failed)?;
        }
    }
    Ok(())
}

/// Whether a file has a name as `anchor-000012-view-3.png`.
fn is_sampled_image(path: &Path) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let parts = name.strip_prefix("anchor-").and_then(|name| name.strip_suffix(".png")?.split_once("-view-"));
    parts.is_some_and(|(anchor, view)| anchor.len() >= 6 && number(anchor) && number(view)) && path.is_file()
}

/// The shards that a manifest of zview's in `folder` lists, the manifest first; none where there is no such manifest.
pub fn shards_in(folder: &Path) -> Vec<PathBuf> {
    let path = folder.join(MANIFEST_NAME);
    let manifest = fs::read(&path).ok().and_then(|text| ShardManifest::parse(&path, &text).ok());
    manifest.map_or_else(Vec::new, |manifest| {
        let shards = manifest.shards.iter().map(|shard| folder.join(&shard.file));
        std::iter::once(path).chain(shards).collect()
    })
}

/// Moves the shards of `new` into `folder` in place of those that are there, the manifest last.
pub fn replace_shards(folder: &Path, new: &Path) -> Result<(), WriteError> {
    let failed = |source| WriteError { path: folder.to_owned(), source };
    let moved = || {
        for old in shards_in(folder) {
            match fs::remove_file(&old) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        let mut names = entries(new)?;
        names.sort_by_key(|path| path.ends_with(MANIFEST_NAME));
        for path in names {
            let Some(name) = path.file_name() else { continue };
            fs::rename(&path, folder.join(name))?;
        }
        fs::remove_dir(new)
    };
    moved().map_err(failed)
}

/// Refuses a folder in which something that zview did not write has the name of a file that it will write.
pub fn check_names_of_shards(option: &str, folder: &Path) -> Result<(), Failure> {
    let ours = shards_in(folder);
    let taken = entries(folder).unwrap_or_default().into_iter().find(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_shard = name.starts_with("shard-") && name.ends_with(".tar");
        (is_shard || name == MANIFEST_NAME) && !ours.contains(path)
    });
    match taken {
        Some(path) => Err(Failure::usage(format!(
            "{option} {}: {} is not of zview's making and would be replaced; take another folder",
            folder.display(),
            path.display()
        ))),
        None => Ok(()),
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn only_an_empty_folder_or_none_is_taken_without_being_told() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let refused = |path: &Path| check_output_folder("--out", path, Some(false)).is_err();
        assert!(!refused(folder) && !refused(&folder.join("new/within")));
        fs::write(folder.join(".DS_Store"), "x").unwrap();
        fs::write(folder.join("Thumbs.db"), "x").unwrap();
        assert!(!refused(folder));
        fs::write(folder.join("cat.jpg"), "x").unwrap();
        assert!(refused(folder) && refused(&folder.join("cat.jpg")));
        assert!(check_output_folder("--out", folder, None).is_err());
        assert!(check_output_folder("--out", folder, Some(true)).is_ok());
        assert!(check_output_folder("--out", &folder.join("cat.jpg"), Some(true)).is_err());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("nowhere", folder.join("link")).unwrap();
            assert!(refused(&folder.join("link")));
        }
        for file in ["cat.jpg", "cat.jpg/new"] {
            let error = check_output_folder("--out", &folder.join(file), None).unwrap_err();
            let error = format!("{error:?}");
            assert!(error.contains("cat.jpg is a file, and a folder is wanted"), "{error}");
        }
    }

    #[test]
    fn only_pictures_of_an_earlier_sample_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        for kept in ["3", "cats", "7"] {
            fs::create_dir(folder.join(kept)).unwrap();
        }
        let ours = ["anchor-000000-view-0.png", "3/anchor-000012-view-3.png", "7/anchor-1000000-view-11.png"];
        let others = [
            "anchor-1-view-0.png",
            "anchor-000000-view-0.jpg",
            "anchor-000000-view-x.png",
            "cats/anchor-000000-view-0.png",
            "3/mine.png",
        ];
        for file in ours.iter().chain(&others) {
            fs::write(folder.join(file), "x").unwrap();
        }
        remove_sampled_images(folder).unwrap();
        assert!(ours.iter().all(|file| !folder.join(file).exists()));
        assert!(others.iter().all(|file| folder.join(file).exists()));
        assert!(!folder.join("7").exists(), "a folder of a class that is empty now");
    }
}
