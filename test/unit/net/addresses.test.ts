import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAddressRules, isNetwork } from '../../../src/net/addresses.ts';

const GUARDED = [
  '169.254.169.254',
  '169.254.0.0',
  '169.254.255.255',
  '169.254.170.2',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  'fe80::1',
  'FE80::1',
  'fe80::1%eth0',
  'febf:ffff::1',
  'fd00:ec2::254',
  'fd00:0ec2:0:0:0:0:0:0254',
  'fd20:ce::254',
  // Mapped, compatible, translated.
  '::ffff:169.254.169.254',
  '::ffff:a9fe:a9fe',
  '0:0:0:0:0:ffff:a9fe:a9fe',
  '::169.254.169.254',
  '::ffff:0:169.254.169.254',
  '::ffff:100.100.100.200',
  // NAT64.
  '64:ff9b::169.254.169.254',
  '64:ff9b::a9fe:a9fe',
  '64:ff9b:1::a9fe:a9fe',
  // 6to4.
  '2002:a9fe:a9fe::',
  '2002:a9fe:a9fe::1',
  '2002:a9fe:a9fe:1:2:3:4:5',
  // Teredo, by its server and by its client.
  '2001:0:a9fe:a9fe::1',
  '2001::5601:5601',
];

const OPEN = [
  '127.0.0.1',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.1.1',
  '169.253.255.255',
  '169.255.0.0',
  '100.100.100.201',
  '8.8.8.8',
  '::1',
  '::',
  'fd00::1',
  'fec0::1',
  '2001:db8::1',
  '2606:4700::1111',
  '::ffff:127.0.0.1',
  '64:ff9b::8.8.8.8',
  '2002:0808:0808::1',
];

test('link-local and metadata addresses are refused in every guise', () => {
  const rules = createAddressRules();
  for (const address of GUARDED) assert.equal(rules.allows(address), false, address);
});

test('all other addresses are open, loopback and private ones included', () => {
  const rules = createAddressRules();
  for (const address of OPEN) assert.equal(rules.allows(address), true, address);
});

test('an address or a network that is named is open, and no other', () => {
  const one = createAddressRules(['169.254.1.2', 'fe80::1']);
  assert.ok(one.allows('169.254.1.2'));
  assert.ok(one.allows('::ffff:169.254.1.2'));
  assert.ok(one.allows('FE80:0::1'));
  assert.ok(one.allows('fe80::1%eth0'));
  assert.ok(!one.allows('169.254.1.3'));
  assert.ok(!one.allows('fe80::2'));
  const many = createAddressRules(['169.254.1.0/24', 'fe80::/64']);
  assert.ok(many.allows('169.254.1.200'));
  assert.ok(!many.allows('169.254.169.254'));
  assert.ok(many.allows('fe80::abcd'));
  assert.ok(!many.allows('fe80:0:0:1::1'));
});

test('what is no address opens nothing', () => {
  for (const entry of ['fe80::/129', 'fe80::1%eth0/64', '1.2.3.4/8/8'])
    assert.ok(!isNetwork(entry), entry);
  for (const entry of ['1.2.3.4', '1.2.3.4/0', '::/128']) assert.ok(isNetwork(entry), entry);
  for (const entry of [
    '*',
    '',
    'localhost',
    '169.254.0.0/33',
    '169.254.0.0/x',
    '169.254.0.0/',
    '/0',
  ]) {
    assert.ok(!createAddressRules([entry]).allows('169.254.169.254'), entry);
    assert.ok(!createAddressRules([entry]).allows('fe80::1'), entry);
  }
});
