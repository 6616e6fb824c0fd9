import { z } from 'zod';

import { fileSchema } from './schema.ts';

/**
 * JSON Schema of the configuration file, for editors. Draft 7: VS Code knows only parts of the later ones.
 * `allowComments` and `allowTrailingCommas` are VS Code's own.
 */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(fileSchema, { target: 'draft-7', io: 'input' });
  return {
    $schema,
    title: 'Toolgate configuration',
    allowComments: true,
    allowTrailingCommas: true,
    ...rest,
  };
}

/** The text of servers.schema.json. */
export const jsonSchemaText = (): string => `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`;
