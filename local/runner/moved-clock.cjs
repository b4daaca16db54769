// Preloaded into a function's process: `Date` tells wall time plus an offset, read afresh from a file of 8 bytes.
const fs = require('node:fs');

const WallDate = Date;
const wallNow = Date.now;
const file = fs.openSync(process.env.AFTERGLOW_LOCAL_CLOCK, 'r');
delete process.env.AFTERGLOW_LOCAL_CLOCK;
const offset = new Float64Array(1);

function now() {
  fs.readSync(file, offset, 0, 8, 0);
  return wallNow() + offset[0];
}

globalThis.Date = new Proxy(WallDate, {
  get: (target, name, receiver) => (name === 'now' ? now : Reflect.get(target, name, receiver)),
  apply: () => new WallDate(now()).toString(),
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length > 0 ? args : [now()], newTarget),
});
WallDate.prototype.constructor = globalThis.Date;
