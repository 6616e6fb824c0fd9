// How a person at this terminal calls this program again.
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of the file that hosts start. */
export const programFile = (): string =>
  fileURLToPath(
    new URL(
      import.meta.url.endsWith('.ts') ? '../../bin/toolgate.js' : '../../../bin/toolgate.js',
      import.meta.url,
    ),
  );

/** From a checkout there is no `toolgate` on PATH, and npm gives the right Node. */
export function ownCommand(config: string): (args: string) => string {
  const isCheckout = import.meta.url.endsWith('.ts');
  const own = isCheckout ? 'npm run --silent toolgate --' : 'toolgate';
  const isDefault = config === resolve('servers.json');
  const shown = relative(process.cwd(), config);
  return (args) => `${own} ${args}${isDefault ? '' : ` --config ${shown}`}`;
}
