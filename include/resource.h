/* SPDX-License-Identifier: BSD-2-Clause
 * Memory of this process and of its host, in bytes, as Linux tells it (/proc, cgroups). NaN where it does not. */
#ifndef MYOPIA_RESOURCE_H
#define MYOPIA_RESOURCE_H

/* What this host can still give to all processes together: what the kernel calls available, within the limits of the control groups above
 * this process. */
double resource_memory_free(void);
double resource_memory_peak(void); /* largest resident size of this process so far, or since resource_memory_peak_reset */
/* Starts the peak anew at the present resident size. Where the kernel forbids it, the peak stays that of the whole process. */
void resource_memory_peak_reset(void);

/* Processes of this job on this host, as the launcher says (Open MPI, SLURM); 1 when nobody says. */
int resource_processes(void);

#endif
