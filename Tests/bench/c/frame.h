/* An add frame as the hook writes it (Sources/HookWire/Frame.swift), for a container of a Kubernetes pod under containerd. */
#ifndef BENCH_FRAME_H
#define BENCH_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { FRAME_ROOM = 4096 };

struct frame {
	size_t length;
	uint8_t bytes[FRAME_ROOM];
};

static inline void frame_bytes(struct frame *frame, const void *bytes, size_t count)
{
	memcpy(frame->bytes + frame->length, bytes, count);
	frame->length += count;
}

static inline void frame_number(struct frame *frame, uint64_t number, int bytes)
{
	for (int index = 0; index < bytes; index++)
		frame->bytes[frame->length++] = (uint8_t)(number >> (8 * index));
}

static inline void frame_integer(struct frame *frame, int tag, uint64_t value, int bytes)
{
	frame_number(frame, (uint64_t)tag, 2);
	frame_number(frame, (uint64_t)bytes, 4);
	frame_number(frame, value, bytes);
}

static inline void frame_text(struct frame *frame, int tag, const char *text)
{
	frame_number(frame, (uint64_t)tag, 2);
	frame_number(frame, strlen(text), 4);
	frame_bytes(frame, text, strlen(text));
}

static inline void frame_annotation(struct frame *frame, const char *key, const char *value)
{
	frame_number(frame, 9, 2);
	frame_number(frame, 4 + strlen(key) + strlen(value), 4);
	frame_number(frame, strlen(key), 4);
	frame_bytes(frame, key, strlen(key));
	frame_bytes(frame, value, strlen(value));
}

/* `id` has 64 characters, as containerd's have. */
static inline void frame_add(struct frame *frame, const char *id, uint32_t pid, uint64_t ticks, uint64_t mounts, uint64_t pids)
{
	char text[512];
	frame->length = 0;
	frame_number(frame, 0, 4);
	frame_number(frame, 1, 1); /* version */
	frame_number(frame, 1, 1); /* add */
	frame_number(frame, 0, 2);
	frame_text(frame, 1, id);
	frame_integer(frame, 2, pid, 4);
	frame_integer(frame, 3, pids, 8);
	frame_integer(frame, 4, mounts, 8);
	frame_integer(frame, 5, ticks, 8);
	snprintf(text, sizeof text, "/kubepods/burstable/pod9180e235-530f-44bc-a6a6-fa654504508a/%s", id);
	frame_text(frame, 6, text);
	frame_text(frame, 7, "cri-containerd.apparmor.d");
	snprintf(text, sizeof text, "/run/containerd/io.containerd.runtime.v2.task/k8s.io/%s", id);
	frame_text(frame, 8, text);
	frame_text(frame, 10, "/usr/local/bin/server");
	frame_text(frame, 11, "rootfs");
	frame_annotation(frame, "io.kubernetes.cri.container-name", "main");
	frame_annotation(frame, "io.kubernetes.cri.container-type", "container");
	frame_annotation(frame, "io.kubernetes.cri.image-name", "registry.example/team/server:1.24.3");
	frame_annotation(frame, "io.kubernetes.cri.sandbox-id", "824fab2e4eba047b39772e05af1bfb4407c907b6f795b834a20d585a7dcb9fb4");
	frame_annotation(frame, "io.kubernetes.cri.sandbox-name", "server-7d4b9c6f5-x2x9k");
	frame_annotation(frame, "io.kubernetes.cri.sandbox-namespace", "default");
	frame_annotation(frame, "io.kubernetes.cri.sandbox-uid", "9180e235-530f-44bc-a6a6-fa654504508a");
	size_t length = frame->length;
	frame->length = 0;
	frame_number(frame, length - 4, 4);
	frame->length = length;
}

#endif
