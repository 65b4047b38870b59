//! The product knows no scripted model: only the demo does.

use std::path::Path;
use walkdir::WalkDir;

#[test]
fn nothing_but_the_demo_knows_the_mock_model() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut read = 0;
    for entry in WalkDir::new(&src) {
        let entry = entry.unwrap();
        let name = entry.path().strip_prefix(&src).unwrap();
        if !entry.file_type().is_file()
            || name.starts_with("commands/demo")
            || name == Path::new("commands/demo.rs")
        {
            continue;
        }
        read += 1;
        let text = std::fs::read_to_string(entry.path())
            .unwrap()
            .to_lowercase();
        assert!(
            !text.contains("mock"),
            "{} knows the mock model",
            name.display()
        );
    }
    assert!(read > 50, "only {read} files were read");
}
