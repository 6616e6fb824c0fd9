// The one name matcher: `*` stands for any run of characters, everything else for itself.

/** Whether a text matches. Letter case counts, and nothing is normalised: look-alikes are different. */
export type Glob = (text: string) => boolean;

const ALL: Glob = () => true;

/**
 * Compiles a pattern. Matching reads the text once, left to right: taking the first place of each literal is
 * enough, since `*` takes whatever lies between, so no pattern can make it go back.
 */
export function createGlob(pattern: string): Glob {
  const literals = pattern.split(/\*+/);
  const [first = '', ...rest] = literals;
  const last = rest.pop();
  if (last === undefined) return (text) => text === pattern;
  if (first === '' && last === '' && rest.length === 0) return ALL;
  return (text) => {
    const end = text.length - last.length;
    if (end < first.length || !text.startsWith(first) || !text.endsWith(last)) return false;
    let at = first.length;
    for (const literal of rest) {
      const found = text.indexOf(literal, at);
      if (found < 0 || found + literal.length > end) return false;
      at = found + literal.length;
    }
    return true;
  };
}

/** Whether a pattern matches every text. */
export const isEveryGlob = (pattern: string): boolean => /^\*+$/.test(pattern);
