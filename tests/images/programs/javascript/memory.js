const [live, garbage] = require("fs").readFileSync(0, "utf8").split(" ").map(Number);
const kept = [];
for (let i = 0; i < live; i++) {
  kept.push(new Array(1 << 17).fill(i + 0.5));
}
let sum = 0;
for (let i = 0; i < garbage; i++) {
  sum += new Array(1 << 17).fill(i).length - (1 << 17);
}
console.log(kept.length + sum);
