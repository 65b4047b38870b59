//! The risk rules and preflight surfaces that hold without any configuration. `governance.yaml` may change each of them
//! by name, except the locked one, which guards that very file.

use crate::domain::department::Localized;
use crate::domain::rules::{ChangeTest, LineTest, RiskLevel, RiskRule, Subject};

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
        (
            "修改了约束 agent 自身的规则，必须由人复核",
            "this changes the rules that the agents themselves work under; a person has to review it",
        ),
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
            (
                "看起来是密钥或凭据文件，不应提交",
                "this looks like a file of keys or credentials; it should not be committed",
            ),
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
            (
                "修改了 CI 配置，它以仓库的权限运行",
                "this changes CI configuration, which runs with the repository's own rights",
            ),
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
            (
                "修改了 Git 的属性或子模块配置，会影响检出内容",
                "this changes Git's attributes or submodules, and with them what a checkout holds",
            ),
            &[".gitattributes", ".gitmodules"],
            &[],
        ),
        rule(
            "migrations",
            RiskLevel::Medium,
            (
                "修改了数据库迁移，上线后难以回退",
                "this changes a database migration, which is hard to take back once it has run",
            ),
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
            (
                "修改了依赖锁定文件，请核对依赖变化",
                "this changes a lock file; check which dependencies changed",
            ),
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
            (
                "看起来是构建产物，不应作为源码提交",
                "this looks like build output; it should not be committed as source",
            ),
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
            (
                "修改了构建时执行的文件",
                "this changes a file that decides what runs when the project is built",
            ),
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
    let secret = (
        "新增内容疑似包含{what}：请移除并立即作废，读得到仓库的人都读得到它",
        "a new line holds what looks like {what}; take it out and revoke it, because whoever reads the repository can read it",
    );
    let line = |name, level, message, test| about(Subject::Lines(test), name, level, message);
    vec![
        line("private_keys", High, secret, T::PrivateKey),
        line("access_tokens", High, secret, T::AccessToken),
        line("web_tokens", Medium, secret, T::WebToken),
        line("passwords", Medium, secret, T::Password),
        line(
            "conflict_markers",
            High,
            (
                "新增内容里留有合并冲突标记",
                "new lines hold a merge conflict that nobody resolved",
            ),
            T::ConflictMarker,
        ),
        line(
            "hidden_characters",
            Medium,
            (
                "新增内容含有{what}，看到的与实际的可能不同",
                "a new line holds {what}; what it shows may not be what it says",
            ),
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
            (
                "符号链接指向仓库之外",
                "this symbolic link leads out of the repository",
            ),
            T::OutsideLink,
        ),
        change(
            "submodules",
            Medium,
            (
                "另一个仓库的内容，本报告看不到其中的改动",
                "this is another repository; what changes in it is not in this report",
            ),
            T::Submodule,
        ),
        change(
            "new_binary",
            Medium,
            (
                "新增二进制文件，其内容无法逐行复核",
                "this new file is no text; nobody can review it line by line",
            ),
            T::NewBinary,
        ),
        change(
            "large_file",
            Medium,
            (
                "文件很大，会永久留在历史中",
                "this file is large, and the history keeps it for ever",
            ),
            T::LargeFile {
                limit_bytes: LARGE_FILE_BYTES,
            },
        ),
        change(
            "new_executable",
            Medium,
            (
                "该文件新近变为可执行",
                "this file can be run now and could not before",
            ),
            T::NewExecutable,
        ),
        change(
            "lfs_pointer",
            Low,
            (
                "仓库里只有指针，真正的内容在 Git LFS 中",
                "this is a pointer; its content is kept by Git LFS and is not in this report",
            ),
            T::LfsPointer,
        ),
    ]
}

fn about(subject: Subject, name: &str, level: RiskLevel, message: (&str, &str)) -> RiskRule {
    RiskRule {
        subject,
        ..rule(name, level, message, &[], &[])
    }
}

fn rule(
    name: &str,
    level: RiskLevel,
    message: (&str, &str),
    pattern: &[&str],
    allow_pattern: &[&str],
) -> RiskRule {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    RiskRule {
        name: name.to_owned(),
        level,
        subject: Subject::Path,
        pattern: owned(pattern),
        message: Localized::new(message.0, message.1),
        allow_pattern: owned(allow_pattern),
        locked: false,
    }
}
