// The page's words in English and Chinese. Nothing from the program passes through here.

const TEXTS = {
  en: {
    connecting: "connecting…",
    live: "",
    reconnecting: "connection lost, trying again…",
    unreachable: "the terminal cannot be reached; trying again…",
    closed: "the terminal was closed",
    unauthorised: "this link is no longer valid: open the terminal from the dashboard again",
    noToken: "this address has no key: open the terminal from the dashboard, or use the whole address it printed",
    full: "eight viewers look already; trying again…",
    cut: "the connection was closed by the dashboard; trying again…",
    readOnly: "read-only",
    otherSize: "size set elsewhere",
    exitedCode: (code) => `ended with code ${code}`,
    exitedSignal: (signal) => `ended by signal ${signal}`,
    pause: "Pause", resume: "Resume", pauseHint: "Hold the picture; nothing is lost",
    latest: "↓ Latest", find: "Search", findHint: "Search (Ctrl+Shift+F)",
    smaller: "Smaller text (Ctrl+Alt+-)", larger: "Larger text (Ctrl+Alt+=)",
    copy: "Copy", copyHint: "Copy the selection (Ctrl+Shift+C); paste with Ctrl+Shift+V",
    download: "Transcript", downloadHint: "Download everything the program printed",
    downloadFailed: "the transcript could not be downloaded",
    needle: "find in terminal", matchCase: "Aa", regex: ".*", caseHint: "Match case", regexHint: "Regular expression",
    previous: "Previous (Shift+Enter)", next: "Next (Enter)", close: "Close (Esc)",
    hits: (index, count) => count === 0 ? "no match" : `${index + 1} of ${count}`,
    gap: (bytes) => `${bytes.toLocaleString()} bytes came too fast to show; they are in the transcript`,
    tooMuch: "this paste is larger than 4 MiB and was not sent",
    waiting: "the program is not reading its input at the moment; your typing waits",
    inputClosed: "the program has ended; nothing reads your typing",
    linkQuestion: "The program wants to open this address:", open: "Open", cancel: "Cancel",
    toolbar: "Terminal (Ctrl+Shift+E moves between toolbar and terminal)",
  },
  zh: {
    connecting: "连接中…",
    live: "",
    reconnecting: "连接中断，正在重试…",
    unreachable: "无法连接终端，正在重试…",
    closed: "终端已关闭",
    unauthorised: "此链接已失效：请从控制台重新打开终端",
    noToken: "地址中没有密钥：请从控制台打开终端，或使用打印出的完整地址",
    full: "已有八个查看者，正在重试…",
    cut: "连接被控制台断开，正在重试…",
    readOnly: "只读",
    otherSize: "尺寸由其他窗口决定",
    exitedCode: (code) => `已结束，退出码 ${code}`,
    exitedSignal: (signal) => `被信号 ${signal} 终止`,
    pause: "暂停", resume: "继续", pauseHint: "停住画面，内容不会丢失",
    latest: "↓ 最新", find: "搜索", findHint: "搜索 (Ctrl+Shift+F)",
    smaller: "缩小文字 (Ctrl+Alt+-)", larger: "放大文字 (Ctrl+Alt+=)",
    copy: "复制", copyHint: "复制所选 (Ctrl+Shift+C)；粘贴用 Ctrl+Shift+V",
    download: "记录", downloadHint: "下载程序的全部输出",
    downloadFailed: "无法下载记录",
    needle: "在终端中查找", matchCase: "Aa", regex: ".*", caseHint: "区分大小写", regexHint: "正则表达式",
    previous: "上一个 (Shift+Enter)", next: "下一个 (Enter)", close: "关闭 (Esc)",
    hits: (index, count) => count === 0 ? "没有匹配" : `第 ${index + 1} 个，共 ${count} 个`,
    gap: (bytes) => `${bytes.toLocaleString()} 字节输出过快未显示，可在记录中查看`,
    tooMuch: "粘贴内容超过 4 MiB，未发送",
    waiting: "程序暂时没有读取输入，您的输入正在等待",
    inputClosed: "程序已结束，没有程序读取您的输入",
    linkQuestion: "程序想打开此地址：", open: "打开", cancel: "取消",
    toolbar: "终端（Ctrl+Shift+E 在工具栏与终端间切换）",
  },
};

export function pickLanguage(wanted) {
  if (wanted === "zh" || wanted === "en") return wanted;
  return (navigator.language || "en").toLowerCase().startsWith("zh") ? "zh" : "en";
}

export function textsFor(language) {
  return TEXTS[language] ?? TEXTS.en;
}
