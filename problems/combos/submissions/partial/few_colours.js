// Keeps the counts in a table of 1001 colours and mixes up larger ones.
const numbers = require("fs").readFileSync(0, "latin1").trim().split(/\s+/).map(Number);
const [n, k] = numbers;
const colours = numbers.slice(2);
const count = new Int32Array(1001);
let different = 0;
let best = 0;
for (let start = 0, end = 0; end < n; end++) {
  if (count[colours[end] % 1001]++ === 0) different++;
  while (different > k) if (--count[colours[start++] % 1001] === 0) different--;
  best = Math.max(best, end - start + 1);
}
console.log(best);
