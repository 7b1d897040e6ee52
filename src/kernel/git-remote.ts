/** One name for a git remote however it is written, so that a repository is matched to its project by it (spec PRJ-2). Pure; asks no git. */

const SCP_FORM = /^(?:[^@/\s]+@)?([^:/\s]+):(?!\/\/)(.+)$/;
const URL_FORM = /^[a-z][a-z0-9+.-]*:\/\/(?:[^@/]*@)?([^/:]+|\[[^\]]+\])(?::\d+)?\/(.+)$/i;

/**
 * `git@github.com:Acme/App.git`, `https://token@github.com/Acme/App` and `ssh://git@github.com:22/acme/app/` are all
 * `github.com/acme/app`. Credentials, port, scheme and `.git` do not tell repositories apart, nor does case (the large hosts
 * ignore it). A path of this machine is its own name. Null for text that names no remote.
 */
export function remoteKey(remote: string): string | null {
  const text = remote.trim();
  const found = URL_FORM.exec(text) ?? (text.startsWith('/') || text.startsWith('.') || /^[a-z]:\\/i.test(text) ? null : SCP_FORM.exec(text));
  if (found === null) {
    const path = text.replace(/^file:\/\//i, '').replace(/\/+$/, '');
    return path.startsWith('/') && path !== '' ? path : null;
  }
  const host = (found[1] ?? '').toLowerCase();
  const path = (found[2] ?? '')
    .replace(/[?#].*$/, '')
    .replaceAll(/^\/+|\/+$/g, '')
    .replace(/\.git$/i, '')
    .toLowerCase();
  return path === '' ? null : `${host}/${path}`;
}
