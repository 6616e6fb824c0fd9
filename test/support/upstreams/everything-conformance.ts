// Offers every name that the official conformance suite expects of a server, in both eras.
//   node everything-conformance.ts --transport http --port 3000
import { ASKING_PROMPT, askingTools } from './conformance/asking-tools.ts';
import { PNG, plainTools } from './conformance/tools.ts';
import { HttpUpstream, type HttpUpstreamOptions, runUpstream } from './raw.ts';
import type { RawCall } from './raw/call.ts';
import type { RawPrompt, RawResource, RawServer, RawTemplate } from './raw/server.ts';

const user = (content: object): object => ({ role: 'user', content });
const text = (value: string): object => ({ type: 'text', text: value });

const argument = (call: RawCall, key: string): string => {
  const value = call.args[key];
  return typeof value === 'string' ? value : '';
};

const prompt = (
  name: string,
  names: readonly string[],
  messages: (call: RawCall) => object[],
): [string, RawPrompt] => {
  const args = names.map((key) => ({ name: key, description: `The ${key}`, required: true }));
  return [
    name,
    {
      definition: JSON.stringify({ name, description: `Prompt ${name}`, arguments: args }),
      get: (call) => JSON.stringify({ messages: messages(call) }),
    },
  ];
};

const prompts: Record<string, RawPrompt> = Object.fromEntries([
  prompt('test_simple_prompt', [], () => [user(text('This is a simple prompt for testing.'))]),
  prompt('test_prompt_with_arguments', ['arg1', 'arg2'], (call) => [
    user(
      text(
        `Prompt with arguments: arg1='${argument(call, 'arg1')}', arg2='${argument(call, 'arg2')}'`,
      ),
    ),
  ]),
  prompt('test_prompt_with_embedded_resource', ['resourceUri'], (call) => [
    user({
      type: 'resource',
      resource: {
        uri: argument(call, 'resourceUri'),
        mimeType: 'text/plain',
        text: 'Embedded resource content for testing.',
      },
    }),
    user(text('Please process the embedded resource above.')),
  ]),
  prompt('test_prompt_with_image', [], () => [
    user({ type: 'image', data: PNG, mimeType: 'image/png' }),
    user(text('Please analyze the image above.')),
  ]),
  ['test_input_required_result_prompt', ASKING_PROMPT],
]);

const resource = (uri: string, mimeType: string, body: object): [string, RawResource] => [
  uri,
  {
    definition: JSON.stringify({ uri, name: uri.slice('test://'.length), mimeType }),
    read: () => JSON.stringify({ contents: [{ uri, mimeType, ...body }] }),
  },
];

const resources: Record<string, RawResource> = Object.fromEntries([
  resource('test://static-text', 'text/plain', {
    text: 'This is the content of the static text resource.',
  }),
  resource('test://static-binary', 'image/png', { blob: PNG }),
  resource('test://watched-resource', 'text/plain', { text: 'Watched resource content' }),
  resource('test://example-resource', 'text/plain', { text: 'Example resource content' }),
]);

const TEMPLATE = /^test:\/\/template\/([^/]+)\/data$/;

const template: RawTemplate = {
  definition:
    '{"uriTemplate":"test://template/{id}/data","name":"template","mimeType":"application/json"}',
  matches: (uri) => TEMPLATE.test(uri),
  read: ({ uri }) => {
    const id = TEMPLATE.exec(uri)?.[1];
    const body = JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` });
    return JSON.stringify({ contents: [{ uri, mimeType: 'application/json', text: body }] });
  },
};

/** `server` is asked for when a tool changes a list, so that it may be made after these options. */
export function conformanceOptions(server: () => RawServer): HttpUpstreamOptions {
  return {
    serverInfo: '{"name":"everything-conformance","version":"1.0.0"}',
    tools: Object.fromEntries([...plainTools(server), ...askingTools()]),
    prompts,
    resources,
    templates: [template],
    resumable: true,
    complete: () => '{"completion":{"values":["paris","park"],"total":2,"hasMore":false}}',
  };
}

/** Serves it in this process. */
export async function startConformanceUpstream(
  options: HttpUpstreamOptions = {},
): Promise<HttpUpstream> {
  const upstream: HttpUpstream = new HttpUpstream({
    ...conformanceOptions(() => upstream.server),
    ...options,
  });
  await upstream.listen();
  return upstream;
}

if (import.meta.main) {
  let server: RawServer | undefined = undefined;
  server = await runUpstream(conformanceOptions(() => server!));
}
