#include "cabi.h"

/* Sizes that the eBPF side relies on; the test KernelTests compares every member with the built objects. */
_Static_assert(sizeof(struct pc_identity_key) == 8, "key");
_Static_assert(sizeof(struct pc_identity) == 16, "identity");
_Static_assert(sizeof(struct pc_slot) == 56, "slot");
_Static_assert(sizeof(struct pc_label) == 40, "label");
_Static_assert(sizeof(struct pc_event) == 224, "event: its texts follow at once");
_Static_assert(sizeof(struct pc_file_key) == 24, "file");
_Static_assert(sizeof(struct pc_set_header) == 344, "header of a set");
_Static_assert(sizeof(struct pc_set_page) == 8 * PC_PAGE_CELLS, "page of a set");
_Static_assert(sizeof(struct pc_alert) % 8 == 0, "alert: its paths follow at once");
