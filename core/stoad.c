/* SPDX-License-Identifier: Apache-2.0 */
/* The daemon's program file: everything is in libstoa.so, which the modules share with it. */
int stoa_main(int argc, char **argv);

int main(int argc, char **argv)
{
	return stoa_main(argc, argv);
}
