// Families of metrics whose values are read when they are asked for: made anew for each answer, so that nothing stays of a device,
// worker or model that has gone.
#pragma once
#include <prometheus/metric_family.h>

#include <string>
#include <utility>
#include <vector>

namespace clams::server {

using Labels = std::vector<std::pair<std::string, std::string>>;

class MetricFamilies {
 public:
  // Values that only rise; the name ends in _total.
  MetricFamilies& counter(std::string name, std::string help) {
    return begin(std::move(name), std::move(help), prometheus::MetricType::Counter);
  }
  MetricFamilies& gauge(std::string name, std::string help) {
    return begin(std::move(name), std::move(help), prometheus::MetricType::Gauge);
  }
  // Of the family that was begun last.
  MetricFamilies& add(const Labels& labels, double value) {
    prometheus::ClientMetric metric;
    for (const auto& [name, text] : labels) metric.label.push_back({name, text});
    if (families_.back().type == prometheus::MetricType::Counter)
      metric.counter.value = value;
    else
      metric.gauge.value = value;
    families_.back().metric.push_back(std::move(metric));
    return *this;
  }

  // In the order in which they were begun; those without a value are left out.
  std::vector<prometheus::MetricFamily> take() && {
    std::erase_if(families_, [](const auto& family) { return family.metric.empty(); });
    return std::move(families_);
  }

 private:
  MetricFamilies& begin(std::string name, std::string help, prometheus::MetricType type) {
    prometheus::MetricFamily family;
    family.name = std::move(name);
    family.help = std::move(help);
    family.type = type;
    families_.push_back(std::move(family));
    return *this;
  }
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace clams::server
