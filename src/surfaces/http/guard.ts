/**
 * The first door of every route: Host and Origin. A page in a browser can reach loopback, so a request must name a host we
 * serve (DNS rebinding) and, when it comes from a page, that page must be ours.
 */
import { AppError } from '../../kernel/errors.ts';

const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];

export type Guard = (request: { host: string | undefined; origin: string | undefined }) => void;

/**
 * `hosts` are served beside loopback names, each with or without a port. @throws AppError `misdirected` for another Host,
 * `denied` for another Origin.
 */
export function createGuard(options: { hosts: readonly string[] }): Guard {
  const names = new Set([...LOOPBACK, ...options.hosts.map((host) => host.toLowerCase())]);
  const isServed = (authority: string): boolean => names.has(authority.toLowerCase()) || names.has(authority.toLowerCase().replace(/:\d+$/, ''));
  /** The last one that was: nearly all requests name the same. */
  let last: string | null = null;
  const served = (authority: string): boolean => {
    if (authority === last) return true;
    if (!isServed(authority)) return false;
    last = authority;
    return true;
  };
  return ({ host, origin }) => {
    if (host === undefined || !served(host)) {
      throw new AppError('misdirected', `The host "${(host ?? '').slice(0, 100)}" is not served here.`, {
        next: 'Use http://127.0.0.1 with the port, or add the name under server.allowedHosts in windlass.yaml.',
      });
    }
    // Only a page of this very host and port may call; `null` (sandboxed frames, files) is nobody's.
    if (origin !== undefined && origin.replace(/^https?:\/\//, '').toLowerCase() !== host.toLowerCase()) {
      throw new AppError('denied', `A page of ${origin.slice(0, 100)} may not call this server.`, {
        next: 'Open the console from this server itself.',
      });
    }
  };
}
