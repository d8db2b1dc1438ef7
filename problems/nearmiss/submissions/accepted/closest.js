const [duration, ...d] = require("fs").readFileSync(0, "utf8").trim().split(/\s+/).map(Number);
const [x, y, u, v] = [4, 5, 6, 7].map((i) => d[i] - d[i - 4]);
const speed = u * u + v * v;
const when = speed === 0 ? 0 : Math.min(Math.max(-(x * u + y * v) / speed, 0), duration);
console.log(Math.hypot(x + when * u, y + when * v).toExponential(12));
