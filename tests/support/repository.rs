//! Commits as a person would make them, without Git's own program.
// Each test takes of it what it needs.
#![allow(dead_code)]

use std::path::Path;

/// Commits everything that lies in a folder, which becomes a repository if it is none.
pub fn commit_all(folder: &Path, message: &str) {
    let repository = git2::Repository::init(folder).unwrap();
    let mut index = repository.index().unwrap();
    let every = git2::IndexAddOption::DEFAULT;
    index.add_all(["*"], every, None).unwrap();
    index.write().unwrap();
    let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
    let author = git2::Signature::now("a person", "person@example.org").unwrap();
    let head = repository.head().ok();
    let head = head.map(|it| it.peel_to_commit().unwrap());
    let parents: Vec<_> = head.iter().collect();
    repository
        .commit(Some("HEAD"), &author, &author, message, &tree, &parents)
        .unwrap();
}
