// Tools that make an upstream change: for children, which a test can reach in no other way.
import { type RawCall, textResult } from './raw/call.ts';
import type { RawServer } from './raw/server.ts';

const definition = (name: string, properties: object): string =>
  JSON.stringify({ name, inputSchema: { type: 'object', properties } });

const named = (call: RawCall, otherwise: string): string => {
  const { name } = call.args;
  return typeof name === 'string' ? name : otherwise;
};

function addTool(server: RawServer, call: RawCall): string {
  const name = named(call, 'extra');
  server.tools.set(name, { definition: definition(name, {}), call: () => textResult(name) });
  server.changed('tools');
  return textResult('added');
}

function removeTool(server: RawServer, call: RawCall): string {
  server.tools.delete(named(call, 'extra'));
  server.changed('tools');
  return textResult('removed');
}

function addPrompt(server: RawServer, call: RawCall): string {
  const name = named(call, 'extra');
  server.prompts.set(name, { definition: JSON.stringify({ name }), get: () => '{"messages":[]}' });
  server.changed('prompts');
  return textResult('added');
}

function addResource(server: RawServer, call: RawCall): string {
  const uri = `fixture://extra/${named(call, 'extra')}`;
  const contents = JSON.stringify({ contents: [{ uri, text: 'extra' }] });
  server.resources.set(uri, {
    definition: JSON.stringify({ uri, name: uri }),
    read: () => contents,
  });
  server.changed('resources');
  return textResult('added');
}

function updateResource(server: RawServer, call: RawCall): string {
  const { uri } = call.args;
  server.updated(typeof uri === 'string' ? uri : 'fixture://live');
  return textResult('updated');
}

export function addControlTools(server: RawServer): void {
  const tools: Record<string, (target: RawServer, call: RawCall) => string> = {
    add_tool: addTool,
    remove_tool: removeTool,
    add_prompt: addPrompt,
    add_resource: addResource,
    update_resource: updateResource,
  };
  const properties = { name: { type: 'string' }, uri: { type: 'string' } };
  for (const [name, run] of Object.entries(tools)) {
    server.tools.set(name, {
      definition: definition(name, properties),
      call: (call) => run(server, call),
    });
  }
}
