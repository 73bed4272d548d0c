// match OBJECT IMAGE KEYS REPEAT ROUNDS: time the programs of bpf/match.bpf.c over the paths of standard input, one a line, against the
// set whose image is in IMAGE and the rules of the hash walk in KEYS (a path a line). One line for each path: its length, decision and
// hits, then nanoseconds for each round of the empty program, the automaton and the hash walk.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../bpf/abi.h"
#include "../bpf/case.h"

#define SET 1
/* struct match ends with the path's bytes and room for a name beyond. */
#define BYTES_BEHIND 256

static void fail(const char *what)
{
	fprintf(stderr, "match: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* As the daemon puts a set in place, Sources/Kernel/PolicySetStore.swift. */
static void load_image(int sets, const char *path)
{
	static struct pc_set_page page;
	FILE *file = fopen(path, "r");
	LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = BPF_F_INNER_MAP);
	if (!file || fseek(file, 0, SEEK_END))
		fail(path);
	__u32 pages = ftell(file) / sizeof page, key = SET;
	rewind(file);
	int inner = bpf_map_create(BPF_MAP_TYPE_ARRAY, "policy_set", 4, sizeof page, pages, &options);
	if (inner < 0)
		fail("inner map");
	for (__u32 number = 0; number < pages; number++)
		if (fread(&page, sizeof page, 1, file) != 1 || bpf_map_update_elem(inner, &number, &page, 0))
			fail("page");
	bpf_map_freeze(inner);
	if (bpf_map_update_elem(sets, &key, &inner, 0))
		fail("set");
	fclose(file);
}

static __u32 count_lines(const char *path)
{
	FILE *file = fopen(path, "r");
	__u32 lines = 0;
	if (!file)
		fail(path);
	for (int byte; (byte = getc(file)) != EOF;)
		lines += byte == '\n';
	fclose(file);
	return lines;
}

static void load_keys(int keys, const char *path)
{
	static char line[8192];
	FILE *file = fopen(path, "r");
	if (!file)
		fail(path);
	for (__u32 rule = 1; fgets(line, sizeof line, file); rule++) {
		struct bench_key key = { 0 };
		line[strcspn(line, "\n")] = 0;
		memcpy(key.path, line, strnlen(line, sizeof key.path - 1));
		if (bpf_map_update_elem(keys, &key, &rule, 0))
			fail("key");
	}
	fclose(file);
}

static unsigned run(struct bpf_object *object, const char *name, int repeat)
{
	char packet[64] = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = sizeof packet, .repeat = repeat);
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);
	if (!program || bpf_prog_test_run_opts(bpf_program__fd(program), &options))
		fail(name);
	return options.duration;
}

int main(int count, char **words)
{
	static const char *names[] = { "empty", "automaton", "hash_walk" };
	static char line[PC_PATH_BYTES + 2];
	if (count != 6)
		return 2;
	int repeat = atoi(words[4]), rounds = atoi(words[5]);
	struct bpf_object *object = bpf_object__open_file(words[1], NULL);
	if (!object)
		fail(words[1]);
	struct bpf_map *map;
	bpf_object__for_each_map(map, object)
		bpf_map__set_pin_path(map, NULL);
	/* As full as that program has it: its maps hold as many as they may. */
	__u32 rules = count_lines(words[3]);
	bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "keys"), rules < 256 ? 256 : rules);
	if (bpf_object__load(object))
		fail("load");
	load_image(bpf_object__find_map_fd_by_name(object, "sets"), words[2]);
	load_keys(bpf_object__find_map_fd_by_name(object, "keys"), words[3]);
	map = bpf_object__find_map_by_name(object, "cases");
	__u32 size = bpf_map__value_size(map), zero = 0;
	char *value = calloc(1, size);
	struct bench_case *bench = (void *)value;
	while (fgets(line, sizeof line, stdin)) {
		size_t length = strcspn(line, "\n");
		*bench = (struct bench_case){ .automaton = PC_AUTOMATON_FILE, .set = SET, .offset = PC_PATH_BYTES - length };
		memcpy(value + size - BYTES_BEHIND - length, line, length);
		if (bpf_map_update_elem(bpf_map__fd(map), &zero, value, 0))
			fail("case");
		for (int program = 0; program < 3; program++)
			run(object, names[program], 1000);
		if (bpf_map_lookup_elem(bpf_map__fd(map), &zero, value))
			fail("case");
		if (bench->broken)
			fail("the image is not whole");
		printf("%zu %u %u", length, bench->decision, bench->hits);
		/* In turns, so that a busy moment is not one program's alone. */
		for (int round = 0; round < rounds; round++)
			for (int program = 0; program < 3; program++)
				printf(" %u", run(object, names[program], program == 2 ? repeat / 10 : repeat));
		printf("\n");
		fflush(stdout);
	}
	return 0;
}
