// `POST /v1/mcp/why`: which rule decides about a tool for a key, for admins. It asks and changes nothing; it is no
// GET, since arguments do not belong into URLs.
import { z } from 'zod';
import { parseBody } from '../body.ts';
import type { KeyRoute } from '../route.ts';

export interface WhyDesk {
  /**
   * @param tool as clients see it, or `server/tool`
   * @param json raw JSON of the arguments
   * @throws GatewayError KEY_NOT_FOUND, TOOL_NOT_FOUND
   */
  why(key: string, tool: string, json: string | undefined): object;
}

const schema = z.strictObject({
  key: z.string().min(1).max(200),
  tool: z.string().min(1).max(1_000),
  /** As text, so that numbers stay what they are. */
  arguments: z.string().max(1_000_000).optional(),
});

export const whyRoutes = (desk: WhyDesk): readonly KeyRoute[] => [
  {
    method: 'POST',
    path: '/v1/mcp/why',
    access: 'admin',
    maxBodyBytes: 2_000_000,
    handle({ body }) {
      const { key, tool, arguments: json } = parseBody(body, schema);
      return { status: 200, body: desk.why(key, tool, json) };
    },
  },
];
