const items: string[] = [];
console.log(items[0].length);
