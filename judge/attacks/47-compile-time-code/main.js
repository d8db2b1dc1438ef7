// What a hostile JavaScript program tries first: child_process, fs, net, process internals.
const fs = require("fs");
const leaks = [];

for (const path of ["/val/secret", "/proc/1/environ", "/etc/shadow", "/proc/1/fd/0"]) {
  try {
    fs.readFileSync(path);
    leaks.push("read " + path);
  } catch (refused) {}
}
for (const path of ["/prog/evil.js", "/val/evil", "/etc/evil", "/prog/node_modules"]) {
  try {
    fs.writeFileSync(path, "x");
    leaks.push("wrote " + path);
  } catch (refused) {}
}
try {
  const out = require("child_process").execSync("cat /val/* /proc/1/environ 2>&1 || true");
  if (!/denied|No such/.test(String(out))) leaks.push("shell: " + out);
} catch (refused) {}
try {
  process.kill(1, "SIGKILL");
  leaks.push("signalled PID 1");
} catch (refused) {}
console.log(leaks.length ? "LEAK " + leaks.join(", ") : "blocked");
