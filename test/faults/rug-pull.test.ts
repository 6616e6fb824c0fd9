// An upstream that changes a definition at a random moment of a call's way to its yes: nothing runs under an old
// approval or grant, and under hold and quarantine nobody sees the new text. Policy only; the doors have their own.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Message } from '../../src/core/call.ts';
import { isGatewayError } from '../../src/core/errors.ts';
import type { Item, Target } from '../../src/core/source.ts';
import type { PinningMode } from '../../src/policy/pinning.ts';
import { createPinGate } from '../../src/policy/pinning-gate.ts';
import { count } from '../support/gateway.ts';
import { done, JUDGED, makeCall, makeTarget, openRig } from '../unit/policy/approval-rig.ts';
import { MemoryPins, openPinning, textOf, tool } from '../unit/policy/pinning-rig.ts';

const HONEST = tool('write', 'Writes a file.');
const EVIL = tool('write', 'Writes a file!');
const ROUNDS = count(500, 40);

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Refusals are what is wanted here; a broken assertion is not. */
function notFailed(error: unknown): void {
  if (!isGatewayError(error)) throw error;
}

/** Yields so many turns of the event loop. */
async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** The road as the gateway lays it: gate, approval judged by what the server says now, gate again, route. */
async function openRoad(mode: PinningMode) {
  const pinning = await openPinning(new MemoryPins(), mode);
  pinning.apply('files', [HONEST]);
  await pinning.settled();
  const rig = await openRig({
    judge: () => ({ ...JUDGED, definitionHash: pinning.judge('files', 'write').hash }),
  });
  const gate = createPinGate(pinning);
  const run = (json: string, onRun: () => void): Promise<Message> => {
    const call = makeCall({ arguments: json });
    const target: Target = makeTarget();
    const route = () => {
      onRun();
      return Promise.resolve(done());
    };
    return gate.before(call, target, (one) =>
      rig.interceptor(one, target, (own) => gate.last(own, target, route)),
    );
  };
  return { pinning, rig, run };
}

for (const mode of ['ask', 'hold', 'quarantine'] as const) {
  describe(`rug pull under ${mode}`, () => {
    test('at a random moment: no call runs under an approval of the old definition', async () => {
      const { pinning, rig, run } = await openRoad(mode);
      await using _rig = rig;
      const next = random(41);
      let [ran, stopped] = [0, 0];
      for (let round = 0; round < ROUNDS; round++) {
        const json = `{"path":"${round}"}`;
        pinning.apply('files', [HONEST]);
        await run(json, () => assert.fail('ran unasked'));
        const [pending] = (await rig.pending()).filter(({ status }) => status === 'pending');
        assert.ok(pending);
        await rig.approvals.decide(pending.id, 'owner', 'once');
        const moment = Math.floor(next() * 7);
        const pull = () => pinning.apply('files', [EVIL]);
        const pulled = moment < 6 ? turns(moment).then(pull) : undefined;
        const call = run(json, () => {
          assert.equal(pinning.judge('files', 'write').hash, pending.definitionHash);
          ran++;
        });
        await Promise.all([pulled, call.catch((error: unknown) => (notFailed(error), stopped++))]);
        pull();
        // The yes is used, or no good any more.
        await run(json, () => assert.fail('ran under an old yes')).catch(notFailed);
        for (const left of await rig.pending()) await rig.approvals.decide(left.id, 'owner', 'no');
      }
      assert.ok(ran > 0 && stopped > 0, `${ran} ran, ${stopped} stopped`);
    });

    test('a standing yes does not hold for a changed definition', async () => {
      const { pinning, rig, run } = await openRoad(mode);
      await using _rig = rig;
      await run('{"path":"a"}', () => assert.fail('ran unasked'));
      const [pending] = await rig.pending();
      await rig.approvals.decide(pending!.id, 'owner', 'always');
      let ran = 0;
      await run('{"path":"b"}', () => ran++);
      assert.equal(ran, 1);
      pinning.apply('files', [EVIL]);
      await run('{"path":"c"}', () => assert.fail('ran under an old grant')).catch(notFailed);
      assert.equal(ran, 1);
    });
  });
}

test('under hold and quarantine nobody sees the new text before it is accepted', async () => {
  for (const mode of ['hold', 'quarantine'] as const) {
    const pinning = await openPinning(new MemoryPins(), mode);
    const next = random(7);
    const tools: Item[] = Array.from({ length: 20 }, (_, i) => tool(`t${i}`, 'honest'));
    pinning.apply('s', tools);
    await pinning.settled();
    for (let round = 0; round < 300; round++) {
      const listed = tools.map(({ name }, i) =>
        next() < 0.2 ? tool(name, `NEW text ${round}`) : tools[i]!,
      );
      const shown = textOf(
        pinning.apply(
          's',
          listed.filter(() => next() < 0.9),
        ),
      );
      assert.doesNotMatch(shown, /NEW/);
    }
  }
});
