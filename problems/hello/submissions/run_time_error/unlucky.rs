fn main() {
    let handles: Vec<String> = Vec::new();
    println!("Welcome to the arena, {}!", handles[std::env::args().count()]);
}
