use std::io::Read;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let key: usize = args[2].parse().unwrap();
    let step = if args[1] == "encode" { key % 26 } else { 26 - key % 26 };
    let wheel = std::fs::read("wheel.txt").unwrap();
    let mut message = String::new();
    std::io::stdin().read_to_string(&mut message).unwrap();
    let turned: String = message
        .bytes()
        .map(|letter| match wheel[..26].iter().position(|&other| other == letter) {
            Some(place) => wheel[(place + step) % 26] as char,
            None => letter as char,
        })
        .collect();
    print!("{turned}");
}
