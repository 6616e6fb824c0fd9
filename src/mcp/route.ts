/** What a path of the MCP door stands for. */
export type Route =
  | { readonly kind: 'mcp'; readonly scope: string | undefined }
  | { readonly kind: 'sse' }
  | { readonly kind: 'messages'; readonly sessionId: string | undefined };

const MERGED: Route = { kind: 'mcp', scope: undefined };

/** @param target the request target, whose form has been checked; undefined: no path of this door */
export function routeOf(target: string): Route | undefined {
  if (target === '/mcp') return MERGED;
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  switch (path) {
    case '/mcp':
    case '/mcp/':
      return MERGED;
    case '/sse':
      return { kind: 'sse' };
    case '/messages': {
      const parameters = new URLSearchParams(query < 0 ? '' : target.slice(query));
      return { kind: 'messages', sessionId: parameters.get('sessionId') ?? undefined };
    }
  }
  if (!path.startsWith('/mcp/')) return undefined;
  const scope = decode(path.slice('/mcp/'.length));
  return scope === undefined || scope.includes('/') ? undefined : { kind: 'mcp', scope };
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
