console.log("Hello";
