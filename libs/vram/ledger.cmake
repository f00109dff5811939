# Ledger and admission: sources of clams::vram, their tests and programs.
target_sources(clams_vram PRIVATE
  src/admission/admission.cpp
  src/admission/answer.cpp
  src/admission/attempt.cpp
  src/admission/decision.cpp
  src/admission/device_view.cpp
  src/admission/place.cpp
  src/admission/reclaim.cpp
  src/admission/refusal.cpp
  src/ledger/charge.cpp
  src/ledger/core.cpp
  src/ledger/device_lock.cpp
  src/ledger/fork_guard.cpp
  src/ledger/invariants.cpp
  src/ledger/lease.cpp
  src/ledger/ledger.cpp
  src/ledger/ledger_directory.cpp
  src/ledger/ledger_file.cpp
  src/ledger/ofd_lock.cpp
  src/ledger/process_slot.cpp
  src/ledger/residents.cpp
  src/ledger/scan.cpp
  src/ledger/slot_table.cpp
  src/ledger/snapshot.cpp
  src/ledger/worker_token.cpp)
