// Resource URIs: verbatim, but for those that two servers have (DESIGN §5).

const SCHEME = 'toolgate://';

/** The URI of a resource whose own one is taken: `toolgate://server/own-uri`. */
export const qualified = (server: string, uri: string): string => `${SCHEME}${server}/${uri}`;

/** Takes a qualified URI apart; undefined when it is none. */
export function parseQualified(uri: string): { server: string; uri: string } | undefined {
  if (!uri.startsWith(SCHEME)) return undefined;
  const slash = uri.indexOf('/', SCHEME.length);
  if (slash < 0) return undefined;
  return { server: uri.slice(SCHEME.length, slash), uri: uri.slice(slash + 1) };
}

/**
 * How well a URI fits a URI template (RFC 6570): the length of the literal text that matched, or -1.
 * Only literals are compared, in one pass: enough to route by, and no pattern of a server can stall us.
 */
export function templateFit(template: string, uri: string): number {
  const literals = template.split(/\{[^{}]*\}/);
  if (literals.length === 1) return template === uri ? template.length : -1;
  const first = literals[0]!;
  const last = literals.at(-1)!;
  if (!uri.startsWith(first) || !uri.endsWith(last)) return -1;
  let at = first.length;
  const end = uri.length - last.length;
  let fit = first.length + last.length;
  for (const literal of literals.slice(1, -1)) {
    const found = uri.indexOf(literal, at + 1);
    if (found < 0 || found + literal.length > end) return -1;
    at = found + literal.length;
    fit += literal.length;
  }
  return at < end ? fit : -1;
}
