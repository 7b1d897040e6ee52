/** Amounts of budgets as people write and read them: money in USD, the rest in whole numbers. Pure. */

/** As `BudgetUnit` of platform/budgets. */
export type Unit = 'micro_usd' | 'tokens' | 'calls' | 'runs';

/** `5.00 USD`, `1,000,000 tokens`. Rounded down, so that nobody is promised what is not there. */
export function amountText(unit: Unit, amount: number): string {
  if (unit !== 'micro_usd') return `${amount.toLocaleString('en-US')} ${amount === 1 ? unit.slice(0, -1) : unit}`;
  const small = amount !== 0 && Math.abs(amount) < 10_000;
  return `${(Math.floor(amount / (small ? 1 : 10_000)) / (small ? 1_000_000 : 100)).toFixed(small ? 6 : 2)} USD`;
}

const WORDS: Readonly<Record<string, Unit>> = {
  usd: 'micro_usd',
  token: 'tokens',
  tokens: 'tokens',
  call: 'calls',
  calls: 'calls',
  run: 'runs',
  runs: 'runs',
};
const FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1_000, m: 1_000_000 };
const WRITTEN = /^\$?(\d{1,12}(?:[_,]\d{3})*(?:\.\d{1,6})?)(k|m)?\s*(usd|tokens?|calls?|runs?)?$/i;

/** `5usd`, `$5`, `0.50 USD`, `1M tokens`, `200 calls`, `20 runs`; null when it is none of these, or no whole number of its unit. */
export function parseAmount(text: string): { unit: Unit; amount: number } | null {
  const trimmed = text.trim();
  const match = WRITTEN.exec(trimmed);
  if (match === null) return null;
  const [, digits = '', factor = '', word = ''] = match;
  const unit = trimmed.startsWith('$') ? 'micro_usd' : WORDS[word.toLowerCase()];
  if (unit === undefined || (trimmed.startsWith('$') && word !== '' && word.toLowerCase() !== 'usd')) return null;
  const value = Number(digits.replaceAll(/[_,]/g, '')) * (FACTORS[factor.toLowerCase()] ?? 1) * (unit === 'micro_usd' ? 1_000_000 : 1);
  const amount = Math.round(value);
  return Number.isSafeInteger(amount) && Math.abs(value - amount) < 1e-3 ? { unit, amount } : null;
}
