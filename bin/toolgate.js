#!/usr/bin/env node
// Plain old JavaScript on purpose: a Node that is too old for Toolgate must still be able to read this
// file and say so, instead of stopping at a syntax error.
var NEEDED_MAJOR = 24;

if (parseInt(process.versions.node, 10) < NEEDED_MAJOR) {
  console.error(
    'Toolgate needs Node.js ' +
      NEEDED_MAJOR +
      ' or newer, but Node.js ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ') ran it.\n' +
      'Get it from https://nodejs.org/en/download, and name its absolute path where this one was named.',
  );
  process.exit(1);
} else {
  start();
}

function start() {
  import('../dist/src/main.js').catch(function (error) {
    // A checkout has no build: Node runs the sources as they are. Any other fault is shown as it is.
    var unbuilt =
      error.code === 'ERR_MODULE_NOT_FOUND' && String(error.url).endsWith('/dist/src/main.js');
    if (unbuilt) return import('../src/main.ts');
    throw error;
  });
}
