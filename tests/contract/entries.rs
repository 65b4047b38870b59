//! What the files of a plan's line stand for, shown before anybody confirms it.

use crate::world::World;
use serde_json::json;

#[test]
fn each_entry_says_how_it_is_read_and_what_it_matches_now() {
    let world = World::serving();
    for path in [
        "app/[id]/page.tsx",
        "app/i/page.tsx",
        "src/a.rs",
        "src/b.rs",
        "docs/x.md",
    ] {
        world.write(path, "x\n");
    }
    world.commit_all();
    world.write("src/new.rs", "not in Git yet\n");
    let files = [
        "app/[id]/page.tsx",
        "src/",
        "src",
        "src/*.rs",
        "src/c.rs",
        ".",
        "../x",
        "none/**",
        "app/[ab]/page.tsx",
    ];
    let answer = world
        .post("/api/read_files", &json!({ "files": files }))
        .ok();
    let read = answer["files"].as_array().unwrap();
    let all = read[5]["matches"].as_u64().unwrap();
    let told: Vec<_> = read
        .iter()
        .map(|it| {
            (
                it["entry"].as_str().unwrap(),
                it["reads_as"].as_str().unwrap(),
                it["matches"].as_u64().unwrap(),
            )
        })
        .collect();
    let expected = [
        // The file of that name, and the one that the same signs match as a pattern.
        ("app/[id]/page.tsx", "file", 2),
        ("src/", "folder", 3),
        ("src", "folder", 3),
        ("src/*.rs", "pattern", 3),
        ("src/c.rs", "new", 0),
        (".", "everything", all),
        ("../x", "nothing", 0),
        ("none/**", "pattern", 0),
        ("app/[ab]/page.tsx", "pattern", 0),
    ];
    assert_eq!(told, expected);
    assert!(all >= 6, "{all}");
    assert_eq!(
        read[1]["examples"],
        json!(["src/a.rs", "src/b.rs", "src/new.rs"])
    );
    let many = json!({ "files": vec!["x"; 257] });
    world
        .post("/api/read_files", &many)
        .refused(400, "list_too_long");
}
