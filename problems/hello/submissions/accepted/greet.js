const fs = require("fs");

const handle = fs.readFileSync(0, "utf8").trim();
console.log(`Welcome to the arena, ${handle}!`);
