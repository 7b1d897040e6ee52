/**
 * Waits for what another process or the database does. The only place in the tests that lets real time pass.
 */
const STEP_MS = 20;

/** Resolves with the first value that is neither null, undefined nor false; fails after `withinMs` with `what` in the message. */
export async function until<T>(what: string, withinMs: number, look: () => T | Promise<T>): Promise<NonNullable<T>> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await look();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`${what} did not happen within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}
