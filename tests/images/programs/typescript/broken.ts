const count: number = "a type error is a compile error";
console.log(count);
