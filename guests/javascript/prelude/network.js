// fetch without a network: it is there, so that code which mentions it loads, and it says why it fails.

import { defineGlobal } from './define.js';

export function installNetwork() {
  defineGlobal('fetch', async function fetch(input) {
    const url = typeof input === 'object' && input !== null && 'url' in input ? input.url : input;
    const cause = new Error('this function was not granted access to any network');
    cause.code = 'ENETUNREACH';
    throw new TypeError(`fetch failed: network access is not granted (${url})`, { cause });
  });
}
