/* GPU memory that is promised before it is used, for any language that can call C: libclams_vram.so.
 *
 *   clams_vram_answer* answer = clams_vram_reserve("my-program", "large", NULL, 6ull << 30);
 *   if (answer->outcome == CLAMS_VRAM_GRANTED) {
 *     ...                                       // load and run
 *     clams_vram_release(answer->lease);
 *   } else {
 *     fprintf(stderr, "%s\n", answer->message); // figures, and what to do
 *   }
 *   clams_vram_free_answer(answer);
 *
 * The promise stands in the host's ledger (docs/formats/ledger.md), beside those of every other program. It ends with
 * clams_vram_release, or with the process, by whatever signal. On a host without a GPU nothing is refused.
 *
 * Stability: functions and members are added, never changed or removed, while CLAMS_VRAM_ABI stays the same. The library allocates
 * every structure, so a newer library may return longer ones. Texts are UTF-8, never NULL and live as long as what they belong to.
 *
 * Threads: every function may be called by any thread. A lease belongs to one thread at a time. Nothing throws, prints, exits or
 * handles signals. Functions that return a pointer return NULL only when there is no memory left.
 *
 * Fork: a child opens the ledger for itself at its first call. Leases of the parent stay the parent's: a child must not use them.
 */
#ifndef CLAMS_VRAM_H
#define CLAMS_VRAM_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CLAMS_VRAM_ABI 1

#pragma GCC visibility push(default)

/* CLAMS_VRAM_ABI of the library that was loaded. A program that was built with another number must not call anything else. */
int clams_vram_abi(void);

/* The release of clams-cpp, for example "0.1.0". */
const char* clams_vram_version(void);

enum clams_vram_outcome {
  CLAMS_VRAM_GRANTED = 0, /* `lease` is there */
  CLAMS_VRAM_NOT_NOW = 1, /* the memory is not there now; `retry_after` says when it may be */
  CLAMS_VRAM_NEVER = 2,   /* no GPU of this host can ever grant it */
  CLAMS_VRAM_FAILED = 3   /* nothing could be decided: `error` and `message` say why */
};

/* One charge in the ledger. */
typedef struct clams_vram_lease clams_vram_lease;

typedef struct clams_vram_answer {
  int32_t outcome;          /* enum clams_vram_outcome */
  int32_t retry_after;      /* seconds, -1 if waiting does not help */
  uint64_t required_bytes;  /* of a refusal; else 0 */
  uint64_t available_bytes; /* what one request could be granted on `device`; 0 unless available_known */
  uint64_t reserved_bytes;  /* promised to others on it */
  uint64_t headroom_bytes;  /* kept free on it */
  uint64_t most_bytes;      /* what the roomiest GPU here can give at all; 0 unless most_known */
  int32_t available_known;  /* 0: the driver or the ledger could not be read */
  int32_t most_known;       /* 1: refused for good */
  clams_vram_lease* lease;  /* NULL unless granted */
  uint64_t lease_bytes;     /* what is charged */
  int32_t lease_enforced;   /* 0: the lease is noted, but no GPU is known that it counts on */
  int32_t native;           /* of a failure: errno or a driver's number, 0 if there is none */
  const char* device;       /* UUID; "" on a host without a GPU */
  const char* model;        /* the name in messages */
  const char* code;         /* of a refusal: INSUFFICIENT_GPU_MEMORY, ... */
  const char* reason;       /* of a refusal: memory; driver or ledger when the memory cannot be checked */
  const char* error;        /* of a failure: the code's name, for example "invalid_argument" */
  const char* python_exception; /* of a failure: the Python exception that stands for it, for example "ValueError" */
  const char* message;      /* one line for people; "" if granted */
} clams_vram_answer;

/* Asks for `bytes` (all that the work takes, the context included) and returns at once, granted or not.
 *   app     name of this program in `clams-cpp gpu`; the first call of a process decides it. NULL: "program"
 *   model   name in messages. NULL or "": that of the app
 *   device  index in `clams-cpp gpu`, or UUID. NULL: whichever has room
 * The first call of a process opens the ledger by the environment as it is then (CLAMS_GPU, CLAMS_VRAM_DIR, CLAMS_HEADROOM,
 * CLAMS_UNKNOWN: docs/guides/production.md) and may wait some seconds for a driver. */
clams_vram_answer* clams_vram_reserve(const char* app, const char* model, const char* device, uint64_t bytes);
void clams_vram_free_answer(clams_vram_answer* answer); /* its lease stays; NULL is allowed */

/* Bytes that the lease's owner has really taken (more) or given back (less): `clams-cpp gpu` shows them as held. */
void clams_vram_note_allocated(clams_vram_lease* lease, uint64_t bytes);
void clams_vram_note_freed(clams_vram_lease* lease, uint64_t bytes); /* at most what was noted */

/* Gives the memory back and frees the lease. NULL is allowed. */
void clams_vram_release(clams_vram_lease* lease);

typedef struct clams_vram_device {
  int32_t index;
  int32_t free_known;       /* 0: free_bytes is unknown */
  uint64_t total_bytes;
  uint64_t free_bytes;
  uint64_t reserved_bytes;  /* promised to all programs */
  uint64_t available_bytes; /* what one request could be granted now */
  const char* uuid;
  const char* name;
} clams_vram_device;

typedef struct clams_vram_devices {
  int32_t outcome;          /* CLAMS_VRAM_GRANTED or CLAMS_VRAM_FAILED */
  int32_t native;
  size_t count;
  const clams_vram_device* const* rows; /* `count` pointers */
  const char* error;        /* of a failure, as above */
  const char* python_exception;
  const char* message;
} clams_vram_devices;

/* The GPUs of this host; `app` as above. */
clams_vram_devices* clams_vram_list_devices(const char* app);
void clams_vram_free_devices(clams_vram_devices* devices); /* NULL is allowed */

/* A number that people write: 1 and *value, or 0 and a message of at most `size` bytes (the end included) in `problem`. */
int clams_vram_parse_bytes(const char* text, uint64_t* value, char* problem, size_t size);           /* "6GiB" */
int clams_vram_parse_milliseconds(const char* text, int64_t* value, char* problem, size_t size);     /* "5m", "300ms" */

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif
#endif
