/* Reject at once. */
int main(void)
{
	return 43;
}
