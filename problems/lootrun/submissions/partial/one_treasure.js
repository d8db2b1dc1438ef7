// Takes the single treasure worth most.
const [head, ...rest] = require("fs").readFileSync(0, "utf8").trim().split("\n");
const lift = Number(head.split(" ")[1]);
let best = 0;
let number = 0;
rest.forEach((line, i) => {
  const [w, v] = line.split(" ").map(Number);
  if (w <= lift && v > best) [best, number] = [v, i + 1];
});
console.log(`1\n${number}`);
