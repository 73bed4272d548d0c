/* System calls for the wrapper of a runtime. Results as in hooksystem.h. */
#ifndef PORTCULLIS_RUNTIMESYSTEM_H
#define PORTCULLIS_RUNTIMESYSTEM_H
#include <stddef.h>
#include <stdint.h>

/* 0 for a regular file that may be executed, 1 for the program that runs right now, under whatever name. */
int32_t pcr_look_at_program(const uint8_t *path);
/* Opens a regular file to read it whole and to replace it, and tells its size; a symbolic link is -EINVAL, since what it leads to may be others' too. */
int32_t pcr_open_document(const uint8_t *path, int64_t *size);
/* Reads up to `size` bytes, fewer only at the end. */
int64_t pcr_read_all(int32_t descriptor, void *buffer, size_t size);
/* Writes a new file with the mode and the owner of what is open as `original`, and renames it over `path`; what was there stays if anything fails. */
int32_t pcr_replace_document(const uint8_t *temporary, const uint8_t *path, int32_t original, const void *bytes, size_t size);
/* Makes a symbolic link, in the place of an older one; anything else of that name stays. */
int32_t pcr_write_link(const uint8_t *path, const uint8_t *target);
/* Reads a symbolic link that root has made, or whoever runs this; -EPERM for another's. */
int64_t pcr_read_own_link(const uint8_t *path, uint8_t *buffer, size_t size);
/* Appends to a file, which is made if it is not there. */
int32_t pcr_append(const uint8_t *path, const void *bytes, size_t size);
/* Year, month, day, hour, minute and second of now, in UTC. */
void pcr_utc(int32_t moment[6]);
uint32_t pcr_process(void);
/* Becomes another program, with this one's environment and descriptors. Returns only if that fails. */
int32_t pcr_execute(const uint8_t *path, char *const *arguments);
#endif
