/* The next test case, then the next submission: alone, in empty places. */
#include "probe_processes.h"

int main(void)
{
	look_for_leftovers();
	sleep_ms(100);
	look_for_leftovers();
	return finish();
}
