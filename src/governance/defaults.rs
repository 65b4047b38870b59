//! The risk rules and preflight surfaces that hold without any configuration. `governance.yaml` may change each of them
//! by name, except the locked one, which guards that very file.

use crate::domain::department::Localized;
use crate::domain::rules::{RiskLevel, RiskRule};

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

/// The built-in risk rules.
pub fn risk_rules() -> Vec<RiskRule> {
    let mut agent_rules = rule(
        "agent_rules",
        RiskLevel::High,
        (
            "修改了约束 agent 自身的规则，必须由人复核",
            "this changes the rules that the agents themselves work under; a person has to review it",
        ),
        &[
            "AGENTS.md",
            "AGENTS.override.md",
            "CLAUDE.md",
            "GEMINI.md",
            ".codex/",
            ".claude/",
            ".cursor/",
            ".cursorrules",
            ".mcp.json",
            "/governance.yaml",
            "/.github/copilot-instructions.md",
            "/hooks/",
            "/.githooks/",
            "/.husky/",
            ".pre-commit-config.yaml",
            "lefthook.yml",
            "lefthook.yaml",
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
        pattern: owned(pattern),
        message: Localized::new(message.0, message.1),
        allow_pattern: owned(allow_pattern),
        locked: false,
    }
}
