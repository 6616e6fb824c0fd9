// Which arguments of which tools modern HTTP mirrors into headers, learnt from the lists that pass by.
import type { Message } from '../core/call.ts';
import { headerParameters } from '../wire/headers.ts';
import type { HeaderParameter } from '../wire/headers.ts';
import { elementsOf, isStringAt, membersOf, sliceOf, stringAt, valueOf } from '../wire/json.ts';

export interface MirroredParameters {
  of(tool: string): readonly HeaderParameter[];
  /** @returns the cursor of the next page, raw, when the answer to tools/list has one. */
  learn(answer: Message): Buffer | undefined;
}

export function createMirroredParameters(): MirroredParameters {
  const known = new Map<string, readonly HeaderParameter[]>();
  return {
    of: (tool) => known.get(tool) ?? [],
    learn({ bytes, result }) {
      if (!result) return undefined;
      const members = membersOf(bytes, result);
      const cursor = valueOf(members, 'nextCursor');
      // Most servers mirror nothing: their lists need no further look.
      if (known.size > 0 || bytes.includes('x-mcp-header')) {
        const tools = valueOf(members, 'tools');
        for (const tool of tools ? elementsOf(bytes, tools) : []) {
          const name = valueOf(membersOf(bytes, tool), 'name');
          if (name && isStringAt(bytes, name)) note(stringAt(bytes, name), sliceOf(bytes, tool));
        }
      }
      return cursor && isStringAt(bytes, cursor) ? sliceOf(bytes, cursor) : undefined;
    },
  };

  function note(name: string, definition: Buffer): void {
    const parameters = headerParameters(definition);
    // A faulty annotation: a server that lists the tool all the same can expect no header of it.
    if (typeof parameters === 'string' || parameters.length === 0) known.delete(name);
    else known.set(name, parameters);
  }
}
