import type { Log } from '../../../src/core/log.ts';

export interface LogLine {
  readonly level: string;
  readonly facts: object;
  readonly message: string;
}

export function createTestLog(): Log & { readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const at = (level: string) => (facts: object, message: string) =>
    void lines.push({ level, facts, message });
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}
