// The headers with which a request narrows what it may see and call. They say nothing of who calls, so they
// are read anew on each request, and can only take away.

/** Headers as node:http has them, names in lower case; one that is repeated is joined with commas. */
type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

const NOTHING: readonly (readonly string[])[] = [];

/** @returns undefined when the header is not there; an empty one allows nothing */
function itemsOf(headers: Headers, name: string): string[] | undefined {
  const value = headers[name];
  if (value === undefined) return undefined;
  const text = typeof value === 'string' ? value : value.join(',');
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/**
 * The lists of selectors that must all allow. `x-toolgate-tools` has selectors as the configuration has them;
 * `x-bf-mcp-include-clients` and `x-bf-mcp-include-tools` are Bifrost's: server names, and `server-tool` or
 * `server-*` (here also `server/tool` and `server__tool`).
 */
export function narrowFrom(headers: Headers): readonly (readonly string[])[] {
  const own = itemsOf(headers, 'x-toolgate-tools');
  const clients = itemsOf(headers, 'x-bf-mcp-include-clients');
  const tools = itemsOf(headers, 'x-bf-mcp-include-tools');
  if (!own && !clients && !tools) return NOTHING;
  const servers = clients?.map((name) => (name === '*' ? '*' : `${name}/*`));
  return [own, servers, tools].filter((list) => list !== undefined);
}
