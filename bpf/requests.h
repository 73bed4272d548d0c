/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The requests of io_uring that are under way, and what is to be told of each. The kernel does not say of every one when it is complete: so where there are
 * REQUESTS_MAX, the oldest makes room for the next, and none leaves without being told of.
 */
#ifndef PORTCULLIS_REQUESTS_H
#define PORTCULLIS_REQUESTS_H

#include "record.h"
#include "see.h"
#include "telesockets.h"
#include "uring.h"

/* Requests under way at one time that are told of with their result. The oldest one beyond is told of without. */
#define REQUESTS_MAX 1024
/* More elements than that: several CPUs may each be about to push one out. */
#define REQUESTS_ROOM 64
/* Bytes of the texts of one. One that has more is told of at once, without its result. */
#define REQUEST_TEXT_BYTES 3584
/* Requests that have one number, among which that of a completion is looked for. */
#define REQUESTS_OF_NUMBER 8

/* Looks for a place that another CPU has taken meanwhile. */
#define PLACE_TRIES 4

enum request_note {
	REQUEST_ONLY_FAILED = 1, /* told of only if it was refused */
	REQUEST_DIRECT = 2,      /* its result is no descriptor */
	REQUEST_TOLD = 4,        /* one of its completions was told of */
	REQUEST_OVERFLOWED = 8,  /* the last of these was found by its number alone, and may be another's */
};

/* How a program calls a request: the number is its own choice, and may be that of several. An accept has a name of its own, so that no other request hides it. */
struct request_name {
	__u64 ring;
	__u64 number;
	__u64 accepts;
};

struct request {
	struct pc_event event;
	__u8 text[REQUEST_TEXT_BYTES];
	struct request_name name;
	__u64 older; /* key of the one before it with the same name; 0: none. May be gone, or another's by now */
	__u64 place; /* among request_places */
	__u32 opcode;
	__u32 note; /* enum request_note */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, REQUESTS_MAX + REQUESTS_ROOM);
	__type(key, __u64);
	__type(value, struct request);
} requests SEC(".maps");

/* The keys of those that are under way, 0 where a place is free. `next` goes around: where none is free, it is at the oldest. */
struct request_places {
	__u64 next;
	__u64 keys[REQUESTS_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct request_places);
} places SEC(".maps");

/* The last one of each name. No more than there are requests; what two CPUs leave behind at one time goes first. Each CPU takes 128 elements at a time. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16 * REQUESTS_MAX);
	__type(key, struct request_name);
	__type(value, __u64);
} names SEC(".maps");

static __always_inline bool has_name(struct request *kept, struct request_name *name)
{
	return kept->name.ring == name->ring && kept->name.number == name->number && kept->name.accepts == name->accepts;
}

static __always_inline void send_request(struct request *kept)
{
	struct pc_event *event = &kept->event;
	__u32 used = event->executable_length + event->parent_length + event->arguments_length + event->directory_length + event->path_length
		+ event->other_path_length;
	if (used <= REQUEST_TEXT_BYTES)
		count(bpf_ringbuf_output(&events, event, sizeof *event + used, 0) ? PC_COUNT_EVENTS_LOST : PC_COUNT_EVENTS);
}

static __always_inline struct request_places *all_places(void)
{
	__u32 zero = 0;
	return bpf_map_lookup_elem(&places, &zero);
}

/* The next one with the same name takes over whom this one came after: else all before it would be out of reach. */
static __always_inline void leave_out(struct request_name *name, __u64 last, __u64 key, __u64 older)
{
	for (int index = 0; index < REQUESTS_OF_NUMBER; index++) {
		struct request *kept = last ? bpf_map_lookup_elem(&requests, &last) : NULL;
		if (!kept || !has_name(kept, name))
			break;
		if (kept->older == key) {
			kept->older = older;
			break;
		}
		last = kept->older;
	}
}

static __noinline void forget_request(struct request *kept, __u64 key)
{
	struct request_places *all = all_places();
	__u32 place = masked(kept->place, REQUESTS_MAX - 1);
	if (all && all->keys[place] == key)
		all->keys[place] = 0;
	struct request_name name = kept->name;
	__u64 older = kept->older;
	__u64 *last = bpf_map_lookup_elem(&names, &name);
	if (last && *last == key) {
		struct request *before = older ? bpf_map_lookup_elem(&requests, &older) : NULL;
		if (before && has_name(before, &name))
			bpf_map_update_elem(&names, &name, &older, BPF_ANY);
		else
			bpf_map_delete_elem(&names, &name);
	} else if (last) {
		leave_out(&name, *last, key, older);
	}
	bpf_map_delete_elem(&requests, &key);
}

/* The next completion is another event than the last one. */
static __always_inline void begin_completion(struct pc_event *event)
{
	event->time = bpf_ktime_get_boot_ns();
	event->cpu = bpf_get_smp_processor_id();
	if (event->operation == PC_OPERATION_ACCEPT) {
		event->port = 0;
		__builtin_memset(event->address, 0, sizeof event->address);
	}
}

/* Tells of one whose result nobody will ever say. */
static __noinline void give_up_request(struct request *kept, __u64 key)
{
	if (kept->note & REQUEST_OVERFLOWED) {
		/* Told of with a result, and nothing came behind it. */
	} else if (kept->note & REQUEST_ONLY_FAILED) {
		count(PC_COUNT_EVENTS_LOST);
	} else {
		if (kept->note & REQUEST_TOLD)
			begin_completion(&kept->event);
		kept->event.flags |= PC_EVENT_NO_RESULT;
		kept->event.result = 0;
		send_request(kept);
	}
	forget_request(kept, key);
}

/* The next place from `begin` on that is free, or else that one, which is the oldest's. Global, so that its loop is checked once. */
__noinline int find_place(__u32 begin)
{
	struct request_places *all = all_places();
	if (!all)
		return 0;
	__u32 place = 0;
	for (__u32 index = 0; index < REQUESTS_MAX; index++) {
		place = masked(begin + index, REQUESTS_MAX - 1);
		if (!all->keys[place])
			break;
	}
	return all->keys[masked(place, REQUESTS_MAX - 1)] ? masked(begin, REQUESTS_MAX - 1) : place;
}

/*
 * Two CPUs may find one place: then one of the two looks for another. 5.10 cannot tell that it has happened: there the first of them keeps none, and stays until it is
 * complete. REQUESTS_ROOM is for such.
 */
static __always_inline void take_place(struct request *kept, __u64 key)
{
	struct request_places *all = all_places();
	if (!all)
		return;
	for (int tries = 0; tries < PLACE_TRIES; tries++) {
		__u32 place = masked(find_place(all->next), REQUESTS_MAX - 1);
		all->next = place + 1;
		__u64 oldest = all->keys[place];
#ifdef PC_REDUCED
		all->keys[place] = key;
#else
		if (!__sync_bool_compare_and_swap(&all->keys[place], oldest, key))
			continue;
#endif
		kept->place = place;
		struct request *pushed = oldest && oldest != key ? bpf_map_lookup_elem(&requests, &oldest) : NULL;
		if (pushed)
			give_up_request(pushed, oldest);
		return;
	}
}

/* Keeps the event in the scratch until the request is complete. False: there is no room. */
static __always_inline bool keep_request(struct scratch *scratch, __u64 key, struct request_name *name, __u32 opcode, __u32 note)
{
	if (scratch->used > REQUEST_TEXT_BYTES || bpf_map_update_elem(&requests, &key, &scratch->event, BPF_ANY))
		return false;
	struct request *kept = bpf_map_lookup_elem(&requests, &key);
	if (!kept)
		return false;
	/* What was copied here is whatever stands behind the texts. */
	__u64 *older = bpf_map_lookup_elem(&names, name);
	kept->name = *name;
	kept->older = older ? *older : 0;
	kept->place = 0;
	kept->opcode = opcode;
	kept->note = note;
	bpf_map_update_elem(&names, name, &key, BPF_ANY);
	take_place(kept, key);
	return true;
}

/* Tells of a completion; `more` are to come. */
static __always_inline void complete_request(struct request *kept, __u64 key, __s32 result, bool more)
{
	struct pc_event *event = &kept->event;
	begin_completion(event);
	event->result = result;
	if (event->operation == PC_OPERATION_ACCEPT && result >= 0 && !(kept->note & REQUEST_DIRECT) && bpf_get_current_pid_tgid() >> 32 == event->pid) {
		struct sock *sock = record_socket(event, result);
		if (sock)
			record_known_address(event, sock, true);
	}
	if (is_refusal(result) || !(kept->note & REQUEST_ONLY_FAILED))
		send_request(kept);
	kept->note = (kept->note | REQUEST_TOLD) & ~REQUEST_OVERFLOWED;
	if (!more)
		forget_request(kept, key);
}

#endif
