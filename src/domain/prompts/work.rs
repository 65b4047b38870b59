//! What a thread is told to review when nobody says what.

use crate::domain::language::Language;

/// The instructions of a review that came without any.
pub fn review_work(language: Language) -> &'static str {
    match language {
        Language::En => {
            "Review the work in this repository as it stands now: what was changed in this conversation and what is not committed yet. \
             Name defects first, with file and line, then what is missing, then what could be simpler."
        }
        Language::Zh => {
            "请审查本仓库目前的工作：本次对话中改动的内容，以及尚未提交的内容。先指出缺陷（注明文件和行号），再指出遗漏，最后指出可以更简单的地方。"
        }
    }
}
