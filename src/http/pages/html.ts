// HTML in which nothing that others wrote can be anything but text.
import { createHash } from 'node:crypto';
import type { Answer } from '../route.ts';

/** Text that is HTML already. Only `html` makes it. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = string | number | Html | readonly Html[] | undefined;

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

const escaped = (text: string): string => text.replaceAll(/[&<>"'`]/g, (char) => ESCAPES[char]!);

function toText(value: Value): string {
  if (value === undefined) return '';
  if (value instanceof Html) return value.text;
  return typeof value === 'object'
    ? value.map(({ text }) => text).join('')
    : escaped(String(value));
}

/** Whatever is put in is escaped. Attribute values must stand in quotes. */
export const html = (parts: TemplateStringsArray, ...values: readonly Value[]): Html =>
  new Html(parts.map((part, i) => part + (i < values.length ? toText(values[i]) : '')).join(''));

const STYLE = `
:root { color-scheme: light dark; --ground: #f4f5f7; --card: #fff; --ink: #1b1f24; --soft: #5b6470; --line: #d9dde3;
  --yes: #12703a; --no: #b3261e; --warn: #8a5a00; --tint: #eef1f5; }
@media (prefers-color-scheme: dark) { :root { --ground: #101418; --card: #1a2027; --ink: #e8ecf1; --soft: #9aa5b1;
  --line: #303944; --yes: #1f8a4c; --no: #c2453d; --warn: #e0b060; --tint: #232b34; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 40rem; margin: 0 auto; padding: 1rem; }
article { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.25rem; }
header { display: flex; justify-content: space-between; align-items: baseline; color: var(--soft); font-size: .875rem;
  padding: .25rem .25rem .75rem; }
h1 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: .875rem; color: var(--soft); font-weight: 600; margin: 1.25rem 0 .5rem; }
p { margin: .5rem 0; overflow-wrap: anywhere; }
code, pre, td { font-family: ui-monospace, monospace; font-size: .875rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--tint); border-radius: 8px; padding: .75rem;
  margin: 0; max-height: 12rem; overflow: auto; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
th { text-align: left; vertical-align: top; width: 32%; font-weight: 600; padding: .5rem .5rem .5rem 0;
  overflow-wrap: anywhere; }
td { padding: .5rem 0; white-space: pre-wrap; overflow-wrap: anywhere; vertical-align: top; }
tr + tr th, tr + tr td { border-top: 1px solid var(--line); }
.facts td { font-family: inherit; font-size: 1rem; }
.facts th { color: var(--soft); font-weight: 400; }
form { margin: 0; } .choices { display: grid; gap: .5rem; margin-top: 1.25rem; }
button { width: 100%; min-height: 3rem; border: 1px solid var(--line); border-radius: 10px; background: var(--card);
  color: var(--ink); font: inherit; font-weight: 600; cursor: pointer; }
button:focus-visible, input:focus-visible { outline: 3px solid #4c8dff; outline-offset: 2px; }
.yes { background: var(--yes); border-color: var(--yes); color: #fff; }
.no { background: var(--no); border-color: var(--no); color: #fff; }
.link { width: auto; min-height: 0; border: 0; background: none; color: inherit; font-weight: 400; padding: .25rem;
  text-decoration: underline; }
label { display: block; font-weight: 600; margin: 1rem 0 .25rem; }
input { width: 100%; min-height: 3rem; border: 1px solid var(--line); border-radius: 10px; padding: 0 .75rem;
  background: var(--card); color: var(--ink); font: inherit; }
.told { border-left: 4px solid var(--soft); padding-left: .75rem; } .told.good { border-color: var(--yes); }
.told.bad { border-color: var(--no); } .soft { color: var(--soft); font-size: .875rem; }
`;

const POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "form-action 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
].join('; ');

/** A whole page. Nothing on it runs, and no other page can show it in a frame. */
export function page(
  status: number,
  title: string,
  content: Html,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const text = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${title} · Toolgate</title>
        <style>
          ${new Html(STYLE)}
        </style>
      </head>
      <body>
        <main>${content}</main>
      </body>
    </html> `.text;
  return {
    status,
    body: Buffer.from(text),
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': POLICY,
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      // Not "no-referrer": with that, browsers send the forms with the Origin "null".
      'referrer-policy': 'same-origin',
      'cross-origin-opener-policy': 'same-origin',
      'cache-control': 'no-store',
      ...headers,
    },
  };
}
