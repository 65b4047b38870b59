//! Indexes that the real git writes, in every version and with every extension, against what git itself says of them.

use super::rig::Ground;
use std::fs;
use zhongshu::git::Repo;
use zhongshu::git::candidate::IndexTree;
use zhongshu::git::index::StrictIndex;

/// Some hundred files in folders of folders, some of them odd.
fn fill(ground: &Ground) {
    for folder in 0..12 {
        for file in 0..10 {
            ground.write(
                &format!("d{folder}/e{}/f{file}.txt", folder % 3),
                format!("{folder}{file}"),
            );
        }
    }
    ground.write("d1.txt", "beside a folder of nearly the same name");
    ground.write("d1-x/a", "before it");
    ground.write(
        &format!("{}/deep", "long-name-of-a-folder/".repeat(12)),
        "deep",
    );
    ground.write("名字.txt", "name");
    ground.executable("run.sh", "#!/bin/sh\n");
    std::os::unix::fs::symlink("run.sh", ground.path("link")).unwrap();
    ground.git(&["add", "-A"]).ok();
}

fn assert_like_git(ground: &Ground, what: &str) {
    let listed = ground.git(&["ls-files", "-s", "-z"]).ok();
    let expected: Vec<String> = listed
        .split('\0')
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    let index = StrictIndex::parse(&fs::read(ground.path(".git/index")).unwrap()).unwrap();
    let found: Vec<String> = index
        .entries()
        .map(|entry| {
            let path = String::from_utf8_lossy(entry.path);
            format!("{:06o} {} {}\t{path}", entry.mode, entry.id, entry.stage)
        })
        .collect();
    assert_eq!(found, expected, "{what}");
    let repo = Repo::open(&ground.repo()).unwrap();
    let tree = repo.tree_of_index(&ground.path(".git/index")).unwrap();
    assert_eq!(tree, IndexTree::Tree(ground.tree()), "{what}");
}

#[test]
fn every_version_and_every_extension_is_read_as_git_reads_it() {
    let ground = Ground::unborn();
    fill(&ground);
    for version in ["2", "3", "4"] {
        ground
            .git(&["update-index", "--index-version", version])
            .ok();
        // Some of the trees are remembered, some were made stale.
        ground.tree();
        ground.stage("d3/e0/new.txt", version);
        assert_like_git(&ground, &format!("version {version}"));
        ground.git(&["config", "index.threads", "4"]).ok();
        ground
            .git(&["config", "index.recordEndOfIndexEntries", "true"])
            .ok();
        ground
            .git(&["config", "index.recordOffsetTable", "true"])
            .ok();
        ground.stage("d4/e1/new.txt", version);
        assert_like_git(&ground, &format!("version {version} with tables"));
        ground.git(&["config", "--remove-section", "index"]).ok();
    }
    ground.git(&["commit", "-q", "-m", "all"]).ok();
    ground.git(&["update-index", "--untracked-cache"]).ok();
    ground.git(&["status"]).ok();
    assert_like_git(&ground, "untracked cache");
    ground.git(&["rm", "-q", "-r", "d5"]).ok();
    ground.git(&["mv", "d6", "d7/moved"]).ok();
    assert_like_git(&ground, "removed and moved folders");
    ground
        .git(&["update-index", "--skip-worktree", "d1.txt"])
        .ok();
    assert_like_git(&ground, "extended flags");
    ground.write("later", "later");
    ground.git(&["add", "-N", "later"]).ok();
    let repo = Repo::open(&ground.repo()).unwrap();
    let tree = repo.tree_of_index(&ground.path(".git/index")).unwrap();
    assert_eq!(tree, IndexTree::Tree(ground.tree()), "an intent to add");
    // As manyFiles sets it: no checksum at the end, and version 4.
    ground.git(&["config", "feature.manyFiles", "true"]).ok();
    ground.git(&["rm", "-q", "--cached", "later"]).ok();
    ground.git(&["update-index", "--force-write-index"]).ok();
    assert_like_git(&ground, "without a checksum");
}

#[test]
fn a_sparse_index_is_told_and_a_merge_is_seen() {
    let ground = Ground::unborn();
    fill(&ground);
    ground.git(&["commit", "-q", "-m", "all"]).ok();
    let repo = Repo::open(&ground.repo()).unwrap();
    ground
        .git(&["sparse-checkout", "set", "--sparse-index", "d1"])
        .ok();
    let tree = repo.tree_of_index(&ground.path(".git/index")).unwrap();
    let IndexTree::Unreadable(fault) = tree else {
        panic!("{tree:?}");
    };
    assert!(fault.to_string().contains("index.sparse"), "{fault}");
    ground
        .git(&["sparse-checkout", "reapply", "--no-sparse-index"])
        .ok();
    assert_like_git(&ground, "a sparse checkout with a whole index");
    ground.git(&["sparse-checkout", "disable"]).ok();
    ground.git(&["checkout", "-q", "-b", "side"]).ok();
    ground.stage("d1.txt", "side\n");
    ground.git(&["commit", "-q", "-m", "side"]).ok();
    ground.git(&["checkout", "-q", "main"]).ok();
    ground.stage("d1.txt", "main\n");
    ground.git(&["commit", "-q", "-m", "main"]).ok();
    assert_ne!(ground.git(&["merge", "side"]).code, 0);
    let tree = repo.tree_of_index(&ground.path(".git/index")).unwrap();
    assert_eq!(tree, IndexTree::Unmerged);
}
