// Sets the theme before the first paint. A classic script on purpose: a module would run after it.
(() => {
  try {
    const theme = localStorage.getItem('zhongshu.theme');
    if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
  } catch {
    // Storage is switched off: the system's theme it is.
  }
})();
