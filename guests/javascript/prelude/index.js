// The prelude: what JavaScript users expect around the language and QuickJS does not have.
//
// It runs once, when the snapshot is made, with the functions in C as `native`, and returns the functions that the runner
// calls. It must not call the host, neither directly nor by reading the clock: there is no host at that time.

import { removeStandIns } from './absent.js';
import URL from 'core-js-pure/web/url';
import URLSearchParams from 'core-js-pure/web/url-search-params';
import structuredClone from 'core-js-pure/actual/structured-clone';

import { defineGlobal } from './define.js';
import { installAbort } from './abort.js';
import { installConsole, reportRejection } from './console.js';
import { installCrypto } from './crypto.js';
import { installDisplay } from './display.js';
import { installEncoding } from './encoding.js';
import { installEvents } from './events.js';
import { installNetwork } from './network.js';
import { installPerformance } from './performance.js';
import { installProcess } from './process.js';
import { installStack } from './stack.js';
import { installTimers } from './timers.js';
import { contextPrototype, missingHandler } from './handler.js';
import { describeFailure } from './failure.js';
import { makeRequire, missingModule } from './modules.js';

installStack();
installConsole();
installTimers();
installEvents();
installAbort();
installEncoding();
installCrypto();
installPerformance();
installProcess();
installDisplay();
installNetwork();

defineGlobal('URL', URL);
defineGlobal('URLSearchParams', URLSearchParams);
defineGlobal('structuredClone', structuredClone);
defineGlobal('global', globalThis);
defineGlobal('self', globalThis);
defineGlobal('navigator', Object.freeze({ userAgent: 'HKS-Functions', language: 'en-US', hardwareConcurrency: 1 }));

removeStandIns();
delete globalThis['__core-js_shared__'];

export const driver = {
  contextPrototype,
  describeFailure,
  makeRequire,
  missingHandler,
  missingModule,
  reportRejection,
};
