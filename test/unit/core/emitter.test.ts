import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEmitter } from '../../../src/core/emitter.ts';

test('all listeners hear an event, in order, until they are disposed', () => {
  const emitter = createEmitter<number>();
  const heard: string[] = [];
  const first = emitter.on((n) => heard.push(`a${n}`));
  emitter.on((n) => heard.push(`b${n}`));
  emitter.emit(1);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  emitter.emit(2);
  assert.deepEqual(heard, ['a1', 'b1', 'b2']);
});

test('one function may listen twice, and each is disposed by itself', () => {
  const emitter = createEmitter<void>();
  let heard = 0;
  const listener = () => (heard += 1);
  const one = emitter.on(listener);
  emitter.on(listener);
  emitter.emit();
  assert.equal(heard, 2);
  one[Symbol.dispose]();
  emitter.emit();
  assert.equal(heard, 3);
});

test('a listener that throws does not keep the others from hearing', () => {
  const faults: unknown[] = [];
  const emitter = createEmitter<void>((error) => faults.push(error));
  const fault = new Error('broken');
  let heard = 0;
  emitter.on(() => {
    throw fault;
  });
  emitter.on(() => heard++);
  emitter.emit();
  assert.deepEqual([heard, faults], [1, [fault]]);
});

test('listeners that come and go during an event do not disturb it', () => {
  const emitter = createEmitter<void>();
  const heard: string[] = [];
  emitter.on(() => {
    second[Symbol.dispose]();
    emitter.on(() => heard.push('late'));
  });
  const second = emitter.on(() => heard.push('second'));
  emitter.emit();
  assert.deepEqual(heard, ['second'], 'the event began before it went');
  emitter.emit();
  assert.deepEqual(heard, ['second', 'late']);
});
