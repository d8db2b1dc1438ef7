fn main() {
    let items: Vec<i32> = Vec::new();
    println!("{}", items[1]);
}
