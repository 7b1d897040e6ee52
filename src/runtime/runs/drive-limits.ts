/** Limits of what drives runs: leases, retries, waits. What a run itself may use up is its plan's. */
export const DRIVE_LIMITS = {
  /** A dead worker's runs are taken over this long after its last heartbeat, at the latest a second later (spec ENG-3). */
  leaseMs: 10_000,
  /** Heartbeats in one lease. */
  heartbeatsPerLease: 3,
  /** How long an effect needs at least to be over before its lease is: less left, and it is not begun. */
  leaseMarginMs: 1_000,
  /** Commands are looked for this often during a call, should their wake-up get lost (spec RUN-5: cancelled within 1 s). */
  inboxPollMs: 500,
  /** Inbox rows journalled in one commit. */
  inboxRows: 100,
  /** Entries read at once when a run is folded. */
  entriesPage: 500,
  /** Steps of one `drive` before others get their turn. */
  stepsPerDrive: 1_000,
  /** Forks of forks of a run. */
  forkGenerations: 50,
  /** An append is tried again while the store is away, this far apart and for this long. */
  appendRetryFirstMs: 100,
  appendRetryMostMs: 1_000,
  appendRetryForMs: 10 * 60_000,
  /** Tool calls of one turn that run side by side (spec HAR-5). */
  parallelReads: 8,
  /** Reads that take longer show their intent in the journal before they are over. */
  readIntentAfterMs: 250,
  /** For a tool that is no longer in the manifest. */
  toolTimeoutMs: 60_000,
  /** A model call is given up after this. */
  modelTimeoutMs: 10 * 60_000,
  /** Times a call is made to fit into what budgets leave: others take from the same. */
  budgetFits: 3,
  /** Text being generated is shown in steps of this. */
  previewEveryMs: 150,
  previewChars: 64_000,
  /** A transcript may take this long before the run ends without one (spec RUN-9). */
  transcriptMs: 2_000,
  transcriptEntries: 20_000,
  /** A run whose commit is refused for reasons of our own rests this long before it is tried again. */
  refusedRestMs: 60_000,
  /** Runs one process carries at once. */
  concurrency: 64,
  /** Due runs are looked for this often, should a wake-up get lost. */
  sweepMs: 2_000,
  /** After the store failed, before it is asked again. */
  storeRetryMs: 500,
  /** A stop waits this long for steps to finish, then aborts what still runs (spec ENG-3: within 10 s). */
  drainMs: 8_000,
  abortedMs: 1_500,
} as const;
