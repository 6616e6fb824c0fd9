// What initialize and server/discover tell of all servers together.
import type { Source } from '../core/source.ts';

export interface Description {
  /** ServerCapabilities. All lists are declared, since servers and their items come and go. */
  readonly capabilities: Readonly<Record<string, unknown>>;
  /** Merged under a heading for each server, capped; empty when no server has any. */
  readonly instructions: string;
}

/** Characters of one server's instructions, and of all together: they fill the model's context. */
const MAX_ONE = 4_000;
const MAX_ALL = 16_000;

const cut = (text: string, limit: number): string =>
  text.length <= limit ? text : `${text.slice(0, limit)}…\n[cut at ${limit} characters]`;

export function mergeInstructions(sources: readonly Source[]): string {
  const parts = sources
    .filter(({ snapshot }) => snapshot.instructions.trim() !== '')
    .map(({ name, snapshot }) => `## ${name}\n\n${cut(snapshot.instructions.trim(), MAX_ONE)}`);
  return cut(parts.join('\n\n'), MAX_ALL);
}
