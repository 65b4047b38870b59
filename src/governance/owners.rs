//! Finds the `CODEOWNERS` file of a repository and reads it, of the same state that the report is about.

use sha2::{Digest, Sha256};

use crate::domain::codeowners::CodeOwners;
use crate::domain::hex::hex;
use crate::domain::language::Language;
use crate::domain::report::{OwnersFile, OwnersNotice, ReportMode};
use crate::domain::sentence::say;
use crate::git::changes::Deadline;
use crate::git::content::Content;
use crate::git::{GitError, Repo};

/// Where the file may be; the first one that is there counts, as on GitHub. The last place is GitLab's.
const PLACES: [&str; 4] = [
    ".github/CODEOWNERS",
    "CODEOWNERS",
    "docs/CODEOWNERS",
    ".gitlab/CODEOWNERS",
];

/// Largest file that is read. The longest known ones are a fifth of it.
const MAX_BYTES: u64 = 1 << 20;

/// The `CODEOWNERS` of a repository, where there is one.
#[derive(Debug, Default)]
pub(super) struct Owners {
    file: CodeOwners,
    path: Option<&'static str>,
    is_too_large: bool,
    digest: String,
}

impl Owners {
    /// Reads the file: the staged one for a staged report, the one on disk else.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub(super) fn read(
        repo: &Repo,
        mode: ReportMode,
        deadline: &Deadline,
    ) -> Result<Self, GitError> {
        for place in PLACES {
            let content = match mode {
                ReportMode::Staged => repo.staged_content(place, MAX_BYTES, deadline)?,
                ReportMode::Worktree | ReportMode::Base => {
                    repo.content_on_disk(place.as_bytes(), MAX_BYTES)
                }
            };
            let Content::File { bytes, size_bytes } = content else {
                continue;
            };
            let path = Some(place);
            let Some(bytes) = bytes else {
                return Ok(Self {
                    path,
                    is_too_large: true,
                    digest: format!("{size_bytes} bytes"),
                    ..Self::default()
                });
            };
            return Ok(Self {
                file: CodeOwners::parse(&String::from_utf8_lossy(&bytes)),
                path,
                is_too_large: false,
                digest: hex(&Sha256::digest(&bytes)),
            });
        }
        Ok(Self::default())
    }

    /// The owners of a path, by name.
    pub(super) fn of(&self, path: &[u8]) -> Vec<String> {
        self.file.owners_of(path)
    }

    /// Names the file and its content, for the digest of a report.
    pub(super) fn digest(&self) -> String {
        format!("{}:{}", self.path.unwrap_or_default(), self.digest)
    }

    /// The file as a report shows it.
    pub(super) fn view(&self, language: Language) -> Option<OwnersFile> {
        let mut notices: Vec<OwnersNotice> = self
            .file
            .notices()
            .iter()
            .map(|notice| OwnersNotice {
                line: notice.line,
                message: notice.message.get(language).to_owned(),
            })
            .collect();
        if self.is_too_large {
            let limit = MAX_BYTES >> 10;
            notices.push(OwnersNotice {
                line: 0,
                message: say!("governance.file_larger_than_kib", limit).text(language),
            });
        }
        self.path.map(|path| OwnersFile {
            path: path.to_owned(),
            notices,
        })
    }
}
