import * as readline from "readline";

const reader = readline.createInterface({ input: process.stdin });
reader.on("line", (line: string) => {
  const [live, garbage] = line.split(" ").map(Number);
  const kept: number[][] = [];
  for (let i = 0; i < live; i++) {
    kept.push(new Array<number>(1 << 17).fill(i + 0.5));
  }
  let sum = 0;
  for (let i = 0; i < garbage; i++) {
    sum += new Array<number>(1 << 17).fill(i).length - (1 << 17);
  }
  console.log(kept.length + sum);
});
