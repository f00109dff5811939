// What the front knows of each worker process by what it was given: for whose requests it holds a model, and what its runs left
// held.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/bytes.hpp"

namespace clams::server {

// Thread-safe. A worker that was never born, or has died, is not written about.
class WorkerRecords : public std::enable_shared_from_this<WorkerRecords> {
 public:
  void born(std::uint64_t worker);
  void died(std::uint64_t worker);

  // Around the decision on a request's memory in this worker. `key` is its model, or what else tells that two requests need the
  // same.
  void deciding(std::uint64_t worker, const std::string& key);
  void admitted(std::uint64_t worker, const std::string& key);
  void refused(std::uint64_t worker, const std::string& key);
  // The worker has given it back.
  void unloaded(std::uint64_t worker, const std::string& key);
  // Whether another worker was admitted with `key`. Where others are just being decided, waits for that, until `deadline`.
  bool elsewhere(std::uint64_t worker, const std::string& key, std::chrono::steady_clock::time_point deadline) const;

  // Keeps the model in the worker until the answer is dropped: taken before a request is charged as one whose model is there. Waits
  // for an unloading that has begun, until `deadline`.
  std::shared_ptr<const void> pin(std::uint64_t worker, const std::string& model, std::chrono::steady_clock::time_point deadline);
  bool pinned(std::uint64_t worker, const std::string& model) const;
  // Around the unloading of a model. false: it is pinned, or being unloaded already.
  bool begin_unload(std::uint64_t worker, const std::string& model);
  void end_unload(std::uint64_t worker, const std::string& model);

  // A run of a profile (parameters that need the same) ended: whether the worker holds anything now, and how much more than before.
  void ran(std::uint64_t worker, const std::string& profile, bool holds, base::Bytes kept);
  // What the first run of the profile left held, while the worker holds anything; nullopt: it has not run it.
  std::optional<base::Bytes> kept(std::uint64_t worker, const std::string& profile) const;

 private:
  struct Use {
    unsigned deciding = 0;
    bool admitted = false;
  };
  struct Model {
    unsigned pins = 0;
    bool unloading = false;
  };
  struct Record {
    std::map<std::string, Model> models;
    std::map<std::string, Use> uses;
    std::map<std::string, base::Bytes> kept;  // by profile
    bool holds = false;
  };
  void decided(std::uint64_t worker, const std::string& key, bool admitted);
  void unpin(std::uint64_t worker, const std::string& model);
  const Model* model_of(std::uint64_t worker, const std::string& model) const;  // under mutex_

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  std::map<std::uint64_t, Record> records_;
};

}  // namespace clams::server
