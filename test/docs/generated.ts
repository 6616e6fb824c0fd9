// The parts of the README that come from the code.
import { configReference } from '../../src/config/reference.ts';
import { ERRORS } from '../../src/core/errors.ts';

function errorTable(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, rpc, retryable, meaning }]) =>
      `| \`${code}\` | ${status} | ${rpc} | ${retryable ? 'yes' : ''} | ${meaning} |`,
  );
  const head = ['| code | HTTP | JSON-RPC | retry | meaning |', '|---|---|---|---|---|'];
  return [...head, ...rows].join('\n');
}

const BLOCKS: Readonly<Record<string, () => string>> = {
  configuration: configReference,
  errors: errorTable,
};

/** The README with its generated parts as the code has them now. */
export function renewed(readme: string): string {
  let text = readme;
  for (const [name, generate] of Object.entries(BLOCKS)) {
    const block = new RegExp(`(<!-- ${name}: npm run docs -->\n)[^]*?(<!-- /${name} -->)`);
    text = text.replace(
      block,
      (_, open: string, close: string) => `${open}\n${generate()}\n\n${close}`,
    );
  }
  return text;
}
