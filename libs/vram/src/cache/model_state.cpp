#include <array>

#include "vram/model_cache.hpp"

namespace vram {
namespace {

using Row = std::array<bool, kModelStateCount>;
//                                                 Absent Loading InUse  Idle  Unloading Failed
constexpr std::array<Row, kModelStateCount> kLegal{{
    /* Absent    */ {{false, true, false, false, false, false}},
    /* Loading   */ {{false, false, true, false, false, true}},   // whoever loads is the first user
    /* InUse     */ {{false, false, false, true, false, false}},  // never straight to Unloading: a busy model stays
    /* Idle      */ {{false, false, true, false, true, false}},
    /* Unloading */ {{true, false, false, false, false, false}},  // no way back: the object is going
    /* Failed    */ {{true, false, false, false, false, false}},
}};

}  // namespace

std::string_view name_of(ModelState state) noexcept {
  constexpr std::array<std::string_view, kModelStateCount> kNames{"absent", "loading", "in-use", "idle", "unloading", "failed"};
  return kNames.at(static_cast<std::size_t>(state));
}

std::string_view name_of(UnloadReason reason) noexcept {
  constexpr std::array<std::string_view, 4> kNames{"idle-timeout", "room-needed", "asked", "cache-closed"};
  return kNames.at(static_cast<std::size_t>(reason));
}

bool is_legal_move(ModelState from, ModelState to) noexcept {
  return kLegal.at(static_cast<std::size_t>(from)).at(static_cast<std::size_t>(to));
}

}  // namespace vram
