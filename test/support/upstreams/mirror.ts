// The upstream of the fidelity suite: it shows each request as it came, letter by letter, and says what it is told.
//   node mirror.ts --name n [--transport stdio|http|sse] [--era …]
import { parseArgs } from 'node:util';
import {
  AWKWARD_PROMPTS,
  AWKWARD_RESOURCES,
  AWKWARD_TOOLS,
  type AwkwardCase,
  awkwardResults,
} from '../awkward.ts';
import { textAt } from '../json-text.ts';
import { runUpstream } from './raw.ts';
import { type RawCall, type Reply, textResult } from './raw/call.ts';
import type { RawServerOptions, RawTool } from './raw/server.ts';

/** Definitions with what a careless reader loses, beside the tools of the awkward cases. */
const TOOLS: readonly string[] = [
  ...AWKWARD_TOOLS.map(({ json }) => json),
  '{"name":"task_tool","inputSchema":{"type":"object"},"execution":{"taskSupport":"optional","x-runs":1.0},"x-after":-0}',
  '{"name":"only_task","execution":{"taskSupport":"required"},"inputSchema":{"type":"object"}}',
  '{"name":"ref_output","inputSchema":{"type":"object"},"outputSchema":{"$ref":"#/$defs/a","$defs":{"a":{"type":"object","x-n":1e400}}}}',
  '{"name":"null_output","inputSchema":{"type":"object"},"outputSchema":{"type":["object","null"]},"_meta":{"__proto__":{"a":1}}}',
];

const PROMPTS: readonly string[] = [
  '{"name":"odd","title":"\\uD800","arguments":[{"name":"a","x-hint":1.0,"required":false}],"icons":[{"src":"x:y","x":-0}],"_meta":{"com.example/a":12345678901234567890},"x-vendor":1e400}',
];

const resources = (name: string): string[] => [
  `{"uri":"mirror-${name}://plain","name":"plain","size":9007199254740993,"annotations":{"audience":["user"],"priority":1.0,"x-a":null},"_meta":{"":-0},"x-vendor":{"__proto__":1}}`,
];

const templates = (name: string): string[] => [
  `{"uriTemplate":"mirror-${name}://seen/{x}","name":"seen","x-vendor":1.0}`,
  `{ "uriTemplate":"mirror-${name}://say/{case}" , "name":"say","_meta":{"com.example/a":1e400}}`,
];

/** Everything that the mirror of this name lists, as it writes it. */
export const mirrorDefinitions = (name: string) => ({
  tools: [SEEN, SAY, ANSWER, TELL, ...TOOLS],
  prompts: [...PROMPTS, '{"name":"seen"}', '{"name":"say"}'],
  resources: resources(name),
  resourceTemplates: templates(name),
});

const SEEN = '{"name":"seen","inputSchema":{"type":"object"}}';
const SAY = '{"name":"say","inputSchema":{"type":"object"}}';
const ANSWER = '{"name":"answer","inputSchema":{"type":"object"}}';
const TELL = '{"name":"tell","inputSchema":{"type":"object"}}';

const stringOf = (call: RawCall, key: string): string => String(call.args[key]);

const findCase = (cases: readonly AwkwardCase[], name: string): Reply =>
  cases.find((one) => one.name === name)?.json ?? {
    error: { code: -32602, message: `No case is called ${name}` },
  };

/** The text of a result, given whole or as the name of an awkward case. */
function say(call: RawCall): Reply {
  const { json, hugeBytes } = call.args;
  if (typeof json === 'string') return json;
  const options = typeof hugeBytes === 'number' ? { hugeBytes } : {};
  return findCase(awkwardResults(options), stringOf(call, 'case'));
}

/** A whole message, in which ID stands for the request's own. */
const answer = (call: RawCall): Reply => ({
  message: stringOf(call, 'text').replace('"ID"', call.id),
});

/** Sends messages first, in which TOKEN stands for the request's own progress token. */
function tell(call: RawCall): Reply {
  const token = textAt(call.params, '_meta', 'progressToken') ?? '"none"';
  for (const text of call.args['texts'] as string[]) {
    call.outlet.send(text.replace('"TOKEN"', token));
  }
  return textResult('told');
}

const tools: Record<string, RawTool> = {
  seen: { definition: SEEN, call: (call) => textResult(call.message) },
  say: { definition: SAY, call: say },
  answer: { definition: ANSWER, call: answer },
  tell: { definition: TELL, call: tell },
  ...Object.fromEntries(
    TOOLS.map((definition) => {
      const name = JSON.parse(textAt(definition, 'name')!) as string;
      return [name, { definition, call: say }];
    }),
  ),
};

const shown = (call: RawCall): string => JSON.stringify(call.message);

export function mirrorOptions(name: string): RawServerOptions {
  const [plain] = resources(name);
  const [seen, said] = templates(name);
  return {
    serverInfo: JSON.stringify({ name, version: '1.0.0' }),
    tools,
    prompts: {
      odd: { definition: PROMPTS[0]!, get: () => '{"messages":[]}' },
      seen: {
        definition: '{"name":"seen"}',
        get: (call) =>
          `{"messages":[{"role":"user","content":{"type":"text","text":${shown(call)}}}]}`,
      },
      say: {
        definition: '{"name":"say"}',
        get: (call) => findCase(AWKWARD_PROMPTS, stringOf(call, 'case')),
      },
    },
    resources: {
      [`mirror-${name}://plain`]: { definition: plain!, read: () => '{"contents":[]}' },
    },
    templates: [
      {
        definition: seen!,
        matches: (uri) => uri.startsWith(`mirror-${name}://seen/`),
        read: (call) => `{"contents":[{"uri":"x:y","text":${shown(call)}}]}`,
      },
      {
        definition: said!,
        matches: (uri) => uri.startsWith(`mirror-${name}://say/`),
        read: (call) => {
          const found = findCase(
            AWKWARD_RESOURCES,
            decodeURIComponent(call.uri.split('/').at(-1)!),
          );
          if (typeof found !== 'string') return found;
          return found.replace('"URI"', textAt(call.params, 'uri')!);
        },
      },
    ],
    complete: (call) => {
      const { argument } = call.parsed as { argument?: { name?: string; value?: string } };
      if (argument?.name === 'say') return argument.value!;
      return `{"completion":{"values":[${shown(call)}]}}`;
    },
  };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { name: { type: 'string' } }, strict: false });
  await runUpstream(mirrorOptions(String(values.name)));
}
