// Byte layout of the ledger file; docs/formats/ledger.md says the same in words and is decoded by a test. Every field is a
// single-word atomic, so that a process killed between two stores leaves each word whole. No total is stored anywhere: totals are
// summed when they are needed.
//
// Invariants of the file:
//   1. A slot belongs to whoever holds its token lock. Only the owner (for a worker's slot: the front that pins it) changes its
//   words, except that
//      anyone who holds the device lock and the token of a slot whose owner died may mark it dead or set its `reserved` to 0.
//   2. `generation` is odd while a slot is claimed. It never falls, and moves by one at each claim and each end.
//   3. `death_ns` is 0 for a slot whose owner was not found dead. It is one store, so "dead and draining" is never half written.
//   4. Cells are raised under the device lock and lowered without it; a sum taken under the lock can only fall until the lock is
//   given back.
//   5. Slots never move. `slots_used` only rises.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "ledger/atomic_text.hpp"

namespace vram::layout {

inline constexpr std::uint64_t kMagic = 0x0A4D4152564D4C43;  // "CLMVRAM\n" in little-endian byte order
inline constexpr std::uint32_t kVersion = 1;
inline constexpr std::uint32_t kDevices = 64;
inline constexpr std::uint32_t kSlots = 256;
inline constexpr std::uint32_t kModels = 16;

// Lock bytes. They are the same in every layout version, past or future: a process that does not understand a file must still be
// able to tell whether anybody lives in it.
inline constexpr std::uint64_t kDeviceLock = 0;     // + device index
inline constexpr std::uint64_t kRegistryLock = 64;  // device table
inline constexpr std::uint64_t kSelfTestLock = 65;  // shared, only to see whether this file system has such locks
inline constexpr std::uint64_t kTokenLock = 4096;   // + slot: life token
inline constexpr std::uint64_t kPinLock = 8192;     // + slot: a front still accounts for this worker's slot
inline constexpr std::uint64_t kLockRange = 16384;  // all of the above

using Word = std::atomic<std::uint64_t>;
using Half = std::atomic<std::uint32_t>;

struct Header {  // 4096 bytes at 0
  Word magic;
  Half version;
  Half file_bytes;
  Half devices;       // capacity of the device table
  Half slots;         // capacity of the slot table
  Half device_count;  // entries in use; only rises
  Half slots_used;    // slots at and beyond this were never claimed
  Word created_wall_ns;
  AtomicText<40> boot_id;
  Word unused[507 - 5];
};

struct Device {  // 256 bytes, 64 of them at 4096
  AtomicText<80> uuid;
  AtomicText<96> name;
  Word total;
  Word cool_until_ns;  // CLOCK_MONOTONIC: an out-of-memory happened here, place elsewhere until then
  Word next_ticket;    // for the waiting queue: order of arrival
  Word unused[7];
};

enum SlotKind : std::uint32_t { SlotOfProcess = 1, SlotOfWorker = 2 };

struct SlotCore {  // 64 bytes, 256 of them at 20480
  Word generation;
  Word death_ns;      // CLOCK_MONOTONIC
  Word start_ns;      // start time of the process, for display
  Half pid;           // as its own PID namespace numbers it, for display
  Half kind;          // SlotKind
  Word claimed_ns;    // CLOCK_MONOTONIC
  Word unload_asked;  // bytes another app asked this process to give back; reserved for that exchange
  Word unused[2];
};

enum ModelFlags : std::uint32_t { ModelPresent = 1, ModelIdle = 2, ModelComing = 4 };

struct Model {     // 128 bytes
  Half sequence;   // odd while the entry is being written
  Half flags;      // ModelFlags
  Half device;     // index into the device table
  Half reload_ms;  // cost of loading it again
  Word bytes;
  Word last_used_ns;   // CLOCK_MONOTONIC
  Word unload_ticket;  // reserved: another app asks for this model to be unloaded
  AtomicText<88> name;
};

struct SlotInfo {  // 2304 bytes, 256 of them at 36864
  AtomicText<128> app;
  Word unlisted_models;  // resident models beyond the table
  Word unused[15];
  Model models[kModels];
};

struct Cell {  // one slot on one device: 64 bytes; 64 devices of 256 at 626688
  Word reserved;
  Word materialised;
  Word headroom;
  Half requests;         // running
  Half unenforced;       // of those, let through without enforcement
  Word transient;        // of `reserved`, what running requests give back when they end
  Word expected_end_ns;  // CLOCK_MONOTONIC by which they are expected to have ended; 0 unknown
  Word wait_ticket;      // reserved for the waiting queue: 0 nobody waits
  Word wait_bytes;
};

struct File {
  Header header;
  Device devices[kDevices];
  SlotCore slots[kSlots];
  SlotInfo infos[kSlots];
  Cell cells[kDevices][kSlots];
};

// Raise kVersion (and docs/formats/ledger.md) when any of these changes.
static_assert(Word::is_always_lock_free && sizeof(Word) == 8 && Half::is_always_lock_free && sizeof(Half) == 4);
static_assert(sizeof(Header) == 4096 && offsetof(Header, boot_id) == 40);
static_assert(sizeof(Device) == 256 && offsetof(Device, total) == 176);
static_assert(sizeof(SlotCore) == 64 && offsetof(SlotCore, pid) == 24);
static_assert(sizeof(Model) == 128 && offsetof(Model, name) == 40);
static_assert(sizeof(SlotInfo) == 2304 && offsetof(SlotInfo, models) == 256);
static_assert(sizeof(Cell) == 64 && offsetof(Cell, requests) == 24 && offsetof(Cell, wait_bytes) == 56);
static_assert(offsetof(File, devices) == 4096 && offsetof(File, slots) == 20480 && offsetof(File, infos) == 36864);
static_assert(offsetof(File, cells) == 626688 && sizeof(File) == 1675264);

}  // namespace vram::layout
