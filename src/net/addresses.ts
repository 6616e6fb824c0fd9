// Which addresses an outbound connection may go to (DESIGN §4, Addresses).
import { BlockList, isIP } from 'node:net';

/** Link-local networks and the metadata services of the large clouds: credentials can be had there. */
const GUARDED: readonly string[] = [
  '169.254.0.0/16',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fe80::/10',
  'fd00:ec2::254',
  'fd20:ce::254',
];

export interface AddressRules {
  /** @returns whether a connection to this address may be made. */
  allows(address: string): boolean;
}

type Family = 'ipv4' | 'ipv6';

const familyOf = (address: string): Family => (isIP(address) === 4 ? 'ipv4' : 'ipv6');

interface Network {
  readonly address: string;
  readonly prefix: number;
}

function parseNetwork(entry: string): Network | undefined {
  const { address = '', bits } =
    /^(?<address>[^/%]+)(?:\/(?<bits>\d{1,3}))?$/.exec(entry)?.groups ?? {};
  if (isIP(address) === 0) return undefined;
  const most = isIP(address) === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  return prefix > most ? undefined : { address, prefix };
}

/** Whether a text is an address or a network in CIDR notation. */
export const isNetwork = (text: string): boolean => parseNetwork(text) !== undefined;

/** The addresses and networks of a list. What is neither names nothing. */
function listOf(entries: readonly string[]): BlockList {
  const list = new BlockList();
  for (const entry of entries) {
    const network = parseNetwork(entry);
    if (network) list.addSubnet(network.address, network.prefix, familyOf(network.address));
  }
  return list;
}

/** The eight groups of an IPv6 address that `isIP` has seen. */
function groupsOf(address: string): number[] {
  const text = address
    .split('%')[0]!
    .replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_, ...bytes: string[]) => {
      const [a, b, c, d] = bytes.map(Number);
      return `${((a! << 8) | b!).toString(16)}:${((c! << 8) | d!).toString(16)}`;
    });
  const read = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [head = '', tail] = text.split('::');
  const [before, after] = [read(head), read(tail ?? '')];
  return [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
}

const ipv4Of = (high: number, low: number): string =>
  `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;

/** The IPv4 addresses inside an IPv6 one, since a socket, a translator or a tunnel may unwrap them. */
function embeddedIpv4(address: string): string[] {
  const groups = groupsOf(address);
  const [a, b, c, d, , , g, h] = groups as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const startsWithZeros = groups.slice(0, 4).every((group) => group === 0);
  const isTranslated = a === 0x64 && b === 0xff9b;
  // Compatible, mapped (RFC 4291), translated (RFC 2765), NAT64 (RFC 6052, RFC 8215).
  if (startsWithZeros || isTranslated) return [ipv4Of(g, h)];
  // 6to4 (RFC 3056).
  if (a === 0x2002) return [ipv4Of(b, c)];
  // Teredo (RFC 4380): the server, and the client with its bits turned over.
  if (a === 0x2001 && b === 0) return [ipv4Of(c, d), ipv4Of(g ^ 0xffff, h ^ 0xffff)];
  return [];
}

/** @param allowed addresses and networks (CIDR) that may be reached although they are guarded. */
export function createAddressRules(allowed: readonly string[] = []): AddressRules {
  const guarded = listOf(GUARDED);
  const exempt = listOf(allowed);
  return {
    allows(given) {
      const address = given.split('%')[0]!;
      if (isIP(address) === 0) return true;
      const inner = isIP(address) === 6 ? embeddedIpv4(address) : [];
      return [address, ...inner].every(
        (one) => !guarded.check(one, familyOf(one)) || exempt.check(one, familyOf(one)),
      );
    },
  };
}
