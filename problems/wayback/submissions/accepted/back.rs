use std::io::{self, Read, Write};

fn main() {
    let mut steps = Vec::new();
    io::stdin().read_to_end(&mut steps).unwrap();
    while steps.last().is_some_and(|step| step.is_ascii_whitespace()) {
        steps.pop();
    }
    steps.reverse();
    for step in &mut steps {
        *step = match *step {
            b'N' => b'S',
            b'S' => b'N',
            b'E' => b'W',
            _ => b'E',
        };
    }
    steps.push(b'\n');
    io::stdout().write_all(&steps).unwrap();
}
