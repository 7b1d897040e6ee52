/** The tools' limits, all in one place. What an agent or the operator may set has its own default here. */
export const TOOL_LIMITS = {
  /** Characters of a result kept in the journal; the rest is cut with a note (spec TOL-4). */
  resultChars: 1_000_000,
  /** Characters of a result shown to the model before it must read on. */
  shownChars: 16_000,
  /** Characters of one `result_read` page. */
  pageChars: 16_000,
  timeoutMs: 60_000,
  /** What an aborted tool gets to say before it is given up on. */
  graceMs: 250,
  /** Compiled schemas kept. */
  validators: 500,
  /** For checking one value against a schema that has patterns. */
  validateMs: 250,
  /** For matching a listing against a glob. */
  globMs: 1_000,
  /** Faults of one input named at once. */
  faults: 10,
  /** Characters of a tool name every provider accepts. */
  nameChars: 64,
} as const;
