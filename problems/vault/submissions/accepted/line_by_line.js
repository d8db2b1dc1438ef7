const lines = require("readline").createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const next = async () => Number((await lines.next()).value);

async function main() {
  for (let vaults = await next(); vaults > 0; vaults--) {
    const marks = await next();
    console.log("? 0");
    const distance = await next();
    console.log(`? ${distance}`);
    console.log(`! ${(await next()) === 0 ? distance : marks - distance}`);
  }
  process.exit(0);
}

main();
