// Whether a gateway is there: one that was killed leaves its note behind.
import { createHttpClient } from '../net/http-client.ts';

const PROBE_MS = 2_000;

/** @param url of the gateway, without a path */
export async function isAlive(url: string): Promise<boolean> {
  await using http = createHttpClient({ connectTimeoutMs: PROBE_MS });
  try {
    const signal = AbortSignal.timeout(PROBE_MS);
    const response = await http.request({
      url: `${url}/livez`,
      method: 'GET',
      headers: {},
      signal,
    });
    response.body.destroy();
    return response.status === 200;
  } catch {
    return false; // Nobody there: that is the answer.
  }
}
