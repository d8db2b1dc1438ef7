use std::io;

fn main() {
    let mut line = String::new();
    io::stdin().read_line(&mut line).expect("a handle");
    println!("Welcome to the arena, {}!", line.trim());
}
