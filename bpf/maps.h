/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pinned maps that all programs share. Each object that includes this file names them all; the loader makes the second
 * object use the first one's. Sizes that depend on the capacity are set before load.
 */
#ifndef PORTCULLIS_MAPS_H
#define PORTCULLIS_MAPS_H

#include "abi.h"
#include "kern.h"

/* Key to container. Not preallocated: 4,096 entries of which most nodes use a hundred. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PC_CAPACITY_DEFAULT);
	__type(key, struct pc_identity_key);
	__type(value, struct pc_identity);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} identities SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, PC_CAPACITY_DEFAULT);
	__type(key, __u32);
	__type(value, struct pc_slot);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} slots SEC(".maps");

/* Written and read by the daemon alone: it lives in the kernel so that it shares the fate of what it describes. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PC_CAPACITY_DEFAULT * PC_RECORD_CHUNKS);
	__type(key, struct pc_record_key);
	__type(value, struct pc_record);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct pc_label);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} labels SEC(".maps");

/* Only created where task storage is missing. Preallocated: it is written from scheduler tracepoints. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PC_LABELS_MAX);
	__type(key, __u64);
	__type(value, struct pc_label);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} labels_hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PC_COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, PC_VERDICTS_MAX);
	__type(key, __u32);
	__type(value, __u64);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} verdicts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pc_switches);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} switches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pc_meta);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} meta SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PC_FILES_MAX);
	__type(key, struct pc_file_key);
	__type(value, struct pc_file_rule);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} files SEC(".maps");

/* Telemetry. Full: the event is lost and counted, nothing else changes. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} events SEC(".maps");

/* pc_slot_empty. Apart from telemetry, so that no flood of events can keep a slot from being freed. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} slots_empty SEC(".maps");

static __always_inline void count(__u32 counter)
{
	__u64 *value = bpf_map_lookup_elem(&counters, &counter);
	if (value)
		*value += 1;
}

/* A verdict that PC_COUNT_JUDGED counts, by operation and action. */
static __always_inline void count_verdict(__u32 operation, __u32 action)
{
	__u32 index = PC_VERDICT_INDEX(operation, action);
	__u64 *value = bpf_map_lookup_elem(&verdicts, &index);
	if (value)
		*value += 1;
}

#endif
