// Sorts the numbers as if they were words.
const [head, line] = require("fs").readFileSync(0, "latin1").split("\n");
const [n, w] = head.split(" ").map(Number);
const moments = line.trim().split(" ").sort().map(Number);
let best = 0;
let first = 0;
for (let last = 0; last < n; last++) {
  while (first < last && moments[last] - moments[first] >= w) first++;
  best = Math.max(best, last - first + 1);
}
console.log(best);
