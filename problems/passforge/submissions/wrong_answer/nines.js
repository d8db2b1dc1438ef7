// Forgets that neighbours have to differ.
let [length, total] = require("fs").readFileSync(0, "utf8").split(" ").map(Number);
let text = "";
for (let i = 0; i < length; i++) {
  const take = Math.min(9, total);
  total -= take;
  text += take > 0 ? take : "ab"[i % 2];
}
console.log(total > 0 ? "-" : text);
