/** Types of launch.mjs, which stays plain JavaScript. */
export function stripsTypes(version: string): boolean;
export function bundledNode(where: { platform: string; arch: string; from: string }): string | null;
export function missingPackage(error: unknown): string | null;
export function runOn(node: string, args: readonly string[]): void;
export function pickNode(from: string): string | null;
export function noNode(): string;
