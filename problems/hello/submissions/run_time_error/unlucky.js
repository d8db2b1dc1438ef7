console.log(`Welcome to the arena, ${undefined.handle}!`);
