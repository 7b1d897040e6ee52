/**
 * Which addresses a tool may reach (spec TOL-10): the public internet, and what the agent's allowlist names. Pure; resolving and
 * connecting happen in `http-client.ts`, which asks here about every address it is about to connect to.
 */
import ipaddr from 'ipaddr.js';

/** Public by their number, private by their use: metadata services and the like. */
const NOT_PUBLIC = ['168.63.129.16/32', '192.0.0.0/24', '192.88.99.0/24', '100.100.100.200/32'];
/** All of IPv6 that is handed out to the public is in here. */
const PUBLIC_IPV6 = '2000::/3';
/** Never meant by naming a host: only an address or range of the list itself opens them. */
const NEVER_BY_NAME = new Set(['linkLocal', 'unspecified', 'broadcast', 'multicast', 'reserved', 'metadata']);

type Address = ipaddr.IPv4 | ipaddr.IPv6;

/** Null: public. Otherwise what kind of address it is, in a word or two. */
export function whyForbidden(text: string): string | null {
  const address = parse(text);
  if (address === null) return 'no address';
  if (text.includes('%')) return 'zoned';
  const kind = address.kind() === 'ipv4' ? kindOfIpv4(address) : kindOfIpv6(address as ipaddr.IPv6);
  return kind;
}

function kindOfIpv4(address: Address): string | null {
  if (NOT_PUBLIC.some((range) => inRange(address, range))) return 'metadata';
  const range = address.range();
  return range === 'unicast' ? null : range;
}

function kindOfIpv6(address: ipaddr.IPv6): string | null {
  if (address.isIPv4MappedAddress()) return kindOfIpv4(address.toIPv4Address()) ?? 'ipv4Mapped';
  const range = address.range();
  if (range !== 'unicast') return range;
  if (!inRange(address, PUBLIC_IPV6)) return 'reserved';
  // ISATAP (RFC 5214) carries an IPv4 address in its last four bytes, whatever stands before it
  const [, , , , high = 0, low = 0] = address.parts;
  return (high === 0 || high === 0x0200) && low === 0x5efe ? 'isatap' : null;
}

export type Target = { hostname: string; port: number };

/**
 * Whether this address, found for that host, may be connected to. An entry of the allowlist is a host (`intranet.example`,
 * `*.example`), an address or a range (`10.0.0.0/8`), each also with a port (`intranet.example:8443`).
 */
export function mayConnect(address: string, { target, allow }: { target: Target; allow: readonly string[] }): boolean {
  const kind = whyForbidden(address);
  if (kind === null) return true;
  if (kind === 'zoned' || kind === 'no address') return false;
  return allow.some((entry) => {
    const { host, port } = splitEntry(entry);
    if (port !== null && port !== target.port) return false;
    if (isNetwork(host)) return inRange(parse(address), host);
    return !NEVER_BY_NAME.has(kind) && matchesHost(target.hostname, host);
  });
}

/** A port outside the usual ones must be named: beside a public host as well. */
export function mayUsePort(target: Target, { ports, allow }: { ports: ReadonlySet<number>; allow: readonly string[] }): boolean {
  if (ports.has(target.port)) return true;
  return allow.some((entry) => {
    const { host, port } = splitEntry(entry);
    if (port !== null && port !== target.port) return false;
    return isNetwork(host) ? inRange(parse(target.hostname), host) : matchesHost(target.hostname, host);
  });
}

/** Without brackets, in lower case, without the final dot that names the root. */
export function plainHost(hostname: string): string {
  return hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

function splitEntry(entry: string): { host: string; port: number | null } {
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(entry);
  if (bracketed) return { host: bracketed[1] ?? '', port: bracketed[2] === undefined ? null : Number(bracketed[2]) };
  const ported = /^([^:]+):(\d+)$/.exec(entry);
  return ported ? { host: plainHost(ported[1] ?? ''), port: Number(ported[2]) } : { host: plainHost(entry), port: null };
}

function isNetwork(host: string): boolean {
  return parse(host.split('/')[0] ?? '') !== null;
}

function matchesHost(hostname: string, pattern: string): boolean {
  if (pattern.startsWith('*.')) return hostname.endsWith(pattern.slice(1)) && hostname.length > pattern.length - 1;
  return hostname === pattern;
}

/** Only the one canonical way to write an address: shorthand, octal and hex forms are not addresses here. */
function parse(text: string): Address | null {
  const bare = text.split('%')[0] ?? '';
  if (ipaddr.IPv4.isValidFourPartDecimal(bare)) return ipaddr.IPv4.parse(bare);
  return bare.includes(':') && ipaddr.IPv6.isValid(bare) ? ipaddr.IPv6.parse(bare) : null;
}

function inRange(address: Address | null, range: string): boolean {
  if (address === null) return false;
  const [base = '', bits] = range.split('/');
  const network = parse(base);
  const plain = address.kind() === 'ipv6' && (address as ipaddr.IPv6).isIPv4MappedAddress() ? (address as ipaddr.IPv6).toIPv4Address() : address;
  if (network === null || network.kind() !== plain.kind()) return false;
  const prefix = bits === undefined ? (network.kind() === 'ipv4' ? 32 : 128) : Number(bits);
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > (network.kind() === 'ipv4' ? 32 : 128)) return false;
  return plain.kind() === 'ipv4' ? (plain as ipaddr.IPv4).match(network, prefix) : (plain as ipaddr.IPv6).match(network, prefix);
}
