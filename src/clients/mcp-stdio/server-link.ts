/** Requests to the server's `/mcp`: where it is, by which key, and what it means when nothing answers. */
import { AppError } from '../../kernel/errors.ts';

export type Place = { url: string; key: string };
export type Send = (request: {
  method: 'POST' | 'GET' | 'DELETE';
  headers: Readonly<Record<string, string>>;
  body?: string;
  signal: AbortSignal;
}) => Promise<Response>;

export type ServerLinkDeps = {
  locate: () => Promise<Place>;
  fetch: typeof globalThis.fetch;
  /** The server's usual one when left out. */
  toolset?: string | undefined;
  /** Code of the project that the client was launched on. */
  project?: string | undefined;
};

/** `locate` is asked again after a failure: the server may have come up at another address. */
export function createServerLink(deps: ServerLinkDeps): Send {
  const chosen: Readonly<Record<string, string>> = {
    ...(deps.toolset === undefined ? {} : { 'x-windlass-toolset': deps.toolset }),
    ...(deps.project === undefined ? {} : { 'x-windlass-project': deps.project }),
  };
  let place: Place | null = null;
  return async ({ headers, ...request }) => {
    place ??= await deps.locate();
    const { url, key } = place;
    try {
      return await deps.fetch(`${url}/mcp`, { ...request, headers: { ...headers, ...chosen, authorization: `Bearer ${key}` } });
    } catch (error) {
      place = null;
      if (request.signal.aborted) throw error;
      throw new AppError('unavailable', `No Windlass answers at ${url}.`, { next: 'Start it with `npm start` (or `windlass up`).', cause: error });
    }
  };
}
