use std::io;

fn main() {
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    let mut words = line.split_whitespace();
    let height: usize = words.next().unwrap().parse().unwrap();
    let letter = words.next().unwrap();
    let edge = format!("+{}+", "-".repeat(height - 2));
    println!("{edge}");
    for row in 1..height - 1 {
        let inner: String = (1..height - 1)
            .map(|column| if row == column || row + column == height - 1 { letter } else { " " })
            .collect();
        println!("|{inner}|");
    }
    println!("{edge}");
}
