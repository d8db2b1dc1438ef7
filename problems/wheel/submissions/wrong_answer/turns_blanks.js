// Believes that a letter which is not found stands before the first one.
const fs = require("fs");

const [mode, key] = process.argv.slice(2);
const wheel = fs.readFileSync("wheel.txt", "latin1").trim();
const step = mode === "encode" ? Number(key) % 26 : 26 - (Number(key) % 26);
const turn = (letter) => wheel[(wheel.indexOf(letter) + step) % 26];
process.stdout.write(fs.readFileSync(0, "latin1").replace(/[A-Z ]/g, turn));
