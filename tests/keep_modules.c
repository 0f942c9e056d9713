/* SPDX-License-Identifier: BSD-2-Clause
 * Linked into sanitized tests only: plug-ins that Open MPI has opened stay loaded, so that the leak report can name them and lsan.supp
 * can leave them out. */
int dlclose(void *handle);

int dlclose(void *handle)
{
  (void)handle;
  return 0;
}
