/* A hundred thousand long warnings, then an error. */
#define W _Pragma("GCC warning \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"")
#define W2 W W W W W W W W W W
#define W3 W2 W2 W2 W2 W2 W2 W2 W2 W2 W2
#define W4 W3 W3 W3 W3 W3 W3 W3 W3 W3 W3
#define W5 W4 W4 W4 W4 W4 W4 W4 W4 W4 W4
W5 W5 W5 W5 W5 W5 W5 W5 W5 W5
int main(void) { return nothing; }
