declare module 'virtual:routes' {
  const routes: Readonly<Record<string, Readonly<Record<string, readonly [method: string, path: string]>>>>;
  export default routes;
}
declare module 'virtual:schemas' {
  /** JSON Schema; see `parts/schema.ts`. */
  const schemas: Readonly<Record<string, Readonly<Record<string, object>>>>;
  export default schemas;
}
declare module 'virtual:words' {
  /** Statuses of runs in the order of the table in the kernel, and which of them are final. */
  export const RUN_STATUSES: readonly string[];
  export const FINAL_STATUSES: readonly string[];
}
