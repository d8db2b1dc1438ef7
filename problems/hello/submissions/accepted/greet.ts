import { readFileSync } from "fs";

const handle: string = readFileSync(0, "utf8").trim();
console.log(`Welcome to the arena, ${handle}!`);
