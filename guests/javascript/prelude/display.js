// display(formats): adds a rich result, such as display({ html: '<b>42</b>' }). What is not an object is shown as text.

import { inspect } from 'node-inspect-extracted';
import { host } from './native.js';
import { defineGlobal } from './define.js';

export function installDisplay() {
  defineGlobal('display', function display(formats) {
    const isObject = typeof formats === 'object' && formats !== null;
    host.publish(isObject ? formats : { text: typeof formats === 'string' ? formats : inspect(formats) });
  });
}
