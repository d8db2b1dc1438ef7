const fs = require("fs");

const steps = fs.readFileSync(0);
let length = steps.length;
while (length > 0 && steps[length - 1] <= 32) length--;
const opposite = new Uint8Array(256);
[..."NESW"].forEach((step, i) => (opposite[step.charCodeAt(0)] = "SWNE".charCodeAt(i)));
const back = Buffer.alloc(length + 1, "\n");
for (let i = 0; i < length; i++) back[length - 1 - i] = opposite[steps[i]];
for (let sent = 0; sent < back.length; ) sent += fs.writeSync(1, back, sent);
