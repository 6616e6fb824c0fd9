// What may be believed of a tool: what its server says where the server is trusted, and what the operator says.
import type { ServerConfig } from '../config/config.ts';
import { isObjectAt, membersOf, parseAt, valueOf } from '../wire/json.ts';

export type Annotations = Readonly<Record<string, unknown>>;

/** @param definition as the server sent it */
export type AnnotationsOf = (
  server: string,
  tool: string,
  definition: Buffer | undefined,
) => Annotations;

const NONE: Annotations = Object.freeze(Object.create(null) as Annotations);

export function createAnnotations(servers: readonly ServerConfig[]): AnnotationsOf {
  const known = new Map(servers.map((server) => [server.name, server]));
  return (name, tool, definition) => {
    const server = known.get(name);
    const said = server?.tools.overrides.get(tool)?.annotations;
    const own = server?.trusted === true && definition ? annotationsIn(definition) : undefined;
    if (!own && !said) return NONE;
    return Object.assign(Object.create(null) as Record<string, unknown>, own, said);
  };
}

function annotationsIn(definition: Buffer): Annotations | undefined {
  const members = membersOf(definition, { start: 0, end: definition.length });
  const span = valueOf(members, 'annotations');
  return span && isObjectAt(definition, span)
    ? (parseAt(definition, span) as Annotations)
    : undefined;
}
