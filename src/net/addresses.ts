// Which addresses an outbound connection may go to (DESIGN §4, Addresses).
import { BlockList, isIP } from 'node:net';

/** Link-local networks and the metadata services of the large clouds: credentials can be had there. */
function guardedAddresses(): BlockList {
  const list = new BlockList();
  list.addSubnet('169.254.0.0', 16, 'ipv4');
  list.addAddress('100.100.100.200', 'ipv4');
  list.addAddress('192.0.0.192', 'ipv4');
  list.addSubnet('fe80::', 10, 'ipv6');
  list.addAddress('fd00:ec2::254', 'ipv6');
  list.addAddress('fd20:ce::254', 'ipv6');
  return list;
}

export interface AddressRules {
  /** @returns whether a connection to this address may be made. */
  allows(address: string): boolean;
}

/** An IPv4 address inside an IPv6 one (mapped, compatible, NAT64, 6to4), since a socket may unwrap it. */
function embeddedIpv4(address: string): string | undefined {
  const dotted = /^(?:::ffff:|::|64:ff9b::)(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (dotted) return dotted[1];
  const hex = /^(?:::ffff:|::|64:ff9b::|2002:)([0-9a-f]{1,4}):([0-9a-f]{1,4})(?:::.*)?$/i.exec(address);
  if (!hex) return undefined;
  const high = Number.parseInt(hex[1]!, 16);
  const low = Number.parseInt(hex[2]!, 16);
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

/** @param allowed addresses that may be reached although they are guarded. */
export function createAddressRules(allowed: readonly string[] = []): AddressRules {
  const guarded = guardedAddresses();
  const guards = (address: string): boolean => {
    const family = isIP(address);
    if (family === 0) return true;
    if (guarded.check(address, family === 4 ? 'ipv4' : 'ipv6')) return true;
    const inner = family === 6 ? embeddedIpv4(address) : undefined;
    return inner !== undefined && guarded.check(inner, 'ipv4');
  };
  return { allows: (address) => allowed.includes(address) || !guards(address) };
}
