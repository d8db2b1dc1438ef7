const numbers = require("fs").readFileSync(0, "latin1").trim().split(/\s+/).map(Number);
const [n, w] = numbers;
const moments = Float64Array.from(numbers.slice(2)).sort();
let best = 0;
let first = 0;
for (let last = 0; last < n; last++) {
  while (moments[last] - moments[first] >= w) first++;
  best = Math.max(best, last - first + 1);
}
console.log(best);
