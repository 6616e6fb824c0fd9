// `npm run schema`: renews servers.schema.json from the schema in the code.
import { writeFile } from 'node:fs/promises';

import { jsonSchemaText } from './json-schema.ts';

await writeFile(new URL('../../servers.schema.json', import.meta.url), jsonSchemaText());
