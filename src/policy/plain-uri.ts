/**
 * Whether a URI is written in the one plain way, so that comparing its text with a glob means something:
 * `file:///pub/../secret` and `file:///%70ub` would pass for something else. Scheme and host in lower case, no
 * dot segment, no empty segment, no backslash, no white space or control character, no escape of a character
 * that needs none or that separates (RFC 3986, section 6.2.2).
 */
export function isPlainUri(uri: string): boolean {
  const match = /^(?<scheme>[^:/?#]+):(?:\/\/(?<host>[^/?#]*))?(?<path>[^?#]*)/.exec(uri);
  const { scheme = '', host = '', path = '' } = match?.groups ?? {};
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme) || host !== host.toLowerCase()) return false;
  if (/[\0-\x20\x7f\\]/.test(uri) || /%(?![0-9A-F]{2})/.test(uri)) return false;
  if (/%(?:2D|2E|2F|3[0-9]|4[1-9A-F]|5[0-9A]|5C|5F|6[1-9A-F]|7[0-9A]|7E)/.test(uri)) return false;
  const segments = path.split('/').slice(1, -1);
  return !/(?:^|\/)\.{1,2}(?:\/|$)/.test(path) && !segments.includes('');
}
