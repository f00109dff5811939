/* clams_vram.h from C, on a simulated card in a ledger of its own. */
#define _POSIX_C_SOURCE 200809L
#include "clams_vram.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;
#define CHECK(condition) \
  do { \
    if (!(condition)) { \
      ++failures; \
      printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
    } \
  } while (0)

static const uint64_t kGib = UINT64_C(1) << 30;

static uint64_t available(void) {
  clams_vram_devices* devices = clams_vram_list_devices("c-test");
  CHECK(devices->outcome == CLAMS_VRAM_GRANTED && devices->count == 1);
  const uint64_t bytes = devices->count == 1 ? devices->rows[0]->available_bytes : 0;
  clams_vram_free_devices(devices);
  return bytes;
}

static void a_lease_is_charged_until_it_is_released(void) {
  const uint64_t before = available();
  clams_vram_answer* answer = clams_vram_reserve("c-test", "large", "0", 6 * kGib);
  CHECK(answer->outcome == CLAMS_VRAM_GRANTED && answer->lease != NULL && answer->lease_bytes == 6 * kGib && answer->lease_enforced == 1);
  CHECK(strncmp(answer->device, "SIM-0", 5) == 0 && strcmp(answer->model, "large") == 0 && *answer->message == 0);
  clams_vram_note_allocated(answer->lease, kGib);
  clams_vram_note_freed(answer->lease, 2 * kGib);
  CHECK(available() == before - 6 * kGib);
  clams_vram_release(answer->lease);
  clams_vram_free_answer(answer);
  CHECK(available() == before);
}

static void refusals_and_failures_have_figures_and_words(void) {
  clams_vram_answer* first = clams_vram_reserve(NULL, NULL, NULL, 16 * kGib);
  clams_vram_answer* second = clams_vram_reserve(NULL, "second", NULL, 8 * kGib);
  CHECK(second->outcome == CLAMS_VRAM_NOT_NOW && second->lease == NULL && second->required_bytes == 8 * kGib && second->retry_after >= 1);
  CHECK(strstr(second->message, "Insufficient GPU memory for second. Required: 8.00GB") == second->message);
  clams_vram_answer* never = clams_vram_reserve(NULL, NULL, NULL, 30 * kGib);
  CHECK(never->outcome == CLAMS_VRAM_NEVER && never->retry_after == -1);
  clams_vram_answer* wrong = clams_vram_reserve(NULL, NULL, "7", kGib);
  CHECK(wrong->outcome == CLAMS_VRAM_FAILED && strcmp(wrong->error, "invalid_argument") == 0);
  CHECK(strcmp(wrong->python_exception, "ValueError") == 0 && strstr(wrong->message, "there is no GPU '7' here") != NULL);
  clams_vram_release(first->lease);
  clams_vram_free_answer(first);
  clams_vram_free_answer(second);
  clams_vram_free_answer(never);
  clams_vram_free_answer(wrong);
}

static void sizes_and_durations_are_parsed(void) {
  uint64_t bytes = 0;
  int64_t milliseconds = 0;
  char problem[20] = "";
  CHECK(clams_vram_parse_bytes("6GiB", &bytes, problem, sizeof problem) == 1 && bytes == 6 * kGib);
  CHECK(clams_vram_parse_milliseconds("5m", &milliseconds, problem, sizeof problem) == 1 && milliseconds == 300000);
  CHECK(clams_vram_parse_bytes("many gigabytes, as many as there are", &bytes, problem, sizeof problem) == 0);
  CHECK(strlen(problem) == sizeof problem - 1); /* cut, and ended */
  CHECK(clams_vram_parse_bytes("many", &bytes, NULL, 0) == 0 && bytes == 6 * kGib);
}

static void what_is_not_there_is_freed_without_harm(void) {
  clams_vram_release(NULL);
  clams_vram_free_answer(NULL);
  clams_vram_free_devices(NULL);
}

int main(void) {
  char folder[] = "/tmp/clams-vram-c-test.XXXXXX";
  char ledger[sizeof folder + 8];
  if (mkdtemp(folder) == NULL) return 2;
  snprintf(ledger, sizeof ledger, "%s/vram", folder);
  setenv("CLAMS_VRAM_DIR", ledger, 1);
  setenv("CLAMS_GPU", "sim:24GiB", 1);
  unsetenv("CLAMS_HEADROOM");
  CHECK(clams_vram_abi() == CLAMS_VRAM_ABI && strchr(clams_vram_version(), '.') != NULL);
  a_lease_is_charged_until_it_is_released();
  refusals_and_failures_have_figures_and_words();
  sizes_and_durations_are_parsed();
  what_is_not_there_is_freed_without_harm();
  char command[sizeof folder + 16];
  snprintf(command, sizeof command, "rm -rf %s", folder);
  if (system(command) != 0) return 2;
  printf("%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
