use std::io;

fn main() {
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    let sizes: Vec<usize> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let kept: Vec<Vec<u64>> = (0..sizes[0]).map(|i| vec![i as u64 + 1; 1 << 17]).collect();
    let mut sum = 0;
    for i in 0..sizes[1] {
        sum += vec![i as u64 + 1; 1 << 17].len() - (1 << 17);
    }
    println!("{}", kept.len() + sum);
}
