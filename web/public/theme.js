// Before the first paint: the theme that was chosen here, if any. Not a module, which would come too late.
try {
  const theme = localStorage.getItem('windlass.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // storage is closed to this page: the system's theme stands
}
