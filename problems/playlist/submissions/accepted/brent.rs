use std::io;

fn main() {
    let mut line = String::new();
    io::stdin().read_line(&mut line).unwrap();
    let n: Vec<u64> = line.split_whitespace().map(|word| word.parse().unwrap()).collect();
    let after = |song: u64| (n[1] * song + n[2]) % n[0];
    let (mut turtle, mut rabbit) = (n[3], after(n[3]));
    let (mut power, mut length) = (1u64, 1u64);
    while turtle != rabbit {
        if power == length {
            turtle = rabbit;
            power *= 2;
            length = 0;
        }
        rabbit = after(rabbit);
        length += 1;
    }
    let (mut behind, mut ahead) = (n[3], n[3]);
    for _ in 0..length {
        ahead = after(ahead);
    }
    let mut tail = 0;
    while behind != ahead {
        behind = after(behind);
        ahead = after(ahead);
        tail += 1;
    }
    println!("{}", tail + length);
}
