/* Programs of ours that start one another. */
#ifndef CERTMUSTER_BESIDE_H
#define CERTMUSTER_BESIDE_H

enum { BESIDE_PATH_SIZE = 4096 };

/* The program of that name in the directory of the one that runs, else the bare name, for PATH to find. */
void program_beside(const char *name, char out[static BESIDE_PATH_SIZE]);

#endif
