//! What the embedded model says and asks, in both languages. Which of them it speaks follows from the prompt that it was given.

/// The job in one language.
pub struct Texts {
    /// The language's tag.
    pub tag: &'static str,
    /// By this the model knows the prompt of a planner, of a department, and the notice that one reported.
    pub planner: &'static str,
    /// See `planner`.
    pub department: &'static str,
    /// See `planner`.
    pub told: &'static str,
    /// The planner before its question, after its plan, and after a notice.
    pub reads: &'static str,
    /// See `reads`.
    pub planned: &'static str,
    /// See `reads`.
    pub noted: &'static str,
    /// Header and text of the question.
    pub question: (&'static str, &'static str),
    /// Label and description of what can be answered.
    pub options: [(&'static str, &'static str); 2],
    /// Summary of the plan.
    pub plan: &'static str,
    /// Task and reason of each line.
    pub lines: [(&'static str, &'static str); 3],
    /// What each department says before it begins.
    pub does: [&'static str; 3],
    /// Why a command has to leave the sandbox.
    pub why_command: &'static str,
    /// Why wider permissions are needed.
    pub why_permissions: &'static str,
    /// Summary of each result.
    pub results: [&'static str; 3],
    /// A department's last words.
    pub reported: &'static str,
}

/// In English.
pub const EN: Texts = Texts {
    tag: "en",
    planner: "the planner of the project",
    department: "You are ",
    told: "A department reported",
    reads: "I have read `src/greet.py` and `README.md`. One thing is open before I can plan.",
    planned: "The plan is reported; a person decides now.",
    noted: "Noted.",
    question: ("Loudness", "How loud shall --shout be?"),
    options: [
        ("Capitals", "HELLO, ADA!"),
        ("Exclamation marks", "Hello, Ada!!!"),
    ],
    plan: "Add a --shout option: the code, its documentation, and a review of the boundaries.",
    lines: [
        (
            "Add a function shout to src/greet.py that returns the greeting in capitals.",
            "the behaviour itself",
        ),
        ("Describe --shout in README.md.", "users must find it"),
        (
            "Review the boundaries of the change: who may call shout, and with what.",
            "input comes from users",
        ),
    ],
    does: [
        "I add shout below greet, then stage the file.",
        "I may only read here, so I propose the change as a patch.",
        "shout takes any text and changes nothing else. I write that down and stage what is not staged yet.",
    ],
    why_command: "Staging writes into .git, which the sandbox protects.",
    why_permissions: "To stage README.md and docs/review.md: both write into .git.",
    results: [
        "shout returns the greeting in capitals.",
        "README.md describes --shout.",
        "No boundary is crossed.",
    ],
    reported: "Reported.",
};

/// In Chinese.
pub const ZH: Texts = Texts {
    tag: "zh",
    planner: "的中书省（Zhongshu），负责规划",
    department: "你是项目",
    told: "一个部门已汇报",
    reads: "已读完 `src/greet.py` 和 `README.md`。规划之前还有一个问题。",
    planned: "方案已上报，现在由人决定。",
    noted: "收到。",
    question: ("音量", "--shout 要多大声？"),
    options: [("全大写", "HELLO, ADA!"), ("感叹号", "Hello, Ada!!!")],
    plan: "增加 --shout 选项：代码、文档，以及边界复核。",
    lines: [
        (
            "在 src/greet.py 里增加函数 shout，返回全大写的问候语。",
            "功能本身",
        ),
        ("在 README.md 里说明 --shout。", "用户要能找到它"),
        ("复核改动的边界：谁可以调用 shout，传什么。", "输入来自用户"),
    ],
    does: [
        "在 `greet` 下面增加 `shout`，然后暂存该文件。",
        "我在这里只能读，所以以补丁形式提出改动。",
        "`shout` 接受任意文本，不改变其他东西。我把结论写下来，并暂存其余文件。",
    ],
    why_command: "暂存要写入 .git，而沙箱保护着它。",
    why_permissions: "为了暂存 README.md 和 docs/review.md：都要写入 .git。",
    results: [
        "shout 返回全大写的问候语。",
        "README.md 已说明 --shout。",
        "没有越过边界。",
    ],
    reported: "已汇报。",
};
