/**
 * The forms a secret takes on its way out: as it is, base64 at every alignment, URL-encoded, JSON-escaped, hex (spec SEC-5).
 * Pure. Not covered: encryption, compression, base64 broken into lines, text spelled out.
 */

/** `left`, `right`: the neighbouring character holds bits of the secret, too, and goes with it. */
export type Form = { text: string; left: boolean; right: boolean };

/** A shorter value would be found in innocent text; a shorter form likewise. */
export const SECRET_CHARS_MIN = 8;
/** Lines of a value of several lines (a PEM key) count by themselves from this length on. */
const LINE_CHARS_MIN = 24;

export function formsOf(value: string): Form[] {
  const lines = value.split(/\r?\n/).filter((line) => line.length >= LINE_CHARS_MIN && !line.startsWith('-----'));
  const values = lines.length > 1 ? [value, ...lines] : [value];
  const forms = values.flatMap(formsOfOne).filter((form) => form.text.length >= SECRET_CHARS_MIN);
  return [...new Map(forms.map((form) => [form.text, form])).values()];
}

function formsOfOne(value: string): Form[] {
  const bytes = Buffer.from(value, 'utf8');
  const hex = bytes.toString('hex');
  const percentAll = hex.replaceAll(/../g, '%$&');
  const component = encodeURIComponent(value.toWellFormed());
  const formEncoded = new URLSearchParams([['', value.toWellFormed()]]).toString().slice(1);
  const json = JSON.stringify(value).slice(1, -1);
  const plain = [
    value,
    hex,
    hex.toUpperCase(),
    component,
    lowerPercent(component),
    component.replaceAll('%20', '+'),
    formEncoded,
    lowerPercent(formEncoded),
    encodeURI(value.toWellFormed()),
    strictPercent(component),
    percentAll,
    percentAll.toUpperCase(),
    json,
    json.replaceAll('/', '\\/'),
    asciiJson(json, false),
    asciiJson(json, true),
    JSON.stringify(json).slice(1, -1),
    htmlEscaped(value),
  ];
  return [...plain.map((text) => ({ text, left: false, right: false })), ...[0, 1, 2].flatMap((offset) => base64Forms(bytes, offset))];
}

/** What is left of the encoding when `offset` unknown bytes stand before the secret and unknown ones behind it. */
function base64Forms(bytes: Buffer, offset: number): Form[] {
  const bits = offset * 8;
  const first = Math.ceil(bits / 6);
  const end = Math.floor((bits + bytes.length * 8) / 6);
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .slice(first, end);
  const edges = { left: bits % 6 !== 0, right: (bits + bytes.length * 8) % 6 !== 0 };
  return [
    { text: encoded, ...edges },
    { text: encoded.replaceAll('+', '-').replaceAll('/', '_'), ...edges },
    { text: strictPercent(encodeURIComponent(encoded)), ...edges },
  ];
}

function lowerPercent(text: string): string {
  return text.replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
}

/** RFC 3986: also what encodeURIComponent leaves as it is. */
function strictPercent(text: string): string {
  return text.replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function asciiJson(json: string, upper: boolean): string {
  return json.replaceAll(/[\u007f-\uffff]/g, (char) => {
    const code = char.charCodeAt(0).toString(16).padStart(4, '0');
    return `\\u${upper ? code.toUpperCase() : code}`;
  });
}

function htmlEscaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;');
}
