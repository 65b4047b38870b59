//! Extensions that come with zhongshu. Nothing of them runs before somebody has put them where extensions lie and has said yes to them, as to
//! any other.

use crate::domain::harness::extension::content::{File, Files};
use crate::domain::harness::extension::manifest;

/// Their names.
pub const NAMES: [&str; 1] = ["supervisor"];

/// The files of the one with this name.
pub fn files(name: &str) -> Option<Files> {
    let all: [(&str, &[u8]); 2] = match name {
        "supervisor" => [
            (
                manifest::FILE,
                include_bytes!("../../../extensions/supervisor/extension.manifest.json"),
            ),
            (
                "main.py",
                include_bytes!("../../../extensions/supervisor/main.py"),
            ),
        ],
        _ => return None,
    };
    let file = |(path, bytes): (&str, &[u8])| {
        let file = File {
            is_executable: false,
            bytes: bytes.to_vec(),
        };
        (path.to_owned(), file)
    };
    Some(all.map(file).into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::domain::harness::extension::manifest::Manifest;

    #[test]
    fn each_is_what_its_folder_has() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("extensions");
        for name in NAMES {
            let files = files(name).unwrap();
            let manifest = Manifest::read(&files).unwrap();
            assert_eq!(manifest.agent_id.0, name);
            let there = std::fs::read_dir(folder.join(name)).unwrap();
            let there = there.map(|it| it.unwrap().file_name().into_string().unwrap());
            // Its tests stay at home.
            let theirs = |it: &String| !it.starts_with("test_") && !it.starts_with('_');
            let mut there: Vec<String> = there.filter(theirs).collect();
            there.sort();
            assert!(files.keys().eq(&there), "{there:?}");
        }
        assert_eq!(super::files("other"), None);
    }
}
