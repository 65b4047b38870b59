//! The risk rules and preflight surfaces that hold without any configuration. `governance.yaml` may change each of them
//! by name, except the locked one, which guards that very file.

use crate::domain::rules::{ChangeTest, LineTest, RiskLevel, RiskRule, Subject};
use crate::domain::sentence::{Sentence, say};

/// Files that tell agents and people how to work here; scanned for references that only hold on one machine.
pub const SURFACES: [&str; 6] = [
    "/AGENTS.md",
    "/README.md",
    "/README.*.md",
    "/docs/",
    "/governance.yaml",
    "/.codex/",
];

/// What counts as a document when it changed.
pub const DOCUMENTS: [&str; 7] = [
    "*.md",
    "*.mdx",
    "*.markdown",
    "*.rst",
    "*.adoc",
    "*.txt",
    "*.org",
];

/// A file that is larger than this is no source. Some hosts refuse a hundred times as much, and history keeps every byte.
const LARGE_FILE_BYTES: u64 = 1 << 20;

/// The built-in risk rules.
pub fn risk_rules() -> Vec<RiskRule> {
    let mut rules = path_rules();
    rules.extend(line_rules());
    rules.extend(change_rules());
    rules
}

/// Rules about names.
fn path_rules() -> Vec<RiskRule> {
    let mut agent_rules = rule(
        "agent_rules",
        RiskLevel::High,
        say!("risk.agent_rules"),
        &[
            // What agents read before they work.
            "AGENTS.md",
            "AGENTS.override.md",
            "AGENT.md",
            "CLAUDE.md",
            "CLAUDE.local.md",
            "GEMINI.md",
            ".agents/",
            ".codex/",
            ".claude/",
            ".gemini/",
            ".cursor/",
            ".cursorrules",
            ".windsurf/",
            ".windsurfrules",
            ".clinerules",
            ".roo/",
            ".kiro/",
            ".junie/",
            ".continue/",
            ".aider.conf.yml",
            ".goosehints",
            "/.github/copilot-instructions.md",
            "/.github/instructions/",
            "/.github/prompts/",
            "/.github/agents/",
            // Which tools they have.
            ".mcp.json",
            "mcp.json",
            ".opencode/",
            "opencode.json",
            // What runs at a commit, and who has to look at one.
            "/governance.yaml",
            "/hooks/",
            ".githooks/",
            ".git-hooks/",
            ".husky/",
            ".huskyrc*",
            ".lefthook/",
            "{lefthook,.lefthook}.{yml,yaml,toml,json}",
            "{lefthook-local,.lefthook-local}.{yml,yaml,toml,json}",
            ".pre-commit-config.{yml,yaml}",
            ".pre-commit-hooks.{yml,yaml}",
            ".overcommit.yml",
            ".overcommit/",
            "simple-git-hooks.*",
            ".simple-git-hooks.*",
            ".lintstagedrc*",
            "lint-staged.config.*",
            "CODEOWNERS",
        ],
        &[],
    );
    agent_rules.locked = true;
    vec![
        agent_rules,
        rule(
            "secret_files",
            RiskLevel::High,
            say!("risk.secret_files"),
            &[
                ".env",
                ".env.*",
                "*.pem",
                "*.key",
                "*.p12",
                "*.pfx",
                "*.jks",
                "*.keystore",
                "*.kdbx",
                "id_rsa",
                "id_dsa",
                "id_ecdsa",
                "id_ed25519",
                ".netrc",
                ".pgpass",
                ".npmrc",
                ".pypirc",
                "credentials",
                "credentials.json",
                "secrets.{json,toml,yaml,yml}",
                ".aws/",
                ".ssh/",
                ".gnupg/",
            ],
            &[".env.example", ".env.sample", ".env.template", ".env.dist"],
        ),
        rule(
            "ci_config",
            RiskLevel::High,
            say!("risk.ci_config"),
            &[
                "/.github/workflows/",
                "/.github/actions/",
                "/.gitlab-ci.yml",
                "/.gitlab/",
                "/.circleci/",
                "/.ci/",
                "/.buildkite/",
                "/.woodpecker.yml",
                "/.woodpecker/",
                "/azure-pipelines.yml",
                "Jenkinsfile",
            ],
            &[],
        ),
        rule(
            "git_config",
            RiskLevel::Medium,
            say!("risk.git_config"),
            &[".gitattributes", ".gitmodules"],
            &[],
        ),
        rule(
            "migrations",
            RiskLevel::Medium,
            say!("risk.migrations"),
            &[
                "migrations/",
                "migrate/",
                "/alembic/versions/",
                "/db/schema.rb",
            ],
            &[],
        ),
        rule(
            "lock_files",
            RiskLevel::Medium,
            say!("risk.lock_files"),
            &[
                "Cargo.lock",
                "package-lock.json",
                "npm-shrinkwrap.json",
                "pnpm-lock.yaml",
                "yarn.lock",
                "bun.lock",
                "bun.lockb",
                "poetry.lock",
                "uv.lock",
                "Pipfile.lock",
                "Gemfile.lock",
                "composer.lock",
                "go.sum",
                "flake.lock",
            ],
            &[],
        ),
        rule(
            "build_output",
            RiskLevel::Medium,
            say!("risk.build_output"),
            &[
                "output/",
                "out/",
                "dist/",
                "target/",
                "node_modules/",
                "__pycache__/",
                "*.pyc",
                "*.class",
                "*.o",
                "*.obj",
                "*.dll",
                "*.dylib",
                "*.exe",
            ],
            &[],
        ),
        rule(
            "build_scripts",
            RiskLevel::Low,
            say!("risk.build_scripts"),
            &[
                "Cargo.toml",
                "build.rs",
                ".cargo/",
                "package.json",
                "pyproject.toml",
                "setup.py",
                "Makefile",
                "Dockerfile",
                "rust-toolchain.toml",
            ],
            &[],
        ),
    ]
}

/// Rules about the lines that a change adds.
fn line_rules() -> Vec<RiskRule> {
    use LineTest as T;
    use RiskLevel::{High, Medium};
    // What was recognised is put in where a finding is said.
    let secret = || say!("risk.secret", what = "{what}");
    let line = |name, level, message, test| about(Subject::Lines(test), name, level, message);
    vec![
        line("private_keys", High, secret(), T::PrivateKey),
        line("access_tokens", High, secret(), T::AccessToken),
        line("web_tokens", Medium, secret(), T::WebToken),
        line("passwords", Medium, secret(), T::Password),
        line(
            "conflict_markers",
            High,
            say!("risk.conflict_markers"),
            T::ConflictMarker,
        ),
        line(
            "hidden_characters",
            Medium,
            say!("risk.hidden_characters", what = "{what}"),
            T::HiddenCharacter,
        ),
    ]
}

/// Rules about kinds of changes.
fn change_rules() -> Vec<RiskRule> {
    use ChangeTest as T;
    use RiskLevel::{High, Low, Medium};
    let change = |name, level, message, test| about(Subject::Change(test), name, level, message);
    vec![
        change(
            "outside_link",
            High,
            say!("risk.outside_link"),
            T::OutsideLink,
        ),
        change("submodules", Medium, say!("risk.submodules"), T::Submodule),
        change("new_binary", Medium, say!("risk.new_binary"), T::NewBinary),
        change(
            "large_file",
            Medium,
            say!("risk.large_file"),
            T::LargeFile {
                limit_bytes: LARGE_FILE_BYTES,
            },
        ),
        change(
            "new_executable",
            Medium,
            say!("risk.new_executable"),
            T::NewExecutable,
        ),
        change("lfs_pointer", Low, say!("risk.lfs_pointer"), T::LfsPointer),
    ]
}

fn about(subject: Subject, name: &str, level: RiskLevel, message: Sentence) -> RiskRule {
    RiskRule {
        subject,
        ..rule(name, level, message, &[], &[])
    }
}

fn rule(
    name: &str,
    level: RiskLevel,
    message: Sentence,
    pattern: &[&str],
    allow_pattern: &[&str],
) -> RiskRule {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    RiskRule {
        name: name.to_owned(),
        level,
        subject: Subject::Path,
        pattern: owned(pattern),
        message: message.both(),
        allow_pattern: owned(allow_pattern),
        locked: false,
    }
}
