// How a person at this terminal calls this program again.
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the file that hosts start. */
export const programFile = (): string =>
  fileURLToPath(
    new URL(
      import.meta.url.endsWith('.ts') ? '../../bin/toolgate.js' : '../../../bin/toolgate.js',
      import.meta.url,
    ),
  );

/** The folder of the checkout or package. */
const home = (): string => dirname(dirname(programFile()));

/** A word as a shell takes it. */
const quoted = (word: string): string => (/^[\w./:=@-]+$/.test(word) ? word : `'${word}'`);

/**
 * From a checkout there is no `toolgate` on PATH. npm gives the right Node, but only in the checkout's own
 * folder; elsewhere the program is named in full.
 */
export function ownCommand(config: string): (args: string) => string {
  const isCheckout = import.meta.url.endsWith('.ts');
  const isHome = process.cwd() === home();
  const full = `${quoted(process.execPath)} ${quoted(programFile())}`;
  const own = isCheckout ? (isHome ? 'npm run --silent toolgate --' : full) : 'toolgate';
  const isDefault = config === resolve('servers.json');
  const shown = relative(process.cwd(), config);
  return (args) => `${own} ${args}${isDefault ? '' : ` --config ${quoted(shown)}`}`;
}
